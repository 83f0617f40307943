"""Evaluation on Ray: each arm of a store is a task on one shared context of its training view.

With an endpoint, its vectors, tags and sets take part, each asked for on the training view alone. What it says of
finished candidates (appeal, advice, words) does not: it orders and dresses bundles that have a place already.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from actors.answers import AnswerStore
from actors.places import open_folder
from actors.remote.budget import Payer
from cluster.bill import Bill
from cluster.fanout import fan_out
from cluster.gateway import find_gateway
from cluster.model_work import ModelWork
from cluster.nodes import check_data_dir
from cluster.progress import Progress
from cluster.run import new_id
from cluster.session import data_folder
from cluster.tasks import embed_task
from configs.settings import Settings
from pipeline.candidates.suggestions import Shortlisted, proposal_prompts, read_proposals
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
from pipeline.evaluation.ranked import Ranked
from pipeline.evaluation.signals import StoreSignals, measure
from pipeline.generate import plan_for
from pipeline.ingest.snapshot import Catalog, Snapshot
from pipeline.prompts import Answer

MEASUREMENT_S = 4 * 3600.0
"""Longest that one measurement of a store, which is one task, may take."""
ANSWERS_S = 600.0
"""Longest wait for the answers of an endpoint about one store: what is measured must not hang on its haste."""


def shortlists(context: StoreContext, catalog: Catalog, run: RunConfig) -> list[Shortlisted]:
    """What a text model may be asked for sets of."""
    return proposal_prompts(context, catalog, plan_for(context, run), run.proposals)


def deliver_with(context: StoreContext, run: RunConfig, sets: Sequence[tuple[Shortlisted, Answer]]) -> Ranked:
    """The bundles of a run, with the sets that a text model proposed among the candidates."""
    asked, answers = [one for one, _ in sets], [answer for _, answer in sets]
    return deliver(context, run, suggested=read_proposals(context, asked, answers, run.proposals))


context_task: Any = ray.remote(num_cpus=1, max_retries=3)(prepare)
deliver_task = ray.remote(num_cpus=1, max_retries=3)(deliver_with)
shortlists_task = ray.remote(num_cpus=1, max_retries=3)(shortlists)


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
        self._home = data_folder(settings.data_dir)
        self._gateway = find_gateway(settings.models) if settings.models.is_remote() else None
        self.bills: dict[str, Bill] = {}
        """By store: which models took part, what they cost and what they did not answer."""

    def evaluate(self, snapshot: Snapshot, as_of: int | None, days: int | None) -> StoreEvaluation:
        """Cut a store, run every arm on what was known before the cut, measure on what came after.

        Raises:
            EmptyStoreError: nothing before the cut, or nothing after it.
        """
        held = split(snapshot, as_of=as_of, days=days)
        assert_no_leak(held.training, held.cut)
        with self._asking(snapshot.store) as models:
            models.begin_tags(lambda: held.training.catalog, self._settings.run)
            embedded = self._embedded(snapshot.catalog, models)
            self._progress.phase(f"{snapshot.store}: arms", 1 + len(WEIGHT_ARMS))
            return evaluate_arms(held, self._lists(held, embedded, models), self._config)

    def signals(self, snapshot: Snapshot, as_of: int | None, days: int | None) -> StoreSignals:
        """Hide a product of each held-out basket, and ask every signal for it.

        Raises:
            EmptyStoreError: nothing before the cut, or nothing after it.
        """
        held = split(snapshot, as_of=as_of, days=days)
        with self._asking(snapshot.store) as models:
            vectors = self._embedded(snapshot.catalog, models)[: len(snapshot.catalog)]
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
        with self._asking(snapshot.store) as models:
            embedded = self._embedded(snapshot.catalog, models)
        self._progress.phase(f"{snapshot.store}: curve", 1)
        points: list[Point] = ray.get(curve_task.remote(held, embedded, self._settings.run), timeout=MEASUREMENT_S)
        self._progress.step()
        return points

    @contextmanager
    def _asking(self, store: str) -> Iterator[ModelWork]:
        """What is asked of models about a store; the budget of a run holds for it."""
        payer = Payer(store, f"evaluate-{new_id()}")
        models = ModelWork(self._settings.models, self._gateway, AnswerStore(self._home / "answers"), payer, ANSWERS_S)
        try:
            yield models
        finally:
            self.bills[store] = models.close()

    def _lists(self, held: Holdout, embedded: NDArray[np.float32], models: ModelWork) -> dict[str, Any]:
        run, catalog = self._settings.run, held.training.catalog
        vectors, likely = likely_tags(embedded, len(catalog), run.tags)
        said = models.tags()
        tags = said.tags if said else likely
        configs = {OURS: run} | {name: arm_config(run, weights) for name, weights in WEIGHT_ARMS.items()}
        name = held.training.store
        context = context_task.options(name=f"context:{name}").remote(
            held.training, vectors, held.cut, run.context, tags
        )
        ask = shortlists_task.options(name=f"shortlists:{name}")
        models.begin_sets(lambda: ray.get(ask.remote(context, catalog, run), timeout=self._settings.cluster.wait_s))
        told = models.told()
        sets = told.sets if told else ()

        def submit(arm: str) -> Any:
            return deliver_task.options(name=f"arm:{name}:{arm}").remote(context, configs[arm], sets)

        lists = {}
        for arm, reference in self._fan_out(list(configs), submit):
            lists[arm] = ray.get(reference, timeout=self._settings.cluster.wait_s)
            self._progress.step()
        return {arm: lists[arm] for arm in configs}

    def _embedded(self, catalog: Catalog, models: ModelWork) -> NDArray[np.float32]:
        """Vectors of `texts_to_embed`; without components where an endpoint left some out."""
        check_data_dir(self._settings)
        texts = texts_to_embed(catalog, self._settings.run.tags)
        cache = EmbeddingCache(open_folder(self._home / "vectors"), models.model)
        missing = cache.missing(texts)
        if missing:
            self._progress.phase("embedding", len(missing))
            if models.is_remote:
                models.keep_vectors(models.ask_for_vectors(missing), cache, self._progress)
            else:
                self._embed_here(missing)
        vectors, known = cache.get(texts)
        if not known.all():
            models.use(None)
            return np.zeros((len(texts), 0), dtype=np.float32)
        return vectors

    def _embed_here(self, missing: list[str]) -> None:
        """Embed texts in tasks, with the embedded model."""
        batches = [[missing[at] for at in rows] for rows in length_batches(missing, self._settings.cluster.embed_batch)]

        def submit(batch: list[str]) -> Any:
            return embed_task.options(name=f"embed:{len(batch)} texts").remote(batch, self._home / "vectors")

        for batch, reference in self._fan_out(batches[::-1], submit):
            ray.get(reference, timeout=self._settings.cluster.wait_s)
            self._progress.step(len(batch))

    def _fan_out(self, items: list[Any], submit: Any) -> Any:
        cluster = self._settings.cluster
        return fan_out(items, submit, in_flight=cluster.in_flight, wait_s=cluster.wait_s)
