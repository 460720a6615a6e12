"""What sales learns from its tools' results, and how it names what a call is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handoff.call import Source
from worker.checkpoint import Checkpoint

_EFFECTS = {"make_quote": "total_per_month", "book_demo": "", "create_lead": ""}
"""The tools that change something, and the field of their result that is an amount."""


def topic(known: Mapping[str, str]) -> str:
    """What a sales call is about, as it fits into "you're calling about ..."; empty when nothing is known."""
    interest, size = known.get("interest", ""), known.get("company_size", "")
    people = {"": "", "1": "one person"}.get(size, f"{size} people")
    if interest and people:
        return f"{interest} for {people}"
    return interest or (f"a plan for {people}" if people else "")


def learned(checkpoint: Checkpoint, tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """The customer's verified plan, and an effect line for each quote, booking and lead."""
    if tool == "get_customer_plan" and result.get("plan"):
        checkpoint.note_fact("current_plan", str(result["plan"]), source=Source.TOOL, verified=True)
    elif tool in _EFFECTS and result.get("reference"):
        amount = result.get(_EFFECTS[tool], "")
        checkpoint.note_effect(f"{tool} {result['reference']} {amount}".strip())
