"""The tables that every back office has: customers, tries to verify, and effects already done.

An office's own tables hang on a base of their own (``class Row(DeclarativeBase): metadata = MetaData(naming_convention=
NAMING)``), so that two offices may each have a table of the same name.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
"""Names of constraints, so that migrations can speak of them."""


class SharedRow(DeclarativeBase):
    """Base of the shared tables."""

    metadata = MetaData(naming_convention=NAMING)


class Customer(SharedRow):
    """Who may call about an account, and the one more fact that proves it (``postal_code``, five digits)."""

    __tablename__ = "customers"

    account_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    postal_code: Mapped[str] = mapped_column(String(5))
    company: Mapped[str] = mapped_column(String(120))
    """Empty for a private person."""
    seats: Mapped[int]
    plan: Mapped[str] = mapped_column(String(60))
    product: Mapped[str] = mapped_column(String(60))
    joined_on: Mapped[date]


class VerificationFailure(SharedRow):
    """One wrong pair of account and ZIP, on one call. The account need not exist. What was said instead is not kept."""

    __tablename__ = "verification_failures"

    failure_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    call_id: Mapped[str] = mapped_column(String(128), index=True)
    account_id: Mapped[str] = mapped_column(String(16), index=True)
    failed_at: Mapped[datetime]
    """UTC, without a zone."""


class Effect(SharedRow):
    """An effect that was done, by the key under which a call asked for it: asked again, it gives the same result."""

    __tablename__ = "effects"

    call_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(String(200), primary_key=True)
    tool: Mapped[str] = mapped_column(String(64))
    arguments_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the tool and its arguments: the same key with others is refused."""
    result: Mapped[str] = mapped_column(Text)
    done_at: Mapped[datetime]
