"""What every agent learns from its tools, whichever service it is of: a verified identity, and what was tried in vain."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from handoff.call import Source
from livekit.agents import llm

from worker.agent import capability
from worker.agent.capability import Identity
from worker.agent.tools import BackOffice
from worker.checkpoint import Checkpoint

Learned = Callable[[str, Mapping[str, Any], Mapping[str, Any]], None]
"""Told a tool's name, its arguments, its result."""
_KEY = "idempotency_key"
"""A tool that changes something takes one: that it failed is worth knowing for whoever has the call next."""
_AWAY = "can't be reached"


class Learning:
    """Writes into ``checkpoint``; ``office`` is the client that shows a capability, when there is one."""

    def __init__(self, checkpoint: Checkpoint, office: BackOffice | None) -> None:
        self._checkpoint = checkpoint
        self._office = office
        if office is not None:
            office.on_verified = self._verified
            office.on_refused = self._refused
        self.show_capability()

    def show_capability(self) -> None:
        """The back office is shown what the call's record holds, from now on."""
        if self._office is not None:
            held = self._checkpoint.call.fact(capability.FACT)
            is_good = held is not None and held.verified and capability.is_current(held.value)
            self._office.show(held.value if held is not None and is_good else "")

    def from_tool(self, call: llm.FunctionCall, output: llm.FunctionCallOutput, learned: Learned) -> None:
        """A tool answered, refused, or did not answer; ``learned`` is the service's own lesson from an answer."""
        self._checkpoint.note_tool_use(call.name, call.arguments, output.output, failed=output.is_error)
        arguments, result = _object(call.arguments), _object(output.output)
        if output.is_error:
            self._failed(call.name, arguments or {}, output.output)
        elif result is not None:  # a local tool's plain sentence teaches nothing
            self._answered(call.name, result)
            learned(call.name, arguments or {}, result)

    def _answered(self, tool: str, result: Mapping[str, Any]) -> None:
        if (identity := capability.identity_in(tool, result)) is not None:
            self._verified(identity)
        if result.get("eligible") is False:
            self._checkpoint.note_attempt(tool, str(result.get("code") or "not eligible"))

    def _failed(self, tool: str, arguments: Mapping[str, Any], output: str) -> None:
        if _KEY in arguments:
            self._checkpoint.note_attempt(tool, "unreachable" if _AWAY in output else "refused")

    def _verified(self, identity: Identity) -> None:
        self._note("account_id", identity.account_id)
        if identity.display_name:
            self._note("display_name", identity.display_name)
            self._checkpoint.note(display_name=identity.display_name)
        if identity.capability:
            self._note(capability.FACT, identity.capability)
            self.show_capability()

    def _refused(self) -> None:
        self._checkpoint.forget_fact(capability.FACT)
        self.show_capability()

    def _note(self, name: str, value: str) -> None:
        self._checkpoint.note_fact(name, value, source=Source.TOOL, verified=True)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
