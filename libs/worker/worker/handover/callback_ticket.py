"""The last rung of the ladder: a callback ticket, its number read back to the caller, for somebody who calls him back."""

from __future__ import annotations

import json
import re
from typing import Any

from handoff.call import Call, Ending
from handoff.directory import DIRECTORY, LAST_RESORT
from handoff.errors import HandoffError
from handoff.ledger import CallbackTicket, ticket_id
from handoff.store import Store
from livekit.agents import ToolError, function_tool

from worker.checkpoint import Checkpoint

EFFECT = "leave_callback_ticket"
"""The tool's name, and how its line among a call's effects begins."""
BOOKED = "book_callback"
"""The same of a back office's tool that books a person's call: customer care's."""
_WHEN = re.compile(
    r"\b(?:today|tomorrow|tonight|now|next|this|week|morning|noon|afternoon|evening|before|after|at|around|on|in|the"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|\d{4}-\d{2}-\d{2}|\d{1,2}(?::\d{2})?|[ap]\.?m\.?|o'clock"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b",
    re.IGNORECASE,
)
_WHEN_CHARS = 60
_NUMBER = re.compile(r"\+?\d{7,15}")
_DIGITS_ON_END = re.compile(
    r"(?:\b(?:\d{1,2}|zero|oh|o|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b[\s,.-]*){4,}",
    re.IGNORECASE,
)
"""No day and hour has so many: a phone number, or a card."""


def ticket_of(call: Call) -> str:
    """The ticket that this call has already; empty when it has none."""
    return next((line.split()[1] for line in call.effects if line.split()[:1] == [EFFECT] and " " in line), "")


def ending_with_ticket(ending: Ending, call: Call) -> Ending:
    """A call in which a callback was promised ends with that, whoever hangs up; unless a person has taken it."""
    promised = any(line.split()[:1] == [BOOKED] for line in call.effects) or ticket_of(call)
    if ending is not Ending.TRANSFERRED_TO_HUMAN and promised:
        return Ending.CALLBACK_BOOKED
    return ending


def wished_at(words: str) -> str:
    """Days and hours out of ``words``, nothing else: a ticket holds no words of a caller's own."""
    return " ".join(_WHEN.findall(_DIGITS_ON_END.sub(" ", words))).lower()[:_WHEN_CHARS].strip()


def callable_number(text: str) -> str:
    """The digits of a telephone number, with a + that stands before them; empty for what is none."""
    digits = re.sub(r"[\s().-]", "", text)
    return digits if _NUMBER.fullmatch(digits) else ""


def tool(store: Store, checkpoint: Checkpoint) -> Any:
    """``leave_callback_ticket`` for the brain of one call."""

    @function_tool(name=EFFECT, on_duplicate="reject")
    async def leave(service: str = "", when: str = "", phone: str = "") -> str:
        """Note that a colleague shall call the caller back. For when nobody can take the call now and the caller agreed to be
        called back. Read the ticket back to him, letter by letter, and ask on which number he wants to be called; when he has said it,
        call this once more with it, and read it back.

        Args:
            service: who shall call back, for example billing
            when: the day and hour that the caller would like, for example tomorrow morning; empty when he has no wish
            phone: the number that he gave, digits alone; empty as long as he gave none
        """
        wanted = service if service in DIRECTORY else LAST_RESORT
        number = callable_number(phone)
        if phone.strip() and not number:
            raise ToolError("That is no telephone number: ask the caller for all of its digits, with the area code.")
        ticket = await leave_ticket(store, checkpoint, wanted, when, number=number)
        return json.dumps({"ticket": ticket, "service": wanted, "phone": number or "none"})

    return leave


async def leave_ticket(store: Store, checkpoint: Checkpoint, service: str, when: str = "", *, number: str = "") -> str:
    """The call's one ticket: a second one in a call is the first, also when the agent that left it did not live to note it, or the
    store's answer was lost. Raises ToolError when it cannot be stored."""
    call = checkpoint.call
    known = ticket_of(call)
    if known and not number:
        return known
    try:
        ticket = CallbackTicket(
            ticket_id=known or ticket_id(await store.next_ticket()),
            call_id=call.call_id,
            service=service,
            channel=call.channel.value,
            reason=next((a.outcome for a in reversed(call.attempts) if a.service == service), ""),
            wished_at=wished_at(when),
            created_at=await store.now(),
            number=number,
        )
        name = await store.add_callback(ticket)
    except HandoffError:
        raise ToolError(
            f"The number could not be noted; the callback stands, its ticket is {known}."
            if known
            else "The ticket could not be noted: do not promise a callback. Ask the caller to call again."
        ) from None
    checkpoint.note_effect(f"{EFFECT} {name}")
    return name
