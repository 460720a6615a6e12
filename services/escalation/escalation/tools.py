"""What escalation learns from its tools' results: an effect line for everything that was changed, and that a bill waits no longer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.checkpoint import Checkpoint

_EFFECTS = ("apply_offer", "open_complaint", "book_callback", "request_human")


def learned(checkpoint: Checkpoint, tool: str, result: Mapping[str, Any]) -> None:
    """``apply_offer OF-30417 50.00``, ``open_complaint CC-40417``, ``book_callback CB-50417 2026-11-26T15:00``, ..."""
    if tool in (*_EFFECTS, "get_retention_offers"):
        # It takes the whole matter: what can be had for the bill was looked for, or whoever calls back knows of it.
        waiting = tuple(intent for intent in checkpoint.call.pending_intents if intent.name != "billing")
        checkpoint.note(pending_intents=waiting)
    if tool in _EFFECTS and result.get("reference"):
        checkpoint.note_effect(f"{tool} {result['reference']} {_detail(tool, result)}".strip())


def _detail(tool: str, result: Mapping[str, Any]) -> str:
    """What it is worth, or when: credit and free month in dollars, a discount in percent, a callback's slot."""
    if tool == "apply_offer":
        return str(result.get("amount") or f"{result.get('percent', '')}%")
    return str(result.get("slot_id", "")) if tool == "book_callback" else ""
