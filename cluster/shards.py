"""The store shards of a process: actors that keep stores warm, each store in the place its name gives it."""

from threading import Lock
from typing import Any, Self
from uuid import uuid4

import ray

from actors.placement import ShardList
from actors.shard import StoreShard
from actors.shelf import ShelfFigures
from cluster.nodes import check_data_dir, placed
from cluster.session import data_folder, is_local
from cluster.workers import Workers
from configs.settings import Settings

WATCH = "watch"
"""Concurrency group of what only looks: it does not wait for a store that is being loaded."""

CPUS_A_SHARD = 2

COSTS: dict[str, Any] = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": 3, "concurrency_groups": {WATCH: 1}}
StoreShardActor: Any = ray.remote(**COSTS)(StoreShard)


class ShardPool:
    """Finds the shard of a store. A shard is started when a first store needs it. Safe to use from several threads.

    Args:
        settings: How many shards, and what each may keep.

    Raises:
        SettingsError: the cluster has several nodes that may not see the same data.
    """

    def __init__(self, settings: Settings) -> None:
        check_data_dir(settings)
        self._settings = settings
        # A name of its own: on a shared cluster, a shard of another process would die with that process.
        self._name = uuid4().hex[:8]
        self._lock = Lock()
        self._list = ShardList.of(settings.cluster.shards or _default_count(settings))
        self._actors: dict[str, Any] = {}
        self.workers = Workers(settings.cluster)
        """Those that work on what the shards keep."""

    @property
    def shards(self) -> ShardList:
        """The list that stores are placed by."""
        return self._list

    def shard_of(self, store: str) -> Any:
        """The actor that keeps `store`; it lives as long as somebody holds it, also when the pool has changed."""
        with self._lock:
            shard = self._list.shard_of(store)
            if shard not in self._actors:
                self._actors[shard] = self._start(shard)
            return self._actors[shard]

    def prepare(self, store: str) -> Self:
        """Start what a run of `store` needs, if nothing is yet: its shard, and workers.

        The shard comes first, since the run waits for it: it gets a process that Ray has ready.
        """
        self.shard_of(store)
        self.workers.warm()
        return self

    def resize(self, count: int) -> None:
        """Place stores over `count` shards from now on. Only stores move that must: to new shards, or off removed ones.

        A shard that is taken out ends with the last run that holds it.
        """
        with self._lock:
            self._list = self._list.resized(count)
            self._actors = {name: actor for name, actor in self._actors.items() if name in self._list.shards}

    def figures(self, timeout_s: float = 2.0) -> dict[str, ShelfFigures]:
        """What each shard that was started keeps; one that does not answer in time, or is restarting, is left out."""
        with self._lock:
            asked = {
                name: actor.figures.options(concurrency_group=WATCH, name="figures").remote()
                for name, actor in self._actors.items()
            }
        answered, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=timeout_s) if asked else ([], [])
        found = {}
        for name, reference in asked.items():
            if reference in answered:
                try:
                    found[name] = ray.get(reference, timeout=timeout_s)
                except ray.exceptions.RayError:
                    continue
        return found

    def _start(self, shard: str) -> Any:
        cluster = self._settings.cluster
        name = f"store-shard:{shard}:{self._name}"
        options = placed(cluster) | {"name": name, "max_concurrency": cluster.shard_threads}
        return StoreShardActor.options(**options).remote(
            data_folder(self._settings.data_dir) / "vectors", cluster.shard_bytes, cluster.store_bytes
        )


def _default_count(settings: Settings) -> int:
    """One shard on a local Ray, which lives as long as its command; on a cluster one for two CPUs."""
    if is_local(settings.cluster):
        return 1
    cpus = ray.cluster_resources().get("CPU", 1)  # type: ignore[no-untyped-call]
    return max(1, int(cpus) // CPUS_A_SHARD)
