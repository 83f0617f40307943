"""Workers that import before there is work for them."""

from threading import Lock
from typing import Any

import ray

from cluster.fanout import ALONE_MS
from cluster.nodes import placed
from cluster.tasks import warm_task
from configs.settings import ClusterConfig

START_MS = 2_000.0
"""About what a worker takes to be ready, in milliseconds."""


class Workers:
    """Worker processes that are made ready ahead. Safe to use from several threads.

    Args:
        config: Where tasks are placed, and how long anything is waited for.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config
        self._lock = Lock()
        self._cpus, self._worked = 0, False
        self._warm: list[Any] = []

    def warm(self) -> None:
        """Let workers import, one for each CPU.

        At first one less: a shard imports, too, and a worker more would only take its CPU from it. The next call after
        there was work brings their number up.
        """
        with self._lock:
            self._cpus = self._cpus or int(ray.cluster_resources().get("CPU", 1))  # type: ignore[no-untyped-call]
            wanted = self._cpus if self._worked else max(1, self._cpus - 1)
            warm = warm_task.options(name="warm up", **placed(self._config))
            self._warm += [warm.remote() for _ in range(wanted - len(self._warm))]

    def at_once(self, most: int, tasks: int) -> int:
        """How many of `tasks` tasks, of about `ALONE_MS` of work each, to have in flight: `most` at most.

        Where one worker more would still import when all is done, no more than were asked to be warm. As many of them
        as there are tasks are waited for: Ray starts another for a task that comes while these import.
        """
        with self._lock:
            self._worked = True
            if len(self._warm) >= self._cpus or tasks * ALONE_MS >= START_MS:
                return most
            needed = max(1, min(tasks, len(self._warm)))
            ray.wait(self._warm, num_returns=needed, timeout=self._config.wait_s)
            return min(most, len(self._warm))
