"""What a playbook is made of, once it has been read: tools, rules, conditions. See ``playbook`` for how it decides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from worker.playbook.conversation import Answer
from worker.playbook.phrases import Phrase

Pattern = re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool and the arguments it is called with. ``name`` is what the rules call it; ``call`` is the tool's own name.

    ``known_by`` are the arguments that make two calls the same; an argument in ``optional`` is left out when not known;
    an output that matches ``fails_like`` is a failure although the tool did not say so. ``replaces``: each use undoes what the one
    before it did, so that after another one the same use is none any more.
    """

    name: str
    call: str
    arguments: Mapping[str, Phrase]
    optional: frozenset[str] = frozenset()
    known_by: tuple[str, ...] = ()
    fails_like: Pattern | None = None
    replaces: bool = False
    file: str = "playbook.yaml"


@dataclass(frozen=True, slots=True)
class When:
    """Conditions, all of which must hold; an empty one always does."""

    known: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    intent: tuple[str, ...] = ()
    specialist: bool | None = None
    """Whether another service takes the intent of the caller's last words."""
    several: bool | None = None
    """Whether those words name more than one intent; ``out_of_scope``: whether they are nothing that any service deals with."""
    out_of_scope: bool | None = None
    far_off: bool | None = None
    """Out of scope beyond doubt: for rules that stand before a service's own."""
    pending: tuple[str, ...] = ()
    """The matter that waits, and that another service takes, is one of these intents."""
    mood: tuple[str, ...] = ()
    frustrated: bool | None = None
    visited: tuple[str, ...] = ()
    """One of these services had the call before; ``returning``: this one had. ``service``: this service is one of these."""
    returning: bool | None = None
    service: tuple[str, ...] = ()
    effect: Pattern | None = None
    """A tool of any service has changed something in this call, and the line that tells it matches."""
    unhelped: bool | None = None
    """Whether a rule with ``helped: false`` spoke in this call, none with ``helped: true``, and no tool changed anything."""
    heard: Pattern | None = None
    """In any of the caller's turns; ``heard_now``: in what he said since an agent last spoke; ``told``: in a note since then."""
    heard_now: Pattern | None = None
    told: Pattern | None = None
    heard_before: Pattern | None = None
    """In what the caller said last, when the call has just come here and he has said nothing since."""
    done: tuple[str, ...] = ()
    not_done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    not_called: tuple[str, ...] = ()
    just_answered: tuple[str, ...] = ()
    """The tool answered after the caller last spoke."""
    available: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()
    error: Mapping[str, Pattern] = field(default_factory=dict)
    result: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """(tool, field) -> the values that hold, in lower case."""
    refused: Pattern | None = None
    """The newest answer of any tool is a failure, and its words match."""
    fewer_calls: Mapping[str, int] = field(default_factory=dict)
    answer: Mapping[str, Answer] = field(default_factory=dict)
    """Question -> answer, when it is the last question that was asked."""
    gave_up: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    not_said: tuple[str, ...] = ()
    turns_since: Mapping[str, int] = field(default_factory=dict)
    any_of: tuple[When, ...] = ()
    none_of: tuple[When, ...] = ()
    all_of: tuple[When, ...] = ()


@dataclass(frozen=True)
class Rule:
    """When it fires and what it does: say something, ask something, call a tool, or say and call in one.

    A ``say`` is said once (per value of its placeholders) unless it may ``repeat``. An ask (``again`` is not None) is asked
    once, and again in other words while its condition still holds; with ``anew`` it starts afresh when its values change.
    ``question`` is the name under which answers are found. ``like`` are other words, a prompt's, that ask the same.
    A rule with ``instead_of`` takes the place of the question of that name wherever another rule would end with it;
    ``onward`` is how the other rule then
    speaks, by the name of the one that took the place. ``helped`` tells whether the caller got what he wanted.
    """

    name: str
    line: int
    when: When
    say: Phrase | None = None
    again: tuple[Phrase, ...] | None = None
    call: str | None = None
    repeat: bool = False
    anew: bool = False
    question: str | None = None
    like: tuple[Phrase, ...] = ()
    instead_of: str | None = None
    onward: Mapping[str, Phrase] = field(default_factory=dict)
    helped: bool | None = None
    file: str = "playbook.yaml"

    @cached_property
    def phrases(self) -> tuple[Phrase, ...]:
        """Everything it can say, and what counts as said by it."""
        return tuple(p for p in (self.say, *(self.again or ()), *self.like, *self.onward.values()) if p)


@dataclass(frozen=True, slots=True)
class Playbook:
    """One service's dialogue. ``min_confidence``: a yes or no that was heard worse does not count."""

    service: str
    rules: tuple[Rule, ...]
    tools: Mapping[str, Tool]
    facts: frozenset[str] = frozenset()
    knowledge: Mapping[str, str] = field(default_factory=dict)
    min_confidence: float = 0.4

    def rule(self, name: str) -> Rule:
        """The rule of that name; it exists, the loader has seen to it."""
        return next(rule for rule in self.rules if rule.name == name)

    def instead_of(self, question: str | None) -> Iterator[Rule]:
        """The rules that may take that question's place."""
        return (rule for rule in self.rules if question is not None and rule.instead_of == question)


BUILT_IN = {
    "call_id": "the call's id",
    "summary": "two or three sentences for a specialist",
    "intent": "what the caller's last words are about",
    "specialist": "the other service that takes it",
    "tried": "the service that the call was to be handed to last",
    "pending": 'what else the caller mentioned, as it fits into "You also mentioned ..."',
    "pending_service": "the other service that takes that",
    "last_said": "what an agent said last",
    "last_question": "the question at its end",
    "asked_for": 'what that question wants, as it fits into "take your time with ..."; without a value for most questions',
    "returning": "the service that the call came back from",
    "callback_number": "the telephone number that the caller gave for being called back",
    "keypad": '"your keypad" for a caller on the telephone; without a value for any other',
}
"""Values that every playbook has beside its facts; ``{effect.TOOL}`` is the reference of what that tool changed last."""
