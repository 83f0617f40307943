"""Whole commands with a Ray of their own: workers in any number, some of them killed, files in another order."""

from pathlib import Path

import pytest

from benchmarks.synthetic import synthetic_store
from tests.support.processes import basketry, finish, kill_worker, start
from tests.support.tables import write_canonical

pytestmark = [pytest.mark.ray, pytest.mark.cluster]

STORE = synthetic_store(orders=5000, products=240, seed=9)
FILES = ("bundles.json", "plan.json", "rejects.csv", "report.html", "run.json")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of a run on one worker that nothing happened to."""
    home = tmp_path_factory.mktemp("undisturbed")
    write_canonical(STORE, home / "files")
    finished = basketry(
        "run", "files", "--store", "shop", "--workers", 1, "--data-dir", "data", "--out", "out", "--json", cwd=home
    )
    assert finished.code == 0, finished.err
    assert finished.json["bundles"] == 20
    return home / "out"


def test_a_run_writes_all_its_files(undisturbed: Path) -> None:
    assert tuple(sorted(path.name for path in undisturbed.iterdir())) == FILES


def test_four_workers_two_of_them_killed_and_shuffled_files_give_the_same_bytes(
    undisturbed: Path, tmp_path: Path
) -> None:
    write_canonical(STORE, tmp_path / "files", shuffled=4)
    process = start(
        "run", "files", "--store", "shop", "--workers", 4, "--fanout", "combo", "--data-dir", "data", "--out", "out",
        "--json", cwd=tmp_path,
    )  # fmt: skip

    embedder = kill_worker(process.pid, "embed:")
    searcher = kill_worker(process.pid, "combo:")
    finished = finish(process)

    assert embedder != searcher
    assert finished.code == 0, finished.err
    assert finished.json["status"] == "succeeded"
    assert (tmp_path / "out" / "bundles.json").read_bytes() == (undisturbed / "bundles.json").read_bytes()


def test_a_command_that_is_killed_leaves_a_store_that_can_be_run(undisturbed: Path, tmp_path: Path) -> None:
    """The next command finds what the dead one embedded, and an open run that is nobody's."""
    write_canonical(STORE, tmp_path / "files")
    command = ("run", "files", "--store", "shop", "--data-dir", "data", "--out", "out", "--json")
    first = start(*command, cwd=tmp_path)
    kill_worker(first.pid, "embed:")
    first.kill()
    first.communicate()

    second = basketry(*command, cwd=tmp_path)

    assert not (tmp_path / "out").exists() or second.code == 0
    assert second.code == 0, second.err
    assert (tmp_path / "out" / "bundles.json").read_bytes() == (undisturbed / "bundles.json").read_bytes()
