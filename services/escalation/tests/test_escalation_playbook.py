"""Escalation's playbook, whole dialogues: with its real back office behind it, on a Wednesday afternoon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from escalation import wishes
from escalation.agent import SERVICE
from handoff.call import Role, Turn
from worker.playbook import playbook
from worker.playbook.conversation import Said, Speaker
from worker.playbook.story import Story
from worker.testing.playbook import Play, ToolFails

BOOK = playbook.load(SERVICE.folder / "playbook.yaml")
NAMES = (
    "find_account", "verify_identity", "get_retention_offers", "apply_offer", "open_complaint", "find_callback_slots",
    "book_callback", "request_human",
)  # fmt: skip
EFFECTS = ("apply_offer", "open_complaint", "book_callback", "request_human")
DIRECT = "Thanks for calling Acme Cloud customer care. What happened, and what would make it right for you?"
STORY = "you called about your March invoice, and you have spoken with our billing specialist"
TOLD = f"I have the whole story: {STORY}. I'm sorry for the trouble."
SLOT = "A manager can call you today at four in the afternoon. Shall I book that?"
MORE = "Is there anything else I can help you with?"


class Talk(Play):
    """A Play that reads wishes and notes effects as the agent does."""

    services: tuple[str, ...] = ("escalation",)

    def heard(self, text: str, *, confidence: float | None = None) -> None:
        """The caller's words, and what they wish for."""
        super().heard(text, confidence=confidence)
        roles = {Speaker.CALLER: Role.CALLER, Speaker.AGENT: Role.AGENT}
        said = [i for i in self.conversation.items if isinstance(i, Said) and i.speaker in roles]
        turns = [Turn(roles[i.speaker], i.text, 0.0) for i in said]
        self.facts |= {name: value for name, value in wishes.wishes(turns, self.services).items() if value}


@pytest.fixture
def talk(desk: Any) -> Talk:
    """A caller on escalation's own line."""
    talk = Talk(BOOK, story=Story(services=("escalation",)))
    talk.tools = {name: tool(talk, desk, name) for name in NAMES} | {"end_call": lambda outcome: None}
    talk.agent(DIRECT)
    return talk


@pytest.fixture
def taken(talk: Talk) -> Talk:
    """A caller whom billing verified and handed over; nothing was said here yet."""
    talk.conversation = type(talk.conversation)()
    talk.services = ("triage", "billing", "escalation")
    talk.story = Story(services=talk.services)
    talk.heard("I was charged twice for my March invoice.")
    talk.agent("I'm connecting you with our customer care lead who can help you with this. One moment please.")
    talk.agent("Hello Sarah. I'm the customer care lead at Acme Cloud.")
    talk.facts |= {"account_id": "AC4721", "identity_capability": "verified", "story": STORY}
    talk.tools |= {"transfer_call": lambda service, summary: None}
    return talk


def tool(talk: Talk, desk: Any, name: str) -> Callable[..., Any]:
    def call(**arguments: Any) -> Any:
        verified = talk.facts.get("identity_capability")
        here = desk.verified(talk.facts["account_id"]).call if verified else desk.call
        failed, answer = here(name, **arguments)
        if failed:
            raise ToolFails(answer)
        if name in EFFECTS:
            talk.story = replace(talk.story, effects=(*talk.story.effects, f"{name} {answer['reference']}"))
        return answer

    return call


def away(**arguments: Any) -> Any:
    raise ToolFails("The escalation records can't be reached right now.")


def verify(talk: Talk, account_id: str = "AC4721", postal_code: str = "97209") -> str:
    """Answers both questions; returns what is said then."""
    assert "ZIP code" in talk.caller(account_id)
    return talk.caller(postal_code)


# --- a manager's call -------------------------------------------------------------------------------------------------
def test_who_asks_for_a_manager_gets_a_callback_without_an_account(talk: Talk, desk: Any) -> None:
    assert talk.caller("I want to speak to your manager.") == SLOT
    said = talk.caller("Yes please.")
    assert said.startswith("It's booked: a manager will call you today at four in the afternoon")
    assert "Your reference is C B, 5 0 4 1 7." in said
    assert "If you tell me a phone number" in said
    assert talk.caller("No, that's all.").endswith("A manager will call you as agreed. Goodbye.")
    assert talk.called("end_call") == [{"outcome": "callback_booked"}]
    assert desk.added() == {"callbacks": 1}


