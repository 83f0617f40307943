"""Evaluation on Ray: each arm of a store is a task on one shared context of its training view."""

import time
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from actors.minilm import MiniLM
from actors.places import open_folder
from cluster.fanout import fan_out
from cluster.nodes import check_data_dir
from cluster.progress import Progress
from cluster.session import data_folder
from cluster.tasks import embed_task
from configs.settings import Settings
from pipeline.config import RunConfig
from pipeline.context.embedding import EmbeddingCache, length_batches
from pipeline.context.store import StoreContext, prepare
from pipeline.context.zero_shot import likely_tags, texts_to_embed
from pipeline.evaluation.arms import OURS, WEIGHT_ARMS, StoreEvaluation, evaluate_arms
from pipeline.evaluation.config import EvaluationConfig
from pipeline.evaluation.curve import Point, measure_curve
from pipeline.evaluation.delivered import arm_config, deliver
from pipeline.evaluation.hidden import HiddenConfig
from pipeline.evaluation.holdout import Holdout, assert_no_leak, split
from pipeline.evaluation.signals import StoreSignals, measure
from pipeline.ingest.snapshot import Catalog, Snapshot

MEASUREMENT_S = 4 * 3600.0
"""Longest that one measurement of a store, which is one task, may take."""

context_task: Any = ray.remote(num_cpus=1, max_retries=3)(prepare)
deliver_task = ray.remote(num_cpus=1, max_retries=3)(deliver)


def measure_signals(held: Holdout, vectors: NDArray[np.float32], run: RunConfig) -> StoreSignals:
    """Measure the signals of one store on the contexts that a run would see."""

    def known_before(cut: Holdout) -> StoreContext:
        return prepare(cut.training, vectors, cut.cut, run.context)

    hidden = HiddenConfig(seed=run.seed)
    return measure(
        held, known_before, hidden, run.ease.model_copy(update={"enabled": True, "min_orders": hidden.min_orders})
    )


def timed_curve(held: Holdout, embedded: NDArray[np.float32], run: RunConfig) -> list[Point]:
    """Measure the curve of one store by the clock of the worker."""
    return measure_curve(held, embedded, run, time.perf_counter)


curve_task = ray.remote(num_cpus=1, max_retries=3)(timed_curve)
signals_task = ray.remote(num_cpus=1, max_retries=3)(measure_signals)


class Evaluator:
    """Measures stores one after the other.

    Args:
        settings: All settings; those of a run are what is measured.
        config: What is measured, and how surely.
        progress: Told of stores and arms.
    """

    def __init__(self, settings: Settings, config: EvaluationConfig, progress: Progress) -> None:
        self._settings, self._config, self._progress = settings, config, progress
        self._cache = data_folder(settings.data_dir) / "vectors"

    def evaluate(self, snapshot: Snapshot, as_of: int | None, days: int | None) -> StoreEvaluation:
        """Cut a store, run every arm on what was known before the cut, measure on what came after.

        Raises:
            EmptyStoreError: nothing before the cut, or nothing after it.
        """
        held = split(snapshot, as_of=as_of, days=days)
        assert_no_leak(held.training, held.cut)
        embedded = self._embedded(snapshot.catalog)
        self._progress.phase(f"{snapshot.store}: arms", 1 + len(WEIGHT_ARMS))
        return evaluate_arms(held, self._lists(held, embedded), self._config)

    def signals(self, snapshot: Snapshot, as_of: int | None, days: int | None) -> StoreSignals:
        """Hide a product of each held-out basket, and ask every signal for it.

        Raises:
            EmptyStoreError: nothing before the cut, or nothing after it.
        """
        held = split(snapshot, as_of=as_of, days=days)
        vectors = self._embedded(snapshot.catalog)[: len(snapshot.catalog)]
        self._progress.phase(f"{snapshot.store}: signals", 1)
        task = signals_task.options(name=f"signals:{snapshot.store}")
        found: StoreSignals = ray.get(task.remote(held, vectors, self._settings.run), timeout=MEASUREMENT_S)
        self._progress.step()
        return found

    def curve(self, snapshot: Snapshot, as_of: int | None, days: int | None) -> list[Point]:
        """Run a store with parts switched off or cut early, one variant after the other.

        Raises:
            EmptyStoreError: nothing before the cut, or nothing after it.
        """
        held = split(snapshot, as_of=as_of, days=days)
        embedded = self._embedded(snapshot.catalog)
        self._progress.phase(f"{snapshot.store}: curve", 1)
        points: list[Point] = ray.get(curve_task.remote(held, embedded, self._settings.run), timeout=MEASUREMENT_S)
        self._progress.step()
        return points

    def _lists(self, held: Holdout, embedded: NDArray[np.float32]) -> dict[str, Any]:
        run = self._settings.run
        vectors, tags = likely_tags(embedded, len(held.training.catalog), run.tags)
        configs = {OURS: run} | {name: arm_config(run, weights) for name, weights in WEIGHT_ARMS.items()}
        name = held.training.store
        context = context_task.options(name=f"context:{name}").remote(
            held.training, vectors, held.cut, run.context, tags
        )

        def submit(arm: str) -> Any:
            return deliver_task.options(name=f"arm:{name}:{arm}").remote(context, configs[arm])

        lists = {}
        for arm, reference in self._fan_out(list(configs), submit):
            lists[arm] = ray.get(reference, timeout=self._settings.cluster.wait_s)
            self._progress.step()
        return {arm: lists[arm] for arm in configs}

    def _embedded(self, catalog: Catalog) -> NDArray[np.float32]:
        """Vectors of `texts_to_embed`."""
        check_data_dir(self._settings)
        texts = texts_to_embed(catalog, self._settings.run.tags)
        cache = EmbeddingCache(open_folder(self._cache), MiniLM().info)
        missing = cache.missing(texts)
        if missing:
            self._progress.phase("embedding", len(missing))
        batches = [[missing[at] for at in rows] for rows in length_batches(missing, self._settings.cluster.embed_batch)]

        def submit(batch: list[str]) -> Any:
            return embed_task.options(name=f"embed:{len(batch)} texts").remote(batch, self._cache)

        for batch, reference in self._fan_out(batches[::-1], submit):
            ray.get(reference, timeout=self._settings.cluster.wait_s)
            self._progress.step(len(batch))
        vectors, _ = cache.get(texts)
        return vectors

    def _fan_out(self, items: list[Any], submit: Any) -> Any:
        cluster = self._settings.cluster
        return fan_out(items, submit, in_flight=cluster.in_flight, wait_s=cluster.wait_s)
