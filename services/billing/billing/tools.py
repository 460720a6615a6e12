"""What billing learns from its tools' results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handoff.call import Source
from worker.checkpoint import Checkpoint


def topic(known: Mapping[str, str]) -> str:
    """What a billing call is about, as it fits into "you're calling about ..."; empty when nothing is known."""
    if known.get("date"):
        return f"your {known['date']} invoice"
    if known.get("invoice_number"):
        return f"invoice {known['invoice_number']}"
    return ""


def learned(checkpoint: Checkpoint, tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Verified facts from look-ups, and an effect line for each refund and each invoice that was sent again."""

    def verified(name: str, value: object) -> None:
        if value:
            checkpoint.note_fact(name, str(value), source=Source.TOOL, verified=True)

    if tool == "get_account":
        verified("account_id", result.get("account_id"))
        verified("display_name", result.get("name"))
    elif tool == "check_refund_eligibility" and (result.get("eligible") or result.get("code") == "above_limit"):
        verified("invoice_number", result.get("invoice_number"))
        verified("amount", result.get("amount"))
    elif tool == "process_refund":
        checkpoint.note_effect(f"process_refund {result.get('reference', '')} {result.get('amount', '')}".strip())
    elif tool == "resend_invoice":
        checkpoint.note_effect(f"resend_invoice {result.get('reference', '')}".strip())
