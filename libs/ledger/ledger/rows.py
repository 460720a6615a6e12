"""The tables. None of them holds a caller's words or says who he is, but for the number that he gave for a callback, while nobody has
called.

Moments are UTC without a zone, as in every office; ``moment`` and ``seconds`` translate from the store's clock and back.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum

from backoffice.rows import NAMING
from sqlalchemy import JSON, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class TicketState(StrEnum):
    """Where a callback stands."""

    OPEN = "open"
    """Promised; its time has not come."""
    QUEUED = "queued"
    """Due, and in the queue for whoever calls back."""
    DONE = "done"


class Row(DeclarativeBase):
    """Base of the ledger's tables."""

    metadata = MetaData(naming_convention=NAMING)


class Line(Row):
    """How one call ended: written once, never changed."""

    __tablename__ = "lines"

    call_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    ending: Mapped[str] = mapped_column(String(32))
    """One of handoff.call.Ending's values, or what a newer release calls it."""
    detail: Mapped[str] = mapped_column(String(500))
    """Why it ended so, in the mesh's own words."""
    channel: Mapped[str] = mapped_column(String(16))
    services: Mapped[list[str]] = mapped_column(JSON)
    """Those that held the floor, in order."""
    handoff_ids: Mapped[list[str]] = mapped_column(JSON)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime] = mapped_column(index=True)
    written_at: Mapped[datetime]
    """When the ledger wrote it, by the store's clock too."""


class HandoffRow(Row):
    """One handoff of a call, as it ended. It is noted while the call still runs: its record in Redis lives for minutes."""

    __tablename__ = "handoffs"

    handoff_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(200), index=True)
    from_service: Mapped[str] = mapped_column(String(64))
    to_service: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(500))
    offered_at: Mapped[datetime | None]
    taken_to_spoken_seconds: Mapped[float | None]
    """From the floor to the taker's first word; None when it never spoke."""


class OpenCall(Row):
    """A call that was seen alive and has no line yet. Its line, when it comes, takes this row away."""

    __tablename__ = "open_calls"

    call_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    first_seen_at: Mapped[datetime]
    vanished_at: Mapped[datetime | None]
    """When the store no longer knew it; None while it does."""


class Ticket(Row):
    """A callback that was promised. Numbers may come again after Redis has lost everything, so its call is part of its name."""

    __tablename__ = "callback_tickets"

    ticket_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """As it was read to the caller."""
    call_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    service: Mapped[str] = mapped_column(String(64))
    """Who is to call back."""
    channel: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(500))
    wished_at: Mapped[str] = mapped_column(String(200))
    """When the caller would like it, in normalised words; empty when he named no time."""
    created_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    queued_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    number: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """Where to call, while nobody has; empty when the caller named none."""


class ForgottenCall(Row):
    """A call that was forgotten: what Redis still brings of it is not written again."""

    __tablename__ = "forgotten_calls"

    call_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of its id, in hexadecimal."""
    forgotten_at: Mapped[datetime] = mapped_column(index=True)


class Cursor(Row):
    """How far a stream has been read. Moves in the same transaction as what was read is written."""

    __tablename__ = "cursors"

    stream: Mapped[str] = mapped_column(String(32), primary_key=True)
    position: Mapped[str] = mapped_column(String(200))


def moment(seconds: float) -> datetime:
    """Seconds since the epoch as this database keeps a moment. Raises ValueError for what is none."""
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    except (OverflowError, OSError):
        raise ValueError("not a moment that a database keeps") from None


def seconds(moment: datetime) -> float:
    """A moment of this database as seconds since the epoch."""
    return moment.replace(tzinfo=UTC).timestamp()


def call_hash(call_id: str) -> str:
    """How a forgotten call is known."""
    return hashlib.sha256(cut(call_id, 200).encode()).hexdigest()


def cut(value: str, limit_chars: int) -> str:
    """What a column of that many characters takes, without the one that PostgreSQL refuses: no line may ever be refused."""
    return value.replace("\0", "")[:limit_chars]
