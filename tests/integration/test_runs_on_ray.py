"""Runs as the database and the caller see them: first embedding, plans, deadlines, failures."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic import synthetic_store
from cluster.database.database import Database
from cluster.evaluation import Evaluator
from cluster.progress import Silent
from cluster.run import RunRequest, StoreRunner
from cluster.uploads import take_upload
from pipeline.errors import LeakError, PlatformError, UnreadableFileError
from pipeline.evaluation.config import EvaluationConfig
from pipeline.evaluation.holdout import Holdout, split
from pipeline.plan import Plan
from tests.integration.conftest import FirstRun
from tests.support.runs import bundles_text, run_store, settings_for

pytestmark = pytest.mark.ray


class AtEmbedding:
    """Looks into the database at the moment a run begins to embed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.stages: set[str] = set()
        self.bundles: list[dict[str, Any]] = []

    def phase(self, name: str, steps: int | None = None) -> None:
        """Read what is stored when the phase is embedding."""
        if name == "embedding":
            records = self._database.for_store("shop")
            run_id = records.runs(1)[0].run_id
            self.bundles = records.bundles(run_id)
            self.stages = {records.find_bundle(bundle["id"], run_id).stage for bundle in self.bundles}

    def step(self, count: int = 1) -> None:
        """Nothing."""


def test_preliminary_bundles_are_stored_before_the_first_embedding(
    ray_local: str, first: FirstRun, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path / "data")
    upload = take_upload(first.folder, "shop", settings)
    with Database(settings.database) as database:
        database.prepare(upgrade_empty=True)
        seen = AtEmbedding(database)

        report = StoreRunner(settings, database, seen).run(RunRequest(upload.ref))

        kept = database.for_store("shop")
        final = kept.bundles(report.run_id)
        stages = {kept.find_bundle(bundle["id"], report.run_id).stage for bundle in final}
    assert seen.stages == {"preliminary"}
    assert len(seen.bundles) == 20
    assert all(bundle["evidence"]["similarity"] is None for bundle in seen.bundles)
    assert stages == {"final"}
    assert final == [bundle.to_json() for bundle in report.bundles]
    assert any(bundle["evidence"]["similarity"] is not None for bundle in final)


def test_only_texts_that_are_new_are_embedded(first: FirstRun, tmp_path: Path) -> None:
    texts = len(set(first.snapshot.catalog.title.to_pylist()))
    grown = shutil.copytree(first.folder, tmp_path / "grown")
    with (grown / "products.csv").open("a", encoding="utf-8") as stream:
        stream.write("NEW-1,Enamel Camping Kettle,new-1,A kettle for two.,Kitchen,Ponte,,24.99,9.00,\n")
        stream.write("NEW-2,Enamel Camping Pan,new-2,A pan for two.,Kitchen,Ponte,,19.99,8.00,\n")
    with (grown / "orders.csv").open("a", encoding="utf-8") as stream:
        stream.write(
            "#N1,2026-09-30 09:00:00,NEW-1,1,24.99,c1,EUR,paid,\n#N1,2026-09-30 09:00:00,NEW-2,1,19.99,c1,EUR,paid,\n"
        )

    report = run_store(grown, first.settings)

    assert first.report.record["first_embedding"]["texts"] >= texts
    assert report.record["first_embedding"]["texts"] == 2
    assert report.record["snapshot"]["products"] == first.report.record["snapshot"]["products"] + 2


def test_new_orders_alone_embed_nothing(first: FirstRun, tmp_path: Path) -> None:
    grown = shutil.copytree(first.folder, tmp_path / "grown")
    with (grown / "orders.csv").open("a", encoding="utf-8") as stream:
        stream.write("#N1,2026-09-30 09:00:00,SYN-000001,1,5.00,c1,EUR,paid,\n")

    report = run_store(grown, first.settings)

    assert report.record["first_embedding"] is None
    assert report.record["snapshot"]["orders"] == first.report.record["snapshot"]["orders"] + 1


