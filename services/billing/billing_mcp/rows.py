"""The tables. Money is whole cents; the unique constraints on ``refunds`` are what makes a refund happen once."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Row(DeclarativeBase):
    """Base of the tables; names its constraints so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class Account(Row):
    """A customer's account. ``status``: active or closed."""

    __tablename__ = "accounts"

    account_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    plan: Mapped[str] = mapped_column(String(60))
    status: Mapped[str] = mapped_column(String(16))
    invoices: Mapped[list[Invoice]] = relationship(back_populates="account", order_by="Invoice.issued_on.desc()")


class Invoice(Row):
    """One month's bill. ``status``: paid, open."""

    __tablename__ = "invoices"

    invoice_number: Mapped[str] = mapped_column(String(32), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.account_id"), index=True)
    issued_on: Mapped[date]
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(16))
    account: Mapped[Account] = relationship(back_populates="invoices")
    charges: Mapped[list[Charge]] = relationship(back_populates="invoice", order_by="Charge.charge_id")


class Charge(Row):
    """Money taken (``settled``) or about to be taken (``pending``) for an invoice."""

    __tablename__ = "charges"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="amount_positive"),)

    charge_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    invoice_number: Mapped[str] = mapped_column(ForeignKey("invoices.invoice_number"), index=True)
    description: Mapped[str] = mapped_column(String(120))
    amount_cents: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    charged_on: Mapped[date]
    invoice: Mapped[Invoice] = relationship(back_populates="charges")
    refund: Mapped[Refund | None] = relationship(back_populates="charge")


class Refund(Row):
    """Money given back: at most one per charge, and one per idempotency key, whatever happens."""

    __tablename__ = "refunds"

    reference: Mapped[str] = mapped_column(String(16), primary_key=True)
    charge_id: Mapped[str] = mapped_column(ForeignKey("charges.charge_id"), unique=True)
    idempotency_key: Mapped[str] = mapped_column(String(200), unique=True)
    amount_cents: Mapped[int]
    refunded_at: Mapped[datetime]
    charge: Mapped[Charge] = relationship(back_populates="refund")
