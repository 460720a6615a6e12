"""Products and their usage, incidents, known issues, steps, tickets."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = ("ticket_updates", "tickets", "steps", "known_issues", "incidents", "usage_metrics", "products")


def upgrade() -> None:
    """Makes the seven tables."""
    _products()
    _knowledge()
    _tickets()


def downgrade() -> None:
    """Drops them."""
    for table in _TABLES:
        op.drop_table(table)


def _products() -> None:
    op.create_table(
        "products",
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("product", sa.String(60), nullable=False),
        sa.Column("region", sa.String(16), nullable=False),
        sa.Column("app_version", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "product", name="pk_products"),
        sa.ForeignKeyConstraint(["account_id"], ["customers.account_id"], name="fk_products_account_id"),
    )
    op.create_table(
        "usage_metrics",
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("product", sa.String(60), nullable=False),
        sa.Column("measured_on", sa.Date(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "product", "measured_on", name="pk_usage_metrics"),
        sa.ForeignKeyConstraint(
            ["account_id", "product"], ["products.account_id", "products.product"], name="fk_usage_metrics_account_id"
        ),
        sa.CheckConstraint("failures <= requests", name="ck_usage_metrics_no_more_failures_than_requests"),
    )


def _knowledge() -> None:
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.String(16), nullable=False),
        sa.Column("product", sa.String(60), nullable=False),
        sa.Column("region", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("symptoms", sa.JSON(), nullable=False),
        sa.Column("explanation", sa.String(200), nullable=False),
        sa.Column("workaround", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name="pk_incidents"),
    )
    op.create_table(
        "known_issues",
        sa.Column("issue_id", sa.String(16), nullable=False),
        sa.Column("product", sa.String(60), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("symptoms", sa.JSON(), nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("explanation", sa.String(200), nullable=False),
        sa.Column("workaround", sa.String(200), nullable=False),
        sa.Column("tried_as", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("issue_id", name="pk_known_issues"),
    )
    op.create_table(
        "steps",
        sa.Column("product", sa.String(60), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("instruction", sa.String(200), nullable=False),
        sa.Column("tried_as", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("product", "position", name="pk_steps"),
    )


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("ticket_id", sa.String(16), nullable=False),
        sa.Column("account_id", sa.String(16), nullable=False),
        sa.Column("product", sa.String(60), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("steps_tried", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_tickets"),
        sa.ForeignKeyConstraint(["account_id"], ["customers.account_id"], name="fk_tickets_account_id"),
    )
    op.create_index("ix_tickets_account_id", "tickets", ["account_id"])
    op.create_table(
        "ticket_updates",
        sa.Column("update_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.String(16), nullable=False),
        sa.Column("written_by", sa.String(16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("update_id", name="pk_ticket_updates"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.ticket_id"], name="fk_ticket_updates_ticket_id"),
    )
    op.create_index("ix_ticket_updates_ticket_id", "ticket_updates", ["ticket_id"])
