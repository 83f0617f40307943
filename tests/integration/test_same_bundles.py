"""The same snapshot, settings and plan give the same bundles, byte for byte, whatever happens around them."""

import os
from pathlib import Path
from typing import Any

import pytest

from cluster.run import RunReport
from tests.integration.conftest import FirstRun
from tests.support.processes import find_workers, kill_worker, watching
from tests.support.recount import disagreements, read_shop
from tests.support.runs import bundles_text, run_store, settings_for
from tests.support.tables import write_canonical

pytestmark = pytest.mark.ray


def run_again(first: FirstRun, **cluster: Any) -> RunReport:
    return run_store(first.folder, settings_for(first.settings.data_dir, cluster=cluster))


def test_a_second_run_gives_the_same_bytes(first: FirstRun) -> None:
    again = run_again(first)

    assert len(again.bundles) == 20
    assert again.run_id != first.report.run_id
    assert bundles_text(again) == bundles_text(first.report)


def test_one_task_for_each_combo_gives_the_same_bytes(first: FirstRun) -> None:
    again = run_again(first, fanout="combo")

    assert again.record["switches"]["fanout"] == "combo"
    assert bundles_text(again) == bundles_text(first.report)


def test_another_order_of_all_rows_gives_the_same_snapshot_and_bytes(first: FirstRun, tmp_path: Path) -> None:
    shuffled = write_canonical(first.snapshot, tmp_path / "shop", shuffled=11)

    again = run_store(shuffled, first.settings)

    assert (shuffled / "orders.csv").read_bytes() != (first.folder / "orders.csv").read_bytes()
    assert again.record["snapshot"] == first.report.record["snapshot"]
    assert bundles_text(again) == bundles_text(first.report)


@pytest.mark.parametrize("task", ["context:", "combo:", "portfolio:"])
def test_a_worker_killed_in_the_middle_changes_no_byte(first: FirstRun, task: str) -> None:
    with watching(lambda: kill_worker(os.getpid(), task)) as killed:
        again = run_again(first, fanout="combo")

    assert isinstance(killed[0], int), killed
    assert again.status == "succeeded"
    assert bundles_text(again) == bundles_text(first.report)


def test_a_worker_killed_while_it_embeds_changes_no_byte(first: FirstRun, tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", cluster={"embed_batch": 32})

    with watching(lambda: kill_worker(os.getpid(), "embed:")) as killed:
        cold = run_store(first.folder, settings)

    assert isinstance(killed[0], int), killed
    assert cold.record["first_embedding"]["texts"] == first.report.record["first_embedding"]["texts"]
    assert bundles_text(cold) == bundles_text(first.report)


def test_a_combo_that_kills_every_worker_is_reported_and_the_rest_is_kept(first: FirstRun) -> None:
    """Without retries one death is enough: the combo is dead-lettered, the other combos are there."""
    with watching(lambda: kill_worker(os.getpid(), "combo:gift_box:MIX_MATCH")) as killed:
        report = run_again(first, fanout="combo", task_retries=0)

    assert isinstance(killed[0], int), killed
    failed = [row for row in report.record["combos_evaluated"] if row["state"] == "failed"]
    assert report.status == "partial"
    assert len(report.bundles) == 20
    assert {"code": "combo_failed", "detail": f"{len(failed)} of 40 combos"} in report.record["reasons"]
    assert ("gift_box", "MIX_MATCH") in {(row["objective"], row["type"]) for row in failed}
    assert all(row["reason"] for row in failed)


def test_what_a_bundle_says_is_what_the_files_say(first: FirstRun) -> None:
    found = disagreements(read_shop(first.folder), [bundle.to_json() for bundle in first.report.bundles])

    assert found == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": 1}, "count 1, recounted"),
        ({"lift": 0.5}, "lift 0.5, recounted"),
        ({"support": 0.9}, "support 0.9, recounted"),
        ({"confidence": 0.99}, "confidence 0.99, recounted"),
    ],
)
def test_the_recount_would_notice_a_wrong_figure(first: FirstRun, change: dict[str, float], said: str) -> None:
    bundle = next(bundle for bundle in first.report.bundles if bundle.type == "FBT").to_json()
    bundle["evidence"] = bundle["evidence"] | change

    found = disagreements(read_shop(first.folder), [bundle])

    assert [text for text in found if said in text]


def test_no_worker_is_left_working_after_a_run(first: FirstRun) -> None:
    assert find_workers(os.getpid(), "combo") == []
