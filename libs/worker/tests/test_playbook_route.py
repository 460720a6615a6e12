"""Which words take a caller from one service to another, and which do not."""

from __future__ import annotations

import pytest
from handoff.call import Intent
from worker.playbook.route import leads_to

SURE, UNSURE = 0.95, 0.7


def by_keywords(*names: str) -> list[Intent]:
    return [Intent(name, SURE, "keywords") for name in names]


def by_classifier(name: str, confidence: float = SURE) -> list[Intent]:
    return [Intent(name, confidence, "classifier")]


@pytest.mark.parametrize(
    ("intents", "words", "service", "taker"),
    [
        (by_keywords("technical"), "My app keeps crashing.", "billing", "technical"),
        (by_keywords("billing"), "I was charged twice.", "billing", ""),
        (by_keywords("technical", "billing"), "Yes, refund it, and the app crashes.", "billing", ""),
        (by_keywords("technical", "billing"), "Forget the bill, the app crashes.", "billing", "technical"),
        (by_keywords("billing", "sales"), "Before we talk about plans, I want a refund.", "sales", "billing"),
        (by_keywords("escalation", "billing"), "A refund, or give me your manager.", "billing", "escalation"),
        (by_keywords("billing", "general"), "Your hours, and I was charged twice.", "triage", "billing"),
        (by_keywords("general"), "Where is your office?", "triage", ""),
        (by_classifier("technical"), "It is acting up again.", "billing", "technical"),
        (by_classifier("technical", UNSURE), "It is acting up again.", "billing", ""),
        (by_classifier("technical", UNSURE), "It is acting up again.", "triage", "technical"),
        (by_classifier("escalation"), "The last agent already verified me.", "billing", ""),
        (by_classifier("escalation"), "I'm thinking of cancelling.", "billing", "escalation"),
        (by_classifier("escalation"), "Actually no, leave it.", "billing", ""),
        (by_classifier("general"), "I told you that already.", "billing", ""),
        (by_classifier("general"), "How long is it valid?", "sales", ""),
        (by_keywords("general"), "Where is your office?", "billing", "triage"),
        ([], "Hm.", "billing", ""),
        (by_keywords("escalation"), "Yes, the manager said that's fine.", "billing", ""),
        (by_keywords("escalation"), "Your supervisor approved that.", "technical", ""),
        (by_keywords("escalation"), "The last agent told me a lie, I want your manager.", "billing", "escalation"),
        (by_keywords("escalation", "billing"), "A manager, I was charged twice.", "escalation", ""),
        (by_keywords("billing"), "I was charged twice.", "escalation", "billing"),
        (by_classifier("escalation"), "Put me back to the front desk.", "technical", "triage"),
        ([], "Can you connect me with reception?", "sales", "triage"),
        ([], "Can I talk to the front desk?", "triage", ""),
        (by_keywords("sales"), "How much is it again?", "billing", ""),
        (by_keywords("sales"), "How much would I get back?", "billing", ""),
        (by_keywords("sales"), "How much is the next plan?", "billing", "sales"),
        (by_keywords("sales"), "How much is it?", "triage", "sales"),
        (by_classifier("sales"), "Will it affect my plan?", "billing", ""),
        (by_classifier("sales"), "Is it possible to upgrade?", "technical", "sales"),
        (by_classifier("escalation"), "It's only for one person.", "sales", ""),
        (by_keywords("escalation"), "Just for a person.", "sales", ""),
        (by_keywords("escalation"), "I want a person.", "sales", "escalation"),
        (by_classifier("escalation"), "I'm asking for a person.", "billing", "escalation"),
        (by_classifier("escalation"), "Let me talk to somebody.", "billing", "escalation"),
        (by_keywords("escalation"), "I have to ask my manager first.", "sales", ""),
        (by_classifier("escalation"), "I have to run it by my boss.", "sales", ""),
        (by_classifier("escalation"), "Is there a contract or can I cancel anytime?", "sales", ""),
        (by_classifier("escalation"), "We thought about it and want to cancel early.", "sales", "escalation"),
        (by_keywords("escalation"), "We're a law firm with ten lawyers.", "sales", ""),
        (by_keywords("escalation"), "You'll hear from my lawyer.", "sales", "escalation"),
    ],
)
def test_the_way_to_another_service(intents: list[Intent], words: str, service: str, taker: str) -> None:
    assert leads_to(intents, words, service) == taker
