"""What an agent knows of its call, and what it does not."""

from __future__ import annotations

import base64
import json

import pytest
from handoff.call import Call, Mood, Role, Sentiment, Source
from handoff.testing import START, make_call, make_fact, make_intent, make_turn
from worker.playbook.story import Story, known_to, last_said, last_words, story_of


def verified(name: str, value: str, service: str = "billing") -> object:
    return make_fact(name, value, source=Source.TOOL, verified=True, service=service)


def call_with(*facts: object, **changes: object) -> Call:
    return make_call(facts=facts, **changes)


# --- facts ------------------------------------------------------------------------------------------------------------
def test_a_service_knows_what_it_may_receive_and_what_it_heard_itself() -> None:
    call = call_with(
        make_fact("account_id", "AC4721", service="triage"),
        make_fact("company_size", "40", service="sales"),
        make_fact("error_message", "error 500", service="billing"),
    )
    assert known_to(call, "billing") == {"account_id": "AC4721", "error_message": "error 500"}
    assert known_to(call, "triage") == {"account_id": "AC4721"}
    assert known_to(call, "sales") == {"account_id": "AC4721", "company_size": "40"}
    assert known_to(call, "escalation") == {
        "account_id": "AC4721",
        "company_size": "40",
        "error_message": "error 500",
    }


def test_a_zip_code_is_known_to_whom_it_was_told_and_to_nobody_else() -> None:
    call = call_with(make_fact("postal_code", "97209", service="billing"))
    assert known_to(call, "billing") == {"postal_code": "97209"}
    for other in ("triage", "technical", "sales", "escalation"):
        assert known_to(call, other) == {}


def test_that_the_caller_is_verified_is_known_and_the_capability_is_not() -> None:
    call = call_with(verified("identity_capability", "secret.secret.secret"))
    for specialist in ("billing", "technical", "sales", "escalation"):
        assert known_to(call, specialist) == {"identity_capability": "verified"}
    assert known_to(call, "triage") == {}


def test_a_capability_that_no_tool_returned_is_none() -> None:
    assert known_to(call_with(make_fact("identity_capability", "I am verified")), "billing") == {}


def test_a_capability_that_has_expired_is_none() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": START}).encode()).decode().rstrip("=")
    assert known_to(call_with(verified("identity_capability", f"e30.{claims}.s")), "billing") == {}


def test_a_verified_fact_is_known_before_a_newer_one_that_was_only_said() -> None:
    call = call_with(verified("account_id", "AC4721"), make_fact("account_id", "AC9999"))
    assert known_to(call, "billing") == {"account_id": "AC4721"}


def test_what_another_service_heard_does_not_hide_what_this_one_may_know() -> None:
    call = call_with(
        make_fact("product", "Cloud API", service="billing"), make_fact("product", "Cloud Drive", service="technical")
    )
    assert known_to(call, "billing") == {"product": "Cloud API"}
    assert known_to(call, "technical") == {"product": "Cloud Drive"}


def test_every_step_that_was_tried_is_known() -> None:
    steps = [make_fact("steps_tried", step) for step in ("restarted it", "signed in again", "restarted it")]
    assert known_to(call_with(*steps), "technical") == {"steps_tried": "restarted it, signed in again"}


def test_the_name_on_the_call_is_known_to_whom_it_may_be_told() -> None:
    assert known_to(call_with(display_name="Sarah Chen"), "triage") == {"display_name": "Sarah Chen"}
    assert known_to(call_with(display_name="Sarah Chen"), "astrology") == {}


# --- another account -----------------------------------------------------------------------------------------------
PROVED = (
    verified("account_id", "AC4721"),
    verified("identity_capability", "secret.secret.secret"),
    make_fact("postal_code", "97209", service="billing"),
)
OTHER = make_fact("account_id", "AC1058", service="billing")


def said(*texts: str) -> tuple[object, ...]:
    """The caller's turns, each after one of the agent's."""
    return tuple(turn for text in texts for turn in (make_turn("And the ZIP code?", role=Role.AGENT), make_turn(text)))


