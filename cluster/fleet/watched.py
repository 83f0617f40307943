"""What a coordinator does, as metrics and log lines, on the way to whoever else listens."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from actors.shelf import ShelfFigures
from cluster import metrics
from cluster.coordinator import Broken, End, Kept, Observer
from cluster.database.values import Claim, Ending, RunState
from cluster.logs import log, log_problem, log_run
from pipeline.errors import PlatformError

RECORDED: Mapping[str, Callable[[int], None]] = {
    "fenced": metrics.record_fence_rejected,
    "reaped": metrics.record_expired_leases,
    "dead": metrics.record_dead_letters,
}
"""Counts of a coordinator that are metrics, too."""


class Watched:
    """An `Observer` that records and logs what it hears, then tells another.

    Args:
        other: The other observer.
        queue: Asks the database how many runs are in each state.
        shards: Asks the shards what they keep.
    """

    def __init__(
        self,
        other: Observer,
        queue: Callable[[], Mapping[RunState, int]],
        shards: Callable[[], Mapping[str, ShelfFigures]],
    ) -> None:
        self._other, self._queue, self._shards = other, queue, shards
        self._counts: Counter[str] = Counter()
        self._shelves: dict[str, ShelfFigures] = {}

    def claimed(self, claims: Sequence[Claim]) -> None:
        """How long each run waited."""
        for claim in claims:
            metrics.record_claim(claim.waited_s)
            log("run claimed", store=claim.store, run=claim.run_id, attempt=claim.attempt)
        self._other.claimed(claims)

    def closed(self, end: End, *, again: bool = False) -> None:
        """How a run ended; one that was spread out has recorded itself."""
        if isinstance(end, Ending):
            metrics.record_run(end.record)
            log_run(end.record)
        elif not isinstance(end, Kept):
            self._failed(end.claim, end.reason, again=again, is_broken=isinstance(end, Broken))
        self._other.closed(end, again=again)

    def beat(self, counts: Mapping[str, int]) -> None:
        """What was counted since the last beat, and how things are now."""
        for name, record in RECORDED.items():
            record(counts.get(name, 0) - self._counts[name])
        self._counts = Counter(counts)
        self._other.beat(counts)
        try:
            states = self._queue()
        except PlatformError:
            return  # the coordinator meets it too, and bears it
        metrics.record_queue(queued=states.get("queued", 0), running=states.get("running", 0))
        for shard, figures in self._shards().items():
            self._record_shard(shard, figures)

    def _failed(self, claim: Claim, reason: str, *, again: bool, is_broken: bool) -> None:
        if not again:
            metrics.record_failed_run()
        event = "run failed, and is tried again" if again else "run given up" if is_broken else "run refused"
        log_problem(event, store=claim.store, run=claim.run_id, attempt=claim.attempt, reason=reason)

    def _record_shard(self, shard: str, now: ShelfFigures) -> None:
        metrics.record_shard(shard, stores=now.stores, used_bytes=now.bytes)
        before = self._shelves.get(shard)
        if before is None or now.hits < before.hits:  # a shard that was restarted counts from 0
            hits, misses = now.hits, now.misses
        else:
            hits, misses = now.hits - before.hits, now.misses - before.misses
        metrics.record_cache("shard", hits=hits, misses=misses)
        self._shelves[shard] = now
