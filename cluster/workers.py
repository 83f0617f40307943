"""Workers that import before there is work for them."""

from threading import Lock
from typing import Any

import ray

from cluster.nodes import placed
from cluster.tasks import warm_task
from configs.settings import ClusterConfig

START_MS = 2_000.0
"""About what a worker takes to be ready."""


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

    def at_once(self, most: int, work_ms: float) -> int:
        """How many tasks to have in flight for `work_ms` of work in all, `most` at most."""
        with self._lock:
            self._worked = True
            if len(self._warm) >= self._cpus or work_ms >= START_MS:
                return most
            # One more worker would still import when all is done, and Ray starts one for a task that comes while
            # these do.
            ray.wait(self._warm, num_returns=len(self._warm), timeout=self._config.wait_s)
            return min(most, len(self._warm))
