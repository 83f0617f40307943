"""Fleets: which run stands for each store, and how far they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from cluster.database import rows, tables
from cluster.database.engine import insert_new, reading, writing
from cluster.database.values import FleetRow, QueuedRun, RunState
from pipeline.errors import NotFoundError

RUN, MEMBER = tables.run.c, tables.fleet_run.c
AT_ONCE = 500
"""Stores that are asked about in one statement."""


class Begun(NamedTuple):
    """How a fleet starts."""

    queued: int
    """New runs."""
    taken_over: int
    """Runs of an earlier fleet that had not ended."""
    reused: int
    """Runs of an earlier fleet that ended well, over the same content."""


class _Earlier(NamedTuple):
    run_id: str
    state: RunState
    content: str
    finished_at: datetime | None


class Fleets:
    """All fleets of a database, for the operator.

    Args:
        engine: The database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def begin(
        self, fleet: str, wanted: Sequence[QueuedRun], *, at: datetime, reuse_after: datetime | None = None
    ) -> Begun:
        """Give every store of a fleet its run, in one transaction.

        Args:
            fleet: Name of the fleet, no other's; names sort by time.
            wanted: One run a store.
            at: Now.
            reuse_after: Take runs of the same content that wait, are worked on, or ended well after this moment. None
                takes none; runs of these stores that wait in other fleets are cancelled in any case.
        """
        with writing(self._engine) as connection:
            earlier = {} if reuse_after is None else self._earlier(connection, wanted, reuse_after)
            new = [run for run in wanted if (run.store, run.content) not in earlier]
            taken = {
                run.store: earlier[run.store, run.content] for run in wanted if (run.store, run.content) in earlier
            }
            insert_new(connection, tables.store, [{"store": run.store, "created_at": at} for run in new])
            self._cancel_waiting(connection, wanted, {run.run_id for run in taken.values()}, fleet, at)
            _insert(connection, tables.run, rows.of_queued(new, at))
            _insert(connection, tables.fleet_run, [_member(fleet, run, taken.get(run.store)) for run in wanted])
        ended = sum(run.state in tables.GOOD_STATES for run in taken.values())
        return Begun(len(new), len(taken) - ended, ended)

    def newest(self) -> str:
        """Name of the newest fleet.

        Raises:
            NotFoundError: There is none.
        """
        with reading(self._engine) as connection:
            found: str | None = connection.execute(sa.select(sa.func.max(MEMBER.fleet))).scalar()
        if found is None:
            raise NotFoundError("fleet", "latest", "`basketry fleet run FOLDER` starts one")
        return found

    def rows(self, fleet: str) -> list[FleetRow]:
        """Every store of a fleet, by name."""
        found = (
            sa.select(RUN.store, RUN.run_id, RUN.state, MEMBER.is_reused, RUN.attempts, RUN.error, RUN.summary,
                      RUN.started_at, RUN.finished_at)
            .join(tables.fleet_run, (MEMBER.store == RUN.store) & (MEMBER.run_id == RUN.run_id))
            .where(MEMBER.fleet == fleet)
        )  # fmt: skip
        with reading(self._engine) as connection:
            members = [FleetRow(**row._mapping) for row in connection.execute(found)]
        return sorted(members, key=lambda row: row.store)

    def counts(self, fleet: str) -> dict[RunState, int]:
        """How many stores of a fleet are in each state."""
        found = (
            sa.select(RUN.state, sa.func.count().label("runs"))
            .join(tables.fleet_run, (MEMBER.store == RUN.store) & (MEMBER.run_id == RUN.run_id))
            .where(MEMBER.fleet == fleet)
            .group_by(RUN.state)
        )
        with reading(self._engine) as connection:
            return {row.state: row.runs for row in connection.execute(found)}

    def _earlier(
        self, connection: sa.Connection, wanted: Sequence[QueuedRun], after: datetime
    ) -> Mapping[tuple[str, str], _Earlier]:
        """The run to use again, by store and content: the newest."""
        stores = [run.store for run in wanted]
        is_usable = RUN.state.in_(tables.OPEN_STATES) & RUN.source.is_not(None) | (
            RUN.state.in_(tables.GOOD_STATES) & (RUN.finished_at >= after)
        )
        found: dict[tuple[str, str], _Earlier] = {}
        for start in range(0, len(stores), AT_ONCE):
            some = sa.select(RUN.store, RUN.run_id, RUN.state, RUN.content, RUN.finished_at).where(
                RUN.store.in_(stores[start : start + AT_ONCE]), RUN.content.is_not(None), is_usable
            )
            for store, *rest in connection.execute(some.order_by(RUN.created_at, RUN.run_id)):
                run = _Earlier(*rest)
                found[store, run.content] = run
        return found

    def _cancel_waiting(
        self, connection: sa.Connection, wanted: Sequence[QueuedRun], kept: set[str], fleet: str, at: datetime
    ) -> None:
        """Cancel what earlier fleets left in the queue for these stores, except the runs that are taken over."""
        stores = [run.store for run in wanted]
        end = {"state": "cancelled", "error": f"fleet {fleet} runs the store anew", "finished_at": at}
        for start in range(0, len(stores), AT_ONCE):
            is_left = sa.exists().where((MEMBER.store == RUN.store) & (MEMBER.run_id == RUN.run_id))
            waiting = sa.select(RUN.store, RUN.run_id).where(
                RUN.store.in_(stores[start : start + AT_ONCE]), RUN.state == "queued", is_left
            )
            gone = [{"of": s, "run": run_id} for s, run_id in connection.execute(waiting) if run_id not in kept]
            if gone:
                this = (RUN.store == sa.bindparam("of")) & (RUN.run_id == sa.bindparam("run"))
                connection.execute(sa.update(tables.run).where(this).values(**end), gone)


def _member(fleet: str, run: QueuedRun, taken: _Earlier | None) -> dict[str, Any]:
    is_reused = taken is not None and taken.state in tables.GOOD_STATES
    run_id = run.run_id if taken is None else taken.run_id
    return {"store": run.store, "fleet": fleet, "run_id": run_id, "is_reused": is_reused}


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)
