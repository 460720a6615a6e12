"""A caller script: what a recorded caller says, when, and what must come of it.

`local/callers/README.md` documents the YAML for people; `reader.py` reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from yaml_lines.nodes import Problem

CHANNELS = ("web", "phone")
VOICES = ("heart", "michael", "emma")
DTMF_CODES = {key: code for code, key in enumerate("0123456789*#")}
"""The keys of a telephone and the number that each has on the wire (RFC 4733)."""

LINE_TIMEOUT_SECONDS = 30.0
"""How long a line waits for its cue, unless it says otherwise."""
CALL_TIMEOUT_SECONDS = 180.0
"""How long the whole call may take, unless the script says otherwise."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing the caller does. Exactly one of ``say``, ``play``, ``press``, ``hang_up``, ``stay_silent`` is set."""

    at_line: int
    """Where it stands in the YAML, for messages; counted from 1."""
    say: str = ""
    play: Path | None = None
    press: str = ""
    """Keys of a telephone, one after the other: digits, ``*`` and ``#``."""
    hang_up: bool = False
    stay_silent: bool = False
    after: re.Pattern[str] | float | None = None
    """A pattern in what the mesh has said since the caller's last line; or seconds since that line ended; or None: when
    the mesh has said something and is silent again."""
    interrupt: bool = False
    """Do not wait for the agent to finish."""
    timeout_seconds: float = LINE_TIMEOUT_SECONDS
    """Longest wait for ``after``; for ``stay_silent``: how long the mesh has to end the call."""

    @property
    def makes_sound(self) -> bool:
        """Whether there is something to hear in this line."""
        return bool(self.say) or self.play is not None


@dataclass(frozen=True, slots=True)
class Expect:
    """What must come of the call. Empty and None mean: not checked."""

    services: tuple[str, ...] | None = None
    outcome: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    heard: tuple[re.Pattern[str], ...] = ()
    heard_once: tuple[re.Pattern[str], ...] = ()
    not_heard: tuple[re.Pattern[str], ...] = ()
    effects: tuple[re.Pattern[str], ...] | None = None
    handoffs_max: int | None = None
    gap_ms_max: float | None = None
    overlap_ms_max: float | None = None
    clipped_ms_max: float | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A whole caller."""

    path: Path
    title: str
    channel: str
    voice: str
    lines: tuple[Line, ...]
    expect: Expect
    timeout_seconds: float = CALL_TIMEOUT_SECONDS

    def on(self, channel: str | None) -> Script:
        """The same caller on another channel; None leaves it as it is. Raises ValueError for a channel we do not have."""
        if channel is None:
            return self
        if channel not in CHANNELS:
            raise ValueError(f"channel {channel!r} is none of {', '.join(CHANNELS)}")
        return replace(self, channel=channel)


class ScriptError(Exception):
    """A script that cannot be played; ``problems`` holds all that is wrong with it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems
