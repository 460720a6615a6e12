"""Technical's agent: it knows what a fault is called, which steps were tried, and which tool results are facts."""

from collections.abc import Mapping
from typing import Any

from worker.agent.call_agent import CallAgent
from worker.service import Service, Voice

from technical import tools


class TechnicalAgent(CallAgent):
    """Diagnoses, explains known issues, opens tickets; the authority for it lies in its MCP server."""

    @classmethod
    def topic(cls, known: Mapping[str, str]) -> str:
        """ "your Cloud Drive: the app keeps crashing", or the like."""
        return tools.topic(known)

    def learned(self, tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Notes what the back office found or changed."""
        tools.learned(self.brief.checkpoint, tool, result)


SERVICE = Service("technical", TechnicalAgent, Voice("echo"), transfers_to=("triage", "billing", "sales", "escalation"))
