"""One run of one store: the phases as tasks, the truth in the database."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import ray

from actors.answers import AnswerStore
from actors.places import open_folder
from actors.remote.budget import Amount, Payer
from actors.shard import ContextRef, Outline, SnapshotRef
from cluster.bill import model_in
from cluster.database.database import Database
from cluster.database.records import StoreRecords
from cluster.fanout import chunk_count, chunks, fan_out
from cluster.gateway import find_gateway
from cluster.logs import log_problem, log_run, set_up_logs
from cluster.metrics import record_failed_run, record_run
from cluster.model_work import ModelWork
from cluster.nodes import placed
from cluster.progress import Progress, Silent
from cluster.session import data_folder
from cluster.shards import ShardPool
from cluster.stopwatch import Stopwatch
from cluster.tasks import Conclusion, conclude_task, embed_task, evaluate_task, in_one_buffer
from cluster.verdict import combo_outcomes, run_record, verdict
from configs.settings import Settings
from pipeline.combo import ComboResult
from pipeline.config import RunConfig
from pipeline.context.embedding import EmbeddingCache, length_batches
from pipeline.context.rules_config import RulesConfig
from pipeline.errors import BasketryError, NotFoundError, PlatformError, SettingsError
from pipeline.generate import VERSION
from pipeline.ingest.snapshot import to_date
from pipeline.offers.bundle import Bundle
from pipeline.plan import Plan, in_steps, make_plan, moving_average
from pipeline.ports import ModelInfo
from pipeline.selection.portfolio import generations_for
from pipeline.terms import Combo


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What is asked for: a snapshot, and how to look at it."""

    snapshot: SnapshotRef
    as_of: int | None = None
    """Day after the last one that may be known; the snapshot's own by default."""
    plan: Plan | None = None
    """A pinned plan; made by default."""
    rules: RulesConfig | None = None
    """The store's own rules, those of its table included; those of the settings by default."""
    config: RunConfig | None = None
    """What counts instead of the runner's settings: those that a run was queued with."""
    fence: int | None = None
    """That of a run which a coordinator claimed; its failures are left to the coordinator."""
    run_id: str = field(default_factory=lambda: new_id())


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run came to."""

    run_id: str
    status: str
    """`succeeded`, `degraded` or `partial`."""
    bundles: tuple[Bundle, ...]
    record: dict[str, Any]


class StoreRunner:
    """Runs stores one after the other, keeping their snapshots and contexts warm in shards.

    Args:
        settings: All settings.
        database: Where runs are kept.
        progress: Told of phases and steps.
        shards: Where stores are kept warm; shards of its own by default.
        gateway: The way to remote models where the settings name some; one that others may use too by default.
    """

    def __init__(
        self, settings: Settings, database: Database, progress: Progress | None = None,
        shards: ShardPool | None = None, gateway: Any = None,
    ) -> None:  # fmt: skip
        set_up_logs(settings.log_format)
        self._settings, self._config, self._database = settings, settings.run, database
        self._progress: Progress = progress or Silent()
        self._cache = data_folder(settings.data_dir) / "vectors"
        self._answers = data_folder(settings.data_dir) / "answers"
        self._gateway = (gateway or find_gateway(settings.models)) if settings.models.is_remote() else None
        self._shards = shards or ShardPool(settings)
        self._costs: dict[str, Any] = {}

    def run(self, request: RunRequest) -> RunReport:
        """Run a store from its snapshot to its stored bundles.

        A store whose products were never embedded gets preliminary bundles without vectors first.

        Raises:
            PlatformError: the cluster or the database failed. The run is kept as failed.
            SettingsError: the pinned plan is of another snapshot, of another day, or of other rules.
        """
        rules = self._settings.rules if request.rules is None else request.rules
        self._config = (request.config or self._settings.run).model_copy(update={"rules": rules})
        self._costs = placed(self._settings.cluster) | {"max_retries": self._settings.cluster.task_retries}
        request = _pinned(request, rules)
        records = self._database.for_store(request.snapshot.store, request.fence)
        records.begin_run(
            request.run_id, snapshot=request.snapshot.folder.name, settings_sha256=self._config.sha256(),
            settings=self._config.model_dump(mode="json"), code_version=VERSION, at=_now(),
        )  # fmt: skip
        payer = Payer(records.store, request.run_id, spent_today=_spent_today(records) if self._gateway else Amount())
        answers, budget_s = AnswerStore(self._answers), self._config.plan.deadline_ms / 1000
        models = ModelWork(self._settings.models, self._gateway, answers, payer, budget_s)
        try:
            self._shards.prepare(request.snapshot.store)
            report = self._run(request, records, models)
        except BaseException as error:
            error = as_ours(error)
            cost = models.close().cost
            if request.fence is None:
                record_failed_run()
                log_problem("run failed", store=request.snapshot.store, run=request.run_id, error=str(error))
                what = f"{type(error).__name__}: {error}"[:2000]
                records.fail_run(request.run_id, error=what, at=_now(), cost=cost)
            else:
                records.add_usage(request.run_id, cost)
            raise error
        record_run(report.record)
        log_run(report.record)
        return report

    def _run(self, request: RunRequest, records: StoreRecords, models: ModelWork) -> RunReport:
        clock = Stopwatch()
        models.begin_tags(lambda: self._get(self._shard(request).catalog.remote(request.snapshot)), self._config)
        embedding = self._embed(request, records, clock, models)
        clock.restart()
        work = self._work(request, records, clock, models.vectors, models if models.is_remote else None)
        models.heard(work.conclusion.report)
        self._save_preliminary(request, records, work.conclusion)
        bill = models.close()
        status, reasons = verdict(work.plan, work.outline.orders, work.conclusion.record, bill)
        record = run_record(
            work.conclusion.record, run_id=request.run_id, snapshot=request.snapshot.folder.name, plan=work.plan,
            outline=work.outline, status=status, reasons=reasons, embedding=embedding, settings=self._settings,
            config=self._config, models=bill,
        )  # fmt: skip
        clock.lap("record")
        records.finish_run(
            request.run_id, state=status, record=record | {"phase_timings": clock.timings()}, at=_now(),
            bundles=[bundle.to_json() for bundle in work.conclusion.bundles],
            combos=combo_outcomes(work.conclusion.record),
            rejections=work.conclusion.rejections,
            cost=bill.cost,
        )  # fmt: skip
        clock.lap("storage")
        timings = clock.timings()
        record["phase_timings"] = timings
        record["time_budget"]["actual_duration_ms"] = timings["total"]
        return RunReport(request.run_id, status, work.conclusion.bundles, record)

    def _save_preliminary(self, request: RunRequest, records: StoreRecords, conclusion: Conclusion) -> None:
        records.save_preliminary(request.run_id, [bundle.to_json() for bundle in conclusion.bundles])

    def _embed(
        self, request: RunRequest, records: StoreRecords, clock: Stopwatch, models: ModelWork
    ) -> dict[str, Any] | None:
        """Embed what no run embedded yet; preliminary bundles with what there is go first, while an endpoint works."""
        texts = self._missing(request, models.model)
        if not texts:
            return None
        asked = models.ask_for_vectors(texts) if models.is_remote else None
        before = self._complete(request, _last_model(records))
        work = self._work(request, records, clock, before)
        self._save_preliminary(request, records, work.conclusion)
        self._shards.workers.warm()
        started = time.perf_counter()
        self._progress.phase("embedding", len(texts))
        if asked is not None:
            models.keep_vectors(asked, EmbeddingCache(open_folder(self._cache), models.model), self._progress)
            workers = []
        else:
            workers = self._embed_here(texts)
        if self._complete(request, models.model) is None:
            models.use(before)
        return {"texts": len(texts), "seconds": round(time.perf_counter() - started, 3), "workers": workers}

    def _missing(self, request: RunRequest, model: ModelInfo) -> list[str]:
        task = self._shard(request).missing_texts.options(name=f"texts:{request.snapshot.store}")
        return self._get(task.remote(request.snapshot, model, self._config.tags))

    def _complete(self, request: RunRequest, model: ModelInfo | None) -> ModelInfo | None:
        """The model, where it has a vector of every product."""
        return None if model is None or self._missing(request, model) else model

    def _embed_here(self, texts: list[str]) -> list[str]:
        """Embed texts in tasks, with the embedded model; the workers that did."""
        batches = [[texts[at] for at in rows] for rows in length_batches(texts, self._settings.cluster.embed_batch)]
        # Long texts first, so that the last tasks to finish are short ones.
        at_once = self._at_once(self._settings.ml.parallel_embedding_batches)
        workers: set[str] = set()
        for batch, reference in self._fan_out(batches[::-1], self._submit_embedding, at_once):
            workers.add(self._get(reference))
            self._progress.step(len(batch))
        return sorted(workers)

    def _shard(self, request: RunRequest) -> Any:
        return self._shards.shard_of(request.snapshot.store)

    def _submit_embedding(self, batch: list[str]) -> "ray.ObjectRef[str]":
        return embed_task.options(name=f"embed:{len(batch)} texts", **self._costs).remote(batch, self._cache)

    def _work(
        self, request: RunRequest, records: StoreRecords, clock: Stopwatch, vectors: ModelInfo | None,
        models: ModelWork | None = None,
    ) -> "_Work":  # fmt: skip
        """Phases 0 to 3; without `models`, no text model is asked."""
        store = request.snapshot.store
        self._progress.phase("context")
        tags = None
        if models:
            tags = models.tags()
            clock.lap("tags")
        wanted = ContextRef(request.snapshot, request.as_of, self._config.context, vectors, self._config.tags, tags)
        view = self._shard(request).view.options(name=f"context:{store}", num_returns=3)
        context, catalog, outlined = view.remote(wanted)
        costs = [] if request.plan else records.combo_costs()  # while the shard works
        outline: Outline = self._get(outlined)
        clock.lap("context")
        plan = request.plan or self._plan(request, outline, costs)
        records.save_plan(request.run_id, plan.model_dump(mode="json"))
        if models:
            proposals = self._config.proposals
            models.begin_sets(lambda: self._get(self._shard(request).shortlists.remote(wanted, plan, proposals)))
        deadline = time.time() + plan.deadline_ms / 1000
        results = self._evaluate(context, plan, outline, deadline)
        clock.lap("candidates")
        self._progress.phase("optimisation")
        finish: Any = conclude_task.options(name=f"portfolio:{store}", **self._costs)
        parts = (context, catalog, plan, self._config, deadline, *results)
        told = None
        if models:
            # These wait for no model: they are chosen and stored while advice and words are asked for.
            first = finish.remote(*parts)
            told = models.told()
        final = finish.remote(*parts, told=told)
        if told:
            self._save_preliminary(request, records, self._get(first))
        conclusion: Conclusion = self._get(final)
        clock.lap("optimisation and words")
        return _Work(plan, outline, conclusion)

    def _plan(self, request: RunRequest, outline: Outline, costs: list[float]) -> Plan:
        plan = make_plan(
            store=request.snapshot.store,
            snapshot=request.snapshot.folder.name,
            as_of=outline.as_of,
            orders=outline.orders,
            needs=outline.needs,
            limit=self._config.portfolio.limit,
            seed=self._config.seed,
            past_costs_ms=costs if self._config.plan.mode == "budget" else [],
            config=self._config.plan,
            generations=generations_for(outline.cells, self._config.portfolio),
            rules=self._config.rules.sha256(),
        )
        lately = in_steps(moving_average(costs, self._config.plan)) if costs else None
        return plan.model_copy(update={"combo_ms": lately})

    def _evaluate(self, context: Any, plan: Plan, outline: Outline, deadline: float) -> list[Any]:
        """Phase 1 as tasks; a chunk that its workers could not finish comes back as failed combos."""
        self._progress.phase("candidates", len(plan.admitted))
        results: list[Any] = []
        found: dict[Any, Any] = {}
        """Results of a chunk by what says that it has ended: they go from worker to worker, and are not read here."""
        parts = chunks(plan.admitted, chunk_count(plan, outline.cells, self._settings.cluster.fanout))

        def submit(combos: list[Combo]) -> Any:
            name = (
                f"combo:{combos[0].label} of {plan.store}"
                if len(combos) == 1
                else f"combos:{combos[0].label} and {len(combos) - 1} more of {plan.store}"
            )
            task: Any = evaluate_task.options(name=name, **self._costs)
            result, ended = task.remote(context, combos, plan, self._config, deadline)
            found[ended] = result
            return ended

        at_once = self._at_once(self._settings.ml.parallel_candidate_generation)
        at_once = self._shards.workers.at_once(at_once, len(parts))

        def may_start() -> bool:
            return time.time() < deadline or not results

        for combos, ended in self._fan_out(parts, submit, at_once, may_start=may_start):
            results.append(_or_failed(combos, ended, found[ended], self._settings.cluster.wait_s))
            self._progress.step(len(combos))
        return results

    def _at_once(self, is_parallel: bool) -> int:
        """Tasks in flight: one where a rollback switch says so."""
        return self._settings.cluster.in_flight if is_parallel else 1

    def _fan_out(self, items: Sequence[Any], submit: Callable[[Any], Any], in_flight: int, **options: Any) -> Any:
        return fan_out(items, submit, in_flight=in_flight, wait_s=self._settings.cluster.wait_s, **options)

    def _get(self, reference: Any) -> Any:
        return ray.get(reference, timeout=self._settings.cluster.wait_s)


@dataclass(frozen=True, slots=True)
class _Work:
    plan: Plan
    outline: Outline
    conclusion: Conclusion


def new_id() -> str:
    """An id of a run or a fleet: the moment, to be sorted by, and chance."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:8]}"


