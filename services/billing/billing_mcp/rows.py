"""The tables. Money is whole cents; the unique constraints on ``refunds`` are what makes a refund happen once."""

from __future__ import annotations

from datetime import date, datetime

from backoffice.rows import NAMING
from sqlalchemy import CheckConstraint, ForeignKey, MetaData, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Row(DeclarativeBase):
    """Base of billing's own tables."""

    metadata = MetaData(naming_convention=NAMING)


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
    payments: Mapped[list[Payment]] = relationship(back_populates="invoice", order_by="Payment.payment_id")


class Charge(Row):
    """Money taken (``settled``) or about to be taken (``pending``) for an invoice. ``kind``: subscription, storage, setup."""

    __tablename__ = "charges"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="amount_positive"),)

    charge_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    invoice_number: Mapped[str] = mapped_column(ForeignKey("invoices.invoice_number"), index=True)
    description: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(16))
    quantity: Mapped[int]
    """Gigabytes of storage; 1 for everything else."""
    amount_cents: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    charged_on: Mapped[date]
    invoice: Mapped[Invoice] = relationship(back_populates="charges")
    refund: Mapped[Refund | None] = relationship(back_populates="charge")


class Payment(Row):
    """One try to be paid for an invoice. ``status``: settled, processing, failed. ``method``: card, bank transfer."""

    __tablename__ = "payments"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="amount_positive"),)

    payment_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    invoice_number: Mapped[str] = mapped_column(ForeignKey("invoices.invoice_number"), index=True)
    method: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    failure: Mapped[str] = mapped_column(String(60))
    """Why it failed, as it is said: "the card had expired"; else empty."""
    amount_cents: Mapped[int]
    made_on: Mapped[date]
    invoice: Mapped[Invoice] = relationship(back_populates="payments")


class Mailing(Row):
    """An invoice sent once more, to the address on file (which this database does not have)."""

    __tablename__ = "mailings"

    reference: Mapped[str] = mapped_column(String(16), primary_key=True)
    invoice_number: Mapped[str] = mapped_column(ForeignKey("invoices.invoice_number"), index=True)
    mailed_at: Mapped[datetime]


class Refund(Row):
    """Money given back: at most one per charge, and one per idempotency key of a call, whatever happens."""

    __tablename__ = "refunds"
    __table_args__ = (UniqueConstraint("call_id", "idempotency_key", name="uq_refunds_call_id"),)

    reference: Mapped[str] = mapped_column(String(16), primary_key=True)
    charge_id: Mapped[str] = mapped_column(ForeignKey("charges.charge_id"), unique=True)
    call_id: Mapped[str] = mapped_column(String(128))
    """Empty for refunds that no call made."""
    idempotency_key: Mapped[str] = mapped_column(String(200))
    amount_cents: Mapped[int]
    refunded_at: Mapped[datetime]
    charge: Mapped[Charge] = relationship(back_populates="refund")
