"""What came of a conversation: everything that the judge looks at. Private: it holds what was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handoff.call import Call
from handoff.context import HandoffContext
from handoff.store import Handoff

Row = Mapping[str, Any]
"""A database row: values by column."""


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance, in the order of the call. ``line`` is the caller's line in the YAML that it is, or answers (0: none)."""

    is_caller: bool
    service: str
    text: str
    line: int = 0
    mumbled: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that an agent called, with its answer."""

    service: str
    name: str
    arguments: str
    """A JSON text, as the brain wrote it."""
    output: str
    failed: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.arguments}"


@dataclass(frozen=True, slots=True)
class TableDiff:
    """Rows of one table that were added, changed (as they are now) and removed (as they were)."""

    added: tuple[Row, ...] = ()
    changed: tuple[Row, ...] = ()
    removed: tuple[Row, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One played conversation."""

    said: tuple[Said, ...] = ()
    call: Call | None = None
    """The record as it was at the end; None when no call came about."""
    offered: tuple[HandoffContext, ...] = ()
    """Each context as its giver built it, oldest first."""
    handoffs: tuple[Handoff, ...] = ()
    """Each handoff as its taker stored it: what came over the wire."""
    tool_calls: tuple[ToolCall, ...] = ()
    changes: Mapping[str, Mapping[str, TableDiff]] = field(default_factory=dict)
    """By back office and table; what did not change is not there."""
    shown: tuple[str, ...] = ()
    """All that was shown to a brain: instructions and conversations."""
    problems: tuple[str, ...] = ()
    """What kept the conversation from being played to its end."""
    unanswered: tuple[int, ...] = ()
    """Lines of the YAML to which no agent said a word."""
    seconds: float = 0.0
