"""Sales' playbook, whole dialogues with its real back office behind it: demos."""

from __future__ import annotations

from typing import Any

import pytest
from sales_mcp import slots
from sales_mcp.rows import Lead, Quote
from worker.playbook.story import Story
from worker.testing.playbook import Play, ToolFails

from services.sales.tests.dialogue import (
    BOOK,
    BOOKED,
    THURSDAY,
    BackOffice,
    booked,
)


def test_another_time_is_offered_until_one_suits(play: Play, office: BackOffice) -> None:
    play.go_on()
    assert play.caller("No, I can't then.") == "How about Friday at three in the afternoon?"
    assert play.caller("No.") == "How about Monday at nine in the morning?"
    assert "Monday at nine in the morning" in play.caller("Yes, perfect.")
    assert booked(office) == ["2026-03-09T09:00"]


@pytest.mark.parametrize(
    ("words", "wish", "offer"),
    [
        ("Do you have something on Friday?", "friday", "How about Friday at nine in the morning?"),
        ("No, Tuesday would be better.", "tuesday", "How about Tuesday at nine in the morning?"),
        ("Rather on Friday afternoon.", "friday afternoon", "How about Friday at three in the afternoon?"),
        ("That's too early.", "afternoon", "How about Thursday at two in the afternoon?"),
    ],
)
def test_a_wish_for_another_time_is_looked_up(
    play: Play, office: BackOffice, words: str, wish: str, offer: str
) -> None:
    play.go_on()
    play.facts["demo_wish"] = wish
    assert play.caller(words) == offer
    play.caller("Yes.")
    assert len(booked(office)) == 1


def test_a_wish_that_cannot_be_met_is_said_so(play: Play, office: BackOffice) -> None:
    for hour in slots.HOURS:
        for day in ("2026-03-06", "2026-03-13"):
            office.desk.on(f"call-{day}-{hour}")("book_demo", slot_id=f"{day}T{hour:02}:00", idempotency_key="d")
    play.go_on()
    play.facts["demo_wish"] = "friday"
    assert play.caller("No, Friday.") == (
        "I'm afraid nothing is free then. Would Thursday at nine in the morning be all right?"
    )


def test_a_wish_that_came_with_the_call_is_looked_up_at_once(play: Play) -> None:
    play.facts["demo_wish"] = "monday"
    assert play.go_on().endswith("For the demo I have Monday at nine in the morning. Does that suit you?")


def test_after_five_times_a_callback_is_offered(play: Play, office: BackOffice) -> None:
    play.go_on()
    said = [play.caller("No.") for _ in range(5)]
    assert len(set(said)) == 5
    assert said[4].startswith("I'm sorry that none of these times suits you. Shall I ask a colleague to call you back")
    play.caller("Yes.")
    assert play.called("transfer_call")[0]["service"] == "escalation"
    assert booked(office) == []


@pytest.mark.parametrize("answer", ["Hm, maybe.", "mumble mumble", "I'm not sure.", "Yes, no, wait, what?"])
def test_an_unclear_answer_books_nothing(play: Play, office: BackOffice, answer: str) -> None:
    play.go_on()
    assert "Thursday at nine in the morning" in play.caller(answer)
    assert booked(office) == []
    assert play.caller("Yes.") == BOOKED


def test_a_yes_that_was_badly_heard_books_nothing(play: Play, office: BackOffice) -> None:
    play.go_on()
    assert "yes or no" in play.caller("Yes.", confidence=0.1)
    assert booked(office) == []


def test_a_slot_that_somebody_else_took_meanwhile_is_replaced(play: Play, office: BackOffice) -> None:
    play.go_on()
    office.desk.on("call-2")("book_demo", slot_id="2026-03-05T09:00", idempotency_key="d")
    assert play.caller("Yes.") == (
        "I'm sorry, that time has just been taken. How about Thursday at eleven in the morning?"
    )
    assert "Thursday at eleven" in play.caller("Yes.")
    assert booked(office) == ["2026-03-05T11:00"]


def test_a_booking_whose_answer_was_lost_is_made_once(play: Play, office: BackOffice) -> None:
    real, lost = office.tool("book_demo"), [True]

    def flaky(**arguments: Any) -> Any:
        result = real(**arguments)
        if lost:
            lost.clear()
            raise ToolFails("An internal error occurred")
        return result

    play.tools = {**office.tools(), "book_demo": flaky}
    play.go_on()
    assert play.caller("Yes.") == BOOKED
    assert len(booked(office)) == 1
    assert len({call["idempotency_key"] for call in play.called("book_demo")}) == 1


def test_who_wants_no_demo_gets_the_quotes_reference(direct: Play, office: BackOffice) -> None:
    direct.facts["company_size"] = "40"
    direct.caller("A quote please.")
    direct.story = Story(effects=("make_quote QT-60417 249.00",))
    assert direct.caller("No, thank you.") == (
        "All right, no demo then. Your quote has the reference Q T, 6 0 4 1 7. Is there anything else I can help you with?"
    )
    assert direct.caller("No.").endswith("Goodbye.")
    assert direct.called("end_call") == [{"outcome": "resolved"}]
    assert booked(office) == []


def test_who_changes_their_mind_about_a_demo_gets_one(direct: Play, office: BackOffice) -> None:
    direct.facts["company_size"] = "40"
    direct.caller("A demo please.")
    assert direct.caller("No, leave it, no demo.").startswith("All right, no demo then.")
    assert "Thursday at nine in the morning" in direct.caller("Okay, book a demo after all.")
    direct.caller("Yes.")
    assert booked(office) == ["2026-03-05T09:00"]


