"""Standings, offers, complaints, callbacks, requests for a human."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the seven tables."""
    op.create_table(
        "standings",
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_standings"),
        sa.ForeignKeyConstraint(["account_id"], ["customers.account_id"], name="fk_standings_account_id"),
    )
    op.create_table(
        "offers",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_offers"),
    )
    op.create_table(
        "applied_offers",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("applied_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_applied_offers"),
        sa.ForeignKeyConstraint(["account_id"], ["customers.account_id"], name="fk_applied_offers_account_id"),
        sa.ForeignKeyConstraint(["kind"], ["offers.kind"], name="fk_applied_offers_kind"),
        sa.UniqueConstraint("call_id", name="uq_applied_offers_call_id"),
    )
    op.create_index("ix_applied_offers_account_id", "applied_offers", ["account_id"])
    op.create_table(
        "complaints",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("about", sa.String(16), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("answer_due_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_complaints"),
        sa.ForeignKeyConstraint(["account_id"], ["customers.account_id"], name="fk_complaints_account_id"),
    )
    op.create_index("ix_complaints_account_id", "complaints", ["account_id"])
    op.create_index("ix_complaints_call_id", "complaints", ["call_id"])
    op.create_table(
        "callback_slots",
        sa.Column("callback_slot_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("manager", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("callback_slot_id", name="pk_callback_slots"),
        sa.UniqueConstraint("weekday", "minute", name="uq_callback_slots_weekday"),
    )
    op.create_table(
        "callbacks",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("phone", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("booked_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_callbacks"),
        sa.UniqueConstraint("starts_at", name="uq_callbacks_starts_at"),
        sa.UniqueConstraint("call_id", name="uq_callbacks_call_id"),
    )
    op.create_table(
        "human_requests",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("requested_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_human_requests"),
        sa.UniqueConstraint("call_id", name="uq_human_requests_call_id"),
    )


def downgrade() -> None:
    """Drops the seven tables."""
    for table in (
        "human_requests",
        "callbacks",
        "callback_slots",
        "complaints",
        "applied_offers",
        "offers",
        "standings",
    ):
        op.drop_table(table)
