"""Accounts, invoices, charges, refunds."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the four tables."""
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("plan", sa.String(60), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_accounts"),
    )
    op.create_table(
        "invoices",
        sa.Column("invoice_number", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("invoice_number", name="pk_invoices"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name="fk_invoices_account_id"),
    )
    op.create_index("ix_invoices_account_id", "invoices", ["account_id"])
    op.create_table(
        "charges",
        sa.Column("charge_id", sa.String(32), nullable=False),
        sa.Column("invoice_number", sa.String(32), nullable=False),
        sa.Column("description", sa.String(120), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("charged_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("charge_id", name="pk_charges"),
        sa.ForeignKeyConstraint(["invoice_number"], ["invoices.invoice_number"], name="fk_charges_invoice_number"),
        sa.CheckConstraint("amount_cents > 0", name="ck_charges_amount_positive"),
    )
    op.create_index("ix_charges_invoice_number", "charges", ["invoice_number"])
    op.create_table(
        "refunds",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("charge_id", sa.String(32), nullable=False),
        sa.Column("idempotency_key", sa.String(200), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("refunded_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_refunds"),
        sa.ForeignKeyConstraint(["charge_id"], ["charges.charge_id"], name="fk_refunds_charge_id"),
        sa.UniqueConstraint("charge_id", name="uq_refunds_charge_id"),
        sa.UniqueConstraint("idempotency_key", name="uq_refunds_idempotency_key"),
    )


def downgrade() -> None:
    """Drops the four tables."""
    for table in ("refunds", "charges", "invoices", "accounts"):
        op.drop_table(table)
