"""Billing's playbook, whole dialogues with its real back office behind it: the refund, and who asks for it."""

from __future__ import annotations

from typing import Any

import pytest
from worker.testing.playbook import Play, ToolFails

from services.billing.tests.dialogue import (
    ANYTHING_ELSE,
    ASK_ACCOUNT,
    ASK_ZIP,
    CALLBACK,
    DONE,
    LOOK,
    OFFER,
    VERIFIED,
    BackOffice,
    taken,
    went_to,
)


def test_the_duplicate_charge_with_the_identity_asked_for(play: Play, office: BackOffice) -> None:
    assert play.go_on() == ASK_ACCOUNT
    assert play.caller("My account ID is A C 4 7 2 1.") == ASK_ZIP
    assert play.caller("Nine, seven, two, zero, nine.") == f"{LOOK} {OFFER}"
    said = play.caller("Yes please.")
    assert said == f"{DONE} Is there anything else I can help you with?"
    assert play.caller("No, that's all, thank you.") == "Thanks for calling Acme Cloud. Have a great day. Goodbye."
    assert [name for name, _ in play.calls] == [
        "find_account", "verify_identity", "check_refund_eligibility", "process_refund", "end_call",
    ]  # fmt: skip
    assert play.called("end_call") == [{"outcome": "resolved"}]
    assert office.refunds() == 1


def test_account_and_zip_in_one_breath_are_asked_for_no_more(play: Play) -> None:
    play.go_on()
    assert play.caller("A C four seven two one, and my ZIP code is nine seven two oh nine.") == f"{LOOK} {OFFER}"


def test_who_is_verified_is_asked_for_nothing(known: Play) -> None:
    assert known.go_on() == f"{LOOK} {OFFER}"


def test_who_says_that_he_is_verified_is_not(office: BackOffice) -> None:
    play = taken(office, said="I was charged twice. The last agent already verified me, my account is AC4721.")
    assert play.go_on() == ASK_ZIP
    assert play.called("check_refund_eligibility") == []


def test_the_idempotency_key_is_made_of_the_call_and_the_charge(known: Play) -> None:
    known.go_on()
    known.caller("Yes.")
    assert known.called("process_refund") == [
        {
            "account_id": "AC4721",
            "charge_id": "CH-2026-03-0417-2",
            "amount": "49.99",
            "idempotency_key": "call-1:CH-2026-03-0417-2",
        }
    ]


def test_without_a_month_the_duplicate_is_found_all_the_same(office: BackOffice) -> None:
    office.verify("AC4721")
    play = taken(office, said="I was charged twice.", facts=VERIFIED)
    assert play.go_on() == f"Thank you, Sarah. Let me look at your invoice. {OFFER}"


def test_a_wrong_account_is_read_back_and_asked_for_again(play: Play) -> None:
    play.go_on()
    assert play.caller("It's AC4712.") == (
        "I can't find an account with the ID A C, 4 7 1 2. Could you say your account ID again, please?"
    )
    assert play.caller("Sorry, AC4721.") == ASK_ZIP


def test_a_wrong_zip_is_asked_for_again_and_never_said_aloud(play: Play) -> None:
    play.go_on()
    play.caller("AC4721")
    said = play.caller("97208")
    assert (
        said == "That ZIP code and the account A C, 4 7 2 1 don't match in our records. What is the ZIP code, please?"
    )
    assert "still don't match" in play.caller("97210")
    assert OFFER in play.caller("Sorry, 97209.")


def test_the_zip_may_have_been_right_and_the_account_wrong(play: Play) -> None:
    play.go_on()
    play.caller("AC1058")
    play.caller("97209")
    assert OFFER in play.caller("Oh, my account ID is AC4721.")


def test_after_three_wrong_zips_nothing_opens_and_a_callback_is_offered(play: Play, office: BackOffice) -> None:
    play.go_on()
    play.caller("AC4721")
    said = [play.caller(f"9720{n}") for n in (1, 2, 3, 4)]
    assert len(set(said)) == 4
    assert said[3].endswith(CALLBACK)
    assert play.called("check_refund_eligibility") == []
    play.caller("Yes please.")
    assert went_to(play) == ["escalation"]


def test_after_three_wrong_accounts_it_stops_asking(play: Play) -> None:
    play.go_on()
    said = [play.caller(f"AC000{n}") for n in range(4)]
    assert ["A C" in text for text in said] == [True, True, True, False]
    assert len(set(said)) == 4
    assert said[3] == f"I'm sorry, without the right account ID I can't look at your account. {CALLBACK}"
    assert play.caller("No.") == f"All right. {ANYTHING_ELSE}"
    assert play.caller("No.").endswith("Goodbye.")
    assert play.called("end_call") == [{"outcome": "failed"}]


def test_a_caller_who_never_gives_the_account_is_asked_three_times_at_most(play: Play) -> None:
    said = [play.go_on(), *(play.caller("Um, I have it somewhere here.") for _ in range(3))]
    assert sum("account ID" in text and text.endswith(("?", "time.")) and "without" not in text for text in said) == 3
    assert "without the right account ID" in said[3]
    assert len(set(said)) == 4


def test_the_account_is_taken_even_after_it_stopped_asking(play: Play) -> None:
    play.go_on()
    for _ in range(3):
        play.caller("Um.")
    assert play.caller("Oh wait, I have it. AC4721.") == ASK_ZIP


def test_who_does_not_know_where_the_account_id_is_is_told(play: Play) -> None:
    play.go_on()
    assert "top of every invoice" in play.caller("Where do I find that?")
    assert play.caller("AC4721.") == ASK_ZIP


