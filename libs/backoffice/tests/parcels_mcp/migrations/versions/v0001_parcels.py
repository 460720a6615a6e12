"""Parcels."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "parcels",
        sa.Column("parcel_id", sa.String(16), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("parcel_id", name="pk_parcels"),
        sa.ForeignKeyConstraint(["account_id"], ["customers.account_id"], name="fk_parcels_account_id"),
    )
    op.create_index("ix_parcels_account_id", "parcels", ["account_id"])


def downgrade() -> None:
    """Drops the table."""
    op.drop_table("parcels")