@pytest.mark.parametrize("line", [{"line": "phone"}, {"account_id": "AC4721"}, {"callback_number": "5035550142"}])
def test_no_number_is_asked_for_where_one_is_known(talk: Talk, line: dict[str, str]) -> None:
    talk.facts |= line
    talk.caller("I want to speak to your manager.")
    assert "phone number" not in talk.caller("Yes.")


def test_a_number_told_later_is_noted_on_the_same_callback(talk: Talk, desk: Any) -> None:
    talk.caller("I want a manager.")
    talk.caller("Yes.")
    said = talk.caller("It's five oh three five five five oh one four two.")
    assert said == f"Thank you, I have 5 0 3, 5 5 5, 0 1 4 2 for the call. {MORE}"
    assert [call.get("phone") for call in talk.called("book_callback")] == [None, "5035550142"]
    assert desk.added() == {"callbacks": 1}


def test_another_time_is_looked_for_when_it_is_named(talk: Talk) -> None:
    talk.caller("I want a manager.")
    assert talk.caller("No.").startswith("All right. Would another day or time suit you better")
    assert "on Friday at ten in the morning. Does that suit you?" in talk.caller("Friday at ten o'clock.")
    assert "on Friday at ten in the morning" in talk.caller("Yes.")
    assert talk.called("book_callback")[0]["slot_id"] == "2026-11-27T10:00"


def test_a_time_that_is_not_free_is_not_claimed_to_be(talk: Talk) -> None:
    said = talk.caller("Can a manager call me on Friday at noon?")
    assert (
        said == "I don't have that time, but a manager can call you on Friday at eleven in the morning. Would that do?"
    )


def test_a_booked_callback_can_be_moved_and_moved_back_and_moved_again(talk: Talk, desk: Any) -> None:
    talk.caller("I want a manager.")
    talk.caller("Yes.")
    for when in ("tomorrow at three", "today at four", "tomorrow at three"):
        assert f"{when} in the afternoon" in talk.caller(f"Could he call me {when} instead?")
        assert f"{when} in the afternoon" in talk.caller("Yes.")
    slots = [call["slot_id"] for call in talk.called("book_callback")]
    assert slots == ["2026-11-25T16:00", "2026-11-26T15:00"] * 2
    assert desk.added() == {"callbacks": 1}


@pytest.mark.parametrize("answer", ["Hm.", "What do you mean?", "Maybe.", "Yes, no, wait."])
def test_an_unclear_answer_books_nothing(talk: Talk, desk: Any, answer: str) -> None:
    talk.caller("I want a manager.")
    talk.caller(answer)
    assert desk.added() == {}


def test_a_slot_that_somebody_else_took_is_said_and_another_offered(talk: Talk, desk: Any) -> None:
    talk.caller("I want a manager.")
    taken = {"slot_id": "2026-11-25T16:00", "reason": "x", "idempotency_key": "k"}
    assert not desk.on("call-2").call("book_callback", **taken)[0]
    said = talk.caller("Yes.")
    assert said.startswith("I'm sorry, somebody has just taken that time.")
    assert said.endswith("A manager can call you tomorrow at nine in the morning. Shall I book that?")
    assert "tomorrow at nine" in talk.caller("Yes.")


def test_a_human_now_is_asked_for_and_not_promised(talk: Talk, desk: Any) -> None:
    said = talk.caller("I want to talk to a real person right now.")
    assert "I can't promise when one is free. Your request is H R, 6 0 4 1 7." in said
    assert desk.added() == {"human_requests": 1}


def test_the_reference_is_repeated_when_asked_for(talk: Talk) -> None:
    talk.caller("I want a manager.")
    talk.caller("Yes.")
    assert "C B, 5 0 4 1 7" in talk.caller("What was the reference?")


# --- offers -----------------------------------------------------------------------------------------------------------
def test_who_wants_to_cancel_gets_the_best_offer_first(talk: Talk, desk: Any) -> None:
    assert talk.caller("I want to cancel my account.") == "Could you tell me your account ID, please?"
    said = verify(talk)
    assert said == "To make up for this, I can offer you a free month of Cloud Pro. Would you like that?"
    assert talk.caller("Yes please.") == (
        f"It's done, Sarah: you have a free month of Cloud Pro. Your reference is O F, 3 0 4 1 7. {MORE}"
    )
    assert talk.caller("No.").endswith("Have a great day. Goodbye.")
    assert desk.added() == {"applied_offers": 1}


