"""A whole run in one process and without Ray: the same core, the same records. What Ray costs is what lies between."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from actors.minilm import MiniLM
from actors.places import open_folder
from actors.shard import SnapshotRef
from cluster.database.database import Database
from cluster.database.rejections import pack
from cluster.verdict import combo_outcomes
from configs.settings import Settings
from pipeline.combo import evaluate_combo
from pipeline.context.embedding import EmbeddingCache, catalog_texts
from pipeline.context.store import prepare
from pipeline.generate import VERSION, conclude, plan_for
from pipeline.ingest.snapshot import Snapshot
from pipeline.ingest.store import read_snapshot
from pipeline.offers.bundle import Bundle
from pipeline.record import record_of, rejected
from pipeline.storage import Place


@dataclass(frozen=True, slots=True)
class InlineRun:
    """What a run without Ray came to."""

    seconds: dict[str, float]
    """By phase, as the record of a run names them, and in all."""
    bundles: tuple[Bundle, ...]


class _Laps:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        begun = perf_counter()
        yield
        self.seconds[name] = perf_counter() - begun


def load(ref: SnapshotRef, settings: Settings) -> tuple[Snapshot, NDArray[np.float32]]:
    """A snapshot and its cached vectors, as the shard reads them.

    Raises:
        ValueError: a product was never embedded.
    """
    snapshot = read_snapshot(open_folder(ref.folder))
    cache = EmbeddingCache(open_folder(_cache(settings)), MiniLM().info)
    vectors, known = cache.get(catalog_texts(snapshot.catalog))
    if not known.all():
        raise ValueError(f"{int((~known).sum())} products of {ref.store!r} have no vector; run the store once before")
    return snapshot, vectors


def _cache(settings: Settings) -> Place:
    return settings.data_dir / "vectors"


def run_inline(ref: SnapshotRef, settings: Settings, database: Database) -> InlineRun:
    """Read the snapshot and its vectors, run all phases, write what a run writes: one process, one core."""
    config, laps = settings.run, _Laps()
    with laps.lap("storage"):
        records, run_id = database.for_store(ref.store), f"inline-{uuid4().hex}"
        records.begin_run(
            run_id, snapshot=ref.folder.name, settings_sha256=config.sha256(),
            settings=config.model_dump(mode="json"), code_version=VERSION, at=datetime.now(UTC),
        )  # fmt: skip
    with laps.lap("loading"):
        snapshot, vectors = load(ref, settings)
    with laps.lap("context"):
        context = prepare(snapshot, vectors, snapshot.default_as_of, config.context)
    with laps.lap("candidates"):
        plan = plan_for(context, config)
        results = [evaluate_combo(context, combo, plan, config, perf_counter) for combo in plan.admitted]
    with laps.lap("optimisation and words"):
        outcome = conclude(context, snapshot.catalog, plan, results, config)
        record = record_of(context, outcome, config)
        has_all = outcome.judged is not None and outcome.selection is not None
        rest = list(pack(rejected(outcome.judged, outcome.selection, snapshot.catalog))) if has_all else []  # type: ignore[arg-type]
    begun = perf_counter()
    bundles = [bundle.to_json() for bundle in outcome.bundles]
    records.save_plan(run_id, plan.model_dump(mode="json"))
    records.save_preliminary(run_id, bundles)
    records.finish_run(
        run_id, state="succeeded", record=record, at=datetime.now(UTC), bundles=bundles,
        combos=combo_outcomes(record), rejections=rest,
    )  # fmt: skip
    laps.seconds["storage"] += perf_counter() - begun
    return InlineRun(laps.seconds | {"total": sum(laps.seconds.values())}, outcome.bundles)
