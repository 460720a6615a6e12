"""Escalation's agent: it knows the whole story, what the caller wishes for, and which tool results changed something."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from handoff.call import Channel
from worker.agent.call_agent import CallAgent
from worker.service import Service, Voice

from escalation import recap, tools, wishes


class EscalationAgent(CallAgent):
    """Makes things right within its authority, which lies in its MCP server; beyond it, finds the way to a human."""

    def known(self) -> dict[str, str]:
        """As every agent, and what only escalation reads out of the call: the story so far, and what the caller wishes for."""
        call = self.brief.checkpoint.call
        own = {"story": self._story, "line": "phone" if call.channel is Channel.PHONE else ""}
        own |= wishes.wishes(call.turns, call.services, call.attempts)
        return super().known() | {name: value for name, value in own.items() if value}

    @cached_property
    def _story(self) -> str:
        """As it was when the call came here: told once, and not again because something was done since."""
        return recap.story(self.brief.context) if self.brief.context is not None else ""

    def learned(self, tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Notes what the back office changed."""
        tools.learned(self.brief.checkpoint, tool, result)


SERVICE = Service(
    "escalation", EscalationAgent, Voice("fable"), transfers_to=("triage", "billing", "technical", "sales")
)
