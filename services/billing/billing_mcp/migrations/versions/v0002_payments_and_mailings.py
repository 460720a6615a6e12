"""What a charge is for, payments, invoices sent again; keys of refunds are of one call."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every earlier charge was a subscription, every earlier refund was made by a call that is not known."""
    with op.batch_alter_table("charges") as charges:
        charges.add_column(sa.Column("kind", sa.String(16), nullable=False, server_default="subscription"))
        charges.add_column(sa.Column("quantity", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("refunds") as refunds:
        refunds.add_column(sa.Column("call_id", sa.String(128), nullable=False, server_default=""))
        refunds.drop_constraint("uq_refunds_idempotency_key", type_="unique")
        refunds.create_unique_constraint("uq_refunds_call_id", ["call_id", "idempotency_key"])
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.String(32), nullable=False),
        sa.Column("invoice_number", sa.String(32), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("failure", sa.String(60), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name="pk_payments"),
        sa.ForeignKeyConstraint(["invoice_number"], ["invoices.invoice_number"], name="fk_payments_invoice_number"),
        sa.CheckConstraint("amount_cents > 0", name="ck_payments_amount_positive"),
    )
    op.create_index("ix_payments_invoice_number", "payments", ["invoice_number"])
    op.create_table(
        "mailings",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("invoice_number", sa.String(32), nullable=False),
        sa.Column("mailed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_mailings"),
        sa.ForeignKeyConstraint(["invoice_number"], ["invoices.invoice_number"], name="fk_mailings_invoice_number"),
    )
    op.create_index("ix_mailings_invoice_number", "mailings", ["invoice_number"])


def downgrade() -> None:
    """Back to the four tables. Fails when two calls used the same key."""
    op.drop_table("mailings")
    op.drop_table("payments")
    with op.batch_alter_table("refunds") as refunds:
        refunds.drop_constraint("uq_refunds_call_id", type_="unique")
        refunds.create_unique_constraint("uq_refunds_idempotency_key", ["idempotency_key"])
        refunds.drop_column("call_id")
    with op.batch_alter_table("charges") as charges:
        charges.drop_column("quantity")
        charges.drop_column("kind")
