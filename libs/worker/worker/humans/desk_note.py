"""What a human of the desk writes for the service to which he hands a call: the facts in it, as if the caller had said them.

The note itself crosses in the context, as a turn and in the summary: data, from which no authority follows. The facts in it are typed
here, so that a playbook knows them too and nobody asks the caller again. None of them counts as verified.
"""

from __future__ import annotations

from dataclasses import replace

from handoff.call import Fact, Role, Source
from handoff.context import NEVER_CROSSES, HandoffContext
from handoff.desk import DESK
from handoff.directory import DIRECTORY

from worker.understanding.extract import facts_in


def facts_of(context: HandoffContext, service: str) -> list[tuple[str, str]]:
    """Name and value of each fact in the human's note that ``service`` may be told and that no tool has verified; none when the
    call comes from no human."""
    if context.services[-1:] != (DESK,):
        return []
    # A note is the last that was noted before the offer; an older one was read when it was new.
    notes = [turn.text for turn in context.turns[-1:] if turn.role is Role.AGENT and turn.service == DESK]
    allowed = DIRECTORY[service].receives - NEVER_CROSSES if service in DIRECTORY else frozenset[str]()
    verified = {fact.name for fact in context.facts if fact.verified}
    return [(name, value) for note in notes for name, value in facts_in(note, "") if name in allowed - verified]


def read(context: HandoffContext, service: str) -> HandoffContext:
    """``context`` with these facts behind those that were known: of a name the newest counts."""
    found = tuple(
        Fact(name, value, Source.CALLER, context.created_at, service=DESK) for name, value in facts_of(context, service)
    )
    return replace(context, facts=(*context.facts, *found)) if found else context
