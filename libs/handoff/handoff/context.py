"""What crosses from giver to taker, and the builder that decides it. Standard library only."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace

from handoff.call import Attempt, Call, Channel, Fact, Intent, Role, Sentiment, Source, Turn
from handoff.directory import LAST_RESORT, Entry
from handoff.errors import InvalidContext
from handoff.redact import card_pieces, redact, redact_all_digits, redact_cards, redact_postal_codes
from handoff.summary import MAX_SUMMARY_CHARS, clip, summarise

MAX_TURNS = 10
"""How many of the last turns cross."""
MAX_BYTES = 256 * 1024
"""Largest context on the wire."""
MAX_HOPS = 6
"""How many services a call may visit; stops ping-pong. A service that had the call twice counts twice."""
MAX_ID_CHARS = 200
MAX_TURN_CHARS = 4000
"""About four minutes of uninterrupted talk; longer turns are cut by the builder and refused by the check."""
MAX_FACTS = 50
MAX_FACT_CHARS = 1000
MAX_ATTEMPTS = 20
MAX_SERVICES = 50
MAX_PENDING = 10
MAX_EFFECTS = 50

NEVER_CROSSES = frozenset({"postal_code"})
"""Facts that stay with the service that heard them, whatever a directory says: what proves an identity is no news to others."""
SECRET = frozenset({"identity_capability"})
"""Facts for a back office alone: they cross, and no summary, prompt, log or report ever shows them."""
SEVERAL = frozenset({"steps_tried"})
"""Facts that do not replace one another: each value counts."""
_TELLING_CHARS = 4
"""A shorter value ("12", "no") stands in any text by chance."""
_IDENTIFIERS = frozenset({"account_id", "invoice_number", "amount", "date", "display_name", "ticket_id"})
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
    pending_intents: tuple[Intent, ...] = ()
    """What the caller wants besides ``intent``, most urgent first. Empty from a peer that does not know of it."""
    effects: tuple[str, ...] = ()
    """What tools changed in this call, one line each, oldest first."""

    def fact(self, name: str) -> Fact | None:
        """The newest fact of that name, a verified one before a newer unverified one."""
        named = [f for f in self.facts if f.name == name]
        best = [f for f in named if f.verified] or named
        return best[-1] if best else None

    def may_be_kept_as(self, stored: HandoffContext) -> bool:
        """Whether ``stored`` is what a release keeps of this context: an earlier one leaves what it does not know at its
        default, and drops facts that it does not let the service have."""
        facts = {replace(fact, service="") for fact in self.facts}
        return all(replace(fact, service="") in facts for fact in stored.facts) and all(
            getattr(stored, each.name) in (getattr(self, each.name), each.default)
            for each in fields(self)
            if each.name != "facts"
        )


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
    from a model; without one, or when it is too long or tells too much, it is made here. The result passes ``check_context`` when the call's ids are sound.
    """
    facts = _allowed_facts(call, entry)
    pending = tuple(later for later in call.pending_intents if later.name not in {*entry.intents, intent.name})
    turns = safe_turns(call)
    return HandoffContext(
        call_id=call.call_id,
        handoff_id=handoff_id,
        epoch=epoch,
        created_at=now,
        expires_at=now + ttl_seconds,
        intent=intent,
        summary=_given(summary, call, entry)
        or summarise(intent, [fact for fact in facts if fact.name not in SECRET], turns),
        turns=turns,
        facts=facts,
        sentiment=call.sentiment,
        attempts=tuple(_safe_attempt(attempt) for attempt in call.attempts[-MAX_ATTEMPTS:]),
        services=call.services[-MAX_SERVICES:],
        language=call.language,
        channel=call.channel,
        caller_identity=call.caller_identity,
        display_name=call.display_name if "display_name" in entry.receives else "",
        pending_intents=pending[:MAX_PENDING],
        effects=tuple(clip(redact_cards(line), MAX_ID_CHARS) for line in call.effects[-MAX_EFFECTS:]),
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


def hops_exceeded(context: HandoffContext, *, to_service: str = "") -> bool:
    """True when one more service would be more than MAX_HOPS: the taker then answers HOP_LIMIT.

    The directory's last resort has one visit more than that: a call shall not end with nobody.
    """
    return len(context.services) + 1 > MAX_HOPS + (to_service == LAST_RESORT)


def size_bytes(context: HandoffContext) -> int:
    """Size of the context as JSON, an upper bound of its size on the wire."""
    try:
        return len(json.dumps(asdict(context), ensure_ascii=False).encode())
    except (TypeError, ValueError):
        raise InvalidContext("the context holds something that is not JSON") from None


def _allowed_facts(call: Call, entry: Entry) -> tuple[Fact, ...]:
    """One fact a name, the best one, in the order in which the names came up; newest names win when there are too many."""
    allowed = entry.receives - NEVER_CROSSES
    names = dict.fromkeys(fact.name for fact in call.facts if fact.name in allowed)
    best = [fact for name in names for fact in (_each(call, name) if name in SEVERAL else [call.fact(name)]) if fact]
    return tuple(_safe_fact(fact) for fact in best[-MAX_FACTS:])


def _each(call: Call, name: str) -> list[Fact]:
    """The facts of that name, the newest of each value."""
    return list({fact.value: fact for fact in call.facts if fact.name == name}.values())


def _safe_fact(fact: Fact) -> Fact:
    if fact.source is Source.TOOL:
        value = fact.value
    else:
        value = redact_cards(fact.value) if fact.name in _IDENTIFIERS else redact(fact.value)
    return replace(fact, value=clip(value, MAX_FACT_CHARS))


def turns_without_proof(call: Call) -> tuple[Turn, ...]:
    """All turns without what proved an identity, for a service that takes the call over: the facts that tell what it is stay behind."""
    codes = [fact.value for fact in call.facts if fact.name in NEVER_CROSSES]
    question, kept = "", []
    for turn in call.turns:
        is_agent = turn.role is Role.AGENT
        question = turn.text if is_agent else question
        text = redact_postal_codes(turn.text, question="" if is_agent else question, known=codes)
        kept.append(replace(turn, text=text))
    return tuple(kept)


def turns_without_cards(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """The turns of a record, the last of which is new: without a card in it, or in pieces in it and the caller's turns before it."""
    turns = (*turns[:-1], *(replace(turn, text=redact_cards(turn.text)) for turn in turns[-1:]))
    in_pieces = _card_turns(turns)
    return tuple(
        replace(turn, text=redact_all_digits(turn.text)) if at in in_pieces else turn for at, turn in enumerate(turns)
    )


def _card_turns(turns: tuple[Turn, ...]) -> frozenset[int]:
    """Which turns of the caller's hold a card between them, whoever spoke between them."""
    callers = [at for at, turn in enumerate(turns) if turn.role is Role.CALLER]
    return frozenset(callers[found] for found in card_pieces([turns[at].text for at in callers]))


def safe_turns(call: Call, *, last: int = MAX_TURNS) -> tuple[Turn, ...]:
    """The last turns of ``call`` as another service may read them: redacted, cut to MAX_TURN_CHARS."""
    first = max(len(call.turns) - last, 0)
    question = next((turn.text for turn in reversed(call.turns[:first]) if turn.role is Role.AGENT), "")
    in_pieces = _card_turns(call.turns)  # over all turns, wherever the last ones begin: a card is read out in pieces
    safe = []
    for at, turn in enumerate(call.turns[first:], first):
        if turn.role is Role.AGENT:
            question = turn.text
        told = redact_all_digits(turn.text) if at in in_pieces else turn.text
        text = _safe_text(told, call, answers="" if turn.role is Role.AGENT else question)
        safe.append(replace(turn, text=clip(text, MAX_TURN_CHARS)))
    return tuple(safe)


def _safe_text(text: str, call: Call, *, answers: str = "") -> str:
    codes = [fact.value for fact in call.facts if fact.name in NEVER_CROSSES]
    return redact(redact_postal_codes(text, question=answers, known=codes))


def _given(summary: str | None, call: Call, entry: Entry) -> str:
    """A summary that was made elsewhere, redacted; empty when there is none, when it is no summary by its length, or when it
    tells the value of a fact that the service may not receive."""
    text = " ".join((summary or "").split())
    withheld = {fact.value.lower() for fact in call.facts if fact.name not in entry.receives | NEVER_CROSSES}
    tells = any(len(value) >= _TELLING_CHARS and value in text.lower() for value in withheld)
    return "" if tells or len(text) > MAX_SUMMARY_CHARS else clip(_safe_text(text, call), MAX_SUMMARY_CHARS)


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
        "pending intents": (len(context.pending_intents), MAX_PENDING),
        "effects": (len(context.effects), MAX_EFFECTS),
        "characters of summary": (len(context.summary), MAX_SUMMARY_CHARS),
        "characters of a turn": (max((len(turn.text) for turn in context.turns), default=0), MAX_TURN_CHARS),
        "characters of a fact": (max((len(fact.value) for fact in context.facts), default=0), MAX_FACT_CHARS),
        "characters of an intent": (max(len(i.name) for i in (context.intent, *context.pending_intents)), MAX_ID_CHARS),
        "characters of an effect": (max((len(line) for line in context.effects), default=0), MAX_ID_CHARS),
        "characters of a display name": (len(context.display_name), MAX_ID_CHARS),
        "characters of a language": (len(context.language), MAX_ID_CHARS),
    }
    for what, (found, limit) in limits.items():
        if found > limit:
            raise InvalidContext(f"{found} {what}, the limit is {limit}")
    if not all(intent.name.strip() for intent in (context.intent, *context.pending_intents)):
        raise InvalidContext("the intent has no name")
    if any(not fact.name.strip() for fact in context.facts):
        raise InvalidContext("a fact has no name")
