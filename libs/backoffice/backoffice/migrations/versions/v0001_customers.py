"""Customers, failed verifications, effects."""

import sqlalchemy as sa
from alembic import op

revision = "shared_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the three tables."""
    op.create_table(
        "customers",
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("postal_code", sa.String(5), nullable=False),
        sa.Column("company", sa.String(120), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("plan", sa.String(60), nullable=False),
        sa.Column("product", sa.String(60), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_customers"),
    )
    op.create_table(
        "verification_failures",
        sa.Column("failure_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("failed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("failure_id", name="pk_verification_failures"),
    )
    op.create_index("ix_verification_failures_call_id", "verification_failures", ["call_id"])
    op.create_index("ix_verification_failures_account_id", "verification_failures", ["account_id"])
    op.create_table(
        "effects",
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("idempotency_key", sa.String(200), nullable=False),
        sa.Column("tool", sa.String(64), nullable=False),
        sa.Column("arguments_hash", sa.String(64), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "idempotency_key", name="pk_effects"),
    )


def downgrade() -> None:
    """Drops the three tables."""
    for table in ("effects", "verification_failures", "customers"):
        op.drop_table(table)
