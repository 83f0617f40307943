"""One store on one, two and four nodes: every node works, nodes and shards may die, and the bytes stay the same."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic import synthetic_store
from tests.support.processes import Finished, basketry, finish, kill_worker, start
from tests.support.several_nodes import Nodes, several_nodes
from tests.support.tables import write_canonical

pytestmark = pytest.mark.cluster

SETTINGS = {"BASKETRY_CLUSTER__SHARED_DATA_DIR": "true", "BASKETRY_CLUSTER__EMBED_BATCH": "8"}


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """One cluster that grows from test to test."""
    with several_nodes() as started:
        yield started


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_canonical(synthetic_store(orders=1500, products=200, seed=5), tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def undisturbed(nodes: Nodes, shop: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the run on one node comes to."""
    home = tmp_path_factory.mktemp("alone")
    finished = run(nodes, shop, home)

    assert finished.code == 0, finished.err
    assert nodes_of(record_of(home)) == 1
    return (home / "out" / "bundles.json").read_bytes()


def flags(nodes: Nodes, shop: Path, home: Path) -> list[object]:
    return [
        "run", shop, "--address", nodes.address, "--data-dir", home / "data", "--out", home / "out",
        "--fanout", "combo", "--json",
    ]  # fmt: skip


def run(nodes: Nodes, shop: Path, home: Path, env: Mapping[str, str] = SETTINGS) -> Finished:
    return basketry(*flags(nodes, shop, home), cwd=home, env={**nodes.env, **env})


def record_of(home: Path) -> dict[str, Any]:
    return dict(json.loads((home / "out" / "run.json").read_text()))


def nodes_of(record: dict[str, Any]) -> int:
    """How many nodes combos ran on, which must be as many as embedded texts."""
    combos = {row["worker"].rpartition(":")[2] for row in record["combos_evaluated"] if row.get("worker")}
    embedding = {worker.rpartition(":")[2] for worker in record["first_embedding"]["workers"]}
    assert combos == embedding
    return len(combos)


@pytest.mark.parametrize("count", [2, 4])
def test_every_node_works_and_the_bytes_are_those_of_one_node(
    nodes: Nodes, shop: Path, undisturbed: bytes, count: int, tmp_path: Path
) -> None:
    nodes.grow_to(count)

    finished = run(nodes, shop, tmp_path)

    assert finished.code == 0, finished.err
    assert nodes_of(record_of(tmp_path)) == count
    assert (tmp_path / "out" / "bundles.json").read_bytes() == undisturbed


def test_a_folder_that_other_nodes_may_not_see_is_refused_with_the_setting_that_allows_it(
    nodes: Nodes, shop: Path, tmp_path: Path
) -> None:
    nodes.grow_to(2)

    finished = run(nodes, shop, tmp_path, env={})

    assert finished.code == 2
    assert "a folder that the others may not see" in finished.err
    assert "cluster.shared_data_dir: true" in finished.err


def test_a_run_that_sends_its_code_along_gives_the_same_bytes(
    nodes: Nodes, shop: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    finished = finish(
        start(
            *flags(nodes, shop, tmp_path), cwd=tmp_path,
            env={**nodes.env, **SETTINGS, "BASKETRY_CLUSTER__SHIP_CODE": "true"},
        )
    )  # fmt: skip

    assert finished.code == 0, finished.err
    assert (tmp_path / "out" / "bundles.json").read_bytes() == undisturbed


@pytest.mark.parametrize("task", ["context:", "combo:"])
def test_a_shard_or_worker_killed_in_the_middle_changes_no_byte(
    nodes: Nodes, shop: Path, undisturbed: bytes, task: str, tmp_path: Path
) -> None:
    process = start(*flags(nodes, shop, tmp_path), cwd=tmp_path, env={**nodes.env, **SETTINGS})

    kill_worker(nodes.pid, task)
    finished = finish(process)

    assert finished.code == 0, finished.err
    assert (tmp_path / "out" / "bundles.json").read_bytes() == undisturbed


def test_a_node_that_is_gone_in_the_middle_changes_no_byte(
    nodes: Nodes, shop: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    nodes.grow_to(4)
    process = start(*flags(nodes, shop, tmp_path), cwd=tmp_path, env={**nodes.env, **SETTINGS})
    kill_worker(nodes.pid, "combo:")  # the run is in the middle of its combos now

    nodes.remove_one()
    finished = finish(process)

    assert finished.code == 0, finished.err
    assert (tmp_path / "out" / "bundles.json").read_bytes() == undisturbed
