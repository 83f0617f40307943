"""What the database knows of a store's runs."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from cluster.database import rows, tables
from cluster.database.engine import reading
from cluster.database.rejections import holding, unpack
from cluster.database.values import ModelUsage, Run, RunSummary, StoredBundle
from pipeline.errors import NotFoundError
from pipeline.terms import GATES, Reason, Rejection

LATEST = "latest"
"""The name of the newest run that ended with bundles to use."""
COST_RUNS = 50
"""Runs whose costs are looked at: at a weight of 0.2 for the newest, older ones count for less than 10⁻⁴."""
SUMMARY = [tables.run.c[name] for name in RunSummary.__dataclass_fields__]
"""What a list of runs reads: plans and records are large."""
NEWEST = (tables.run.c.created_at.desc(), tables.run.c.run_id)
"""Newest first, runs of one moment by id."""


class StoreHistory:
    """What happened in one store, to be read only.

    Args:
        engine: The database.
        store: The store that everything here is bound to.
    """

    def __init__(self, engine: sa.Engine, store: str) -> None:
        self._engine = engine
        self.store = store

    def runs(self, limit: int = 50) -> list[RunSummary]:
        """The newest runs, newest first, runs of one moment by id."""
        found = sa.select(*SUMMARY).where(tables.run.c.store == self.store).order_by(*NEWEST).limit(limit)
        with reading(self._engine, self.store) as connection:
            return [rows.to_summary(row) for row in connection.execute(found)]

    def run(self, run_id: str = LATEST) -> Run:
        """One run, or the newest that ended succeeded, degraded or partial.

        Raises:
            NotFoundError: The store has no such run.
        """
        with reading(self._engine, self.store) as connection:
            return self._run(connection, run_id)

    def bundles(self, run_id: str = LATEST) -> list[dict[str, Any]]:
        """The bundles of a run as `bundles.json` holds them, best first: final ones, or preliminary until then.

        Raises:
            NotFoundError: The store has no such run.
        """
        table = tables.bundle.c
        with reading(self._engine, self.store) as connection:
            found = self._of(tables.bundle, self._run(connection, run_id).run_id, table.body)
            return list(connection.execute(found.order_by(table.rank, table.bundle_id)).scalars())

    def find_bundle(self, bundle_id: str, run_id: str | None = None) -> StoredBundle:
        """One bundle, from `run_id`, or else from the newest run that has it as final, or at all.

        Raises:
            NotFoundError: The store, or the run, has no such bundle.
        """
        table, run = tables.bundle.c, tables.run.c
        found = (
            sa.select(table.store, table.run_id, table.bundle_id, table.stage, table.body)
            .join(tables.run, (run.store == table.store) & (run.run_id == table.run_id))
            .where(table.store == self.store, table.bundle_id == bundle_id)
            .order_by(sa.case((table.stage == "final", 0), else_=1), *NEWEST)
        )
        with reading(self._engine, self.store) as connection:
            if run_id is not None:
                found = found.where(table.run_id == self._run(connection, run_id).run_id)
            row = connection.execute(found.limit(1)).first()
        if row is None:
            where = "" if run_id is None else f"run {run_id} of "
            raise NotFoundError("bundle", bundle_id, f"{where}store {self.store!r} has none of that id")
        return StoredBundle(**row._mapping)

    def rejections(self, run_id: str = LATEST, skus: Sequence[str] | None = None) -> list[Rejection]:
        """The rejections of a run, in the order the gates judge, or only those whose candidate holds all of `skus`.

        Of the latter, candidates of exactly these SKUs come first.

        Raises:
            NotFoundError: The store has no such run.
        """
        table = tables.rejection.c
        with reading(self._engine, self.store) as connection:
            found = self._of(tables.rejection, self._run(connection, run_id).run_id, table.reason, table.candidates)
            packed = {Reason(reason): candidates for reason, candidates in connection.execute(found)}
        everything = [item for reason in Reason if reason in packed for item in unpack(reason, packed[reason])]
        return everything if skus is None else holding(everything, skus)

    def rejection_counts(self, run_id: str = LATEST) -> dict[Reason, int]:
        """How many candidates each reason cost, the gates with zeros included.

        Raises:
            NotFoundError: The store has no such run.
        """
        table = tables.rejection.c
        with reading(self._engine, self.store) as connection:
            found = self._of(tables.rejection, self._run(connection, run_id).run_id, table.reason, table.count)
            counts = {Reason(reason): count for reason, count in connection.execute(found)}
        return {reason: counts.get(reason, 0) for reason in Reason if reason in GATES or reason in counts}

    def combo_costs(self) -> list[float]:
        """Mean duration of a combo, in ms, in each of the last 50 runs that ended well, oldest first."""
        table, run = tables.combo.c, tables.run.c
        # The runs first: a store that runs every night has thousands of combos that are not looked at.
        newest = (
            sa.select(run.run_id, run.created_at)
            .where(run.store == self.store, run.state.in_(tables.GOOD_STATES))
            .order_by(*NEWEST)
            .limit(COST_RUNS)
            .subquery()
        )
        found = (
            sa.select(sa.func.avg(table.duration_ms))
            .join(newest, newest.c.run_id == table.run_id)
            .where(table.store == self.store, table.duration_ms.is_not(None))
            .group_by(newest.c.run_id, newest.c.created_at)
            .order_by(newest.c.created_at.desc(), newest.c.run_id)
        )
        with reading(self._engine, self.store) as connection:
            return [float(cost) for cost in connection.execute(found).scalars()][::-1]

    def usage(self, run_id: str = LATEST) -> list[ModelUsage]:
        """What a run asked of models, by provider, model and purpose.

        Raises:
            NotFoundError: The store has no such run.
        """
        table = tables.usage
        with reading(self._engine, self.store) as connection:
            found = self._of(table, self._run(connection, run_id).run_id, table)
            found = found.order_by(table.c.provider, table.c.model, table.c.purpose)
            return [rows.to_usage(row) for row in connection.execute(found)]

    def spent_since(self, moment: datetime) -> tuple[int, Decimal]:
        """Tokens and dollars that runs asked of models which were created at `moment` or later."""
        table, run = tables.usage.c, tables.run.c
        tokens = sa.func.coalesce(sa.func.sum(table.input_tokens + table.output_tokens), 0)
        found = (
            sa.select(tokens, sa.func.coalesce(sa.func.sum(table.nano_usd), 0))
            .join(tables.run, (run.store == table.store) & (run.run_id == table.run_id))
            .where(table.store == self.store, run.created_at >= moment)
        )
        with reading(self._engine, self.store) as connection:
            row = connection.execute(found).one()
        return int(row[0]), Decimal(int(row[1])) / rows.NANO

    def _run(self, connection: sa.Connection, run_id: str) -> Run:
        table = tables.run.c
        found = sa.select(*SUMMARY, table.settings, table.plan, table.record).where(table.store == self.store)
        if run_id == LATEST:
            found = found.where(table.state.in_(tables.GOOD_STATES)).order_by(*NEWEST).limit(1)
        else:
            found = found.where(table.run_id == run_id)
        row = connection.execute(found).first()
        if row is None:
            hint = "no run of it has ended well yet" if run_id == LATEST else "`basketry bundles` shows the latest"
            raise NotFoundError("run", run_id, f"store {self.store!r}: {hint}")
        return Run(**row._mapping)

    def _of(self, table: sa.Table, run_id: str, *columns: Any) -> sa.Select[Any]:
        return sa.select(*columns).where(table.c.store == self.store, table.c.run_id == run_id)


def all_stores(connection: sa.Connection) -> list[str]:
    """Every store, by name."""
    return list(connection.execute(sa.select(tables.store.c.store).order_by(tables.store.c.store)).scalars())


def store_of_run(connection: sa.Connection, run_id: str) -> str | None:
    """The store whose run that is."""
    return connection.execute(sa.select(tables.run.c.store).where(tables.run.c.run_id == run_id)).scalar()


def store_of_bundle(connection: sa.Connection, bundle_id: str) -> str | None:
    """The store whose bundle that is; the id is made of the store's name, so it is one."""
    table = tables.bundle.c
    return connection.execute(sa.select(table.store).where(table.bundle_id == bundle_id).limit(1)).scalar()