def test_after_two_declined_offers_a_manager_is_offered(talk: Talk, desk: Any) -> None:
    talk.caller("I want to cancel my account.")
    verify(talk)
    assert (
        talk.caller("No.") == "I understand. Instead, I can offer you 20 percent off for three months. Would that help?"
    )
    assert talk.caller("No, thanks.") == SLOT
    assert "C B, 5 0 4 1 7" in talk.caller("Yes.")
    assert desk.added() == {"callbacks": 1}


def test_who_insists_on_a_manager_is_not_held_up_by_an_offer(talk: Talk) -> None:
    talk.caller("I want to cancel my account.")
    assert talk.caller("No, just get me your manager.") == SLOT


def test_a_yes_with_a_manager_in_it_is_no_yes_to_an_offer(talk: Talk, desk: Any) -> None:
    talk.caller("I want a credit.")
    verify(talk)
    assert talk.caller("Yes please, a manager.") == SLOT
    assert desk.added() == {}


def test_a_refund_above_the_limit_is_a_managers_decision(taken: Talk) -> None:
    taken.facts |= {"above_limit": "refund"}
    assert taken.go_on().endswith(
        "A refund of that size is a manager's decision. One can call you today at four in the afternoon. Shall I book that?"
    )
    assert "C B, 5 0 4 1 7" in taken.caller("Yes.")


def test_a_second_offer_is_for_a_manager(talk: Talk, desk: Any) -> None:
    talk.caller("I want some compensation.")
    verify(talk)
    talk.caller("Yes.")
    assert talk.caller("I want a discount as well.").startswith("One offer is as far as I may go on a call")
    assert talk.caller("Yes.") == SLOT
    assert desk.added() == {"applied_offers": 1}


def test_where_nothing_may_be_offered_a_manager_is(talk: Talk) -> None:
    talk.caller("I want a credit.")
    assert verify(talk, "AC7215", "80205") == SLOT


@pytest.mark.parametrize("answer", ["Hm, maybe.", "What do you mean?", "mumble"])
def test_an_unclear_answer_to_an_offer_gives_nothing(talk: Talk, desk: Any, answer: str) -> None:
    talk.caller("I want a credit.")
    verify(talk)
    assert "yes or no" in talk.caller(answer)
    assert desk.added() == {}
    assert "O F, 3 0 4 1 7" in talk.caller("Yes.")


def test_an_offer_whose_answer_was_lost_is_given_once(talk: Talk, desk: Any) -> None:
    real, lost = talk.tools["apply_offer"], [True]

    def flaky(**arguments: Any) -> Any:
        answer = real(**arguments)
        if lost:
            lost.clear()
            raise ToolFails("An internal error occurred")
        return answer

    talk.tools |= {"apply_offer": flaky}
    talk.caller("I want a credit.")
    verify(talk)
    assert "O F, 3 0 4 1 7" in talk.caller("Yes.")
    assert desk.added() == {"applied_offers": 1}


# --- a complaint ------------------------------------------------------------------------------------------------------
def test_a_complaint_gets_a_reference_and_a_day(talk: Talk, desk: Any) -> None:
    talk.caller("I want to make a complaint.")
    said = verify(talk)
    assert said == f"Your complaint case is open. You get an answer by Friday. Your reference is C C, 4 0 4 1 7. {MORE}"
    assert desk.added() == {"complaints": 1}


def test_a_complaint_may_come_instead_of_a_callback(talk: Talk, desk: Any) -> None:
    talk.caller("I want a manager.")
    talk.caller("No.")
    talk.caller("A complaint case, please.")
    assert "C C, 4 0 4 1 7" in verify(talk)
    assert desk.added() == {"complaints": 1}


# --- what sounds like it, and is not ----------------------------------------------------------------------------------
def test_who_asks_after_a_complaint_opens_no_second_one(talk: Talk, desk: Any) -> None:
    talk.facts |= {"account_id": "AC4721", "identity_capability": "verified"}
    assert talk.caller("Is my complaint CC-40417 answered yet?").startswith("I can't look into a complaint case")
    assert desk.added() == {}
    assert talk.caller("Yes.") == SLOT


@pytest.mark.parametrize("words", ["I want to cancel my demo.", "Please cancel my ticket."])
def test_who_cancels_an_appointment_is_offered_nothing_to_stay(talk: Talk, words: str) -> None:
    talk.facts |= {"account_id": "AC4721", "identity_capability": "verified"}
    talk.caller(words)
    assert talk.called("get_retention_offers") == []


