"""A queue whose clock a test turns, and runs to put into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from cluster.database.database import Database
from cluster.database.fleets import Begun
from cluster.database.queue import Queue
from cluster.database.values import Claim, Ending, PackedRejections, QueuedRun
from configs.settings import FleetConfig
from pipeline.terms import Reason

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class FakeClock:
    """A database's clock that stands still until a test turns it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self, connection: sa.Connection) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Shops:
    """A database with runs to be done."""

    database: Database
    clock: FakeClock

    def queue(self, owner: str = "one", **config: Any) -> Queue:
        return self.database.queue(owner, FleetConfig(**config), self.clock)

    def submit(self, *stores: str, fleet: str = "f1", **options: Any) -> Begun:
        """One run for each of `stores`."""
        return self.database.fleets.begin(fleet, queued(stores, fleet), at=self.clock.now, **options)


def queued(stores: Sequence[str], fleet: str = "f1", content: str = "c1") -> list[QueuedRun]:
    return [
        QueuedRun(store, f"{fleet}-{store}", f"/shops/{store}", content, "s" * 64, {"seed": 0}, "0.1.0", 100.0)
        for store in stores
    ]


def ending(claim: Claim, *bundles: dict[str, Any], **record: Any) -> Ending:
    """A claimed run that ended well."""
    record = {"phase_timings": {"total": 1000.0}} | record
    packed = [PackedRejections(Reason.DUPLICATE, 3, b"packed")]
    return Ending(
        claim, "succeeded", "a" * 64, "s" * 64, {"seed": 0}, "0.1.0", {"seed": 7}, record, bundles, [], packed
    )
