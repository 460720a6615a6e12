"""Who exists, which intents each takes, which facts it may receive, and who stands in for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One service. ``spoken_name`` is how it is called in a sentence; ``receives`` are the facts it may be given."""

    name: str
    spoken_name: str
    intents: frozenset[str]
    receives: frozenset[str]
    stands_in: tuple[str, ...] = ()
    """Services that take its calls when it cannot, in the order in which they are asked. Never the service itself."""


_IDENTITY = frozenset({"account_id", "display_name", "identity_capability"})
"""Who the caller is, and the proof that a back office asks for; what proved it (postal_code) goes nowhere."""
_BILLING = frozenset({"invoice_number", "amount", "date"})
_TICKET = frozenset({"ticket_id", "diagnosis"})
_TECHNICAL = frozenset({"error_message", "product", "steps_tried"})
_SALES = frozenset({"current_plan", "interest", "company_size"})

LAST_RESORT = "escalation"
"""It may still be reached when a call was passed on too often for every other service: it books callbacks, and has a human."""
_CARE = (LAST_RESORT,)
"""It may be told all that any other service may, and can always do something: an offer, a case, a manager's call."""

DIRECTORY: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("triage", "front desk", frozenset({"general"}), frozenset({"display_name"}), _CARE),
        Entry("billing", "billing specialist", frozenset({"billing"}), _IDENTITY | _BILLING | _TICKET, _CARE),
        Entry("technical", "technical specialist", frozenset({"technical"}), _IDENTITY | _TECHNICAL | _TICKET, _CARE),
        Entry("sales", "sales specialist", frozenset({"sales"}), _IDENTITY | _SALES, _CARE),
        Entry(
            "escalation",
            "customer care lead",
            frozenset({"escalation"}),
            _IDENTITY | _BILLING | _TICKET | _TECHNICAL | _SALES,
        ),
    )
}


def service_for(intent: str) -> Entry | None:
    """The service that takes an intent, or None when no service does."""
    return next((e for e in DIRECTORY.values() if intent in e.intents), None)
