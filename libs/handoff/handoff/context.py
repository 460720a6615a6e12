"""What crosses from giver to taker, and the builder that decides it. Standard library only."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace

from handoff.call import Attempt, Call, Channel, Fact, Intent, Sentiment, Source, Turn
from handoff.directory import Entry
from handoff.errors import InvalidContext
from handoff.redact import redact, redact_cards
from handoff.summary import MAX_SUMMARY_CHARS, clip, summarise

MAX_TURNS = 10
"""How many of the last turns cross."""
MAX_BYTES = 256 * 1024
"""Largest context on the wire."""
MAX_HOPS = 6
"""How many services a call may visit; stops ping-pong."""
MAX_ID_CHARS = 200
MAX_TURN_CHARS = 4000
"""About four minutes of uninterrupted talk; longer turns are cut by the builder and refused by the check."""
MAX_FACTS = 50
MAX_FACT_CHARS = 1000
MAX_ATTEMPTS = 20
MAX_SERVICES = 50

_IDENTIFIERS = frozenset({"account_id", "invoice_number", "amount", "date", "display_name"})
"""Facts that are a number or a name by their nature: the redactor looks for cards in them and for nothing else."""


@dataclass(frozen=True, slots=True)
class HandoffContext:
    """What spares the caller a repetition, and nothing else. Private: never logged."""

    call_id: str
    handoff_id: str
    epoch: int
    """The giver's epoch when it made the offer."""
    created_at: float
    expires_at: float
    intent: Intent
    summary: str
    turns: tuple[Turn, ...]
    facts: tuple[Fact, ...]
    sentiment: Sentiment
    attempts: tuple[Attempt, ...]
    services: tuple[str, ...]
    """Services that have had this call, in order, the giver last."""
    language: str
    channel: Channel
    caller_identity: str
    display_name: str = ""

    def fact(self, name: str) -> Fact | None:
        """The newest fact of that name, a verified one before a newer unverified one."""
        named = [f for f in self.facts if f.name == name]
        best = [f for f in named if f.verified] or named
        return best[-1] if best else None


def build_context(
    call: Call,
    *,
    entry: Entry,
    handoff_id: str,
    epoch: int,
    now: float,
    intent: Intent,
    ttl_seconds: float = 300.0,
    summary: str | None = None,
) -> HandoffContext:
    """What ``entry``'s service may know of ``call``: its facts only, the last turns, free text redacted.

    ``now`` is the store's clock; ``ttl_seconds`` later the context is stale. ``summary`` may come
    from a model; without one it is made here. The result passes ``check_context`` when the call's ids are sound.
    """
    facts = _allowed_facts(call, entry)
    turns = tuple(_safe_turn(turn) for turn in call.turns[-MAX_TURNS:])
    return HandoffContext(
        call_id=call.call_id,
        handoff_id=handoff_id,
        epoch=epoch,
        created_at=now,
        expires_at=now + ttl_seconds,
        intent=intent,
        summary=clip(redact(summary), MAX_SUMMARY_CHARS) if summary else summarise(intent, facts, turns),
        turns=turns,
        facts=facts,
        sentiment=call.sentiment,
        attempts=tuple(_safe_attempt(attempt) for attempt in call.attempts[-MAX_ATTEMPTS:]),
        services=call.services[-MAX_SERVICES:],
        language=call.language,
        channel=call.channel,
        caller_identity=call.caller_identity,
        display_name=call.display_name if "display_name" in entry.receives else "",
    )


def check_context(context: HandoffContext, *, call_id: str, now: float) -> None:
    """Raises InvalidContext when the context is stale, of another call, malformed or absurdly large.

    ``now`` is the store's clock. The message names the field and never quotes it.
    """
    _check_identity(context, call_id)
    _check_times(context, now)
    _check_sizes(context)
    if size_bytes(context) > MAX_BYTES:
        raise InvalidContext(f"the context is above {MAX_BYTES} bytes")


def hops_exceeded(context: HandoffContext) -> bool:
    """True when one more service would be more than MAX_HOPS: the taker then answers HOP_LIMIT."""
    return len(context.services) + 1 > MAX_HOPS


def size_bytes(context: HandoffContext) -> int:
    """Size of the context as JSON, an upper bound of its size on the wire."""
    try:
        return len(json.dumps(asdict(context), ensure_ascii=False).encode())
    except (TypeError, ValueError):
        raise InvalidContext("the context holds something that is not JSON") from None


def _allowed_facts(call: Call, entry: Entry) -> tuple[Fact, ...]:
    """One fact a name, the best one, in the order in which the names came up; newest names win when there are too many."""
    names = list(dict.fromkeys(fact.name for fact in call.facts if fact.name in entry.receives))
    best = (call.fact(name) for name in names[-MAX_FACTS:])
    return tuple(_safe_fact(fact) for fact in best if fact is not None)


def _safe_fact(fact: Fact) -> Fact:
    if fact.source is Source.TOOL:
        value = fact.value
    else:
        value = redact_cards(fact.value) if fact.name in _IDENTIFIERS else redact(fact.value)
    return replace(fact, value=clip(value, MAX_FACT_CHARS))


def _safe_turn(turn: Turn) -> Turn:
    return replace(turn, text=clip(redact(turn.text), MAX_TURN_CHARS))


def _safe_attempt(attempt: Attempt) -> Attempt:
    return replace(attempt, what=clip(redact(attempt.what), MAX_ID_CHARS), outcome=clip(attempt.outcome, MAX_ID_CHARS))


def _check_identity(context: HandoffContext, call_id: str) -> None:
    for name in ("call_id", "handoff_id", "caller_identity"):
        value = getattr(context, name)
        if not value.strip() or len(value) > MAX_ID_CHARS:
            raise InvalidContext(f"{name} must be 1 to {MAX_ID_CHARS} characters")
    if context.call_id != call_id:
        raise InvalidContext("the context is of another call")
    if context.epoch < 1:
        raise InvalidContext("the epoch must be 1 or more: who makes an offer holds the floor")


def _check_times(context: HandoffContext, now: float) -> None:
    if not (math.isfinite(context.created_at) and math.isfinite(context.expires_at)):
        raise InvalidContext("created_at and expires_at must be finite")
    if context.expires_at <= context.created_at:
        raise InvalidContext("expires_at must be after created_at")
    if context.expires_at <= now:
        raise InvalidContext(f"the context went stale {now - context.expires_at:.1f} s ago")


def _check_sizes(context: HandoffContext) -> None:
    limits = {
        "turns": (len(context.turns), MAX_TURNS),
        "facts": (len(context.facts), MAX_FACTS),
        "attempts": (len(context.attempts), MAX_ATTEMPTS),
        "services": (len(context.services), MAX_SERVICES),
        "characters of summary": (len(context.summary), MAX_SUMMARY_CHARS),
        "characters of a turn": (max((len(turn.text) for turn in context.turns), default=0), MAX_TURN_CHARS),
        "characters of a fact": (max((len(fact.value) for fact in context.facts), default=0), MAX_FACT_CHARS),
        "characters of an intent": (len(context.intent.name), MAX_ID_CHARS),
        "characters of a display name": (len(context.display_name), MAX_ID_CHARS),
        "characters of a language": (len(context.language), MAX_ID_CHARS),
    }
    for what, (found, limit) in limits.items():
        if found > limit:
            raise InvalidContext(f"{found} {what}, the limit is {limit}")
    if not context.intent.name.strip():
        raise InvalidContext("the intent has no name")
    if any(not fact.name.strip() for fact in context.facts):
        raise InvalidContext("a fact has no name")
