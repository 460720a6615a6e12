"""Calls that were forgotten are known by a hash of their id, for as long as Redis might bring them back."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a table: a ledger of the release before does not look at it."""
    op.create_table(
        "forgotten_calls",
        sa.Column("call_hash", sa.String(64), nullable=False),
        sa.Column("forgotten_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("call_hash", name="pk_forgotten_calls"),
    )
    op.create_index("ix_forgotten_calls_forgotten_at", "forgotten_calls", ["forgotten_at"])


def downgrade() -> None:
    """What is there is lost: run no older release within two weeks of forgetting a call."""
    op.drop_table("forgotten_calls")
