"""What a playbook is made of, once it has been read: tools, rules, conditions. See ``playbook`` for how it decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.conversation import Answer
from worker.phrases import Phrase

Pattern = re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool and the arguments it is called with. ``name`` is what the rules call it; ``call`` is the tool's own name.

    ``known_by`` are the arguments that make two calls the same; an argument in ``optional`` is left out when not known;
    an output that matches ``fails_like`` is a failure although the tool did not say so.
    """

    name: str
    call: str
    arguments: Mapping[str, Phrase]
    optional: frozenset[str] = frozenset()
    known_by: tuple[str, ...] = ()
    fails_like: Pattern | None = None


@dataclass(frozen=True, slots=True)
class When:
    """Conditions, all of which must hold; an empty one always does."""

    known: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    intent: tuple[str, ...] = ()
    specialist: bool | None = None
    """Whether another service takes the intent of the caller's last words."""
    heard: Pattern | None = None
    """In any of the caller's turns; ``heard_now``: in what he said since an agent last spoke; ``told``: in a note since then."""
    heard_now: Pattern | None = None
    told: Pattern | None = None
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
    fewer_calls: Mapping[str, int] = field(default_factory=dict)
    answer: Mapping[str, Answer] = field(default_factory=dict)
    """Question -> answer, when it is the last question that was asked."""
    gave_up: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    not_said: tuple[str, ...] = ()
    turns_since: Mapping[str, int] = field(default_factory=dict)
    any_of: tuple[When, ...] = ()
    none_of: tuple[When, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """When it fires and what it does: say something, ask something, call a tool, or say and call in one.

    A ``say`` is said once (per value of its placeholders) unless it may ``repeat``. An ask (``again`` is not None) is asked
    once, and again in other words while its condition still holds; with ``anew`` it starts afresh when its values change.
    ``question`` is the name under which answers are found.
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

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """Everything it can say."""
        return tuple(p for p in (self.say, *(self.again or ())) if p is not None)


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


BUILT_IN = frozenset({"call_id", "summary", "specialist", "intent"})
"""Values that every playbook has: the call's id, two or three sentences for a specialist, its name, the last words' intent."""
