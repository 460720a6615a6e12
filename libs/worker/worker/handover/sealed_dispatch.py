"""What a dispatch carries while Redis is away: the sealed context, cut to what LiveKit's attributes hold, and the call made of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from handoff.call import Call
from handoff.context import HandoffContext
from handoff.seal import MAX_SEALED_CHARS, Binding, Opened, Refusal, Seal, SealRefused

SEALED = "sealed"
"""The dispatch's attribute that holds the sealed context."""
_TURNS_KEPT = (10, 4, 1, 0)
"""How many of the last turns travel when a context is too large; the rest of it stays whole."""


def sealed(
    seal: Seal, context: HandoffContext, *, to_service: str, giver_id: str, now: float, limit: int = MAX_SEALED_CHARS
) -> str:
    """The context sealed to at most ``limit`` characters, with fewer turns when it must be. Raises SealRefused, InvalidContext."""
    for kept in _TURNS_KEPT:
        turns = context.turns[max(len(context.turns) - kept, 0) :]
        with suppress(SealRefused):
            text = seal.seal(replace(context, turns=turns), to_service=to_service, giver_id=giver_id, now=now)
            if len(text) <= limit:
                return text
    raise SealRefused(Refusal.OVERSIZE if seal.has_key else Refusal.NO_KEY)


def opened(seal: Seal, attributes: Mapping[str, str], *, call_id: str, service: str, now: float) -> Opened:
    """What a dispatch with these attributes brought for this call and this service. Raises SealRefused."""
    epoch = attributes.get("epoch", "")
    wanted = Binding(call_id, attributes.get("handoff_id", ""), service, int(epoch) if epoch.isdigit() else 0)
    return seal.open(attributes.get(SEALED, ""), expected=wanted, now=now)


def call_of(context: HandoffContext) -> Call:
    """The call as far as a taker may know it: the record that is written when Redis came back empty."""
    return Call(
        call_id=context.call_id,
        channel=context.channel,
        caller_identity=context.caller_identity,
        started_at=context.turns[0].spoken_at if context.turns else context.created_at,
        language=context.language,
        display_name=context.display_name,
        intent=context.intent,
        sentiment=context.sentiment,
        turns=context.turns,
        facts=context.facts,
        attempts=context.attempts,
        services=context.services,
        handoff_ids=(context.handoff_id,),
        effects=context.effects,
        pending_intents=context.pending_intents,
    )
