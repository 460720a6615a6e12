"""A billing agent is lost around the refund that the caller agreed to: it is paid once, and told as it is."""

from __future__ import annotations

from worker.playbook.conversation import Conversation, Said, ToolUse
from worker.testing.playbook import Play

from services.billing.tests.dialogue import DONE, BackOffice


def forget(play: Play, *kinds: type, after: str) -> None:
    """As the successor remembers it: nothing of these kinds that came behind the caller's words ``after``."""
    items = play.conversation.items
    at = max(n for n, item in enumerate(items) if isinstance(item, Said) and item.text == after) + 1
    play.conversation = Conversation((*items[:at], *(item for item in items[at:] if not isinstance(item, kinds))))


def test_lost_after_the_payment_and_before_the_record_it_is_paid_once_and_told(known: Play, office: BackOffice) -> None:
    known.go_on()
    known.caller("Yes please.")
    forget(known, Said, ToolUse, after="Yes please.")
    assert DONE in known.go_on()
    assert office.refunds() == 1
    assert len({call["idempotency_key"] for call in known.called("process_refund")}) == 1


def test_lost_after_the_record_and_before_the_telling_it_is_only_told(known: Play, office: BackOffice) -> None:
    known.go_on()
    known.caller("Yes please.")
    forget(known, Said, after="Yes please.")
    assert DONE in known.go_on()
    assert len(known.called("process_refund")) == 1
    assert office.refunds() == 1


def test_lost_while_it_offered_the_refund_it_offers_anew_and_looks_nothing_up_again(known: Play) -> None:
    said = known.go_on()
    last = known.conversation.items[-1]
    assert isinstance(last, Said)
    known.conversation = Conversation(known.conversation.items[:-1])
    assert known.go_on() in said
    assert len(known.called("check_refund_eligibility")) == 1
