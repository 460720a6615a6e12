"""Who exists, which intents each takes, and which facts it may receive."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One service. ``spoken_name`` is how it is called in a sentence; ``receives`` are the facts it may be given."""

    name: str
    spoken_name: str
    intents: frozenset[str]
    receives: frozenset[str]


DIRECTORY: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("triage", "front desk", frozenset({"general"}), frozenset()),
        Entry(
            "billing",
            "billing specialist",
            frozenset({"billing"}),
            frozenset({"account_id", "invoice_number", "amount", "date", "display_name"}),
        ),
    )
}


def service_for(intent: str) -> Entry | None:
    """The service that takes an intent, or None when no service does."""
    return next((e for e in DIRECTORY.values() if intent in e.intents), None)
