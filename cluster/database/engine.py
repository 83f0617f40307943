"""The one place where SQLite and PostgreSQL differ."""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from pipeline.errors import PlatformError, SettingsError

BUSY_TIMEOUT_MS = 10_000
"""How long a writer waits for another."""
BUSY_PAUSE_S = 0.005
"""Pause between tries where SQLite itself does not wait."""
WRITES = "basketry_writes"
SCHEMA_LOCK = 7_241_893
"""Key of PostgreSQL's advisory lock under which the schema changes."""

PRAGMAS = (
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
    "synchronous = FULL",  # what was acknowledged survives a power cut
    "foreign_keys = ON",
)


def sqlite_url(folder: Path) -> str:
    """URL of the embedded database of a data folder."""
    return f"sqlite:///{folder.absolute() / 'basketry.db'}"


def open_engine(url: str) -> sa.Engine:
    """An engine for `url`; nothing is connected yet.

    Raises:
        SettingsError: The URL is none, or names a database we do not support.
    """
    expected = "expected sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME in BASKETRY_DATABASE_URL"
    try:
        parsed = sa.make_url(url)
        engine = sa.create_engine(parsed, json_serializer=_to_json, pool_pre_ping=parsed.drivername != "sqlite")
    except sa.exc.ArgumentError as error:
        raise SettingsError(f"the database URL can't be read; {expected}") from error
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"the database driver {error.name!r} is not installed; install it, or use SQLite"
        ) from error
    if engine.dialect.name not in ("sqlite", "postgresql"):
        raise SettingsError(f"the database URL names {engine.dialect.name!r}; {expected}")
    if engine.dialect.name == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise SettingsError(f"the database URL names no file; {expected}")
        sa.event.listen(engine, "connect", _configure)
        sa.event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def reading(engine: sa.Engine, store: str | None = None) -> Iterator[sa.Connection]:
    """A connection that sees one moment of the database: of `store` alone, or for the operator of all stores."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with _platform_errors(engine), engine.connect() as connection:
        see(connection, store)
        yield connection


@contextmanager
def writing(engine: sa.Engine, store: str | None = None) -> Iterator[sa.Connection]:
    """A transaction, all of the block or after an exception nothing: of `store` alone, or of all stores."""
    with _platform_errors(engine), engine.execution_options(**{WRITES: True}).begin() as connection:
        see(connection, store)
        yield connection


def see(connection: sa.Connection, store: str | None) -> None:
    """Until the transaction ends, or until it is said again: the rows of `store` alone, or of all stores.

    PostgreSQL holds us to it by its row-level security, whatever a statement asks for; SQLite has no such thing.
    """
    if connection.dialect.name == "postgresql":
        set_both = "select set_config('basketry.store', :store, true), set_config('basketry.operator', :operator, true)"
        connection.execute(sa.text(set_both), {"store": store or "", "operator": "on" if store is None else "off"})


@contextmanager
def changing_schema(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that may make tables anew, alone among those that do so at the same time."""
    with _platform_errors(engine), engine.execution_options(**{WRITES: True}).connect() as connection:
        if engine.dialect.name == "sqlite":
            # A table that is made anew is dropped first, and dropping it would delete what refers to its rows.
            _sqlite(connection).execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                if engine.dialect.name == "postgresql":
                    connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
                see(connection, None)
                yield connection
        finally:
            if engine.dialect.name == "sqlite":
                _sqlite(connection).execute("PRAGMA foreign_keys = ON")


def _sqlite(connection: sa.Connection) -> sqlite3.Connection:
    """The driver's own connection, on which nothing begins a transaction."""
    inner = connection.connection.dbapi_connection
    assert isinstance(inner, sqlite3.Connection)
    return inner


def database_time(connection: sa.Connection) -> datetime:
    """Now, by the database's clock: leases are reckoned on it alone, so that no two machines need to agree."""
    if connection.dialect.name == "postgresql":
        found: datetime = connection.execute(sa.text("select clock_timestamp()")).scalar_one()
        return found.astimezone(UTC)
    text = connection.execute(sa.text("select strftime('%Y-%m-%d %H:%M:%f', 'now')")).scalar_one()
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def insert_new(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose key is not there yet."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    if rows:
        connection.execute(make(table).on_conflict_do_nothing(), rows)


def make_folder(engine: sa.Engine) -> None:
    """Make the folder of an embedded database."""
    if engine.dialect.name == "sqlite" and engine.url.database:
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)


def shown(engine: sa.Engine) -> str:
    """The database's address without its password."""
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def _platform_errors(engine: sa.Engine) -> Iterator[None]:
    """Trouble of the machine as our own error; a broken constraint or wrong SQL stays what it is, a fault of ours."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        if isinstance(error, (sa.exc.IntegrityError, sa.exc.DataError, sa.exc.ProgrammingError)):
            raise
        raise PlatformError(
            f"the database {shown(engine)} can't be used ({error.orig}); nothing was written: "
            "check that it is reachable, not full and not held by another program"
        ) from error


def _configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, and too late; `_begin` does it.
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    _let_readers_read(connection)


def _let_readers_read(connection: sqlite3.Connection) -> None:
    """Switch to a write-ahead log, with which readers never wait for the writer."""
    give_up = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # Where several open a new file at once, one makes the switch, and SQLite lets the others fail without
            # waiting: waiting with a read lock in hand, as they do, could never end.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(BUSY_PAUSE_S)


def _begin(connection: sa.Connection) -> None:
    # A deferred transaction that turns into a writer fails at once when another writes, whatever the timeout.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _to_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
