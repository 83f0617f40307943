"""A fleet from its folder to its end: every store one run in the queue, and a coordinator that works it off."""

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import ray

from cluster.coordinator import Coordinator, Observer
from cluster.database.database import Database
from cluster.database.fleets import Begun
from cluster.database.values import FleetRow, QueuedRun
from cluster.fleet.gauges import Gauges, watching
from cluster.fleet.metered import Metered
from cluster.fleet.runner import RayRunner
from cluster.fleet.sources import StoreSource
from cluster.logs import set_up_logs
from cluster.run import new_id
from configs.settings import Settings
from pipeline.generate import VERSION

OPEN = ("queued", "running")


@dataclass(frozen=True, slots=True)
class FleetReport:
    """What a fleet came to."""

    fleet: str
    begun: Begun
    rows: list[FleetRow]
    counts: dict[str, int]
    """What the coordinator did."""


def queue_runs(stores: Sequence[StoreSource], settings: Settings) -> list[QueuedRun]:
    """One run for each store, those that weigh most first: the last to end are small ones then."""
    config = settings.run
    settings_sha256, values = config.sha256(), config.model_dump(mode="json")
    limits, models = settings.ingest.model_dump_json(), settings.models
    asked = [repr(models.embedding_info), repr(models.chat_info)] if models.is_remote() else []
    return [
        QueuedRun(
            store=store.store,
            run_id=new_id(),
            source=store.address,
            content=store.content(settings_sha256, limits, VERSION, *asked),
            settings_sha256=settings_sha256,
            settings=values,
            code_version=VERSION,
            estimate_ms=store.estimate_ms,
        )
        for store in sorted(stores, key=lambda store: (-store.estimate_ms, store.store))
    ]


def run_fleet(
    runs: Sequence[QueuedRun], settings: Settings, database: Database, *, max_age_s: float | None = None,
    observer: Observer | None = None, when_begun: Callable[[str, Begun], None] = lambda fleet, begun: None,
) -> FleetReport:  # fmt: skip
    """Run stores on the Ray that is connected, until every one has ended.

    Args:
        runs: One a store.
        settings: All settings.
        database: With our tables.
        max_age_s: Stores that ended well with the same content since so long ago are not run again, and runs that an
            earlier fleet left open are taken over. None runs all.
        observer: Told of claims and ends.
        when_begun: Told of the fleet's name, and how it starts.

    Raises:
        SettingsError: another coordinator works on the same SQLite file.
        PlatformError: the database can't be used.
    """
    set_up_logs(settings.log_format)
    fleet, now = new_id(), datetime.now(UTC)
    queue = database.queue(f"{socket.gethostname()}:{os.getpid()}:{fleet}", settings.fleet)
    with database.coordinating() as is_alone:
        if is_alone:
            queue.recover()
        reuse_after = None if max_age_s is None else now - timedelta(seconds=max_age_s)
        begun = database.fleets.begin(fleet, runs, at=now, reuse_after=reuse_after)
        when_begun(fleet, begun)
        runner = RayRunner(settings, database)
        coordinator = Coordinator(
            queue, runner, settings.fleet, in_flight=settings.fleet.in_flight or _default_in_flight(), fleet=fleet,
            observer=Metered(observer),
        )  # fmt: skip
        gauges = Gauges(lambda: database.fleets.counts(fleet), runner.shards.figures)
        try:
            with watching(gauges):
                coordinator.run(lambda: not set(OPEN) & set(database.fleets.counts(fleet)))
        finally:
            runner.close()
    return FleetReport(fleet, begun, database.fleets.rows(fleet), dict(coordinator.counts))


def _default_in_flight() -> int:
    """Two for each CPU: the next store of a worker is there before the last one is committed."""
    return max(2, 2 * int(ray.cluster_resources().get("CPU", 1)))  # type: ignore[no-untyped-call]
