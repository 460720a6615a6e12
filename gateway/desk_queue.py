"""What the humans of the desk see: the calls that want one, and the briefing of each. Redacted as all that crosses, and never logged."""

from __future__ import annotations

from typing import Any

from handoff.call import Call, Role
from handoff.context import safe_turns
from handoff.desk import DESK
from handoff.directory import DIRECTORY
from handoff.errors import HandoffError, StoreUnavailable
from handoff.lifecycle import State
from handoff.store import Handoff, Store

_SHOWN = 20
"""Most calls in the list: nobody reads on."""
_LATEST = 3
"""An offer to the desk is among so many of a call's last handoffs."""
_TURNS = 40
"""A human has time to read more than an agent is told."""

Told = dict[str, Any]


class Queue:
    """The desk's line, read from the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def waiting(self) -> list[Told]:
        """Calls that nobody has taken yet, who is next first. Raises StoreUnavailable."""
        now, found = await self._store.now(), []
        for call_id in (await self._store.line(DESK))[:_SHOWN]:
            if (offer := await self._offer(call_id)) is not None:
                found.append(_in_brief(offer, now))
        return found

    async def briefing(self, offer: Handoff) -> Told:
        """All that is known of an offered call, what was said since the offer too. Raises HandoffError."""
        context, call = offer.context, await self._store.load_call(offer.context.call_id)
        return _in_brief(offer, await self._store.now()) | {
            "caller": context.display_name,
            "channel": context.channel.value,
            "services": [_name(service) for service in context.services],
            "facts": [
                {"name": fact.name.replace("_", " "), "value": fact.value, "verified": fact.verified}
                for fact in context.facts
            ],
            "wants_besides": [intent.name for intent in context.pending_intents],
            "done": list(context.effects),
            "tried": [f"{_name(each.service)}: {each.what} ({each.outcome})" for each in context.attempts],
            "turns": _turns(call) if call is not None else [],
        }

    async def _offer(self, call_id: str) -> Handoff | None:
        """The call's open offer to the desk; none for a call that cannot be read, or is being taken."""
        try:
            call = await self._store.load_call(call_id)
            for handoff_id in reversed(call.handoff_ids[-_LATEST:] if call is not None else ()):
                offer = await self._store.load_handoff(handoff_id)
                if offer is not None and offer.to_service == DESK and offer.state is State.ACCEPTED:
                    return offer
        except StoreUnavailable:
            raise
        except HandoffError:
            pass  # another release's: its own gateways show it
        return None


def _in_brief(offer: Handoff, now: float) -> Told:
    context = offer.context
    return {
        "handoff_id": context.handoff_id,
        "summary": context.summary,
        "about": context.intent.name,
        "mood": context.sentiment.label.value,
        "getting_worse": context.sentiment.trend < -0.3,
        "waits_seconds": max(0, round(now - context.created_at)),
    }


def _turns(call: Call) -> list[Told]:
    return [
        {"who": "Caller" if turn.role is Role.CALLER else _name(turn.service), "text": turn.text}
        for turn in safe_turns(call, last=_TURNS)
    ]


def _name(service: str) -> str:
    entry = DIRECTORY.get(service)
    return entry.spoken_name if entry is not None else "colleague" if service == DESK else service
