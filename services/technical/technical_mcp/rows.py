"""The tables of technical's own. Texts in incidents, known issues and steps are spoken to callers; what callers said is in tickets."""

from __future__ import annotations

from datetime import date, datetime

from backoffice.rows import NAMING, Customer
from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Row(DeclarativeBase):
    """Base of the tables."""

    metadata = MetaData(naming_convention=NAMING)


class Product(Row):
    """A product that an account has. ``region``: west, central or east; ``app_version`` of the caller's app, e.g. 4.2."""

    __tablename__ = "products"

    account_id: Mapped[str] = mapped_column(ForeignKey(Customer.__table__.c.account_id), primary_key=True)
    product: Mapped[str] = mapped_column(String(60), primary_key=True)
    region: Mapped[str] = mapped_column(String(16))
    app_version: Mapped[str] = mapped_column(String(16))
    usage: Mapped[list[Usage]] = relationship(order_by="Usage.measured_on.desc()")


class Usage(Row):
    """One day of a product: how often it was asked, how often it failed, and how slowly it answered (95 of a hundred, in ms)."""

    __tablename__ = "usage_metrics"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "product"], ["products.account_id", "products.product"]),
        CheckConstraint("failures <= requests", name="no_more_failures_than_requests"),
    )

    account_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    product: Mapped[str] = mapped_column(String(60), primary_key=True)
    measured_on: Mapped[date] = mapped_column(primary_key=True)
    requests: Mapped[int]
    failures: Mapped[int]
    latency_ms: Mapped[int]


class Incident(Row):
    """A fault on our side. ``status``: open or resolved."""

    __tablename__ = "incidents"

    incident_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    product: Mapped[str] = mapped_column(String(60))
    region: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(120))
    symptoms: Mapped[list[str]] = mapped_column(JSON)
    explanation: Mapped[str] = mapped_column(String(200))
    workaround: Mapped[str] = mapped_column(String(200))


class KnownIssue(Row):
    """A fault that is understood. ``versions`` of the app that have it; empty for all."""

    __tablename__ = "known_issues"

    issue_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    product: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(120))
    symptoms: Mapped[list[str]] = mapped_column(JSON)
    versions: Mapped[list[str]] = mapped_column(JSON)
    explanation: Mapped[str] = mapped_column(String(200))
    workaround: Mapped[str] = mapped_column(String(200))
    tried_as: Mapped[list[str]] = mapped_column(JSON)


class Step(Row):
    """Something to try when nothing explains a problem, in the order of ``position``."""

    __tablename__ = "steps"

    product: Mapped[str] = mapped_column(String(60), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    instruction: Mapped[str] = mapped_column(String(200))
    tried_as: Mapped[list[str]] = mapped_column(JSON)


class Ticket(Row):
    """A problem that people look after. ``status``: open or closed. It has no due date: nobody here may promise one."""

    __tablename__ = "tickets"

    ticket_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(Customer.__table__.c.account_id), index=True)
    product: Mapped[str] = mapped_column(String(60))
    problem: Mapped[str] = mapped_column(Text)
    steps_tried: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[datetime]
    updates: Mapped[list[TicketUpdate]] = relationship(
        back_populates="ticket", order_by="TicketUpdate.update_id", cascade="all"
    )


class TicketUpdate(Row):
    """A note on a ticket. ``written_by``: engineer (may be read out) or caller (is data, never read out)."""

    __tablename__ = "ticket_updates"

    update_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.ticket_id"), index=True)
    written_by: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text)
    noted_at: Mapped[datetime]
    ticket: Mapped[Ticket] = relationship(back_populates="updates")
