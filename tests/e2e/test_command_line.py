"""The command line as a user meets it: words and JSON, exit codes, one sentence for what went wrong."""

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cluster.database.tables import REVISIONS
from tests.support.processes import Finished, basketry
from tests.support.recount import disagreements, read_shop

pytestmark = [pytest.mark.ray, pytest.mark.e2e]

DEMO_STORE = Path(__file__).resolve().parents[2] / "configs" / "demo_store"
COMMANDS = (
    (), ("demo",), ("run",), ("ingest",), ("evaluate",), ("bundles",), ("why",), ("why-not",), ("export",),
    ("db",), ("db", "upgrade"), ("doctor",),
)  # fmt: skip


class Shell:
    """Commands in one folder, with the data folder that `basketry demo` filled."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: object, **env: str) -> Finished:
        return basketry(*arguments, cwd=self.home, env=env)

    @property
    def bundles(self) -> list[dict[str, Any]]:
        return list(json.loads((self.home / "out/demo/bundles.json").read_text(encoding="utf-8")))

    @property
    def record(self) -> dict[str, Any]:
        return dict(json.loads((self.home / "out/demo/run.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """`basketry demo` as the README says it."""
    return basketry("demo", cwd=tmp_path_factory.mktemp("demo", numbered=False))


@pytest.fixture(scope="module")
def shell(demo: Finished, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.getbasetemp() / "demo")


def assert_sentence(finished: Finished, *words: str, code: int = 2) -> None:
    """One sentence with all `words` on standard error, nothing on standard output."""
    assert not finished.is_traceback, finished.err
    assert finished.code == code, finished
    assert finished.out == ""
    assert len(finished.err.strip().splitlines()) == 1, finished.err
    assert not [word for word in words if word not in finished.err], finished.err


def test_the_demo_ends_with_bundles_and_says_where_the_report_is(demo: Finished, shell: Shell) -> None:
    assert demo.code == 0, demo.err
    assert "succeeded, 20 bundles" in demo.out
    assert "out/demo/report.html" in demo.out
    assert (shell.home / "out/demo/report.html").stat().st_size > 10_000
    assert (shell.home / ".basketry" / "basketry.db").exists()


def test_the_demo_s_figures_are_what_its_files_say(shell: Shell) -> None:
    assert disagreements(read_shop(DEMO_STORE), shell.bundles) == []


def test_a_run_tells_of_every_combo(shell: Shell) -> None:
    record = shell.record

    assert len(record["combos_evaluated"]) == record["combos_listed"] == 40
    assert record["combos_allowed"] == 39
    assert {row["state"] for row in record["combos_evaluated"] if row["type"] == "FIXED"} >= {"not_allowed"}
    assert sum(row["bundles"] for row in record["combos_evaluated"]) == len(shell.bundles)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(shell: Shell, command: tuple[str, ...]) -> None:
    finished = shell(*command, "--help")

    assert finished.code == 0, finished.err
    assert "Usage:" in finished.out
    assert finished.err == ""


def test_a_command_nobody_knows_is_a_usage_error(shell: Shell) -> None:
    finished = shell("bundel")

    assert finished.code == 2
    assert not finished.is_traceback
    assert "bundel" in finished.err


def test_bundles_lists_the_latest_run(shell: Shell) -> None:
    words, wire = shell("bundles"), shell("bundles", "--json")

    assert wire.json["run_id"] == shell.record["run_id"]
    assert wire.json["bundles"] == shell.bundles
    assert words.code == 0
    assert f"run {shell.record['run_id']}: 20 bundles" in words.out
    assert all(bundle["id"] in words.out for bundle in shell.bundles)


def test_why_tells_the_story_of_a_bundle(shell: Shell) -> None:
    bundle = shell.bundles[0]

    words, wire = shell("why", bundle["id"][:13]), shell("why", bundle["id"], "--json")

    assert words.code == 0, words.err
    assert bundle["explanation"] in words.out
    assert all(product["sku"] in words.out for product in bundle["products"])
    assert f"{bundle['evidence']['count']} of {bundle['evidence']['window']['orders']} orders" in words.out
    assert wire.json["evidence"] == bundle["evidence"]
    assert wire.json["story"][0] == bundle["explanation"]


def test_why_not_of_a_bundle_that_is_there_says_so(shell: Shell) -> None:
    bundle = shell.bundles[0]

    finished = shell("why-not", "latest", *[product["sku"] for product in bundle["products"]], "--json")

    assert finished.code == 0, finished.err
    assert bundle["id"] in finished.json["bundles"]
    assert finished.json["reason"] is None


def test_why_not_of_a_set_that_no_source_proposed_says_so(shell: Shell) -> None:
    words = shell("why-not", "latest", "no-such-sku", "nor-this")
    wire = shell("why-not", shell.record["run_id"], "no-such-sku", "--json")

    assert words.code == 0
    assert "no source proposed it" in words.out
    assert wire.json["reason"] == "never_proposed"


def test_why_not_without_products_counts_all_reasons(shell: Shell) -> None:
    words, wire = shell("why-not", "latest"), shell("why-not", "latest", "--json")

    gates = shell.record["policy_gates"]
    assert words.code == wire.code == 0
    assert "low_support" in words.out
    for reason, count in wire.json["reasons"].items():
        if f"rejected_{reason}" in gates:
            assert count == gates[f"rejected_{reason}"]
    assert sum(wire.json["reasons"].values()) == gates["total_candidates"] - len(shell.bundles)


@pytest.mark.parametrize("to", ["csv", "json", "jsonl", "parquet"])
def test_export_writes_the_run_and_a_manifest_that_fits(shell: Shell, tmp_path: Path, to: str) -> None:
    finished = shell("export", "latest", "--to", to, "--out", tmp_path, "--json")

    written = tmp_path / f"bundles.{to}"
    manifest = (tmp_path / "manifest.json").read_text(encoding="utf-8")
    assert finished.code == 0, finished.err
    assert finished.json["run_id"] == shell.record["run_id"]
    assert hashlib.sha256(written.read_bytes()).hexdigest() in manifest
    assert shell.record["run_id"] in manifest
    assert _ids(written) == {bundle["id"] for bundle in shell.bundles}


def _ids(path: Path) -> set[str]:
    match path.suffix:
        case ".csv":
            with path.open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream))
        case ".json":
            rows = json.loads(path.read_text(encoding="utf-8"))
        case ".jsonl":
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        case _:
            rows = pq.read_table(path).to_pylist()
    return {str(row.get("id", row.get("bundle_id"))) for row in rows}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("bundles", "--run", "20200101-000000-00000000"), ("no run", "20200101-000000-00000000")),
        (("bundles", "--store", "nobody"), ("no run",)),
        (("why", "ffffffff"), ("no bundle", "ffffffff", "basketry bundles")),
        (("why", "00000000-0000-0000-0000-000000000000"), ("no bundle",)),
        (("why-not", "20200101-000000-00000000", "SKU"), ("no run",)),
        (("export", "20200101-000000-00000000"), ("no run",)),
    ],
)
def test_what_nobody_knows_is_one_sentence(shell: Shell, command: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert_sentence(shell(*command), *words)


def test_an_empty_database_says_how_to_fill_it(shell: Shell, tmp_path: Path) -> None:
    assert_sentence(shell("bundles", "--data-dir", tmp_path / "new"), "no run", "basketry run FOLDER")


def test_ingest_reports_what_was_read(shell: Shell, tmp_path: Path) -> None:
    words = shell("ingest", DEMO_STORE, "--store", "demo", "--out", tmp_path)
    wire = shell("ingest", DEMO_STORE, "--store", "demo", "--json")

    assert words.code == wire.code == 0, words.err
    assert wire.json["snapshot"] == shell.record["snapshot"]["sha256"]
    assert wire.json["snapshot"] in words.out
    assert all(file["records"] == file["accepted"] + file["rejected"] for file in wire.json["report"]["files"])
    assert (tmp_path / "rejects.csv").exists()


def test_db_upgrade_says_what_it_did_and_does_it_once(shell: Shell, tmp_path: Path) -> None:
    first, second = shell("db", "upgrade", "--data-dir", tmp_path), shell("db", "upgrade", "--data-dir", tmp_path)

    assert (first.code, second.code) == (0, 0)
    assert f"schema empty → {REVISIONS[-1]}" in first.out
    assert "nothing to do" in second.out


def test_doctor_finds_this_machine_fit(shell: Shell) -> None:
    words, wire = shell("doctor"), shell("doctor", "--json")

    assert words.code == wire.code == 0, words.out + words.err
    assert wire.json["ok"] is True
    checks = {check["check"] for check in wire.json["checks"]}
    assert {"versions", "database", "embedding model", "Ray", "data folder"} <= checks
    assert all(check in words.out for check in checks)


def test_doctor_says_what_is_in_the_way(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "basketry.db").write_bytes(b"this is no database" * 100)

    finished = shell("doctor", "--data-dir", tmp_path, "--json")

    assert not finished.is_traceback, finished.err
    assert finished.code == 1
    assert [check["check"] for check in finished.json["checks"] if not check["ok"]] == ["database"]


def test_evaluate_sets_the_bundles_beside_baselines(shell: Shell, ray_local: str, tmp_path: Path) -> None:
    finished = shell("evaluate", DEMO_STORE, "--address", ray_local, "--out", tmp_path, "--json")

    assert finished.code == 0, finished.err
    (store,) = finished.json["stores"]
    assert finished.json["pooled"] is None
    assert "popularity" in json.dumps(store)
    assert json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8")) == finished.json
    assert (tmp_path / "evaluation.svg").read_bytes().lstrip().startswith(b"<?xml")
    assert "| HitRate@10 |" in (tmp_path / "evaluation.md").read_text(encoding="utf-8")


def test_evaluate_before_the_first_order_is_one_sentence(shell: Shell, ray_local: str) -> None:
    finished = shell("evaluate", DEMO_STORE, "--address", ray_local, "--as-of", "2001-01-01", "--json")

    assert_sentence(finished, "0 demand orders before 2001-01-01", "--as-of")


def run(shell: Shell, address: str, out: Path, *flags: object, **env: str) -> Finished:
    command = ("run", DEMO_STORE, "--store", "demo", "--address", address, "--out", out, "--json")
    return shell(*command, *flags, **env)


def test_a_plan_of_an_earlier_run_gives_the_same_bundles(shell: Shell, ray_local: str, tmp_path: Path) -> None:
    finished = run(shell, ray_local, tmp_path, "--plan", "out/demo/plan.json")

    assert finished.code == 0, finished.err
    assert finished.json["run_id"] != shell.record["run_id"]
    assert (tmp_path / "bundles.json").read_bytes() == (shell.home / "out/demo/bundles.json").read_bytes()


def test_a_budget_of_a_millisecond_ends_partial_and_says_what_it_cut(
    shell: Shell, ray_local: str, tmp_path: Path
) -> None:
    finished = run(shell, ray_local, tmp_path, "--budget", "1ms")

    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    cut = [row for row in record["combos_evaluated"] if row["state"] == "cut"]
    assert finished.code == 4, finished.err
    assert finished.json["status"] == "partial"
    assert cut
    assert {"code": "deadline", "detail": f"{len(cut)} of 40 combos"} in finished.json["reasons"]
    assert {row["reason"] for row in cut} == {"the deadline cut it"}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--budget", "soon"), ("--budget", "soon", "12s")),
        (("--plan", "nowhere.json"), ("--plan", "nowhere.json")),
        (("--plan", DEMO_STORE / "products_export.csv"), ("--plan", "no plan.json of a run")),
    ],
)
def test_a_flag_that_makes_no_sense_is_one_sentence(
    shell: Shell, ray_local: str, tmp_path: Path, flags: tuple[object, ...], words: tuple[str, ...]
) -> None:
    assert_sentence(run(shell, ray_local, tmp_path / "out", *flags), *words)


def test_a_plan_of_another_snapshot_is_refused(shell: Shell, ray_local: str, tmp_path: Path) -> None:
    plan = json.loads((shell.home / "out/demo/plan.json").read_text(encoding="utf-8"))
    (tmp_path / "plan.json").write_text(json.dumps(plan | {"snapshot": "0" * 64}))

    finished = run(shell, ray_local, tmp_path / "out", "--plan", tmp_path / "plan.json")

    assert_sentence(finished, "the plan is of snapshot 000000000000…", "--plan")


def test_a_plan_brings_its_own_day(shell: Shell, ray_local: str, tmp_path: Path) -> None:
    first = run(shell, ray_local, tmp_path / "first", "--as-of", "2011-06-01")
    plan = ("--plan", tmp_path / "first" / "plan.json")

    again = run(shell, ray_local, tmp_path / "again", *plan)
    other = run(shell, ray_local, tmp_path / "other", *plan, "--as-of", "2011-07-01")

    assert (first.code, again.code) == (0, 0), again.err
    assert_sentence(other, "as of 2011-06-01", "--as-of 2011-07-01")
    bundles = (tmp_path / "first" / "bundles.json").read_bytes()
    assert (tmp_path / "again" / "bundles.json").read_bytes() == bundles
    assert all(bundle["evidence"]["window"]["to"] == "2011-06-01" for bundle in json.loads(bundles))


def test_an_unknown_setting_is_answered_with_the_nearest_name(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "basketry.yaml").write_text("portfolio:\n  limt: 7\n")

    assert_sentence(basketry("doctor", cwd=tmp_path), "portfolio.limt", "did you mean portfolio.limit?")


def test_a_setting_out_of_range_names_itself(shell: Shell) -> None:
    assert_sentence(shell("doctor", BASKETRY_CLUSTER__IN_FLIGHT="0"), "cluster.in_flight", "greater than or equal to 1")


def test_settings_come_from_flag_before_environment_before_file(shell: Shell, ray_local: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "basketry.yaml").write_text("portfolio:\n  limit: 7\nseed: 5\n")
    shutil.copytree(shell.home / ".basketry", home / "data")
    command = ("run", DEMO_STORE, "--store", "demo", "--address", ray_local, "--json", "--data-dir", "data")

    from_env = basketry(*command, cwd=home, env={"BASKETRY_PORTFOLIO__LIMIT": "6"})
    from_flag = basketry(*command, "--limit", 5, cwd=home, env={"BASKETRY_PORTFOLIO__LIMIT": "6"})

    assert (from_env.json["bundles"], from_flag.json["bundles"]) == (6, 5)


def test_a_cluster_that_is_not_there_is_one_sentence(shell: Shell, tmp_path: Path) -> None:
    finished = run(shell, "127.0.0.1:1", tmp_path / "out")

    assert_sentence(finished, "no Ray at", "127.0.0.1:1", "--address", code=1)
