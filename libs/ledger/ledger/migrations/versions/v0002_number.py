"""Callback tickets have the number that the caller gave for them, until somebody has called."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Those that are there have none; a ledger of the release before writes none."""
    op.add_column("callback_tickets", sa.Column("number", sa.String(16), nullable=False, server_default=""))


def downgrade() -> None:
    """What is there is forgotten."""
    op.drop_column("callback_tickets", "number")
