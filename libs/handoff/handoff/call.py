"""The nouns of a call: who spoke, what is known, who may speak, how it ended. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """Who said a turn."""

    CALLER = "caller"
    AGENT = "agent"


class Channel(StrEnum):
    """How the caller reached us; it decides the audio band we may expect."""

    WEB = "web"
    PHONE = "phone"


class Source(StrEnum):
    """Where a fact comes from. Only a tool's result can verify one."""

    CALLER = "caller"
    TOOL = "tool"


class Mood(StrEnum):
    """Label of a sentiment."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Ending(StrEnum):
    """The ways a call can end; every call ends in exactly one."""

    RESOLVED = "resolved"
    TRANSFERRED_TO_HUMAN = "transferred_to_human"
    CALLBACK_BOOKED = "callback_booked"
    CALLER_HUNG_UP = "caller_hung_up"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said. ``text`` is private; ``spoken_at`` is seconds since the epoch.

    ``service`` names the service whose agent said it, or heard it. ``was_interrupted`` is true when an agent's words were
    cut off by the caller: ``text`` then holds what was really played.
    """

    role: Role
    text: str
    spoken_at: float
    service: str = ""
    was_interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known about the caller's matter, e.g. ``account_id`` = ``AC4721``. The value is private.

    ``service`` names the service that heard or looked it up: it may know this fact whatever the directory says.
    """

    name: str
    value: str
    source: Source
    learned_at: float
    verified: bool = False
    service: str = ""

    def __post_init__(self) -> None:
        if self.verified and self.source is not Source.TOOL:
            raise ValueError(f"fact {self.name!r}: only a tool's result can verify it")


@dataclass(frozen=True, slots=True)
class Sentiment:
    """How the caller feels: ``score`` from -1 to 1; ``trend`` is its change over the call, same unit."""

    label: Mood = Mood.NEUTRAL
    score: float = 0.0
    trend: float = 0.0


@dataclass(frozen=True, slots=True)
class Intent:
    """What the caller wants: a name of the directory's intents, how sure (0 to 1), and how it was found (``keywords``,
    ``classifier``, ``model``, ``direct``)."""

    name: str
    confidence: float
    found_by: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried on this call before, and how it ended; e.g. service ``billing``, what ``offer``, outcome ``at_capacity``."""

    service: str
    what: str
    outcome: str
    tried_at: float


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool's call and its answer, as the brain had them: whoever goes on with the call need not ask again. All of it is private.

    ``arguments`` is a JSON object as text; ``answered_at`` is seconds since the epoch.
    """

    name: str
    arguments: str
    output: str
    failed: bool
    answered_at: float


MAX_MARKS = 100
"""Of one call: far more than happen in an hour of it."""


class MarkKind(StrEnum):
    """What a Mark marks."""

    TOOL = "tool"
    HANDOFF = "handoff"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Mark:
    """That something happened, for whoever looks at the call: it outlives the handoff's own record and the tools' answers, and holds no
    word of anybody's. ``service`` had the call from then on.
    """

    kind: MarkKind
    service: str
    marked_at: float
    """Seconds since the epoch, by the clock of the agent that marked it."""
    name: str = ""
    """The tool; of a handoff the giver."""
    failed: bool = False
    handoff_id: str = ""


@dataclass(frozen=True, slots=True)
class Floor:
    """The right to speak in one call. ``epoch`` only rises; ``lease_until`` is seconds since the epoch by the store's clock."""

    call_id: str
    service: str
    agent_id: str
    epoch: int
    lease_until: float


@dataclass(frozen=True, slots=True)
class Call:
    """The checkpoint of a call: all that another worker needs to go on with it. Private: never logged."""

    call_id: str
    channel: Channel
    caller_identity: str
    started_at: float
    language: str = "en"
    display_name: str = ""
    intent: Intent | None = None
    sentiment: Sentiment = field(default_factory=Sentiment)
    turns: tuple[Turn, ...] = ()
    facts: tuple[Fact, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    services: tuple[str, ...] = ()
    """Services that have held the floor, in order."""
    handoff_ids: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    """What tools changed, one line each, e.g. ``process_refund RF-1042 49.99``."""
    pending_intents: tuple[Intent, ...] = ()
    """What the caller wants besides ``intent``, most urgent first: not handled yet, and not handed on."""
    tool_uses: tuple[ToolUse, ...] = ()
    """Of the service that has the call, since it has it; they cross to no other service."""
    ending: Ending | None = None
    ending_detail: str = ""
    ended_at: float | None = None
    marks: tuple[Mark, ...] = ()
    """The last MAX_MARKS of them, oldest first. A release that does not know them drops them."""

    def fact(self, name: str) -> Fact | None:
        """The newest fact of that name, a verified one before a newer unverified one."""
        named = [f for f in self.facts if f.name == name]
        verified = [f for f in named if f.verified]
        best = verified or named
        return best[-1] if best else None
