"""Runs may wait in a queue and belong to a fleet; PostgreSQL shows a store its own rows only."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

QUEUE_INDEX = "ix_run_state_store_created_at_run_id"
AGE_INDEX = "ix_run_state_created_at"
NEW_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("owner", sa.String(), nullable=True),
    sa.Column("source", sa.String(), nullable=True),
    sa.Column("content", sa.String(), nullable=True),
    sa.Column("estimate_ms", sa.Double(), nullable=True),
    sa.Column("summary", sa.JSON(none_as_null=True), nullable=True),
)
OF_A_STORE = ("store", "snapshot", "run", "combo", "bundle", "rejection", "usage", "fleet_run")
IS_VISIBLE = (
    "store = nullif(current_setting('basketry.store', true), '') "
    "or coalesce(current_setting('basketry.operator', true), '') = 'on'"
)


def upgrade() -> None:
    """Add the queue's columns, the fleets' table and, on PostgreSQL, the policies."""
    op.add_column("store", sa.Column("served_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("store", sa.Column("cost_ms", sa.Double(), nullable=True))
    with op.batch_alter_table("run") as run:
        run.alter_column("snapshot", existing_type=sa.String(), nullable=True)
        for column in NEW_COLUMNS:
            run.add_column(column._copy())
    op.create_index(QUEUE_INDEX, "run", ["state", "store", "created_at", "run_id"], unique=False)
    op.create_index(AGE_INDEX, "run", ["state", "created_at"], unique=False)
    op.create_table(
        "fleet_run",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("fleet", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("is_reused", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store", "run_id"], ["run.store", "run.run_id"], name="fk_fleet_run_run", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store", "fleet", name="pk_fleet_run"),
    )
    op.create_index("ix_fleet_run_fleet", "fleet_run", ["fleet"], unique=False)
    op.create_index("ix_fleet_run_store_run_id", "fleet_run", ["store", "run_id"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        for table in OF_A_STORE:
            op.execute(f"alter table {table} enable row level security")
            op.execute(f"alter table {table} force row level security")
            op.execute(f"create policy own_store on {table} using ({IS_VISIBLE}) with check ({IS_VISIBLE})")


def downgrade() -> None:
    """Take all of it back. Runs that never read their files are lost: the older tables have no place for them."""
    if op.get_bind().dialect.name == "postgresql":
        for table in OF_A_STORE:
            op.execute(f"drop policy own_store on {table}")
            op.execute(f"alter table {table} no force row level security")
            op.execute(f"alter table {table} disable row level security")
    op.drop_table("fleet_run")
    op.execute("delete from run where snapshot is null")
    op.drop_index(AGE_INDEX, table_name="run")
    op.drop_index(QUEUE_INDEX, table_name="run")
    with op.batch_alter_table("run") as run:
        for column in NEW_COLUMNS:
            run.drop_column(column.name)
        run.alter_column("snapshot", existing_type=sa.String(), nullable=False)
    for name in ("cost_ms", "served_at"):
        op.drop_column("store", name)
