"""The queue of runs: who may work on which, for how long, and what becomes of a run whose worker is gone.

A run is `queued`, then held by one coordinator under a lease that it renews, then ended. Whenever a run changes hands
its fence grows, and every write demands the fence it was claimed under: who slept through a lease changes nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa

from cluster.crash import crash_point
from cluster.database import rows, tables
from cluster.database.engine import database_time, insert_new, see, writing
from cluster.database.records import LET_GO, StoreRecords, plain
from cluster.database.values import Claim, Ending, QueuedRun
from pipeline.errors import BasketryError, LostLeaseError, PlatformError

Clock: TypeAlias = Callable[[sa.Connection], datetime]
"""Tells the time of a database."""

RUN, STORE, MEMBER = tables.run.c, tables.store.c, tables.fleet_run.c
HELD = (RUN.state == "running") & RUN.lease_until.is_not(None)
"""Runs that a coordinator works on; a command that runs one store takes no lease."""
IS_QUEUED = RUN.state.concat("") == "queued"
"""Written so that no index answers it: SQLite would look at every run that waits rather than at the heads alone."""
WINDOW = 64
"""Runs of a fleet that a claim looks at beyond twice what it wants: some may be locked, or their stores at the cap."""
FENCED_OFF = {"state": "queued", "fence": RUN.fence + 1, **LET_GO}
"""Back to the queue, and out of reach of whoever held it."""


class Reaped(NamedTuple):
    """What became of runs whose lease ended."""

    queued: int
    dead: int
    """Given up: no attempt is left."""


class Queue:
    """Claims runs, and keeps, gives back or ends them. Safe to use from several threads and processes.

    Args:
        engine: The database.
        owner: Name of the coordinator, no other's.
        lease_s: How long a claim holds unless it is renewed, in seconds.
        max_attempts: Attempts after which a run is given up.
        store_cap: Most runs of one store that are worked on at once.
        now: The database's clock.
    """

    def __init__(
        self, engine: sa.Engine, owner: str, *, lease_s: float = 30.0, max_attempts: int = 3, store_cap: int = 2,
        now: Clock = database_time,
    ) -> None:  # fmt: skip
        self._engine, self._owner, self._now = engine, owner, now
        self._lease = timedelta(seconds=lease_s)
        self._max_attempts, self._store_cap = max_attempts, store_cap

    def submit(self, runs: Sequence[QueuedRun]) -> None:
        """Put runs into the queue, behind those that wait; one that is there already stays as it is."""
        with writing(self._engine) as connection:
            now = self._now(connection)
            insert_new(connection, tables.store, [{"store": run.store, "created_at": now} for run in runs])
            insert_new(connection, tables.run, rows.of_queued(runs, now))

    def claim(self, most: int, fleet: str | None = None) -> list[Claim]:
        """Take up to `most` queued runs, at most one of a store in one go.

        Stores take turns: those with the fewest runs in hand first, then those whose last run was claimed longest ago,
        then the oldest run; a store at its cap is passed over. Nobody else holds what is claimed until the lease ends.

        Args:
            most: How many at most.
            fleet: Only runs of this fleet; of all by default.
        """
        with writing(self._engine) as connection:
            now = self._now(connection)
            found = connection.execute(_next_runs(most, self._store_cap, fleet)).all()
            if not found:
                return []
            keys = [{"of": row.store, "run": row.run_id} for row in found]
            held = {"state": "running", "owner": self._owner, "lease_until": now + self._lease, "started_at": now,
                    "fence": RUN.fence + 1, "attempts": RUN.attempts + 1}  # fmt: skip
            this = (RUN.store == sa.bindparam("of")) & (RUN.run_id == sa.bindparam("run"))
            connection.execute(sa.update(tables.run).where(this).values(**held), keys)
            served = sa.update(tables.store).where(STORE.store == sa.bindparam("of")).values(served_at=now)
            connection.execute(served, [{"of": row.store} for row in found])
        return [_to_claim(row, now) for row in found]

    def renew(self) -> set[tuple[str, str, int]]:
        """Extend the lease of all that is held; store, run and fence of each, so that what was lost is seen."""
        with writing(self._engine) as connection:
            until = self._now(connection) + self._lease
            mine = sa.update(tables.run).where(HELD, RUN.owner == self._owner).values(lease_until=until)
            return {(*row,) for row in connection.execute(mine.returning(RUN.store, RUN.run_id, RUN.fence))}

    def settle(self, endings: Sequence[Ending]) -> list[BasketryError | None]:
        """Keep what several runs came to, in one transaction; for each, why it was not kept, or None.

        One that was lost meanwhile, or can't be kept, takes none of the others with it.
        """
        with writing(self._engine) as connection:
            now = self._now(connection)
            kept = [self._settle(connection, ending, now) for ending in endings]
            crash_point("settling")
            return kept

    def _settle(self, connection: sa.Connection, ending: Ending, now: datetime) -> BasketryError | None:
        claim = ending.claim
        see(connection, claim.store)
        try:
            with connection.begin_nested():
                StoreRecords(self._engine, claim.store, claim.fence).settle(connection, ending, at=now)
        except BasketryError as error:
            return error
        except (sa.exc.StatementError, ValueError) as error:  # rows that no database takes: the store's own trouble
            if isinstance(error, sa.exc.OperationalError):
                raise
            return PlatformError(f"its result can't be kept ({type(error).__name__}: {str(error).splitlines()[0]})")
        return None

    def give_back(self, claim: Claim, reason: str) -> bool:
        """Let go of a run that an attempt did not finish: back to the queue or, after the last attempt, failed.

        Returns:
            Whether another attempt is left.

        Raises:
            LostLeaseError: The run has changed hands.
        """
        if claim.attempt >= self._max_attempts:
            self.fail(claim, f"given up after {claim.attempt} attempts: {reason}")
            return False
        self._update_held(claim, FENCED_OFF | {"error": plain(reason)})
        return True

    def fail(self, claim: Claim, reason: str) -> None:
        """End a run that no further attempt would finish.

        Raises:
            LostLeaseError: The run has changed hands.
        """
        with writing(self._engine) as connection:
            now = self._now(connection)
        StoreRecords(self._engine, claim.store, claim.fence).fail_run(claim.run_id, error=reason, at=now)

    def release(self, claim: Claim) -> None:
        """Let go of a run that was not tried: back to the queue, the attempt not counted.

        Raises:
            LostLeaseError: The run has changed hands.
        """
        self._update_held(claim, FENCED_OFF | {"attempts": RUN.attempts - 1})

    def reap(self) -> Reaped:
        """Put runs whose lease ended back into the queue; those without an attempt left have failed."""
        with writing(self._engine) as connection:
            now = self._now(connection)
            return self._let_go(connection, HELD & (RUN.lease_until < now), now)

    def recover(self) -> int:
        """Put all that others held back into the queue, their attempt not counted.

        Only for one who knows that it is alone, as a coordinator on SQLite does when it begins.
        """
        with writing(self._engine) as connection:
            others = HELD & (RUN.owner != self._owner)
            back = sa.update(tables.run).where(others).values(**FENCED_OFF, attempts=RUN.attempts - 1)
            return connection.execute(back).rowcount

    def _let_go(self, connection: sa.Connection, which: sa.ColumnElement[bool], now: datetime) -> Reaped:
        lost = sa.func.coalesce(RUN.error, "whoever worked on it was lost, and its lease ended")
        given_up = {"state": "failed", "fence": RUN.fence + 1, "finished_at": now, **LET_GO,
                    "error": "given up after its last attempt: " + lost}  # fmt: skip
        dead = sa.update(tables.run).where(which, RUN.attempts >= self._max_attempts).values(**given_up)
        dead_count = connection.execute(dead).rowcount
        queued = connection.execute(sa.update(tables.run).where(which).values(**FENCED_OFF)).rowcount
        return Reaped(queued, dead_count)

    def _update_held(self, claim: Claim, values: dict[str, Any]) -> None:
        this = (RUN.store == claim.store) & (RUN.run_id == claim.run_id) & (RUN.fence == claim.fence)
        with writing(self._engine, claim.store) as connection:
            if not connection.execute(sa.update(tables.run).where(this, HELD).values(**values)).rowcount:
                raise LostLeaseError(claim.run_id, claim.fence)


def _next_runs(most: int, store_cap: int, fleet: str | None) -> sa.Select[Any]:
    """The claim: locked where others lock, passed over where another has the lock."""
    heads = (_heads() if fleet is None else _members(fleet, WINDOW + 2 * most)).cte("heads").prefix_with("materialized")
    working = tables.run.alias("working").c
    is_in_hand = (working.store == heads.c.store) & (working.state == "running") & working.lease_until.is_not(None)
    in_hand = sa.select(sa.func.count()).where(is_in_hand).correlate(heads).scalar_subquery().label("in_hand")
    waiting = sa.select(heads, in_hand).where(heads.c.run_id.is_not(None)).cte("waiting").prefix_with("materialized")
    return (
        sa.select(RUN.store, RUN.run_id, RUN.fence, RUN.attempts, RUN.source, RUN.settings, RUN.estimate_ms,
                  RUN.created_at, STORE.cost_ms)
        .select_from(waiting)
        .join(tables.run, (waiting.c.store == RUN.store) & (waiting.c.run_id == RUN.run_id))
        .join(tables.store, waiting.c.store == STORE.store)
        .where(IS_QUEUED, waiting.c.in_hand < store_cap)
        .order_by(waiting.c.in_hand, sa.nulls_first(STORE.served_at.asc()), RUN.created_at, RUN.store)
        .limit(most)
        .with_for_update(of=tables.run, skip_locked=True)
    )  # fmt: skip


def _heads() -> sa.Select[Any]:
    """The oldest run that waits of every store; a store of many thousands costs no more than one of one."""
    queued = tables.run.alias("queued").c
    head = (
        sa.select(queued.run_id)
        .where(queued.store == STORE.store, queued.state == "queued")
        .order_by(queued.created_at, queued.run_id)
        .limit(1)
    )
    return sa.select(STORE.store, head.correlate(tables.store).scalar_subquery().label("run_id"))


def _members(fleet: str, window: int) -> sa.Select[Any]:
    """The oldest runs of a fleet that wait: it has one of each store, so there is no turn to take."""
    queued = tables.run.alias("queued").c
    is_member = (MEMBER.store == queued.store) & (MEMBER.run_id == queued.run_id) & (MEMBER.fleet == fleet)
    oldest = sa.select(queued.store, queued.run_id).where(queued.state == "queued", sa.exists().where(is_member))
    return oldest.order_by(queued.created_at).limit(window)


def _to_claim(row: sa.Row[Any], now: datetime) -> Claim:
    return Claim(
        store=row.store,
        run_id=row.run_id,
        fence=row.fence + 1,
        attempt=row.attempts + 1,
        source=row.source or "",
        settings=row.settings,
        estimate_ms=row.estimate_ms or 0.0,
        cost_ms=row.cost_ms,
        waited_s=(now - row.created_at).total_seconds(),
    )
