"""Answers to an offer, as values: match on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    """Why a service does not take a call. None of them is a fault."""

    AT_CAPACITY = "at_capacity"
    DRAINING = "draining"
    WRONG_SERVICE = "wrong_service"
    STALE = "stale"
    HOP_LIMIT = "hop_limit"
    INVALID = "invalid"


BUSY = frozenset({Refusal.AT_CAPACITY, Refusal.DRAINING})
"""The service is well and has no place for this call: another worker may have one, or this one in a while."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The taker has validated, admitted and stored the context; dispatch its agent now."""

    handoff_id: str
    agent_name: str
    version: str
    """The taker's release, for mixed-version reports."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The taker is well and says no. ``message`` is for logs and never holds a caller's words."""

    handoff_id: str
    reason: Refusal
    message: str = ""


@dataclass(frozen=True, slots=True)
class Expired:
    """No answer before the deadline (``waited_seconds``), or the connection failed (``message``)."""

    handoff_id: str
    waited_seconds: float
    message: str = ""


Outcome = Accepted | Declined | Expired
