"""What technical learns from its tools' results, and how it puts into words what it was told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from handoff.call import Source
from worker.checkpoint import Checkpoint
from worker.understanding.spoken import spelled


def topic(known: Mapping[str, str]) -> str:
    """What a technical call is about, as it fits into "you're calling about ..."; empty when nothing is known."""
    product, trouble = known.get("product", ""), _to_the_caller(known.get("error_message", ""))
    if known.get("ticket_id"):
        return f"your ticket {spelled(known['ticket_id'])}"
    if product:
        return f"your {product}: {trouble}" if trouble else f"a problem with your {product}"
    return f"this problem: {trouble}" if trouble else ""


def learned(checkpoint: Checkpoint, tool: str, result: Mapping[str, Any]) -> None:
    """Facts from look-ups, and an effect line for each ticket that was opened or added to."""

    def note(name: str, field: str, *, verified: bool = True) -> None:
        if result.get(field):
            checkpoint.note_fact(name, str(result[field]), source=Source.TOOL, verified=verified)

    if tool == "run_diagnostics" and result.get("code") != "which_product":
        if checkpoint.call.fact("product") is None:
            # Not verified, or a caller who goes on to another product could not name it: a verified fact stays.
            note("product", "product", verified=False)
        note("diagnosis", "diagnosis")
    elif tool in ("open_ticket", "get_ticket", "update_ticket"):
        note("ticket_id", "ticket_id")
    if tool in ("open_ticket", "update_ticket") and result.get("ticket_id"):
        checkpoint.note_effect(f"{tool} {result['ticket_id']}")


def _to_the_caller(words: str) -> str:
    """The caller's "my" as the agent says it."""
    return re.sub(r"\bmy\b", "your", re.sub(r"\bI\b", "you", words.strip(" .")))
