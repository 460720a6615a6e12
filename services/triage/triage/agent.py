"""Triage's agent: all of its craft is in its prompts and its playbook."""

from worker.agent.call_agent import CallAgent
from worker.service import Service, Voice


class TriageAgent(CallAgent):
    """Greets, understands, answers general questions itself, and dispatches the right specialist."""


SERVICE = Service("triage", TriageAgent, Voice("alloy"), transfers_to=("billing", "technical", "sales", "escalation"))
