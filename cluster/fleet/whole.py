"""A store whole in one task: read, understood, searched and put into words by one worker.

It calls the phases that a spread-out run calls, so both come to the same bundles. Nothing is written but the store's
snapshot and vectors: what the run came to goes back to the coordinator, which commits it.
"""

import resource
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actors.minilm import shared_model
from actors.places import open_folder
from actors.shard import outline_of
from cluster.database.values import Claim, Ending
from cluster.fleet.sources import fetched
from cluster.session import data_folder
from cluster.stopwatch import Stopwatch
from cluster.stored import parse_settings
from cluster.tasks import conclude_run, evaluate_combos
from cluster.uploads import take_upload
from cluster.verdict import combo_outcomes, run_record, verdict
from cluster.worker import worker_name
from configs.settings import Settings
from pipeline.context.embedding import EmbeddingCache, unique_texts
from pipeline.context.store import prepare
from pipeline.context.zero_shot import likely_tags, texts_to_embed
from pipeline.generate import VERSION, plan_for
from pipeline.storage import Place


def run_whole(claim: Claim, settings: Settings, past_costs_ms: Sequence[float] = ()) -> Ending:
    """Run a store from its files to its bundles in this process.

    Args:
        claim: The run; its settings are the ones that count.
        settings: The service's: where data lies, limits of what is read, switches.
        past_costs_ms: What a combo cost in the store's earlier runs, oldest first; asked for by `budget` mode alone.

    Raises:
        DataError: the store's files can't be used.
        SettingsError: the run's settings are none of this version.
    """
    with _limits(settings.fleet.store_deadline_s, settings.fleet.store_memory_mb):
        return _run(claim, settings, past_costs_ms)


def _run(claim: Claim, settings: Settings, past_costs_ms: Sequence[float]) -> Ending:
    clock = Stopwatch()
    config = parse_settings(claim.settings)
    with fetched(claim.source) as folder:
        upload = take_upload(folder, claim.store, settings.model_copy(update={"rules": config.rules}))
    config = config.model_copy(update={"rules": upload.rules})
    ingest_ms = clock.lap("ingest")
    snapshot = upload.snapshot
    texts = texts_to_embed(snapshot.catalog, config.tags)
    embedded, embedding = _vectors(texts, data_folder(settings.data_dir) / "vectors")
    clock.restart()
    vectors, tags = likely_tags(embedded, len(snapshot.catalog), config.tags)
    context = prepare(snapshot, vectors, snapshot.default_as_of, config.context, tags)
    clock.lap("context")
    plan = plan_for(context, config, past_costs_ms)
    deadline = time.time() + plan.deadline_ms / 1000
    results = evaluate_combos(context, plan.admitted, plan, config, deadline)
    clock.lap("candidates")
    conclusion = conclude_run(context, snapshot.catalog, plan, config, deadline, results)
    clock.lap("optimisation and words")
    outline = outline_of(context)
    status, reasons = verdict(plan, outline.orders, conclusion.record)
    record = run_record(
        conclusion.record, run_id=claim.run_id, snapshot=snapshot.sha256, plan=plan, outline=outline, status=status,
        reasons=reasons, embedding=embedding, settings=settings, config=config,
    )  # fmt: skip
    clock.lap("record")
    record |= {
        "ingest": upload.report.to_json(),
        "ingest_ms": ingest_ms,
        "phase_timings": clock.timings(),
    }
    record["time_budget"]["actual_duration_ms"] = record["phase_timings"]["total"]
    return Ending(
        claim=claim,
        state=status,
        snapshot=snapshot.sha256,
        settings_sha256=config.sha256(),
        settings=config.model_dump(mode="json"),
        code_version=VERSION,
        plan=plan.model_dump(mode="json"),
        record=record,
        bundles=[bundle.to_json() for bundle in conclusion.bundles],
        combos=combo_outcomes(conclusion.record),
        rejections=conclusion.rejections,
    )


@cache
def _cache(place: Place) -> EmbeddingCache:
    """The cache of this process: its files stay open from store to store."""
    return EmbeddingCache(open_folder(place), shared_model().info)


def _vectors(texts: Sequence[str], place: Place) -> tuple[NDArray[np.float32], dict[str, Any] | None]:
    """Vectors of texts; those that nobody embedded yet are embedded here."""
    cached = _cache(place)
    vectors, known = cached.get(texts)
    if known.all():
        return vectors, None
    started = time.perf_counter()
    missing = unique_texts(text for text, is_known in zip(texts, known, strict=True) if not is_known)
    cached.put(missing, shared_model().embed(missing))
    vectors, known = cached.get(texts)
    if not known.all():
        vectors = np.zeros((len(texts), 0), dtype=np.float32)
    seconds = round(time.perf_counter() - started, 3)
    return vectors, {"texts": len(missing), "seconds": seconds, "workers": [worker_name()]}


@contextmanager
def _limits(seconds: float, memory_mb: int | None) -> Iterator[None]:
    """End this process when the block takes longer, and refuse it more memory.

    The alarm is the system's own: it also ends a loop inside a library that never lets Python look at the clock.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    can_alarm = threading.current_thread() is threading.main_thread()
    if memory_mb is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, hard))
    if can_alarm:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        if can_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if memory_mb is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
