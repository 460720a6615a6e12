"""What has become of the call so far, as the playbook's conditions read it beside the facts and the conversation.

Whether the caller's identity is verified is a fact: ``CallAgent.known()`` then has ``identity_capability`` with the value
``verified``, never the capability itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from handoff.call import Call, Channel, Fact, Mood, Role
from handoff.context import NEVER_CROSSES, SEVERAL
from handoff.directory import DIRECTORY

from worker.agent import capability
from worker.understanding import sentiment
from worker.understanding.extract_codes import account_id, leaves_open, postal_code

_NAMES_ACCOUNT = re.compile(r"\b(?:accounts?|instead)\b", re.IGNORECASE)
_RETURNS = re.compile(
    r"\b(?:never ?mind|forget (?:it|that|about)|(?:my own|my first|the first|the previous) (?:account|one)|back to (?:my|the first))\b",
    re.IGNORECASE,
)
"""Who gives up the other account is spoken to about his own again."""
_LOOKS_BACK = 3
"""Turns of the agent among which a question is looked for: it asks to say something again twice at most."""


@dataclass(frozen=True, slots=True)
class Story:
    """One look at the call's record. All of it is private; ``last_said`` are an agent's words, never the caller's."""

    effects: tuple[str, ...] = ()
    """What tools of any service changed in this call, one line each, oldest first: ``process_refund RF-20417 49.99``."""
    pending_intents: tuple[str, ...] = ()
    """What the caller wants besides, most urgent first: names of the directory's intents, not yet handled or handed on."""
    mood: Mood = Mood.NEUTRAL
    """After the caller's last turn; a StrEnum: ``"negative"``, ``"neutral"``, ``"positive"``."""
    is_frustrated: bool = False
    """Past patience, by mood or by words: escalation's caller."""
    services: tuple[str, ...] = ()
    """Services that have had the call, in order, this one last. A service may stand there more than once."""
    is_returning: bool = False
    """Whether this service had the call before another one brought it back."""
    began_with: str = ""
    """What this service's agent said first since the call came here (the last time); empty when no other agent spoke before."""
    last_said: str = ""
    """What an agent of any service said last, in the words that were played; empty before the first."""
    is_on_the_phone: bool = False
    """Whether the caller came by telephone: he has a keypad."""


def story_of(call: Call, service: str) -> Story:
    """The story of ``call`` as ``service``, whose agent has it, sees it."""
    own = DIRECTORY[service].intents if service in DIRECTORY else frozenset[str]()
    before = call.services[:-1] if call.services[-1:] == (service,) else call.services
    return Story(
        effects=call.effects,
        pending_intents=tuple(intent.name for intent in call.pending_intents if intent.name not in own),
        mood=call.sentiment.label,
        is_frustrated=sentiment.is_frustrated(call.sentiment, last_words(call)),
        services=call.services,
        is_returning=service in before,
        began_with=began_with(call, service),
        last_said=last_said(call),
        is_on_the_phone=call.channel is Channel.PHONE,
    )


def known_to(call: Call, service: str) -> dict[str, str]:
    """Facts by name as ``service`` may use them: what the directory lets it receive, and what it heard or learned itself."""
    receives = DIRECTORY[service].receives - NEVER_CROSSES if service in DIRECTORY else frozenset[str]()
    facts = [fact for fact in call.facts if fact.name in receives or fact.service == service]
    known = {name: value for name in dict.fromkeys(f.name for f in facts) if (value := _value(facts, name))}
    if other := _other_account(call, facts):
        # Nothing of the one account is told for the other: this one has to be proved too, with its own ZIP code.
        facts = [fact for fact in facts if fact.name != capability.FACT]
        known = {name: value for name, value in known.items() if name != capability.FACT} | {"account_id": other}
        if known.get("postal_code", "") not in _postal_codes_said_for(call, other):
            known.pop("postal_code", None)
    if call.display_name and "display_name" in receives:
        known.setdefault("display_name", call.display_name)
    held = known.pop(capability.FACT, "")
    if capability.is_current(held) and any(fact.verified for fact in facts if fact.name == capability.FACT):
        known[capability.FACT] = capability.HELD
    return known


def began_with(call: Call, service: str) -> str:
    """The first agent's turn of ``service`` after another one's; empty when only its own have been said, or none of its own."""
    first = ""
    for turn in reversed(call.turns):
        if turn.role is Role.AGENT and turn.service != service:
            return first
        if turn.role is Role.AGENT:
            first = turn.text
    return ""


def last_said(call: Call) -> str:
    """An agent's last turn; empty when none has spoken."""
    return next((turn.text for turn in reversed(call.turns) if turn.role is Role.AGENT), "")


def last_question(call: Call) -> str:
    """What an agent asked last. Having not understood the answer it says "Could you say it again?": the question stands before that."""
    said = [turn.text for turn in call.turns if turn.role is Role.AGENT][-_LOOKS_BACK:]
    words = said[-1:]
    while len(words) < len(said) and leaves_open(words[0]):
        words.insert(0, said[-len(words) - 1])
    return " ".join(words)


def last_words(call: Call) -> str:
    """What the caller has said since an agent spoke last: one sentence may reach us in pieces."""
    pieces: list[str] = []
    for turn in reversed(call.turns):
        if turn.role is not Role.CALLER:
            break
        pieces.insert(0, turn.text)
    return " ".join(pieces)


def _other_account(call: Call, facts: list[Fact]) -> str:
    """The account that the caller has named since another one was verified; empty when he speaks of that one.

    He must have named it as an account: of a mere "A C four seven two nine" nobody knows whether his own ID was misheard.
    """
    accounts = [fact for fact in facts if fact.name == "account_id"]
    verified = next((fact.value for fact in reversed(accounts) if fact.verified), "")
    newest = accounts[-1].value if accounts else ""
    if not verified or newest in ("", verified):
        return ""
    words = _since_named(call, newest)
    return newest if words and not any(_RETURNS.search(said) for _, said in words[1:]) else ""


def _since_named(call: Call, account: str) -> list[tuple[str, str]]:
    """The last breath in which the caller named this account, and those after it; empty when he never did."""
    breaths = _breaths(call)
    named = [
        n for n, (_, said) in enumerate(breaths) if _NAMES_ACCOUNT.search(said) and account_id(said, "") == account
    ]
    return breaths[named[-1] :] if named else []


def _postal_codes_said_for(call: Call, account: str) -> set[str]:
    return {postal_code(said, question) for question, said in _since_named(call, account)}


def _breaths(call: Call) -> list[tuple[str, str]]:
    """What the caller said between two turns of an agent, each with what the agent had said before it."""
    breaths, question, pieces = [], "", list[str]()
    for turn in call.turns:
        if turn.role is Role.CALLER:
            pieces.append(turn.text)
        else:
            breaths.append((question, " ".join(pieces)))
            question, pieces = turn.text, []
    return [(asked, said) for asked, said in [*breaths, (question, " ".join(pieces))] if said]


def _value(facts: list[Fact], name: str) -> str:
    """The newest, a verified one before a newer one that was only said; all of them where they do not replace one another."""
    named = [fact for fact in facts if fact.name == name]
    if name in SEVERAL:
        return ", ".join(dict.fromkeys(fact.value for fact in named))
    return ([fact for fact in named if fact.verified] or named)[-1].value
