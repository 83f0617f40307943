"""A run, seen through the metrics port of its node."""

import re
import time
from typing import Any

import pytest

from cluster import metrics
from cluster.uploads import take_upload
from tests.integration.conftest import FirstRun
from tests.support.runs import run_store
from tests.support.watching import all_series_named, samples, scrape, stored

pytestmark = pytest.mark.ray

Samples = dict[str, list[tuple[dict[str, str], float]]]


@pytest.fixture(scope="module")
def before(first: FirstRun) -> Samples:
    """What was counted before the run below."""
    time.sleep(2)  # the last of what other tests recorded is on its way
    return samples(scrape())


@pytest.fixture(scope="module")
def record(first: FirstRun, before: Samples) -> dict[str, Any]:
    """One more run, and all that only a coordinator or a gateway records."""
    report = run_store(first.folder, first.settings)
    metrics.record_ingest(take_upload(first.folder, "shop", first.settings).report.to_json())
    metrics.record_claim(0.2)
    metrics.record_queue(queued=3, running=1)
    metrics.record_expired_leases()
    metrics.record_fence_rejected()
    metrics.record_dead_letters()
    metrics.record_cache("context", hits=2, misses=1)
    metrics.record_shard("00", stores=2, used_bytes=1000)
    metrics.record_model_calls("words", "ok", calls=2, tokens=300, usd=0.01)
    return report.record


@pytest.fixture(scope="module")
def after(record: dict[str, Any]) -> Samples:
    """What is counted once all of it has arrived."""
    until = time.monotonic() + 60
    while "ray_basketry_model_usd_total" not in (found := samples(scrape())):
        assert time.monotonic() < until, "no metric of ours within a minute"
        time.sleep(0.5)
    time.sleep(2)
    return samples(scrape()) or found


def _sum(found: Samples, name: str, **labels: str) -> float:
    rows = found.get(f"ray_basketry_{name}", [])
    return sum(value for has, value in rows if labels.items() <= has.items())


def test_a_run_is_counted_once_with_its_state(before: Samples, after: Samples, record: dict[str, Any]) -> None:
    state = record["status"]

    assert _sum(after, "runs_total", state=state) - _sum(before, "runs_total", state=state) == 1
    assert _sum(after, "runs_total") - _sum(before, "runs_total") == 1
    assert _sum(after, "run_seconds_count") - _sum(before, "run_seconds_count") == 1


def test_bundles_and_combos_are_those_of_the_record(before: Samples, after: Samples, record: dict[str, Any]) -> None:
    made = record["diversity_selection"]["final_bundle_count"]
    rows = [row for row in record["combos_evaluated"] if row["state"] != "not_allowed"]
    found = sum(row["state"] == "found" for row in rows)

    assert _sum(after, "bundles_total") - _sum(before, "bundles_total") == made > 0
    assert _sum(after, "combos_total") - _sum(before, "combos_total") == len(rows)
    assert _sum(after, "combos_total", state="found") - _sum(before, "combos_total", state="found") == found > 0


def test_gates_count_what_they_refused(before: Samples, after: Samples, record: dict[str, Any]) -> None:
    refused = {name.removeprefix("rejected_"): count for name, count in record["policy_gates"].items() if "_" in name}

    for code in ("low_support", "margin_too_low"):
        labels = {"stage": "gate", "code": code}
        assert _sum(after, "rejects_total", **labels) - _sum(before, "rejects_total", **labels) == refused[code]


def test_phases_add_up_to_the_run(before: Samples, after: Samples, record: dict[str, Any]) -> None:
    busy_s = _sum(after, "busy_seconds_total") - _sum(before, "busy_seconds_total")

    assert busy_s == pytest.approx(record["phase_timings"]["total"] / 1000, rel=0.01)


def test_no_series_that_prometheus_keeps_names_a_store(after: Samples, record: dict[str, Any]) -> None:
    """Not even those of Ray itself, which name tasks, and so their stores."""
    kept = {(name, label, value) for name, labels in stored(after) for label, value in labels.items()}
    processes = {value for name, label, value in kept if name.startswith("ray_component_") and label == "Component"}

    assert "words" in {value for name, _, value in kept if "basketry" in name}
    assert "ray_tasks" in {name for name, _, _ in kept}
    assert "raylet" in processes
    assert [found for found in kept if re.search(rf"\b{record['store']}\b", found[2])] == []


def test_every_series_that_the_board_and_the_alerts_ask_for_is_exported_and_kept(after: Samples) -> None:
    rare = {  # nothing of this kind happened in the run
        f"ray_basketry_{name}"
        for name in (
            "source_errors_total", "deadline_overrun_seconds_bucket", "deadline_overrun_seconds_count",
            "run_reasons_total",
        )
    }  # fmt: skip

    assert all_series_named() - rare - {name for name, _ in stored(after)} == set()