def _now() -> datetime:
    return datetime.now(UTC)


def _spent_today(records: StoreRecords) -> Amount:
    midnight = _now().replace(hour=0, minute=0, second=0, microsecond=0)
    return Amount(*records.spent_since(midnight))


def _last_model(records: StoreRecords) -> ModelInfo | None:
    """The model whose vectors the store's last good run used."""
    try:
        return model_in(records.run().record or {})
    except NotFoundError:
        return None


def _pinned(request: RunRequest, rules: RulesConfig) -> RunRequest:
    """The request, with the day of its pinned plan: a plan says what to look at, and looks at nothing else."""
    plan, snapshot = request.plan, request.snapshot
    if plan is None:
        return request
    if (plan.store, plan.snapshot) != (snapshot.store, snapshot.folder.name):
        raise SettingsError(
            f"the plan is of snapshot {plan.snapshot[:12]}… of store {plan.store!r}, found snapshot "
            f"{snapshot.folder.name[:12]}… of store {snapshot.store!r}; run it with its own files, or without --plan"
        )
    if request.as_of is not None and request.as_of != plan.as_of:
        raise SettingsError(
            f"the plan looks at the store as of {to_date(plan.as_of)}, found --as-of {to_date(request.as_of)}; "
            "leave one of the two out"
        )
    if plan.rules != rules.sha256():
        raise SettingsError(
            f"the plan was made under rules {plan.rules[:12] or 'none'} of the store, found "
            f"{rules.sha256()[:12] or 'none'}; give the same rules, or leave --plan out"
        )
    return replace(request, as_of=plan.as_of)


def as_ours(error: BaseException) -> BaseException:
    """An error of ours as it was raised in a worker; what Ray says of the cluster as one sentence."""
    if isinstance(error, ray.exceptions.RayTaskError) and isinstance(error.cause, BasketryError):
        return error.cause
    if isinstance(error, ray.exceptions.RayTaskError) or not isinstance(error, ray.exceptions.RayError | TimeoutError):
        return error
    lines = str(error).splitlines() or [type(error).__name__]
    failure = PlatformError(f"the cluster failed this run ({type(error).__name__}: {lines[0]}); run it again")
    failure.__cause__ = error
    return failure


def _or_failed(combos: list[Combo], ended: Any, result: Any, wait_s: float) -> Any:
    """The reference of a chunk's results, or its combos as failed where no worker could finish it."""
    try:
        ray.get(ended, timeout=wait_s)
    except ray.exceptions.RayError as error:
        why = f"{type(error).__name__}: no worker finished it"
        return in_one_buffer([ComboResult(combo, "failed", None, reason=why) for combo in combos])
    return result
