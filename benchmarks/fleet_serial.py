"""What a store costs the coordinator alone: its claim and the commit of its result, one store after the other."""

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from cluster.database.database import Database
from cluster.database.engine import sqlite_url
from cluster.database.rejections import pack
from cluster.database.values import Claim, Ending, QueuedRun
from cluster.verdict import combo_outcomes
from configs.settings import FleetConfig

MOST = 200


def serial_seconds(data: Path, scratch: Path, fleet: str) -> float:
    """Seconds a store, in batches as a fleet commits them.

    Args:
        data: Data folder of a fleet that ended; its results are committed again.
        scratch: Where a fresh database goes.
        fleet: Name of the fleet.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    config = FleetConfig()
    with Database(sqlite_url(data)) as old, Database(sqlite_url(scratch)) as new:
        new.prepare(upgrade_empty=True)
        rows = [row for row in old.fleets.rows(fleet) if row.summary][:MOST]
        kept = {row.store: _as_ending(old, row.store, row.run_id) for row in rows}
        new.fleets.begin("f", [_queued(store) for store in kept], at=datetime.now(UTC))
        queue = new.queue("bench", config)
        begun = time.perf_counter()
        while claims := queue.claim(config.commit_batch, "f"):
            queue.settle([kept[claim.store](claim) for claim in claims])
        return (time.perf_counter() - begun) / len(rows)


def _queued(store: str) -> QueuedRun:
    return QueuedRun(store, f"run-{store}", "", "c", "s", {}, "bench", 0.0)


def _as_ending(database: Database, store: str, run_id: str):  # type: ignore[no-untyped-def]
    records = database.for_store(store)
    run, bundles, rejections = records.run(run_id), records.bundles(run_id), list(pack(records.rejections(run_id)))

    def ending(claim: Claim) -> Ending:
        return Ending(
            claim, cast("Any", run.state), run.snapshot or "", run.settings_sha256, run.settings, run.code_version,
            run.plan or {}, run.record or {}, bundles, combo_outcomes(run.record or {}), rejections,
        )  # fmt: skip

    return ending