def test_a_discount_after_the_demo_is_booked_sells_no_second_demo(play: Play) -> None:
    play.go_on()
    play.caller("Yes.")
    play.story = Story(effects=("make_quote QT-60417 249.00", "book_demo DM-70418", "create_lead LD-80625"))
    said = play.caller("Can you also give me a discount?")
    assert said.startswith("I can give you 15 percent.")
    assert said.endswith("Is there anything else I can help you with?")


def test_the_booked_time_is_told_again_when_asked_for(play: Play) -> None:
    play.go_on()
    play.caller("Yes.")
    assert play.caller("When was it exactly?").startswith(
        "It's Thursday at nine in the morning, with the reference D M,"
    )


def test_a_demo_that_is_booked_is_not_moved_but_a_callback_offered(play: Play, office: BackOffice) -> None:
    play.go_on()
    play.caller("Yes.")
    play.story = Story(effects=("make_quote QT-60417 249.00", "book_demo DM-70418", "create_lead LD-80625"))
    play.facts["demo_wish"] = "friday"
    assert play.caller("Wait, could we do Friday instead?") == (
        "I'm sorry, I can't change a demo that is booked. Shall I ask a colleague to call you back about it?"
    )
    assert booked(office) == ["2026-03-05T09:00"]


def test_a_call_that_comes_back_is_not_sold_the_demo_again(office: BackOffice) -> None:
    play = Play(
        BOOK, office.tools(), facts={"interest": "a demo", "company_size": "40"},
        story=Story(is_returning=True, effects=("book_demo DM-70418",)),
    )  # fmt: skip
    play.heard("I'd like a demo for forty people.")
    play.agent("Hi again, it's your sales specialist. We were talking about a demo for 40 people.")
    assert play.go_on() == "Is there anything else about our plans that I can help you with?"


def test_a_call_that_comes_back_after_its_quote_goes_on_from_there(direct: Play, office: BackOffice) -> None:
    direct.facts["company_size"] = "40"
    direct.caller("A quote please.")
    direct.forget_tools()  # another agent has the call now; the record has what was said
    direct.heard("And now back to the quote, please.")
    direct.agent("Hi again, it's your sales specialist. We were talking about a plan for 40 people.")
    direct.story = Story(
        services=("sales", "billing", "sales"), is_returning=True, effects=("make_quote QT-60417 249.00",)
    )
    assert direct.go_on() == "For 40 people it was Cloud Business, at $249 a month. Shall I book you a demo of it?"
    assert direct.caller("Yes.") == THURSDAY
    assert office.desk.count(Quote) == 1


# --- an hour, and who would rather buy --------------------------------------------------------------------------------
@pytest.mark.parametrize("words", ["At eleven please.", "Eleven o'clock please.", "Yes, at eleven."])
def test_a_yes_with_another_hour_is_no_yes_to_the_one_that_was_offered(
    play: Play, office: BackOffice, words: str
) -> None:
    play.go_on()
    play.facts["demo_wish"] = "thursday at eleven in the morning"
    assert play.caller(words) == "How about Thursday at eleven in the morning?"
    assert booked(office) == []
    play.caller("Yes.")
    assert booked(office) == ["2026-03-05T11:00"]


def test_a_wish_that_only_the_time_offered_comes_near_is_not_booked_without_a_yes(
    play: Play, office: BackOffice
) -> None:
    for day in ("2026-03-05", "2026-03-12"):
        office.desk.on(f"call-{day}")("book_demo", slot_id=f"{day}T10:00", idempotency_key="d")
    play.go_on()
    play.facts["demo_wish"] = "thursday at ten in the morning"
    assert play.caller("At ten please.") == (
        "I'm afraid nothing is free then. Would Thursday at nine in the morning be all right?"
    )
    assert booked(office) == []


@pytest.mark.parametrize("words", ["Another time please.", "Next week please.", "Yes, but not on Thursday."])
def test_who_asks_for_another_time_politely_is_booked_none(play: Play, office: BackOffice, words: str) -> None:
    play.go_on()
    assert play.caller(words).startswith("How about")
    assert booked(office) == []


@pytest.mark.parametrize("words", ["I'd like to buy it.", "Just do it.", "Okay, I'll take it."])
def test_who_buys_after_a_quote_becomes_a_lead_and_is_sold_no_demo(
    direct: Play, office: BackOffice, words: str
) -> None:
    direct.facts["company_size"] = "40"
    direct.caller("A quote please.")
    assert direct.caller(words).startswith("I've noted that for our sales team.")
    assert office.desk.count(Lead) == 1
    assert direct.called("find_demo_slots") == []


def test_who_buys_when_a_time_is_offered_is_booked_none(play: Play, office: BackOffice) -> None:
    play.go_on()
    assert "I've noted that for our sales team." in play.caller("I'd like to buy it.")
    assert booked(office) == []


def test_a_size_that_is_asked_about_when_a_time_is_offered_is_quoted_and_the_time_stays(
    play: Play, office: BackOffice
) -> None:
    play.go_on()
    play.facts["company_size"] = "8"
    said = play.caller("What if we were eight?")
    assert said.startswith("For 8 people I recommend Cloud Team.")
    assert said.endswith("Would Thursday at nine in the morning suit you?")
    play.caller("Yes.")
    assert booked(office) == ["2026-03-05T09:00"]


def test_the_plan_that_was_named_is_quoted(direct: Play) -> None:
    direct.facts |= {"company_size": "10", "wanted_plan": "Cloud Business"}
    said = direct.caller("Cloud Business for ten people, what does it cost?")
    assert said.startswith("For 10 people I can give you Cloud Business, though Cloud Team has room for that many too.")


def test_who_wants_to_cancel_a_demo_of_another_call_is_not_asked_for_a_size(direct: Play) -> None:
    assert direct.caller("I want to cancel my demo.").endswith("Shall I ask a colleague to call you back?")
