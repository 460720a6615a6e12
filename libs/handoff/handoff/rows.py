"""What Redis holds and answers, as the nouns of this package; what cannot be read is a WireMismatch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from handoff.call import Call, Ending, Floor
from handoff.errors import (
    FloorLost,
    HandoffError,
    IllegalMove,
    InvalidContext,
    StillLive,
    UnknownCall,
    UnknownHandoff,
    WireMismatch,
)
from handoff.ledger import CallbackTicket, DoneCallback, DueCallback, LedgerLine
from handoff.lifecycle import State
from handoff.record import unpack_call, unpack_context, unpack_ticket
from handoff.store import Handoff, Overdue

_REFUSALS: dict[str, type[HandoffError]] = {
    "floor_lost": FloorLost,
    "illegal": IllegalMove,
    "invalid": InvalidContext,
    "still_live": StillLive,
    "unknown_call": UnknownCall,
    "unknown_handoff": UnknownHandoff,
}


_STATES = frozenset(State)


def accepted(answer: list[Any]) -> list[Any]:
    """What follows 'ok'; any other status is raised as its error."""
    status, *rest = answer
    if status == "ok":
        return rest
    raise _REFUSALS[status](rest[0] if rest else status.replace("_", " "))


def fields_of(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def floor_of(call_id: str, values: Sequence[Any]) -> Floor:
    service, agent_id, epoch, lease_until = values
    return Floor(call_id=call_id, service=service, agent_id=agent_id, epoch=int(epoch), lease_until=float(lease_until))


def overdue_of(values: Sequence[Any]) -> Overdue:
    call_id, service, agent_id, epoch, attempts = values
    return Overdue(call_id, service, agent_id, int(epoch), int(attempts))


def ledger_line_of(fields: dict[str, str]) -> LedgerLine:
    """A line as any release wrote it: the first three fields are always there."""
    try:
        return LedgerLine(
            fields["call_id"],
            Ending(fields["ending"]),
            float(fields["ended_at"]),
            detail=fields.get("detail", ""),
            services=tuple(json.loads(fields.get("services", "[]"))),
            handoff_ids=tuple(json.loads(fields.get("handoff_ids", "[]"))),
            started_at=float(fields.get("started_at", "0")),
            channel=fields.get("channel", ""),
        )
    except (KeyError, ValueError, TypeError):
        raise WireMismatch("stored line of the ledger not understood") from None


def callback_of(fields: dict[str, str]) -> CallbackTicket:
    try:
        return unpack_ticket(fields["ticket"])
    except KeyError:
        raise WireMismatch("stored callback not understood") from None


def due_of(values: Sequence[Any]) -> DueCallback:
    """An entry of the queue, and the claim to it ("" when there is none)."""
    entry, claim = values
    fields = fields_of(entry)
    try:
        claimed = json.loads(claim) if claim else {"human_id": "", "name": ""}
        return DueCallback(
            fields["ticket_id"],
            fields["call_id"],
            fields["service"],
            fields["channel"],
            fields["reason"],
            float(fields["due_at"]),
            claimed_by=claimed["human_id"],
            claimed_name=claimed["name"],
            number=fields.get("number", ""),  # a release before this one asked for none
        )
    except (KeyError, ValueError, TypeError):
        raise WireMismatch("stored callback not understood") from None


def done_of(fields: dict[str, str]) -> DoneCallback:
    try:
        return DoneCallback(fields["ticket_id"], fields["call_id"], float(fields["done_at"]))
    except (KeyError, ValueError):
        raise WireMismatch("stored callback not understood") from None


def call_of(fields: dict[str, str]) -> Call:
    try:
        apart: dict[str, Any] = {
            "services": tuple(json.loads(fields["services"])),
            "handoff_ids": tuple(json.loads(fields["handoff_ids"])),
        }
        if "ending" in fields:
            apart["ending"] = Ending(fields["ending"])
            apart["ending_detail"] = fields["ending_detail"]
            apart["ended_at"] = float(fields["ended_at"])
        record = fields["record"]
    except (KeyError, ValueError, TypeError):
        raise WireMismatch("stored call not understood") from None
    return replace(unpack_call(record), **apart)


def handoff_of(fields: dict[str, str]) -> Handoff:
    try:
        # A state that only a later release knows, and that is past, is passed over.
        moved_at = {State(k[3:]): float(v) for k, v in fields.items() if k.startswith("at:") and k[3:] in _STATES}
        return Handoff(
            context=unpack_context(fields["context"]),
            from_service=fields["from_service"],
            to_service=fields["to_service"],
            state=State(fields["state"]),
            moved_at=dict(sorted(moved_at.items(), key=lambda item: item[1])),
            taker_id=fields.get("taker_id", ""),
            reason=fields.get("reason", ""),
        )
    except (KeyError, ValueError):
        raise WireMismatch("stored handoff not understood") from None
