"""The tables. Money is whole cents; the unique constraints are what makes an effect happen once, races or not."""

from __future__ import annotations

from datetime import date, datetime

from backoffice.rows import NAMING, Customer
from sqlalchemy import ForeignKey, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_ACCOUNT = Customer.__table__.c.account_id


class Row(DeclarativeBase):
    """Base of escalation's own tables."""

    metadata = MetaData(naming_convention=NAMING)


class Standing(Row):
    """How an account stands with the company. ``status``: active or closed; a closed one is offered nothing."""

    __tablename__ = "standings"

    account_id: Mapped[str] = mapped_column(ForeignKey(_ACCOUNT), primary_key=True)
    status: Mapped[str] = mapped_column(String(16))


class Offer(Row):
    """What may be offered at all. ``kind``: credit, discount, free_month; the settings' limits cap what stands here."""

    __tablename__ = "offers"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    amount_cents: Mapped[int]
    """Of a credit; 0 for the others."""
    percent: Mapped[int]
    """Of a discount; 0 for the others."""
    months: Mapped[int]
    """How long it runs; 0 for a credit."""


class AppliedOffer(Row):
    """An offer that an account was given: at most one a call."""

    __tablename__ = "applied_offers"

    reference: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(_ACCOUNT), index=True)
    call_id: Mapped[str] = mapped_column(String(128), unique=True)
    kind: Mapped[str] = mapped_column(ForeignKey(Offer.kind))
    amount_cents: Mapped[int]
    """What it is worth: the credit, or the price of the free month; 0 for a discount."""
    percent: Mapped[int]
    applied_at: Mapped[datetime]
    """Here and in every table: the company's local time, without a zone."""


class Complaint(Row):
    """A complaint case. ``about``: billing, technical, sales, service, other; ``details`` are private."""

    __tablename__ = "complaints"

    reference: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(_ACCOUNT), index=True)
    call_id: Mapped[str] = mapped_column(String(128), index=True)
    about: Mapped[str] = mapped_column(String(16))
    details: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime]
    answer_due_on: Mapped[date]


class CallbackSlot(Row):
    """An hour of the week at which a manager calls back. ``weekday``: 0 is Monday; ``minute``: of the day."""

    __tablename__ = "callback_slots"
    __table_args__ = (UniqueConstraint("weekday", "minute", name="uq_callback_slots_weekday"),)

    callback_slot_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    weekday: Mapped[int]
    minute: Mapped[int]
    manager: Mapped[str] = mapped_column(String(120))


class Callback(Row):
    """A slot that is taken: ``starts_at`` is unique, so two callers never get the same one; a call has one at most.

    ``account_id`` is what the caller says it is unless ``is_verified``, so it is no foreign key; ``phone`` may be empty: then the
    manager finds the line in the call's record.
    """

    __tablename__ = "callbacks"

    reference: Mapped[str] = mapped_column(String(16), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(unique=True)
    call_id: Mapped[str] = mapped_column(String(128), unique=True)
    account_id: Mapped[str] = mapped_column(String(16))
    is_verified: Mapped[bool]
    phone: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    booked_at: Mapped[datetime]


class HumanRequest(Row):
    """A caller who wants a human now: one request a call, in the order of ``requested_at``. ``status``: waiting or done."""

    __tablename__ = "human_requests"

    reference: Mapped[str] = mapped_column(String(16), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(128), unique=True)
    account_id: Mapped[str] = mapped_column(String(16))
    is_verified: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    requested_at: Mapped[datetime]
