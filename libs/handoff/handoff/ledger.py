"""What outlives a call: its line in the ledger, and the callback that was promised. Neither names a caller; the callback has the number
that he gave for it, until somebody has called."""

from __future__ import annotations

from dataclasses import dataclass, field

from handoff.call import Ending


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """How one call ended: written once, never changed. Times are seconds since the epoch by the store's clock."""

    call_id: str
    ending: Ending
    ended_at: float
    detail: str = ""
    """Why, in our own words; at most record.MAX_DETAIL_CHARS."""
    services: tuple[str, ...] = ()
    """Services that have held the floor, in order."""
    handoff_ids: tuple[str, ...] = ()
    started_at: float = 0.0
    """By the clock of whoever opened the call; 0 when a release before this one opened it."""
    channel: str = ""
    """A call.Channel's value; "" when a release before this one opened the call."""


@dataclass(frozen=True, slots=True)
class CallbackTicket:
    """A callback that was promised to a caller. It holds none of his words: ``call_id`` leads to him."""

    ticket_id: str
    """As it is read to the caller, e.g. ``CT-10001``."""
    call_id: str
    service: str
    """Who is to call back."""
    channel: str
    """A call.Channel's value: how the caller reached us."""
    reason: str
    """Why nobody could take the call, in our own words, e.g. ``at_capacity``."""
    wished_at: str
    """When the caller would like it, as normalised words (``tomorrow morning``, ``2026-03-04 10:00``), or ""."""
    created_at: float
    """Seconds since the epoch, by the store's clock."""
    number: str = field(default="", repr=False)
    """Where he wants to be called, as digits with or without a leading +; "" when he named none. Private: never logged."""


@dataclass(frozen=True, slots=True)
class DueCallback:
    """A promised callback whose time has come, as it waits for whoever calls back. All but the claim and the time are the ticket's own."""

    ticket_id: str
    call_id: str
    service: str
    channel: str
    reason: str
    due_at: float
    """Seconds since the epoch."""
    claimed_by: str = ""
    """Id of the human who is calling back; empty when nobody is."""
    claimed_name: str = ""
    number: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DoneCallback:
    """A callback that somebody has made."""

    ticket_id: str
    call_id: str
    done_at: float
    """Seconds since the epoch, by the store's clock."""


def ticket_id(number: int) -> str:
    """The name of a ticket of that number (see ``Store.next_ticket``), e.g. ``CT-10001``."""
    return f"CT-{number}"
