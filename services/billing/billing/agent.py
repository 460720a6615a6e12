"""Billing's agent: it knows what an invoice is, and which tool results are facts."""

from collections.abc import Mapping
from typing import Any

from worker.agent.call_agent import CallAgent
from worker.service import Service, Voice

from billing import tools


class BillingAgent(CallAgent):
    """Explains charges and refunds what may be refunded; the authority for it lies in its MCP server."""

    @classmethod
    def topic(cls, known: Mapping[str, str]) -> str:
        """ "your March invoice", or the like."""
        return tools.topic(known)

    def learned(self, tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Notes what the back office verified or changed."""
        tools.learned(self.brief.checkpoint, tool, arguments, result)


SERVICE = Service("billing", BillingAgent, Voice("onyx"), transfers_to=("triage", "technical", "sales", "escalation"))