@pytest.mark.parametrize("words", ["Any day but Wednesday.", "Not today.", "Today doesn't work."])
def test_a_day_that_does_not_suit_is_not_offered_again(talk: Talk, desk: Any, words: str) -> None:
    assert talk.caller("I want a manager.") == SLOT
    assert "tomorrow at nine in the morning" in talk.caller(words)
    assert desk.added() == {}


def test_a_time_in_a_complaint_about_calling_is_no_wish(talk: Talk) -> None:
    assert talk.caller("I called this morning and nobody called me back, I want a manager.") == SLOT


def test_who_needs_something_else_is_asked_what(talk: Talk) -> None:
    talk.caller("I want a credit.")
    verify(talk)
    talk.caller("Hm.")
    talk.caller("Yes.")
    assert talk.caller("Yes.") == "Of course. What else can I do for you?"


def test_who_asks_what_can_be_done_about_the_price_gets_the_offer_for_it(talk: Talk) -> None:
    talk.caller("Is there anything you can do about the price?")
    assert verify(talk) == "To make up for this, I can offer you 20 percent off for three months. Would you like that?"


# --- a call that others had before ------------------------------------------------------------------------------------
def test_the_story_comes_first_and_once(taken: Talk) -> None:
    assert taken.go_on() == (
        f"{TOLD} To make up for this, I can offer you a credit of $50 on your next invoice. Would you like that?"
    )
    assert "whole story" not in taken.caller("No.")


def test_without_a_wish_it_asks_what_would_make_it_right(taken: Talk) -> None:
    taken.services = ("triage", "technical", "escalation")
    taken.story = Story(services=taken.services)
    assert taken.go_on() == f"{TOLD} What would make it right for you?"
    assert taken.caller("I don't know.").startswith("I can look for an offer")
    assert taken.caller("Hm.") == SLOT


def test_a_verified_caller_is_asked_for_nothing_again(taken: Talk) -> None:
    taken.heard("I want to make a complaint.")
    said = taken.go_on()
    assert "account ID" not in said
    assert "C C, 4 0 4 1 7" in said
    assert taken.called("open_complaint")[0]["about"] == "billing"


def test_what_another_service_takes_is_handed_over(talk: Talk) -> None:
    talk.tools |= {"transfer_call": lambda service, summary: None}
    talk.caller("My app keeps crashing with an error.")
    assert [call["service"] for call in talk.called("transfer_call")] == ["technical"]


def test_a_refund_that_billing_could_not_make_is_not_handed_back(taken: Talk) -> None:
    taken.go_on()
    taken.caller("I want my refund.")
    assert taken.called("transfer_call") == []


# --- the back office is away ------------------------------------------------------------------------------------------
def test_with_its_tools_away_it_tells_the_story_and_promises_nothing(taken: Talk) -> None:
    taken.tools = {"end_call": lambda outcome: None}
    said = taken.go_on()
    assert said.startswith(f"I have the whole story: {STORY}.")
    assert "I can't reach our records right now" in said
    assert taken.caller("No.").endswith("Goodbye.")
    assert taken.called("end_call") == [{"outcome": "failed"}]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("find_callback_slots", "calendar doesn't answer right now"),
        ("book_callback", "could not be confirmed just now"),
    ],
)
def test_a_calendar_that_fails_is_tried_twice_and_nothing_is_promised(talk: Talk, name: str, words: str) -> None:
    talk.tools |= {name: away}
    said = f"{talk.caller('I want a manager.')} {talk.caller('Yes.')}"
    assert words in said
    assert "reference" not in said
    assert len(talk.called(name)) == 2


@pytest.mark.parametrize("name", ["get_retention_offers", "apply_offer"])
def test_records_that_fail_lead_to_a_managers_call(talk: Talk, name: str) -> None:
    talk.tools |= {name: away}
    talk.caller("I want a credit.")
    said = verify(talk)
    if name == "apply_offer":
        said = talk.caller("Yes.")
    assert said.endswith("and I won't promise it. Shall I book a manager's call instead?")
    assert len(talk.called(name)) == 2
    assert talk.caller("Yes.") == SLOT


def test_after_a_crash_nothing_is_done_twice(talk: Talk, desk: Any) -> None:
    talk.caller("I want a manager.")
    talk.caller("Yes.")
    talk.forget_tools()
    assert talk.caller("No, that's all.").endswith("Goodbye.")
    assert desk.added() == {"callbacks": 1}


def test_no_question_is_asked_a_third_time(talk: Talk) -> None:
    said = [talk.caller(words) for words in ("I want a manager.", "Hm.", "Hm.", "Hm.")]
    assert len(set(said)) == len(said)
