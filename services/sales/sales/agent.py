"""Sales' agent: it knows what a caller may be interested in, and which tool results are facts."""

from collections.abc import Mapping
from typing import Any

from worker.agent.call_agent import CallAgent
from worker.service import Service, Voice

from sales import plans, tools, wishes


class SalesAgent(CallAgent):
    """Explains plans, makes quotes, books demos; how much discount it may give is decided by its MCP server."""

    def known(self) -> dict[str, str]:
        """As every agent, when a demo would suit the caller, and which plan he wants a price of."""
        known, turns = super().known(), self.brief.checkpoint.call.turns
        read = {
            "demo_wish": wishes.demo_wish(turns),
            "wanted_plan": plans.wanted_plan(turns, known.get("current_plan", "")),
        }
        return known | {name: value for name, value in read.items() if value}

    @classmethod
    def topic(cls, known: Mapping[str, str]) -> str:
        """ "a demo for a company of 40 people", or the like."""
        return tools.topic(known)

    def learned(self, tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Notes what the back office verified or changed."""
        tools.learned(self.brief.checkpoint, tool, arguments, result)


SERVICE = Service("sales", SalesAgent, Voice("nova"), transfers_to=("triage", "billing", "technical", "escalation"))
