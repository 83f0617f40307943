"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "store",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("store", name="pk_store"),
    )
    op.create_table(
        "snapshot",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["store"], ["store.store"], name="fk_snapshot_store"),
        sa.PrimaryKeyConstraint("store", "sha256", name="pk_snapshot"),
    )
    op.create_table(
        "run",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("snapshot", sa.String(), nullable=False),
        sa.Column("settings_sha256", sa.String(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("code_version", sa.String(), nullable=False),
        sa.Column("plan", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("record", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('queued', 'running', 'succeeded', 'degraded', 'partial', 'failed', 'cancelled')",
            name="ck_run_state",
        ),
        sa.ForeignKeyConstraint(["store", "snapshot"], ["snapshot.store", "snapshot.sha256"], name="fk_run_snapshot"),
        sa.PrimaryKeyConstraint("store", "run_id", name="pk_run"),
    )
    op.create_index("ix_run_run_id", "run", ["run_id"], unique=False)
    op.create_index("ix_run_store_created_at", "run", ["store", "created_at"], unique=False)
    op.create_table(
        "bundle",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("bundle_id", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("objective", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("skus", sa.JSON(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.CheckConstraint("stage in ('preliminary', 'final')", name="ck_bundle_stage"),
        sa.ForeignKeyConstraint(
            ["store", "run_id"], ["run.store", "run.run_id"], name="fk_bundle_run", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store", "run_id", "bundle_id", name="pk_bundle"),
    )
    op.create_index("ix_bundle_bundle_id", "bundle", ["bundle_id"], unique=False)
    op.create_table(
        "combo",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("objective", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=True),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store", "run_id"], ["run.store", "run.run_id"], name="fk_combo_run", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store", "run_id", "objective", "type", name="pk_combo"),
    )
    op.create_table(
        "rejection",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("candidates", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store", "run_id"], ["run.store", "run.run_id"], name="fk_rejection_run", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store", "run_id", "reason", name="pk_rejection"),
    )
    op.create_table(
        "usage",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("nano_usd", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store", "run_id"], ["run.store", "run.run_id"], name="fk_usage_run", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store", "run_id", "provider", "model", "purpose", name="pk_usage"),
    )


def downgrade() -> None:
    """Drop them, the dependent ones first."""
    op.drop_table("usage")
    op.drop_table("rejection")
    op.drop_table("combo")
    op.drop_index("ix_bundle_bundle_id", table_name="bundle")
    op.drop_table("bundle")
    op.drop_index("ix_run_store_created_at", table_name="run")
    op.drop_index("ix_run_run_id", table_name="run")
    op.drop_table("run")
    op.drop_table("snapshot")
    op.drop_table("store")
