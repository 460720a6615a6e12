"""One call as the console draws it: who spoke when, how it changed hands, what was tried, how it ended.

What a caller said, or is called, is in it for a reader alone, and then as another service may have it: without card numbers, telephone
numbers, addresses, and without what proves an identity. For everybody else those words are not blackened on the page: they never leave
the server.
"""

from __future__ import annotations

from typing import Any

from handoff.call import Call, Fact, Floor, Mark, MarkKind, Turn
from handoff.context import NEVER_CROSSES, SECRET, safe_turns
from handoff.errors import HandoffError, StoreUnavailable
from handoff.lifecycle import State
from handoff.redact import redact, redact_cards
from handoff.store import Handoff, Store

from gateway.codes import HIDDEN, code_of, is_successor

_CHARS_A_SECOND = 15.0
"""Of speech. The record has the moment at which a turn was over, not the one at which it began."""
_PROVES = SECRET | NEVER_CROSSES

Told = dict[str, Any]


async def timeline(store: Store, call_id: str, *, may_read: bool) -> Told | None:
    """None when there is no such call (any more). Raises StoreUnavailable, WireMismatch."""
    call = await store.load_call(call_id)
    if call is None:
        return None
    floor = await store.load_floor(call_id)
    handoffs = [await _known(store, handoff_id) for handoff_id in call.handoff_ids]
    told = _told(call, floor, [each for each in handoffs if each is not None], now=await store.now())
    return told | _words(call) if may_read else told


async def _known(store: Store, handoff_id: str) -> Handoff | None:
    """None when its record is gone: it lives for some minutes."""
    try:
        return await store.load_handoff(handoff_id)
    except StoreUnavailable:
        raise
    except HandoffError:  # another release's
        return None


def _told(call: Call, floor: Floor | None, handoffs: list[Handoff], *, now: float) -> Told:
    known = {handoff.context.handoff_id for handoff in handoffs}
    marked = [mark for mark in call.marks if mark.kind is MarkKind.HANDOFF and mark.handoff_id not in known]
    return {
        "call_id": call.call_id,
        "may_read": False,
        "at": now,
        "channel": call.channel.value,
        "started_at": call.started_at,
        "ended_at": call.ended_at,
        "ending": call.ending.value if call.ending is not None else "",
        "services": [code_of(service) for service in call.services],
        "holder": _holder(floor, now) if floor is not None else None,
        "intent": code_of(call.intent.name) if call.intent is not None else "",
        "pending": [code_of(intent.name) for intent in call.pending_intents],
        "mood": call.sentiment.label.value,
        "score": round(call.sentiment.score, 2),
        "trend": round(call.sentiment.trend, 2),
        "turns": [_turn(turn) for turn in call.turns],
        "handoffs": [*map(_marked_handoff, marked), *map(_handoff, handoffs)],
        "forgotten_handoffs": len(set(call.handoff_ids) - known - {mark.handoff_id for mark in marked}),
        "attempts": [
            {
                "service": code_of(each.service),
                "what": code_of(each.what),
                "outcome": code_of(each.outcome),
                "at": each.tried_at,
            }
            for each in call.attempts
        ],
        "tools": [
            {"service": code_of(mark.service), "name": code_of(mark.name), "failed": mark.failed, "at": mark.marked_at}
            for mark in call.marks
            if mark.kind is MarkKind.TOOL
        ],
        "recoveries": [
            {"service": code_of(mark.service), "at": mark.marked_at}
            for mark in call.marks
            if mark.kind is MarkKind.RECOVERY
        ],
        "effects": len(call.effects),
        "facts": [_fact(fact) for fact in call.facts],
    }


def _holder(floor: Floor, now: float) -> Told:
    agent_id = code_of(floor.agent_id)
    return {
        "service": code_of(floor.service),
        "agent_id": agent_id,
        "epoch": floor.epoch,
        "is_held": floor.lease_until > now,
        "is_recovered": is_successor(agent_id),
    }


def _turn(turn: Turn) -> Told:
    return {
        "role": turn.role.value,
        "service": code_of(turn.service),
        "at": turn.spoken_at,
        "seconds": max(1, round(len(turn.text) / _CHARS_A_SECOND)),
        "was_interrupted": turn.was_interrupted,
    }


def _handoff(handoff: Handoff) -> Told:
    return {
        "handoff_id": code_of(handoff.context.handoff_id),
        "from": code_of(handoff.from_service),
        "to": code_of(handoff.to_service),
        "state": handoff.state.value,
        "reason": code_of(handoff.reason),
        "moves": sorted(([state.value, at] for state, at in handoff.moved_at.items()), key=lambda move: move[1]),
    }


def _marked_handoff(mark: Mark) -> Told:
    """One of which no more is known than that it came to its end: its own record lives for some minutes."""
    return {
        "handoff_id": code_of(mark.handoff_id),
        "from": code_of(mark.name),
        "to": code_of(mark.service),
        "state": State.TAKEN.value,
        "reason": "",
        "moves": [[State.TAKEN.value, mark.marked_at]],
    }


def _fact(fact: Fact) -> Told:
    return {
        "name": code_of(fact.name),
        "value": HIDDEN,
        "source": fact.source.value,
        "verified": fact.verified,
        "at": fact.learned_at,
    }


def _words(call: Call) -> Told:
    """What a reader sees besides, in place of what hides it."""
    texts = [turn.text for turn in safe_turns(call, last=len(call.turns))]
    return {
        "may_read": True,
        "display_name": call.display_name,
        "ending_detail": call.ending_detail,
        "turns": [_turn(turn) | {"text": text} for turn, text in zip(call.turns, texts, strict=True)],
        "facts": [
            _fact(fact) | ({} if fact.name in _PROVES else {"name": fact.name, "value": redact_cards(fact.value)})
            for fact in call.facts
        ],
        "done": [redact(line) for line in call.effects],
    }
