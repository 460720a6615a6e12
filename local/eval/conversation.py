"""One eval: what the caller does, and what must come of it. README.md documents the YAML; reader.py reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handoff.call import Channel, Ending

TIMEOUT_SECONDS = 60.0
"""Longest for one conversation as text, unless it says otherwise; ordinary ones take well under a second."""

Patterns = tuple[re.Pattern[str], ...]
Facts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that the caller does. Exactly one of ``say``, ``hang_up``, ``stay_silent`` is set."""

    at_line: int
    """Where it stands in the YAML, from 1."""
    say: str = ""
    hang_up: bool = False
    stay_silent: bool = False
    after: re.Pattern[str] | None = None
    """Must be found in what the agents said since the caller's line before."""
    mumbled: bool = False
    while_connecting: bool = False
    """Said over the announcement of the handoff that the line before brought about."""
    while_waiting: bool = False
    """Said while the caller waits in line, on hold, for what the line before brought about."""

    @property
    def is_meanwhile(self) -> bool:
        """Whether it is said while the line before is still being acted on."""
        return self.while_connecting or self.while_waiting


@dataclass(frozen=True, slots=True)
class TableChange:
    """How many rows of a table were added, changed and removed; ``rows`` are column values to be found among the first two."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    rows: tuple[Facts, ...] = ()


Changes = Mapping[str, Mapping[str, TableChange]]
"""By back office (its service's name) and table."""


@dataclass(frozen=True, slots=True)
class Expect:
    """What must come of a conversation. None and empty mean not checked; ``database`` empty means that nothing may change."""

    services: tuple[str, ...] | None = None
    ending: Ending | None = None
    carried: Mapping[str, Facts] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)
    says: Patterns = ()
    never_says: Patterns = ()
    says_once: Patterns = ()
    effects: Patterns | None = None
    calls: Patterns = ()
    never_calls: Patterns = ()
    database: Changes = field(default_factory=dict)
    asks_once: bool = True
    may_ask_again: Patterns = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One eval, as it was written."""

    path: Path
    at_line: int
    name: str
    lines: tuple[Line, ...]
    starts_at: str = "triage"
    channel: Channel = Channel.WEB
    voice: str = "heart"
    is_spoken: bool = False
    away: frozenset[str] = frozenset()
    """Services whose back office does not answer."""
    full: frozenset[str] = frozenset()
    """Services that decline every handoff."""
    busy: Mapping[str, int] = field(default_factory=dict)
    """Services that have no room until they have been looked at so many times."""
    in_line: Mapping[str, int] = field(default_factory=dict)
    """How many callers wait for a service already."""
    hold_seconds: float = 0.0
    """Longest wait in line."""
    expect: Expect = field(default_factory=Expect)
    timeout_seconds: float = TIMEOUT_SECONDS

    @property
    def services(self) -> frozenset[str]:
        """Services that take part, as far as the YAML tells."""
        return frozenset({self.starts_at, *(self.expect.services or ()), *self.full, *self.away, *self.busy})
