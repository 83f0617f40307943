"""How things are now, as metrics: the queue, and what shards keep."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from actors.shelf import ShelfFigures
from cluster import metrics
from cluster.database.values import RunState
from pipeline.errors import PlatformError

EVERY_S = 10.0
"""As often as Ray takes metrics to the port where they are read."""


class Gauges:
    """Looks at the queue and the shards.

    Args:
        queue: Asks the database how many runs are in each state.
        shards: Asks the shards what they keep.
    """

    def __init__(
        self, queue: Callable[[], Mapping[RunState, int]], shards: Callable[[], Mapping[str, ShelfFigures]]
    ) -> None:
        self._queue, self._shards = queue, shards
        self._before: dict[str, ShelfFigures] = {}

    def look(self) -> None:
        """Record how things are. A database that does not answer is the coordinator's to bear."""
        try:
            states = self._queue()
        except PlatformError:
            return
        metrics.record_queue(queued=states.get("queued", 0), running=states.get("running", 0))
        for shard, figures in self._shards().items():
            self._record(shard, figures)

    def _record(self, shard: str, now: ShelfFigures) -> None:
        metrics.record_shard(shard, stores=now.stores, used_bytes=now.bytes)
        before = self._before.get(shard)
        is_new = before is None or now.hits < before.hits or now.misses < before.misses
        hits, misses = (0, 0) if before is None or is_new else (before.hits, before.misses)
        metrics.record_cache("shard", hits=now.hits - hits, misses=now.misses - misses)
        self._before[shard] = now


@contextmanager
def watching(gauges: Gauges, every_s: float = EVERY_S) -> Iterator[None]:
    """Look every `every_s` seconds, and once more at the end, beside what the block does."""
    is_over = threading.Event()

    def keep_looking() -> None:
        while not is_over.wait(every_s):
            gauges.look()

    thread = threading.Thread(target=keep_looking, name="gauges", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        gauges.look()
