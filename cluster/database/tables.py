"""The tables. The store is part of every key, so a row of one store can't point at another's."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

REVISIONS = ("0001", "0002")
"""Every schema this version knows, oldest first; the last one is what it reads and writes."""

OPEN_STATES = ("queued", "running")
GOOD_STATES = ("succeeded", "degraded", "partial")
"""A run ended and its bundles can be used."""
RUN_STATES = (*OPEN_STATES, *GOOD_STATES, "failed", "cancelled")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment, always in UTC: SQLite forgets the offset, PostgreSQL turns it into the session's."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse a moment without an offset: nobody could say when it was."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without an offset was found ({value}); expected one like datetime.now(UTC)")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give the offset back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _key(name: str, type_: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
    return sa.Column(name, type_ or sa.String, primary_key=True)


def _of_run() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["store", "run_id"], ["run.store", "run.run_id"], ondelete="CASCADE")


store = sa.Table(
    "store",
    metadata,
    _key("store"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("served_at", UtcDateTime),
    sa.Column("cost_ms", sa.Double),
)

snapshot = sa.Table(
    "snapshot",
    metadata,
    _key("store"),
    _key("sha256"),
    sa.Column("summary", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(["store"], ["store.store"]),
)

run = sa.Table(
    "run",
    metadata,
    _key("store"),
    _key("run_id"),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("snapshot", sa.String),
    sa.Column("settings_sha256", sa.String, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("code_version", sa.String, nullable=False),
    sa.Column("plan", sa.JSON(none_as_null=True)),
    sa.Column("record", sa.JSON(none_as_null=True)),
    sa.Column("error", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("owner", sa.String),
    sa.Column("source", sa.String),
    sa.Column("content", sa.String),
    sa.Column("estimate_ms", sa.Double),
    sa.Column("summary", sa.JSON(none_as_null=True)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.ForeignKeyConstraint(["store", "snapshot"], ["snapshot.store", "snapshot.sha256"]),
    sa.CheckConstraint("state in (" + ", ".join(f"'{state}'" for state in RUN_STATES) + ")", name="state"),
    sa.Index(None, "store", "created_at"),
    sa.Index(None, "run_id"),
    sa.Index(None, "state", "store", "created_at", "run_id"),
    sa.Index(None, "state", "created_at"),
)

fleet_run = sa.Table(
    "fleet_run",
    metadata,
    _key("store"),
    _key("fleet"),
    sa.Column("run_id", sa.String, nullable=False),
    sa.Column("is_reused", sa.Boolean, nullable=False),
    _of_run(),
    sa.Index(None, "fleet"),
    sa.Index(None, "store", "run_id"),
)

combo = sa.Table(
    "combo",
    metadata,
    _key("store"),
    _key("run_id"),
    _key("objective"),
    _key("type"),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("tier", sa.Integer),
    sa.Column("candidates", sa.Integer, nullable=False),
    sa.Column("duration_ms", sa.Double),
    sa.Column("error", sa.Text),
    _of_run(),
)

bundle = sa.Table(
    "bundle",
    metadata,
    _key("store"),
    _key("run_id"),
    _key("bundle_id"),
    sa.Column("stage", sa.String, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("objective", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("skus", sa.JSON, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    _of_run(),
    sa.CheckConstraint("stage in ('preliminary', 'final')", name="stage"),
    sa.Index(None, "bundle_id"),
)

rejection = sa.Table(
    "rejection",
    metadata,
    _key("store"),
    _key("run_id"),
    _key("reason"),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("candidates", sa.LargeBinary, nullable=False),
    _of_run(),
)

usage = sa.Table(
    "usage",
    metadata,
    _key("store"),
    _key("run_id"),
    _key("provider"),
    _key("model"),
    _key("purpose"),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("input_tokens", sa.BigInteger, nullable=False),
    sa.Column("cached_tokens", sa.BigInteger, nullable=False),
    sa.Column("output_tokens", sa.BigInteger, nullable=False),
    sa.Column("nano_usd", sa.BigInteger),
    _of_run(),
)
