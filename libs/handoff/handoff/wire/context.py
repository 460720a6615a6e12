"""The HandoffContext on the wire. Whether one that is well formed is also fresh and welcome is the taker's question."""

from __future__ import annotations

from handoff.call import Attempt, Channel, Intent, Mood, Role, Sentiment, Turn
from handoff.context import MAX_EFFECTS, MAX_PENDING, MAX_TURNS, HandoffContext
from handoff.errors import InvalidContext
from handoff.v1 import call_pb2, handoff_pb2
from handoff.wire.facts import facts_from_wire, facts_to_wire
from handoff.wire.form import (
    EnumTable,
    check_range,
    check_size,
    require,
    require_messages,
    time_from_wire,
    time_to_wire,
)

_ROLE = EnumTable(Role, call_pb2.Role, "ROLE")
_CHANNEL = EnumTable(Channel, call_pb2.Channel, "CHANNEL")
_MOOD = EnumTable(Mood, call_pb2.Mood, "MOOD")


def to_wire(context: HandoffContext) -> handoff_pb2.HandoffContext:
    """Raises InvalidContext when it is larger than MAX_BYTES or holds a value that the contract cannot carry."""
    try:
        message = _context_to_wire(context)
    except (ValueError, OverflowError):
        # No cause is chained: its text could quote what a caller said.
        raise InvalidContext(
            "a value of the context cannot be carried (number out of range, or text not Unicode)"
        ) from None
    check_size(message)
    return message


def _context_to_wire(context: HandoffContext) -> handoff_pb2.HandoffContext:
    sentiment = context.sentiment
    return handoff_pb2.HandoffContext(
        session_id=context.call_id,
        handoff_id=context.handoff_id,
        epoch=context.epoch,
        created_at=time_to_wire(context.created_at),
        expires_at=time_to_wire(context.expires_at),
        user_intent=_intent_to_wire(context.intent),
        summary=context.summary,
        conversation_history=[_turn_to_wire(turn) for turn in context.turns],
        extracted_info=facts_to_wire(context.facts, context.intent.name),
        sentiment=call_pb2.Sentiment(
            label=_MOOD.to_wire(sentiment.label), score=sentiment.score, trend=sentiment.trend
        ),
        prior_attempts=[_attempt_to_wire(attempt) for attempt in context.attempts],
        services=context.services,
        language=context.language,
        channel=_CHANNEL.to_wire(context.channel),
        caller=call_pb2.Caller(identity=context.caller_identity, display_name=context.display_name),
        pending_intents=[_intent_to_wire(intent) for intent in context.pending_intents],
        effects=context.effects,
    )


def from_wire(message: handoff_pb2.HandoffContext) -> HandoffContext:
    """Raises InvalidContext for a malformed or oversize context, WireMismatch for an enum value this version lacks."""
    check_size(message)
    require(message, "session_id", "handoff_id", "epoch", "services", "channel")
    require_messages(message, "user_intent", "sentiment", "caller")
    require(message.caller, "identity")
    if message.epoch < 1:
        raise InvalidContext("HandoffContext.epoch is below 1")
    for what, most in (("conversation_history", MAX_TURNS), ("pending_intents", MAX_PENDING), ("effects", MAX_EFFECTS)):
        if (found := len(getattr(message, what))) > most:
            raise InvalidContext(f"HandoffContext.{what} has {found}, at most {most} may cross")
    if not all(message.services):
        raise InvalidContext("HandoffContext.services has an empty name")
    return HandoffContext(
        call_id=message.session_id,
        handoff_id=message.handoff_id,
        epoch=message.epoch,
        created_at=time_from_wire(message, "created_at"),
        expires_at=time_from_wire(message, "expires_at"),
        intent=_intent_from_wire(message.user_intent),
        summary=message.summary,
        turns=tuple(_turn_from_wire(turn) for turn in message.conversation_history),
        facts=facts_from_wire(message.extracted_info),
        sentiment=_sentiment_from_wire(message.sentiment),
        attempts=tuple(_attempt_from_wire(attempt) for attempt in message.prior_attempts),
        services=tuple(message.services),
        language=message.language,
        channel=_CHANNEL.from_wire(message.channel),
        caller_identity=message.caller.identity,
        display_name=message.caller.display_name,
        pending_intents=tuple(_intent_from_wire(intent) for intent in message.pending_intents),
        effects=tuple(message.effects),
    )


def _turn_to_wire(turn: Turn) -> call_pb2.Turn:
    return call_pb2.Turn(
        role=_ROLE.to_wire(turn.role),
        text=turn.text,
        spoken_at=time_to_wire(turn.spoken_at),
        service=turn.service,
        was_interrupted=turn.was_interrupted,
    )


def _turn_from_wire(message: call_pb2.Turn) -> Turn:
    return Turn(
        role=_ROLE.from_wire(message.role),
        text=message.text,
        spoken_at=time_from_wire(message, "spoken_at"),
        service=message.service,
        was_interrupted=message.was_interrupted,
    )


def _attempt_to_wire(attempt: Attempt) -> call_pb2.Attempt:
    return call_pb2.Attempt(
        service=attempt.service,
        what=attempt.what,
        outcome=attempt.outcome,
        tried_at=time_to_wire(attempt.tried_at),
    )


def _attempt_from_wire(message: call_pb2.Attempt) -> Attempt:
    return Attempt(message.service, message.what, message.outcome, time_from_wire(message, "tried_at"))


def _intent_to_wire(intent: Intent) -> call_pb2.Intent:
    return call_pb2.Intent(name=intent.name, confidence=intent.confidence, found_by=intent.found_by)


def _intent_from_wire(message: call_pb2.Intent) -> Intent:
    require(message, "name")
    check_range(message, "confidence", 0, 1)
    return Intent(message.name, message.confidence, message.found_by)


def _sentiment_from_wire(message: call_pb2.Sentiment) -> Sentiment:
    check_range(message, "score", -1, 1)
    check_range(message, "trend", -2, 2)
    return Sentiment(_MOOD.from_wire(message.label), message.score, message.trend)
