"""Plans and features, quotes, the calendar of demos with its bookings, leads."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the six tables."""
    op.create_table(
        "plans",
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("made_for", sa.String(60), nullable=False),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("included_seats", sa.Integer(), nullable=False),
        sa.Column("max_seats", sa.Integer(), nullable=True),
        sa.Column("extra_seat_cents", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_plans"),
    )
    op.create_table(
        "features",
        sa.Column("feature_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("plan_name", sa.String(60), nullable=False),
        sa.Column("words", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("feature_id", name="pk_features"),
        sa.ForeignKeyConstraint(["plan_name"], ["plans.name"], name="fk_features_plan_name"),
    )
    op.create_index("ix_features_plan_name", "features", ["plan_name"])
    op.create_table(
        "quotes",
        sa.Column("quote_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("plan_name", sa.String(60), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("list_cents", sa.Integer(), nullable=False),
        sa.Column("discount_percent", sa.Integer(), nullable=False),
        sa.Column("total_cents", sa.Integer(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("quote_id", name="pk_quotes"),
        sa.ForeignKeyConstraint(["plan_name"], ["plans.name"], name="fk_quotes_plan_name"),
        sa.CheckConstraint("seats > 0", name="ck_quotes_seats_positive"),
        sa.CheckConstraint("discount_percent BETWEEN 0 AND 100", name="ck_quotes_discount_is_percent"),
        sa.CheckConstraint("total_cents BETWEEN 0 AND list_cents", name="ck_quotes_total_not_above_list"),
    )
    op.create_index("ix_quotes_call_id", "quotes", ["call_id"])
    _calendar_and_leads()


def _calendar_and_leads() -> None:
    op.create_table(
        "demo_slots",
        sa.Column("slot_id", sa.String(16), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("slot_id", name="pk_demo_slots"),
    )
    op.create_index("ix_demo_slots_starts_at", "demo_slots", ["starts_at"])
    op.create_table(
        "bookings",
        sa.Column("booking_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("slot_id", sa.String(16), nullable=False),
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("interest", sa.String(120), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=True),
        sa.Column("booked_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("booking_id", name="pk_bookings"),
        sa.ForeignKeyConstraint(["slot_id"], ["demo_slots.slot_id"], name="fk_bookings_slot_id"),
        sa.UniqueConstraint("slot_id", name="uq_bookings_slot_id"),
        sa.UniqueConstraint("call_id", name="uq_bookings_call_id"),
    )
    op.create_table(
        "leads",
        sa.Column("lead_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=True),
        sa.Column("interest", sa.String(120), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=True),
        sa.Column("quote_id", sa.Integer(), nullable=True),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", name="pk_leads"),
        sa.ForeignKeyConstraint(["account_id"], ["customers.account_id"], name="fk_leads_account_id"),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.quote_id"], name="fk_leads_quote_id"),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.booking_id"], name="fk_leads_booking_id"),
        sa.UniqueConstraint("call_id", name="uq_leads_call_id"),
    )


def downgrade() -> None:
    """Drops the six tables."""
    for table in ("leads", "bookings", "demo_slots", "quotes", "features", "plans"):
        op.drop_table(table)