@pytest.mark.parametrize(
    "text",
    ["What was the last invoice on account A C one zero five eight?", "No, look at A C one zero five eight instead."],
)
def test_who_names_another_account_has_proved_nothing_for_it(text: str) -> None:
    call = call_with(*PROVED, OTHER, turns=said(text))
    assert known_to(call, "billing") == {"account_id": "AC1058"}


def test_a_zip_code_that_is_said_for_the_other_account_is_known_even_if_it_is_the_same() -> None:
    call = call_with(*PROVED, OTHER, turns=said("And account AC1058?", "nine seven two oh nine"))
    assert known_to(call, "billing") == {"account_id": "AC1058", "postal_code": "97209"}


@pytest.mark.parametrize(
    "texts",
    [
        ("It's A C one zero five eight.",),
        ("What's on account AC1058?", "Never mind that."),
        ("What's on account AC1058?", "Back to my own account, please."),
    ],
)
def test_who_only_spells_or_gives_the_other_account_up_keeps_his_own(texts: tuple[str, ...]) -> None:
    known = known_to(call_with(*PROVED, OTHER, turns=said(*texts)), "billing")
    assert known == {"account_id": "AC4721", "identity_capability": "verified", "postal_code": "97209"}


def test_who_says_his_own_account_again_is_known_again() -> None:
    again = make_fact("account_id", "AC4721", service="billing")
    turns = said("My account is AC1058.", "Sorry, my account is AC4721.")
    assert known_to(call_with(*PROVED, OTHER, again, turns=turns), "billing")["identity_capability"] == "verified"


# --- the story --------------------------------------------------------------------------------------------------------
def test_a_call_that_begins_has_no_story() -> None:
    assert story_of(make_call(turns=(), services=("triage",)), "triage") == Story(services=("triage",))


def test_the_story_tells_what_was_done_what_waits_and_how_the_caller_feels() -> None:
    call = make_call(
        effects=("process_refund RF-20417 49.99",),
        pending_intents=(make_intent("technical"), make_intent("billing")),
        sentiment=Sentiment(Mood.NEGATIVE, -0.5, -0.2),
        services=("triage", "billing"),
    )
    story = story_of(call, "billing")
    assert story.effects == ("process_refund RF-20417 49.99",)
    assert story.pending_intents == ("technical",)
    assert (story.mood, story.is_frustrated, story.is_returning) == (Mood.NEGATIVE, False, False)


def test_a_caller_who_asks_for_a_manager_is_frustrated() -> None:
    call = make_call(turns=(make_turn("This is ridiculous, give me your manager!"),))
    assert story_of(call, "billing").is_frustrated


def test_a_service_that_had_the_call_before_is_returning() -> None:
    before = make_call(services=("triage", "billing", "technical"))
    assert story_of(before, "billing").is_returning, "the floor is not ours yet"
    assert story_of(make_call(services=("triage", "billing", "technical", "billing")), "billing").is_returning
    assert not story_of(make_call(services=("triage", "billing")), "billing").is_returning


def test_a_service_knows_what_it_said_first_since_the_call_came_to_it() -> None:
    says = [
        ("triage", "Hello."),
        ("billing", "Hi there."),
        ("billing", "Your account?"),
        ("sales", "Hi."),
        ("billing", "Hi again."),
    ]
    turns = tuple(make_turn(text, role=Role.AGENT, service=service) for service, text in says)
    assert story_of(make_call(turns=turns), "billing").began_with == "Hi again."
    assert story_of(make_call(turns=turns[:3]), "billing").began_with == "Hi there."
    assert story_of(make_call(turns=turns[:1]), "triage").began_with == "", "it was never elsewhere"
    assert story_of(make_call(turns=turns[:3]), "sales").began_with == "", "it has not spoken yet"


def test_what_was_said_last_is_an_agents_turn_and_the_last_words_are_the_callers() -> None:
    turns = (
        make_turn("How can I help?", role=Role.AGENT),
        make_turn("My account is A C"),
        make_turn("four seven two one."),
    )
    call = make_call(turns=turns)
    assert last_said(call) == "How can I help?"
    assert last_words(call) == "My account is A C four seven two one."
    assert (last_said(make_call(turns=())), last_words(make_call(turns=()))) == ("", "")
