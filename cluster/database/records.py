"""What a run writes of its store: each call one transaction, always bound to the store."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

import sqlalchemy as sa

from cluster.database import rows, tables
from cluster.database.engine import insert_new, writing
from cluster.database.history import StoreHistory
from cluster.database.values import (
    ComboOutcome,
    Ending,
    Json,
    ModelUsage,
    PackedRejections,
    RunState,
)
from pipeline.errors import LostLeaseError, NotFoundError, RunStateError

COST_ALPHA = 0.2
"""Weight of the newest run in a store's moving average cost."""
LET_GO = {"owner": None, "lease_until": None}
"""Nobody holds the run any more."""


def _delete_of_run(table: sa.Table) -> sa.Delete:
    return sa.delete(table).where(table.c.store == sa.bindparam("of"), table.c.run_id == sa.bindparam("run"))


_DELETE_BUNDLES = _delete_of_run(tables.bundle)
_DELETE_USAGE = _delete_of_run(tables.usage)
_DELETE_ALL = (_DELETE_BUNDLES, *map(_delete_of_run, (tables.combo, tables.rejection)))
"""What a run came to, table by table; made once, since a fleet asks for it with every store. What it asked of models
stays: an attempt that failed is paid for as well."""


class StoreRecords(StoreHistory):
    """What the database knows of one store, to be read and written. Times are the caller's and have an offset.

    Args:
        engine: The database.
        store: The store that everything here is bound to.
        fence: That of a run which was claimed: every write demands that it still holds, and `LostLeaseError` is raised
            where the run has changed hands. None for a run that nobody else can claim.
    """

    def __init__(self, engine: sa.Engine, store: str, fence: int | None = None) -> None:
        super().__init__(engine, store)
        self._fence = fence

    def save_snapshot(self, sha256: str, summary: Json, *, at: datetime) -> None:
        """Note a snapshot and what was read, accepted and rejected for it; one that is known stays as it is."""
        with writing(self._engine, self.store) as connection:
            self._save_snapshot(connection, sha256, summary, at)

    def begin_run(
        self, run_id: str, *, snapshot: str, settings_sha256: str, settings: Json, code_version: str, at: datetime,
        plan: Json | None = None,
    ) -> None:  # fmt: skip
        """Open a run, or open it again: a further attempt forgets what the one before stored.

        Args:
            run_id: Its id, unique among all stores.
            snapshot: sha256 of the snapshot it reads.
            settings_sha256: Hash of `settings`.
            settings: Everything that may change a bundle, so that the run can be done again.
            code_version: Version of the code.
            at: Now.
            plan: Its plan, where that is fixed already (else `save_plan`).

        Raises:
            RunStateError: A run of this id has ended.
        """
        what = {"snapshot": snapshot, "settings_sha256": settings_sha256, "settings": dict(settings),
                "code_version": code_version, "plan": plan}  # fmt: skip
        with writing(self._engine, self.store) as connection:
            self._begin(connection, run_id, what, at)

    def _begin(self, connection: sa.Connection, run_id: str, what: Mapping[str, Any], at: datetime) -> None:
        self._save_snapshot(connection, what["snapshot"], {}, at)
        if self._fence is not None:  # whoever claimed it opened it, and counted the attempt
            self._check_open(connection, run_id, "begin")
            self._update(connection, run_id, what)
            return
        key = {"store": self.store, "run_id": run_id}
        first = {"state": "queued", "attempts": 0, "fence": 0, "created_at": at}
        insert_new(connection, tables.run, [{**key, **what, **first}])
        self._check_open(connection, run_id, "begin")
        self._clear(connection, run_id)
        attempt = {"state": "running", "started_at": at, "attempts": tables.run.c.attempts + 1}
        self._update(connection, run_id, {**what, **attempt})

    def save_plan(self, run_id: str, plan: Json) -> None:
        """Keep the plan of an open run, before its first candidate.

        Raises:
            NotFoundError: The store has no such run.
            RunStateError: The run has ended.
        """
        with writing(self._engine, self.store) as connection:
            self._check_open(connection, run_id, "take a plan")
            self._update(connection, run_id, {"plan": dict(plan)})

    def save_preliminary(self, run_id: str, bundles: Sequence[Json]) -> None:
        """Keep bundles of an open run that may be served until the final ones replace them.

        Args:
            run_id: The run.
            bundles: Objects of `bundles.json`.

        Raises:
            NotFoundError: The store has no such run.
            RunStateError: The run has ended.
        """
        with writing(self._engine, self.store) as connection:
            self._check_open(connection, run_id, "store preliminary bundles")
            key = {"store": self.store, "run_id": run_id}
            connection.execute(_DELETE_BUNDLES, {"of": self.store, "run": run_id})
            _insert(connection, tables.bundle, rows.of_bundles(key, bundles, "preliminary"))

    def finish_run(
        self, run_id: str, *, state: Literal["succeeded", "degraded", "partial"], record: Json, at: datetime,
        bundles: Sequence[Json], combos: Sequence[ComboOutcome], rejections: Sequence[PackedRejections],
        cost: Sequence[ModelUsage] = (),
    ) -> None:  # fmt: skip
        """End a run and keep all it came to, in one transaction; final bundles replace the preliminary ones.

        Doing it twice with the same record changes nothing, so a caller that lost the answer may ask again.

        Args:
            run_id: The run.
            state: How it ended.
            record: What `run.json` holds.
            at: Now.
            bundles: Objects of `bundles.json`.
            combos: What each combo came to, in the order they ran.
            rejections: Candidates that are no bundle, as `pack` makes them.
            cost: What was asked of models.

        Raises:
            NotFoundError: The store has no such run.
            RunStateError: The run ended before, otherwise.
        """
        with writing(self._engine, self.store) as connection:
            row = self._lock(connection, run_id)
            if row.state == state and row.record == rows.as_stored(record):
                return
            self._check_open(connection, run_id, "finish")
            self._keep(connection, run_id, state, record, bundles, combos, rejections, at, cost)

    def settle(self, connection: sa.Connection, ending: Ending, *, at: datetime) -> None:
        """Keep a claimed run whole, from its snapshot to its end, within the caller's transaction.

        Raises:
            NotFoundError: The store has no such run.
            RunStateError: The run ended before, otherwise.
        """
        run_id = ending.claim.run_id
        what = {"snapshot": ending.snapshot, "settings_sha256": ending.settings_sha256, "plan": dict(ending.plan),
                "settings": dict(ending.settings), "code_version": ending.code_version}  # fmt: skip
        self._save_snapshot(connection, ending.snapshot, {}, at)
        self._check_open(connection, run_id, "finish")
        self._keep(
            connection, run_id, ending.state, ending.record, ending.bundles, ending.combos, ending.rejections, at,
            also=what,
        )  # fmt: skip

    def _keep(
        self, connection: sa.Connection, run_id: str, state: RunState, record: Json, bundles: Sequence[Json],
        combos: Sequence[ComboOutcome], rejections: Sequence[PackedRejections], at: datetime,
        cost: Sequence[ModelUsage] = (), also: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """Replace all that an open run has by what it came to; `also` are further values of its row."""
        self._clear(connection, run_id)
        key = {"store": self.store, "run_id": run_id}
        _insert(connection, tables.bundle, rows.of_bundles(key, bundles, "final"))
        _insert(connection, tables.combo, rows.of_combos(key, combos))
        _insert(connection, tables.rejection, rows.of_rejections(key, rejections))
        self._add_usage(connection, run_id, cost)
        summary = rows.summary_of(record, bundles)
        end = {"state": state, "record": dict(record), "summary": summary, "error": None, "finished_at": at}
        self._update(connection, run_id, {**also, **end, **LET_GO})
        self._learn_cost(connection, 1000 * summary["seconds"])

    def fail_run(
        self, run_id: str, *, error: str, at: datetime, record: Json | None = None,
        state: Literal["failed", "cancelled"] = "failed", cost: Sequence[ModelUsage] = (),
    ) -> None:  # fmt: skip
        """End a run without bundles, the preliminary ones included, and keep why, and what it had asked of models.

        Raises:
            NotFoundError: The store has no such run.
            RunStateError: The run has ended.
        """
        with writing(self._engine, self.store) as connection:
            self._check_open(connection, run_id, "fail")
            self._clear(connection, run_id)
            self._add_usage(connection, run_id, cost)
            end = {"state": state, "error": plain(error), "record": record, "finished_at": at}
            self._update(connection, run_id, end | LET_GO)

    def add_usage(self, run_id: str, cost: Sequence[ModelUsage]) -> None:
        """Keep what an attempt asked of models that came to nothing, whoever has the run by now: it is paid for.

        Raises:
            NotFoundError: The store has no such run.
        """
        if not cost:  # most attempts ask no model, and why they broke may be this very database
            return
        with writing(self._engine, self.store) as connection:
            self._lock(connection, run_id)
            self._add_usage(connection, run_id, cost)

    def _add_usage(self, connection: sa.Connection, run_id: str, cost: Sequence[ModelUsage]) -> None:
        """Add to what is kept of a run that is locked."""
        if not cost:
            return
        kept = connection.execute(self._of(tables.usage, run_id, *tables.usage.c)).all()
        connection.execute(_DELETE_USAGE, {"of": self.store, "run": run_id})
        total = rows.summed([*map(rows.to_usage, kept), *cost])
        _insert(connection, tables.usage, rows.of_usage({"store": self.store, "run_id": run_id}, total))

    def _save_snapshot(self, connection: sa.Connection, sha256: str, summary: Json, at: datetime) -> None:
        insert_new(connection, tables.store, [{"store": self.store, "created_at": at}])
        row = {"store": self.store, "sha256": sha256, "summary": dict(summary), "created_at": at}
        insert_new(connection, tables.snapshot, [row])

    def _lock(self, connection: sa.Connection, run_id: str) -> sa.Row[tuple[RunState, Any, int]]:
        table = tables.run.c
        found = self._of(tables.run, run_id, table.state, table.record, table.fence).with_for_update()
        row = connection.execute(found).first()
        if row is None:
            raise NotFoundError("run", run_id, f"store {self.store!r} never began it")
        return row

    def _check_open(self, connection: sa.Connection, run_id: str, attempted: str) -> None:
        row = self._lock(connection, run_id)
        if self._fence is not None and row.fence != self._fence:
            raise LostLeaseError(run_id, self._fence)
        if row.state not in tables.OPEN_STATES:
            raise RunStateError(run_id, row.state, attempted)

    def _update(self, connection: sa.Connection, run_id: str, values: Mapping[str, Any]) -> None:
        table = tables.run.c
        this = sa.update(tables.run).where(table.store == self.store, table.run_id == run_id)
        if self._fence is not None:
            this = this.where(table.fence == self._fence)
        if not connection.execute(this.values(**values)).rowcount and self._fence is not None:
            raise LostLeaseError(run_id, self._fence)

    def _learn_cost(self, connection: sa.Connection, cost_ms: float) -> None:
        """Move the store's average cost towards what its newest run took."""
        table = tables.store.c
        moved = sa.func.coalesce(table.cost_ms, cost_ms) * (1 - COST_ALPHA) + COST_ALPHA * cost_ms
        connection.execute(sa.update(tables.store).where(table.store == self.store).values(cost_ms=moved))

    def _clear(self, connection: sa.Connection, run_id: str) -> None:
        for delete in _DELETE_ALL:
            connection.execute(delete, {"of": self.store, "run": run_id})


def _insert(connection: sa.Connection, table: sa.Table, new: Sequence[Mapping[str, Any]]) -> None:
    if new:
        connection.execute(sa.insert(table), new)


def plain(text: str) -> str:
    """Text as every database takes it: PostgreSQL refuses the character zero."""
    return text.replace("\0", "")