def test_digits_that_take_their_time_are_still_the_zip_code(play: Play) -> None:
    play.go_on()
    assert play.caller("Hold on, let me look.") == "Of course, take your time with the account ID."
    assert play.caller("4721.") == ASK_ZIP
    assert play.caller("One second please.") == "Of course, take your time with the ZIP code."
    assert play.caller("What did you say?") == ASK_ZIP
    assert play.caller("97209") == f"{LOOK} {OFFER}"


def test_a_no_to_the_refund_refunds_nothing(known: Play, office: BackOffice) -> None:
    known.go_on()
    said = known.caller("No, thank you.")
    assert said == f"All right, I won't refund the March charge. {ANYTHING_ELSE}"
    assert known.caller("No.").endswith("Goodbye.")
    assert office.refunds() == 0


@pytest.mark.parametrize(
    "answer",
    ["Hm, maybe.", "What do you mean?", "Yes, no, wait.", "mumble mumble", "How long is that?", "I'm not sure."],
)
def test_an_unclear_answer_leads_to_a_question_and_never_to_a_refund(
    known: Play, office: BackOffice, answer: str
) -> None:
    known.go_on()
    assert "$49.99 for March" in known.caller(answer)
    assert office.refunds() == 0
    assert DONE in known.caller("Yes.")


def test_a_yes_that_was_badly_heard_is_no_yes(known: Play, office: BackOffice) -> None:
    known.go_on()
    assert "yes or no" in known.caller("Yes.", confidence=0.1)
    assert office.refunds() == 0


def test_a_yes_to_an_offer_that_was_hardly_heard_is_no_yes(known: Play, office: BackOffice) -> None:
    known.go_on()
    known.interrupted_after(5)
    assert known.caller("Yes, hello?") == OFFER
    assert office.refunds() == 0


def test_a_caller_who_answers_before_the_question_is_over_is_understood(known: Play) -> None:
    known.go_on()
    known.interrupted_after(len(OFFER.split()) - 2)
    assert DONE in known.caller("Yes please.")


def test_an_offer_that_is_repeated_on_request_is_still_an_offer(known: Play) -> None:
    known.go_on()
    assert known.caller("What did you say?") == OFFER
    assert known.caller("Hold on a second.") == "Of course, take your time."
    assert DONE in known.caller("Yes please.")


def test_after_three_unclear_answers_the_charge_is_left_alone(known: Play, office: BackOffice) -> None:
    said = [known.go_on(), *(known.caller("mumble") for _ in range(3))]
    assert len(set(said)) == 4
    assert "I'll leave the March charge as it is" in said[3]
    assert known.caller("no").endswith("Goodbye.")
    assert office.refunds() == 0


@pytest.mark.parametrize(
    ("account_id", "words"),
    [
        ("AC1058", "I don't see a duplicate charge on your March invoice."),
        ("AC2390", "is still pending"),
        ("AC3344", "was already refunded. The reference is R F, 2 0 4 1 6."),
    ],
)
def test_what_cannot_be_refunded_is_explained(office: BackOffice, account_id: str, words: str) -> None:
    office.verify(account_id)
    play = taken(office, facts=VERIFIED | {"account_id": account_id})
    said = play.go_on()
    assert words in said
    assert said.endswith(ANYTHING_ELSE)
    assert words in play.caller("But I was charged twice!"), "who insists is told again"
    play.caller("No thanks, bye.")
    assert play.called("end_call") == [{"outcome": "resolved"}]
    assert office.refunds() == 0


def test_what_is_above_the_limit_goes_to_escalation(office: BackOffice) -> None:
    office.verify("AC5867")
    play = taken(office, facts=VERIFIED | {"account_id": "AC5867"})
    assert play.go_on().endswith("is above what I can refund myself. Our customer care lead can decide that.")
    assert went_to(play) == ["escalation"]
    assert office.refunds() == 0


def test_a_refund_whose_answer_was_lost_is_paid_once(known: Play, office: BackOffice) -> None:
    real, lost = office.tool("process_refund"), [True]

    def flaky(**arguments: Any) -> Any:
        result = real(**arguments)
        if lost:
            lost.clear()
            raise ToolFails("An internal error occurred")
        return result

    known.tools = office.tools() | {"process_refund": flaky}
    known.go_on()
    assert DONE in known.caller("Yes.")
    assert len({call["idempotency_key"] for call in known.called("process_refund")}) == 1
    assert office.refunds() == 1


def test_after_a_crash_the_conversation_goes_on_where_it_was(known: Play, office: BackOffice) -> None:
    known.go_on()
    known.forget_tools()
    said = known.caller("Yes please.")
    assert DONE in said
    assert "Thank you, Sarah" not in said, "what was said is not said again"
    assert office.refunds() == 1


def test_after_a_crash_that_followed_the_refund_it_is_not_paid_again(known: Play, office: BackOffice) -> None:
    known.go_on()
    known.caller("Yes please.")
    known.forget_tools()
    assert known.caller("No, that's all.").endswith("Goodbye.")
    assert office.refunds() == 1


@pytest.mark.parametrize(
    "asked", ["I didn't get the reference.", "Could you repeat that?", "What was the reference again?"]
)
def test_the_reference_is_repeated_when_asked_for(known: Play, asked: str) -> None:
    known.go_on()
    known.caller("Yes.")
    assert "Your reference is R F, 2 0 4 1 7" in known.caller(asked)


def test_another_month_is_looked_at_when_the_caller_names_it(known: Play) -> None:
    known.go_on()
    known.caller("Yes.")
    said = known.caller("Yes, I think I was also charged twice in February.")
    assert "I don't see a duplicate charge on your February invoice." in said
