"""Tasks: a phase of the core and what it costs, said in one place."""

import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ray

from actors.answers import KeptAnswers, Report
from cluster.database.rejections import pack
from cluster.database.values import PackedRejections
from cluster.worker import worker_name
from pipeline.candidates.suggestions import Shortlisted, read_proposals
from pipeline.combo import ComboResult, evaluate_combo
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext
from pipeline.generate import conclude
from pipeline.ingest.snapshot import Catalog
from pipeline.offers.bundle import Bundle
from pipeline.plan import Plan
from pipeline.prompts import Answer
from pipeline.record import record_of, rejected
from pipeline.selection import genetic
from pipeline.storage import Place
from pipeline.terms import Combo


def embed_texts(texts: Sequence[str], cache: Place) -> str:
    """Embed texts and keep their vectors in the cache at `cache`; the worker's name."""
    from actors.minilm import shared_model
    from actors.places import open_folder
    from pipeline.context.embedding import EmbeddingCache

    model = shared_model()
    EmbeddingCache(open_folder(cache), model.info).put(texts, model.embed(texts))
    return worker_name()


def evaluate_combos(
    context: StoreContext, combos: Sequence[Combo], plan: Plan, config: RunConfig, deadline: float
) -> list[ComboResult]:
    """Phase 1 for some combos; those that would start after `deadline` (Unix seconds) are left out.

    The first combo always runs: a deadline cuts between combos, and a run with none has nothing to say.
    """
    results: list[ComboResult] = []
    for combo in combos:
        if results and time.time() > deadline:
            break
        result = evaluate_combo(context, combo, plan, config, time.perf_counter)
        results.append(replace(result, worker=worker_name()))
    return results


def evaluate_chunk(
    context: StoreContext, combos: Sequence[Combo], plan: Plan, config: RunConfig, deadline: float
) -> tuple[bytes, int]:
    """What `evaluate_combos` finds, in one buffer for the next task, and how many combos it got to, for who waits."""
    results = evaluate_combos(context, combos, plan, config, deadline)
    return in_one_buffer(results), len(results)


def in_one_buffer(results: Sequence[ComboResult]) -> bytes:
    """A chunk's results as they travel: Ray would write each of 100 and more small arrays as a buffer, for 6 ms."""
    return pickle.dumps(results, protocol=5)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What phases 2 and 3 came to."""

    bundles: tuple[Bundle, ...]
    record: dict[str, Any]
    rejections: list[PackedRejections]
    select_ms: float
    report: Report = field(default_factory=Report)
    """What text models were asked meanwhile."""


@dataclass(frozen=True, slots=True)
class Told:
    """What text models may add to phases 2 and 3."""

    texts: KeptAnswers
    """Advises on candidates and writes words."""
    sets: tuple[tuple[Shortlisted, Answer], ...]
    """Questions for sets, and their answers."""
    deadline: float
    """Unix seconds after which no answer is waited for."""


def conclude_run(
    context: StoreContext, catalog: Catalog, plan: Plan, config: RunConfig, deadline: float,
    *results: list[ComboResult], told: Told | None = None,
) -> Conclusion:  # fmt: skip
    """Phases 2 and 3: choose among what all chunks found, finish the bundles, account for the rest.

    The search for a portfolio begins no further generation after `deadline` (Unix seconds).
    """
    started = time.perf_counter()
    found = [result for chunk in results for result in chunk]
    more: dict[str, Any] = {}
    if told is not None:
        asked, answers = [one for one, _ in told.sets], [answer for _, answer in told.sets]
        suggested = read_proposals(context, asked, answers, config.proposals)
        more = {"suggested": suggested, "texts": told.texts, "deadline": told.deadline}
    outcome = conclude(context, catalog, plan, found, config, lambda: time.time() < deadline, **more)
    has_all = outcome.judged is not None and outcome.selection is not None
    rest = list(pack(rejected(outcome.judged, outcome.selection, catalog))) if has_all else []  # type: ignore[arg-type]
    record = record_of(context, outcome, config)
    report = told.texts.report if told else Report()
    return Conclusion(outcome.bundles, record, rest, 1000 * (time.perf_counter() - started), report)


def conclude_chunks(
    context: StoreContext, catalog: Catalog, plan: Plan, config: RunConfig, deadline: float,
    *chunks: bytes, told: Told | None = None,
) -> Conclusion:  # fmt: skip
    """`conclude_run` for chunks as `in_one_buffer` packs them."""
    return conclude_run(context, catalog, plan, config, deadline, *map(pickle.loads, chunks), told=told)


def warm_up() -> str:
    """Import what the search needs, too: this module is what makes a worker ready for the rest. Its name."""
    genetic.load()
    return worker_name()


embed_task = ray.remote(num_cpus=1, max_retries=3)(embed_texts)
evaluate_task = ray.remote(num_cpus=1, max_retries=3, num_returns=2)(evaluate_chunk)
conclude_task = ray.remote(num_cpus=1, max_retries=3)(conclude_chunks)
warm_task = ray.remote(num_cpus=1, max_retries=0)(warm_up)
