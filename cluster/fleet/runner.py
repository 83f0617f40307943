"""Claimed runs as Ray tasks: small stores whole in one, large ones spread over the cluster."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from threading import local
from typing import Any

import ray

from cluster.coordinator import Broken, End, Kept, Refused
from cluster.database.database import Database
from cluster.database.values import Claim
from cluster.fleet.sources import fetched
from cluster.fleet.whole import run_whole
from cluster.gateway import find_gateway
from cluster.metrics import record_ingest
from cluster.nodes import placed
from cluster.run import RunRequest, StoreRunner, as_ours
from cluster.shards import ShardPool
from cluster.stored import parse_settings
from cluster.uploads import Upload, take_upload
from configs.settings import Settings
from pipeline.errors import BasketryError, DataError, LostLeaseError, SettingsError

SLICE_S = 0.2
"""How long tasks are waited for before threads are looked at."""
OVERDUE, GRACE_S = 3, 60.0
"""Deadlines of a store, and seconds on top, after which a task that nobody hears of is ended: it may have waited."""


def read_upload(source: str, store: str, settings: Settings) -> Upload:
    """Read a large store's files in a worker; the snapshot itself stays where it was written."""
    with fetched(source) as folder:
        return replace(take_upload(folder, store, settings), snapshot=None)  # type: ignore[arg-type]


whole_task: Any = ray.remote(num_cpus=1, max_retries=0)(run_whole)
upload_task: Any = ray.remote(num_cpus=1, max_retries=0)(read_upload)


class RayRunner:
    """A `Runner` on the Ray that is connected.

    Args:
        settings: All settings.
        database: Where runs that are spread out are kept.

    Raises:
        SettingsError: the cluster has several nodes that may not see the same data.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database, self._config = settings, database, settings.fleet
        self._placed = placed(settings.cluster)
        self._gateway = find_gateway(settings.models) if settings.models.is_remote() else None
        self._shared = ray.put(settings)
        self._whole: dict[ray.ObjectRef[Any], tuple[Claim, float]] = {}
        self._large: dict[Future[End], Claim] = {}
        self._threads = ThreadPoolExecutor(self._config.large_in_flight, thread_name_prefix="large-store")
        self._mine = local()
        self.shards = ShardPool(settings)
        """Where stores that are spread out are kept warm."""

    def __len__(self) -> int:
        return len(self._whole) + len(self._large)

    def start(self, claim: Claim) -> None:
        """Submit a run: whole, or spread out where its expected work is above `fleet.whole_ms`.

        Runs that ask models of a provider are spread out whatever their size: the gateway that holds the limits is
        asked from here, and a worker that waits for answers would be no worker.
        """
        if self._gateway is not None or (claim.cost_ms or claim.estimate_ms) > self._config.whole_ms:
            self._large[self._threads.submit(self._run_large, claim)] = claim
            return
        in_budget = claim.settings.get("plan", {}).get("mode") == "budget"
        costs = self._database.for_store(claim.store).combo_costs() if in_budget else []
        reference = whole_task.options(name=f"store:{claim.store}", **self._placed).remote(claim, self._shared, costs)
        self._whole[reference] = (claim, time.monotonic())

    def ended(self, wait_s: float) -> Sequence[End]:
        """What has ended; waits for the first."""
        until = time.monotonic() + wait_s
        while True:
            left = max(0.0, until - time.monotonic())
            found = self._ended_whole(min(left, SLICE_S) if self._large else left) + self._ended_large(left)
            if found or time.monotonic() >= until:
                return found

    def forget(self, claim: Claim) -> None:
        """Cancel a task; a run that is spread out ends by itself and finds its fence gone."""
        for reference, (running, _) in list(self._whole.items()):
            if running == claim:
                del self._whole[reference]
                ray.cancel(reference, force=True)
        self._large = {future: running for future, running in self._large.items() if running != claim}

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ended_whole(self, wait_s: float) -> list[End]:
        if not self._whole:
            return []
        some, _ = ray.wait(list(self._whole), num_returns=1, timeout=wait_s)
        if not some:
            return self._overdue()
        done, _ = ray.wait(list(self._whole), num_returns=len(self._whole), timeout=0)
        return [_end(self._whole.pop(reference)[0], _getter(reference)) for reference in done]

    def _ended_large(self, wait_s: float) -> list[End]:
        if not self._large:
            return []
        done, _ = wait(self._large, timeout=0 if self._whole else min(wait_s, SLICE_S), return_when=FIRST_COMPLETED)
        return [_end(self._large.pop(future), future.result) for future in done]

    def _overdue(self) -> list[End]:
        limit_s = OVERDUE * self._config.store_deadline_s + GRACE_S
        late = [claim for claim, since in self._whole.values() if time.monotonic() - since > limit_s]
        for claim in late:
            self.forget(claim)
        return [Broken(claim, f"nothing was heard of its worker for {limit_s:g} s") for claim in late]

    def _run_large(self, claim: Claim) -> End:
        """In a thread: read the files in a task, then spread the run; it commits itself, under the claim's fence."""
        config = parse_settings(claim.settings)
        settings = self._settings.model_copy(update={"rules": config.rules})
        reading = upload_task.options(name=f"ingest:{claim.store}", **self._placed).remote(
            claim.source, claim.store, settings
        )
        upload = ray.get(reading, timeout=settings.cluster.wait_s)
        record_ingest(upload.report.to_json())
        if not hasattr(self._mine, "runner"):
            self._mine.runner = StoreRunner(self._settings, self._database, shards=self.shards, gateway=self._gateway)
        request = RunRequest(upload.ref, rules=upload.rules, config=config, fence=claim.fence, run_id=claim.run_id)
        return Kept(claim, self._mine.runner.run(request).status)


def _getter(reference: Any) -> Callable[[], End]:
    return lambda: ray.get(reference)


def _end(claim: Claim, result: Callable[[], End]) -> End:
    """What a task or thread came to; what it raised, as an end."""
    try:
        return result()
    except Exception as raised:
        error = as_ours(raised)
        cause = getattr(error, "cause", error)
        if isinstance(cause, LostLeaseError):
            return Broken(claim, str(cause))
        if isinstance(cause, DataError | SettingsError):
            return Refused(claim, str(cause))
        return Broken(claim, _reason(cause))


def _reason(error: BaseException) -> str:
    if isinstance(error.__cause__, ray.exceptions.WorkerCrashedError):
        return (
            "its worker died: it crashed, was killed, or passed fleet.store_deadline_s "
            "(Ray's log of the worker says which)"
        )
    if isinstance(error.__cause__, ray.exceptions.OutOfMemoryError):
        return "its worker was ended because the machine ran out of memory"
    text = str(error).strip().splitlines() or [""]
    return text[0] if isinstance(error, BasketryError) else f"{type(error).__name__}: {text[-1]}"