def test_a_plan_of_an_earlier_run_gives_the_same_bytes_under_another_deadline(first: FirstRun) -> None:
    pinned = Plan.model_validate(first.report.record["plan"])
    other = settings_for(first.settings.data_dir, plan={"mode": "budget"})

    replayed = run_store(first.folder, other, plan=pinned)
    unpinned = run_store(first.folder, other)

    assert replayed.record["plan"] == first.report.record["plan"]
    assert [bundle.id for bundle in replayed.bundles] == [bundle.id for bundle in first.report.bundles]
    assert unpinned.record["plan"] != first.report.record["plan"]


def test_a_deadline_cuts_between_combos_and_generations_and_says_what_it_cut(first: FirstRun) -> None:
    report = run_store(first.folder, settings_for(first.settings.data_dir, plan={"deadline_ms": 1}))

    states = [row["state"] for row in report.record["combos_evaluated"]]
    cut = states.count("cut")
    assert report.status == "partial"
    assert 0 < cut < 39
    assert {"code": "deadline", "detail": f"{cut} of 40 combos"} in report.record["reasons"]
    assert report.record["portfolio"]["generations"] == 1
    assert {"code": "deadline", "detail": "1 of 20 generations"} in report.record["reasons"]
    assert report.record["combos_attempted"] == 39 - cut
    assert report.bundles


def test_every_candidate_is_accounted_for(first: FirstRun) -> None:
    record = first.report.record
    rejected = sum(count for name, count in record["policy_gates"].items() if name.startswith("rejected_"))
    selection = record["diversity_selection"]

    assert record["policy_gates"]["passed"] + rejected == record["candidates_generated"]
    chosen = selection["final_bundle_count"] + selection["duplicates"] + selection["not_selected"]
    assert chosen == selection["candidates_after_gates"] == record["bundles_after_gates"]
    with Database(first.settings.database) as database:
        counts = database.for_store("shop").rejection_counts(first.report.run_id)
    assert sum(counts.values()) == record["candidates_generated"] - len(first.report.bundles)


def test_a_damaged_snapshot_comes_home_from_the_shard_as_the_error_it_is(first: FirstRun, tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    upload = take_upload(first.folder, "shop", settings)
    Path(str(upload.ref.folder), "lines.parquet").write_bytes(b"PAR1")
    with Database(settings.database) as database:
        database.prepare(upgrade_empty=True)

        with pytest.raises(UnreadableFileError, match="no readable snapshot"):
            StoreRunner(settings, database).run(RunRequest(upload.ref))

        assert database.for_store("shop").runs(1)[0].state == "failed"


def test_a_cluster_that_does_not_answer_in_time_fails_the_run_in_one_sentence(first: FirstRun) -> None:
    settings = settings_for(first.settings.data_dir, cluster={"wait_s": 0.001})

    with pytest.raises(PlatformError) as failure:
        run_store(first.folder, settings)

    assert "the cluster failed this run" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_an_evaluation_whose_training_knows_the_future_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = synthetic_store(orders=300, products=40)

    def leaking(*args: Any, **options: Any) -> Holdout:
        honest = split(*args, **options)
        return Holdout(honest.cut, honest.end, snapshot, honest.baskets)

    monkeypatch.setattr("cluster.evaluation.split", leaking)
    evaluator = Evaluator(settings_for(tmp_path), EvaluationConfig(), Silent())

    with pytest.raises(LeakError, match=r"training view of a holdout at 20\d\d-\d\d-\d\d holds \d+ orders"):
        evaluator.evaluate(snapshot, None, None)


def test_bundles_of_two_stores_with_the_same_products_do_not_mix(first: FirstRun) -> None:
    other = run_store(first.folder, first.settings, store="other")

    with Database(first.settings.database) as database:
        mine, theirs = database.for_store("shop").bundles(), database.for_store("other").bundles()
    assert {bundle["store"] for bundle in mine} == {"shop"}
    assert {bundle["store"] for bundle in theirs} == {"other"}
    assert not {bundle["id"] for bundle in mine} & {bundle["id"] for bundle in theirs}
    assert bundles_text(other).replace('"store": "other"', "") != bundles_text(first.report)
