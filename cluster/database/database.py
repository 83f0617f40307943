"""The database as a whole: its schema, and the way to one store's records."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import sqlalchemy as sa

from cluster.database import history
from cluster.database.alone import alone
from cluster.database.engine import changing_schema, database_time, make_folder, open_engine, reading, shown
from cluster.database.fleets import Fleets
from cluster.database.queue import Clock, Queue
from cluster.database.records import StoreRecords
from cluster.database.tables import REVISIONS
from cluster.database.values import Run, StoredBundle
from configs.settings import FleetConfig
from pipeline.errors import NotFoundError, SchemaError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).with_name("migrations")


class Database:
    """SQLite in a file or PostgreSQL, by URL. Safe to use from several threads.

    Args:
        url: `sqlite:///FILE` or `postgresql+psycopg://USER@HOST/NAME`.

    Raises:
        SettingsError: The URL is none, or names a database we do not support.
    """

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()

    def revision(self) -> str | None:
        """The schema's revision; None for a database without tables."""
        make_folder(self._engine)
        with reading(self._engine) as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.execute(sa.text("select version_num from alembic_version")).scalar()
            return found

    def upgrade(self) -> None:
        """Bring the schema to what this version reads. Several may do so at once: the later ones find it done."""
        self._check_known(self.revision())
        from alembic import command

        with changing_schema(self._engine) as connection:
            command.upgrade(_alembic(connection), "head")

    def downgrade(self, revision: str = "base") -> None:
        """Take the schema back to `revision`. What the newer tables held is lost."""
        from alembic import command

        with changing_schema(self._engine) as connection:
            command.downgrade(_alembic(connection), revision)

    def prepare(self, *, upgrade_empty: bool = False) -> None:
        """See that the schema is the one this version reads.

        Args:
            upgrade_empty: Make the tables of a database that has none, as a one-off command does.

        Raises:
            SchemaError: The schema is older, or unknown, or missing.
        """
        found = self.revision()
        if found == REVISIONS[-1]:
            return
        self._check_known(found)
        if found is None and upgrade_empty:
            self.upgrade()
            return
        state = "has no tables" if found is None else f"is at schema revision {found}"
        raise SchemaError(
            f"the database {shown(self._engine)} {state}, expected revision {REVISIONS[-1]}; run `basketry db upgrade`"
        )

    def unbound_role(self) -> str | None:
        """The role of this connection where row-level security does not bind it; None where it does, and on SQLite."""
        if self._engine.dialect.name == "sqlite":
            return None
        role = sa.text("select rolname from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)")
        with reading(self._engine) as connection:
            return connection.execute(role).scalar()

    def for_store(self, store: str, fence: int | None = None) -> StoreRecords:
        """The records of one store, and of no other; writes demand `fence` where the run was claimed."""
        return StoreRecords(self._engine, store, fence)

    def queue(self, owner: str, config: FleetConfig, now: Clock = database_time) -> Queue:
        """The queue of runs, as a coordinator called `owner` sees it.

        Args:
            owner: Name of the coordinator, no other's.
            config: Lease, attempts and cap.
            now: The database's clock.
        """
        return Queue(
            self._engine, owner, lease_s=config.lease_s, max_attempts=config.max_attempts, store_cap=config.store_cap,
            now=now,
        )  # fmt: skip

    @contextmanager
    def coordinating(self) -> Iterator[bool]:
        """For as long as a coordinator works on this database; whether it is alone by necessity.

        Raises:
            SettingsError: another coordinator works on this SQLite file; PostgreSQL lets any number.
        """
        if self._engine.dialect.name != "sqlite":
            yield False
            return
        make_folder(self._engine)
        with alone(Path(f"{self._engine.url.database}.coordinator"), shown(self._engine)):
            yield True

    @property
    def fleets(self) -> Fleets:
        """All fleets."""
        return Fleets(self._engine)

    def stores(self) -> list[str]:
        """Every store that has a snapshot or a run, by name."""
        with reading(self._engine) as connection:
            return history.all_stores(connection)

    def find_run(self, run_id: str) -> Run:
        """A run of any store: for an operator, who knows the run and not the store.

        Raises:
            NotFoundError: No store has such a run.
        """
        with reading(self._engine) as connection:
            store = history.store_of_run(connection, run_id)
        if store is None:
            raise NotFoundError("run", run_id, "`basketry stores` lists the stores and their latest runs")
        return self.for_store(store).run(run_id)

    def find_bundle(self, bundle_id: str, run_id: str | None = None) -> StoredBundle:
        """A bundle of any store, from `run_id` or else from the newest run that has it: for an operator.

        Raises:
            NotFoundError: No store has such a bundle.
        """
        with reading(self._engine) as connection:
            store = history.store_of_bundle(connection, bundle_id)
        if store is None:
            raise NotFoundError("bundle", bundle_id, "`basketry bundles` lists those of the latest run")
        return self.for_store(store).find_bundle(bundle_id, run_id)

    def _check_known(self, found: str | None) -> None:
        if found is not None and found not in REVISIONS:
            raise SchemaError(
                f"the database {shown(self._engine)} is at schema revision {found}, which this version does not know "
                f"(it knows up to {REVISIONS[-1]}); install the version of Basketry that wrote it, or a newer one"
            )


def _alembic(connection: sa.Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
