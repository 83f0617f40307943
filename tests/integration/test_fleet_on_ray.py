"""Fleets on a local Ray: every store comes to the bundles that it comes to alone, and trouble stays where it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic import synthetic_store
from cluster.database.database import Database
from cluster.fleet import runner
from cluster.fleet.fleet import FleetReport, queue_runs, run_fleet
from cluster.fleet.sources import find_stores
from cluster.outputs import to_json_text
from cluster.stored import open_run
from configs.settings import Settings
from tests.support.runs import bundles_text, run_store, settings_for
from tests.support.stores import DAY, Ware, bought, store_of
from tests.support.tables import write_canonical

pytestmark = pytest.mark.ray

TITLES = ("Rose mug", "Tin fox", "Garden spade", "Ground coffee", "Wool hat", "Brass owl")

PATIENT = {"deadline_ms": 600_000}
"""A busy machine must not cut a search."""


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three stores that share their texts, and one whose file is none."""
    home = tmp_path_factory.mktemp("stores")
    for number, orders in enumerate((60, 8, 300)):
        write_canonical(synthetic_store(orders=orders, products=40, seed=5 + number), home / f"shop-{number}")
    (home / "unreadable").mkdir()
    (home / "unreadable" / "orders.csv").write_text("nonsense,columns\n1,2\n")
    return home


@pytest.fixture(scope="session")
def settings(ray_local: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_for(tmp_path_factory.mktemp("fleet-data"), plan=PATIENT)


def run(stores: Path, settings: Settings, max_age_s: float | None = None) -> FleetReport:
    with Database(settings.database) as database:
        database.prepare(upgrade_empty=True)
        return run_fleet(queue_runs(find_stores(str(stores)), settings), settings, database, max_age_s=max_age_s)


def bundles(report: FleetReport, settings: Settings) -> dict[str, str]:
    with Database(settings.database) as database:
        return {
            row.store: to_json_text(database.for_store(row.store).bundles(row.run_id))
            for row in report.rows
            if row.summary
        }


@pytest.fixture(scope="session")
def report(stores: Path, settings: Settings) -> FleetReport:
    return run(stores, settings)


def test_each_store_comes_to_the_bundles_it_comes_to_alone(
    report: FleetReport, stores: Path, settings: Settings, tmp_path: Path
) -> None:
    found = bundles(report, settings)
    alone = settings_for(tmp_path, plan=PATIENT)

    for store in ("shop-0", "shop-1", "shop-2"):
        assert found[store] == bundles_text(run_store(stores / store, alone, store=store))
    assert len(json.loads(found["shop-2"])) > 0


def test_a_store_that_cannot_be_read_is_one_row_with_its_reason(report: FleetReport) -> None:
    states = {row.store: row.state for row in report.rows}
    assert states == {"shop-0": "succeeded", "shop-1": "succeeded", "shop-2": "succeeded", "unreadable": "failed"}
    (failed,) = [row for row in report.rows if row.state == "failed"]
    assert "match no known table" in (failed.error or "")
    assert failed.attempts == 1


def test_what_ended_well_is_not_run_again(report: FleetReport, stores: Path, settings: Settings) -> None:
    again = run(stores, settings, max_age_s=3600)

    assert again.begun == (1, 0, 3)
    assert [row.is_reused for row in again.rows] == [True, True, True, False]
    assert {row.run_id for row in again.rows if row.is_reused} == {row.run_id for row in report.rows if row.summary}


def test_a_store_that_is_spread_over_the_cluster_gives_the_same_bytes(
    report: FleetReport, stores: Path, settings: Settings
) -> None:
    spread = settings.model_copy(update={"fleet": settings.fleet.model_copy(update={"whole_ms": 0.0})})

    again = run(stores, spread)

    assert bundles(again, spread) == bundles(report, settings)
    assert [row.state for row in again.rows] == ["succeeded"] * 3 + ["failed"]


def test_what_is_read_of_a_store_is_counted_where_it_is_spread_out_too(
    stores: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spread = settings.model_copy(update={"fleet": settings.fleet.model_copy(update={"whole_ms": 0.0})})
    counted: list[dict[str, Any]] = []
    monkeypatch.setattr(runner, "record_ingest", counted.append)

    run(stores, spread)

    files = {number: list((stores / f"shop-{number}").glob("*.csv")) for number in range(3)}
    lines = [sum(len(file.read_text().splitlines()) - 1 for file in found) for found in files.values()]
    assert sorted(one["records"] for one in counted) == sorted(lines)


def test_tags_by_likeness_are_the_same_whole_spread_out_and_replayed(ray_local: str, tmp_path: Path) -> None:
    wares = [Ware(f"W{at}", title=title) for at, title in enumerate(TITLES)]
    baskets = [bought(f"W{at % 6}", f"W{(at + 1 + at // 6) % 6}", day=DAY - at % 50) for at in range(36)]
    write_canonical(store_of(wares, baskets), tmp_path / "stores" / "shop")
    likeness = {"embedded": True, "sure": 1.0, "ahead": 0.0}
    settings = settings_for(tmp_path / "data", plan=PATIENT, tags=likeness)
    spread = settings.model_copy(update={"fleet": settings.fleet.model_copy(update={"whole_ms": 0.0})})

    whole = run(tmp_path / "stores", settings)
    found = bundles(whole, settings)["shop"]

    assert "inferred" in json.dumps([bundle["evidence"].get("models") for bundle in json.loads(found)])
    assert bundles(run(tmp_path / "stores", spread), spread)["shop"] == found
    with Database(settings.database) as database:
        stored = database.for_store("shop").run(whole.rows[0].run_id)
    assert to_json_text([bundle.to_json() for bundle in open_run(stored, settings).recompute().bundles]) == found


def test_a_store_that_takes_too_long_is_given_up_after_its_attempts(
    stores: Path, settings: Settings, ray_local: str
) -> None:
    values: dict[str, Any] = {"store_deadline_s": 0.001, "max_attempts": 2}
    hasty = settings.model_copy(update={"fleet": settings.fleet.model_copy(update=values)})

    report = run(stores, hasty)

    assert {row.state for row in report.rows} == {"failed"}
    assert [row.attempts for row in report.rows if row.store != "unreadable"] == [2] * 3
    assert "given up after 2 attempts: its worker died" in (report.rows[0].error or "")
