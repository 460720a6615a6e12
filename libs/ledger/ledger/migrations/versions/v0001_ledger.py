"""Lines, handoffs, open calls, callback tickets, cursors."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the five tables."""
    op.create_table(
        "lines",
        sa.Column("call_id", sa.String(200), nullable=False),
        sa.Column("ending", sa.String(32), nullable=False),
        sa.Column("detail", sa.String(500), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("handoff_ids", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=False),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_lines"),
    )
    op.create_index("ix_lines_ended_at", "lines", ["ended_at"])
    op.create_table(
        "handoffs",
        sa.Column("handoff_id", sa.String(200), nullable=False),
        sa.Column("call_id", sa.String(200), nullable=False),
        sa.Column("from_service", sa.String(64), nullable=False),
        sa.Column("to_service", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("offered_at", sa.DateTime(), nullable=True),
        sa.Column("taken_to_spoken_seconds", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("handoff_id", name="pk_handoffs"),
    )
    op.create_index("ix_handoffs_call_id", "handoffs", ["call_id"])
    op.create_table(
        "open_calls",
        sa.Column("call_id", sa.String(200), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(), nullable=False),
        sa.Column("vanished_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", name="pk_open_calls"),
    )
    op.create_table(
        "callback_tickets",
        sa.Column("ticket_id", sa.String(64), nullable=False),
        sa.Column("call_id", sa.String(200), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("wished_at", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("queued_at", sa.DateTime(), nullable=True),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", "call_id", name="pk_callback_tickets"),
    )
    op.create_index("ix_callback_tickets_due_at", "callback_tickets", ["due_at"])
    op.create_index("ix_callback_tickets_state", "callback_tickets", ["state"])
    op.create_table(
        "cursors",
        sa.Column("stream", sa.String(32), nullable=False),
        sa.Column("position", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("stream", name="pk_cursors"),
    )


def downgrade() -> None:
    """Drops the five tables."""
    for table in ("cursors", "callback_tickets", "open_calls", "handoffs", "lines"):
        op.drop_table(table)
