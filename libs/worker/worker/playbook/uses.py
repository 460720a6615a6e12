"""What came of a playbook's tools: which uses count, which agree with what is known now, what they answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from worker.playbook.conversation import Conversation, ToolUse
from worker.playbook.rules import Tool

_UNVERIFIED = "verify the caller's identity"
"""How a back office refuses a capability that has expired; what it refused so is asked again once the caller is verified."""


@dataclass(frozen=True, slots=True)
class ToolState:
    """What came of a tool with the arguments as they are known now."""

    uses: tuple[ToolUse, ...]

    @property
    def last(self) -> ToolUse | None:
        """The newest use."""
        return self.uses[-1] if self.uses else None

    @property
    def done(self) -> bool:
        """Whether the newest use worked."""
        return self.last is not None and not self.last.failed

    @property
    def failed(self) -> bool:
        """Whether the newest use did not."""
        return self.last is not None and self.last.failed


def uses_of(tool: Tool, conversation: Conversation) -> list[ToolUse]:
    """The tool's uses in order, without those that were refused before the caller was verified anew."""
    items = conversation.items
    verified = max((n for n, i in enumerate(items) if _is_verification(i)), default=-1)
    return [
        i
        for n, i in enumerate(items)
        if isinstance(i, ToolUse) and i.name == tool.call and not (n < verified and _is_unverified(i))
    ]


def _is_verification(item: object) -> bool:
    return isinstance(item, ToolUse) and item.name == "verify_identity" and not item.failed


def _is_unverified(use: ToolUse) -> bool:
    return use.failed and _UNVERIFIED in use.output.lower()


def agreeing(uses: Sequence[ToolUse], arguments: Mapping[str, str], tool: Tool) -> list[ToolUse]:
    """Those that agree with what is known now; of a tool that replaces only those since another one."""
    if not tool.replaces:
        return [use for use in uses if agrees(use, arguments, tool)]
    return list(takewhile(lambda use: agrees(use, arguments, tool), reversed(uses)))[::-1]


def agrees(use: ToolUse, arguments: Mapping[str, str], tool: Tool) -> bool:
    """Whether nothing it was asked with, or answered, contradicts what is known now."""
    for name in tool.known_by:
        now = arguments.get(name)
        then = text_of(use.arguments.get(name)) or text_of((use.result or {}).get(name))
        if now and then and _plain(now) != _plain(then):
            return False
    return True


def judged(use: ToolUse, tool: Tool) -> ToolUse:
    """The use, as a failure when its words say so."""
    if tool.fails_like is None or use.failed or not tool.fails_like.search(use.output):
        return use
    return ToolUse(use.name, use.arguments, use.output, None, True)


def text_of(value: object) -> str | None:
    """A JSON value as text; nothing, empty text and anything nested (nobody can say it) are no value."""
    if value is None or value == "" or isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())
