"""The tables. Money is whole cents; the unique constraints on ``bookings`` and ``leads`` are what makes each happen once."""

from __future__ import annotations

from datetime import date, datetime

from backoffice.rows import NAMING, Customer
from sqlalchemy import CheckConstraint, ForeignKey, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

FIRST_QUOTE, FIRST_BOOKING, FIRST_LEAD = 60_417, 70_403, 80_625
"""What the first reference of each kind is; the tables count from 1."""


class Row(DeclarativeBase):
    """Base of sales' own tables; customers and what is done once are the library's."""

    metadata = MetaData(naming_convention=NAMING)


class Plan(Row):
    """A plan. ``price_cents`` a month includes ``included_seats``; ``max_seats`` None: without an end."""

    __tablename__ = "plans"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    made_for: Mapped[str] = mapped_column(String(60))
    price_cents: Mapped[int]
    included_seats: Mapped[int]
    max_seats: Mapped[int | None]
    extra_seat_cents: Mapped[int]
    features: Mapped[list[Feature]] = relationship(order_by="Feature.feature_id")


class Feature(Row):
    """What a plan offers, as it is said in a sentence."""

    __tablename__ = "features"

    feature_id: Mapped[int] = mapped_column(primary_key=True)
    plan_name: Mapped[str] = mapped_column(ForeignKey("plans.name"), index=True)
    words: Mapped[str] = mapped_column(String(120))


class Quote(Row):
    """An offer for a month. ``total_cents`` is what is left of ``list_cents`` after the discount."""

    __tablename__ = "quotes"
    __table_args__ = (
        CheckConstraint("seats > 0", name="seats_positive"),
        CheckConstraint("discount_percent BETWEEN 0 AND 100", name="discount_is_percent"),
        CheckConstraint("total_cents BETWEEN 0 AND list_cents", name="total_not_above_list"),
    )

    quote_id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(128), index=True)
    plan_name: Mapped[str] = mapped_column(ForeignKey("plans.name"))
    seats: Mapped[int]
    list_cents: Mapped[int]
    discount_percent: Mapped[int]
    total_cents: Mapped[int]
    made_on: Mapped[date]
    valid_until: Mapped[date]

    @property
    def reference(self) -> str:
        """``"QT-60417"``."""
        return f"QT-{FIRST_QUOTE - 1 + self.quote_id}"


class DemoSlot(Row):
    """A time at which somebody can show the product, in the office's own time. It is taken when a booking has it."""

    __tablename__ = "demo_slots"

    slot_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    """``"2026-03-10T10:00"``."""
    starts_at: Mapped[datetime] = mapped_column(index=True)
    booking: Mapped[Booking | None] = relationship(back_populates="slot")


class Booking(Row):
    """A demo: one per slot, and one per call."""

    __tablename__ = "bookings"

    booking_id: Mapped[int] = mapped_column(primary_key=True)
    slot_id: Mapped[str] = mapped_column(ForeignKey("demo_slots.slot_id"), unique=True)
    call_id: Mapped[str] = mapped_column(String(128), unique=True)
    interest: Mapped[str] = mapped_column(String(120))
    seats: Mapped[int | None]
    booked_at: Mapped[datetime]
    slot: Mapped[DemoSlot] = relationship(back_populates="booking")

    @property
    def reference(self) -> str:
        """``"DM-70403"``."""
        return f"DM-{FIRST_BOOKING - 1 + self.booking_id}"


class Lead(Row):
    """Somebody who may become a customer, or buy more: one per call. ``account_id`` only when it was verified."""

    __tablename__ = "leads"

    lead_id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(128), unique=True)
    account_id: Mapped[str | None] = mapped_column(ForeignKey(Customer.__table__.c.account_id))
    interest: Mapped[str] = mapped_column(String(120))
    seats: Mapped[int | None]
    quote_id: Mapped[int | None] = mapped_column(ForeignKey("quotes.quote_id"))
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("bookings.booking_id"))
    created_at: Mapped[datetime]

    @property
    def reference(self) -> str:
        """``"LD-80625"``."""
        return f"LD-{FIRST_LEAD - 1 + self.lead_id}"
