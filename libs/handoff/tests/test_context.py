"""What crosses from giver to taker: what the builder puts in, and what the check refuses."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from handoff.call import Attempt, Call, Mood, Role, Sentiment, Source, Turn
from handoff.context import (
    MAX_HOPS,
    MAX_TURN_CHARS,
    HandoffContext,
    build_context,
    check_context,
    hops_exceeded,
    turns_without_proof,
)
from handoff.directory import DIRECTORY, Entry
from handoff.errors import InvalidContext
from handoff.summary import MAX_SUMMARY_CHARS
from handoff.testing import START, make_call, make_context, make_fact, make_intent, make_turn
from hypothesis import given, settings
from hypothesis import strategies as st

NOTHING = Entry("triage", "front desk", frozenset({"general"}), frozenset())
BILLING = Entry(
    "billing", "billing specialist", frozenset({"billing"}), frozenset({"account_id", "invoice_number", "date"})
)


def built(call: Call, *, entry: Entry = BILLING, summary: str | None = None) -> HandoffContext:
    return build_context(
        call, entry=entry, handoff_id="handoff-1", epoch=3, now=START, intent=make_intent(), summary=summary
    )


# --- the builder ------------------------------------------------------------------------------------------------------
def test_a_context_says_whose_it_is_and_until_when_it_is_good() -> None:
    context = built(make_call(services=("triage",)))
    assert (context.call_id, context.handoff_id, context.epoch) == ("call-1", "handoff-1", 3)
    assert (context.created_at, context.expires_at) == (START, START + 300.0)
    assert context.services == ("triage",)
    check_context(context, call_id="call-1", now=START)


def test_only_the_last_ten_turns_cross() -> None:
    call = make_call(turns=tuple(make_turn(f"turn {n}") for n in range(25)))
    assert [turn.text for turn in built(call).turns] == [f"turn {n}" for n in range(15, 25)]


def test_a_turn_keeps_who_said_it_when_and_whether_it_was_cut_off() -> None:
    turn = make_turn("I'm connecting you", role=Role.AGENT, was_interrupted=True, spoken_at=START + 4.5)
    assert built(make_call(turns=(turn,))).turns == (turn,)


def test_only_the_facts_that_the_service_may_receive_cross() -> None:
    call = make_call(facts=(make_fact(), make_fact("date", "March"), make_fact("company_size", "40")))
    assert [fact.name for fact in built(call).facts] == ["account_id", "date"]
    assert built(call, entry=NOTHING).facts == ()


def test_a_verified_fact_wins_over_a_newer_unverified_one() -> None:
    verified = make_fact("account_id", "AC4721", source=Source.TOOL, verified=True)
    call = make_call(facts=(make_fact("account_id", "AC4712"), verified, make_fact("account_id", "AC9999")))
    assert built(call).facts == (verified,)


def test_what_proved_an_identity_never_crosses_whatever_an_entry_says() -> None:
    may = replace(BILLING, receives=BILLING.receives | {"postal_code"})
    assert built(make_call(facts=(make_fact("postal_code", "97209"),)), entry=may).facts == ()


def test_each_step_that_was_tried_crosses_once() -> None:
    steps = [make_fact("steps_tried", step) for step in ("restarted it", "signed in again", "restarted it")]
    entry = replace(BILLING, receives=frozenset({"steps_tried"}))
    assert [fact.value for fact in built(make_call(facts=tuple(steps)), entry=entry).facts] == [
        "restarted it",
        "signed in again",
    ]


def test_what_the_caller_wants_besides_crosses_without_what_the_taker_takes() -> None:
    wanted = tuple(make_intent(name) for name in ("billing", "technical", "sales"))
    assert [intent.name for intent in built(make_call(pending_intents=wanted)).pending_intents] == [
        "technical",
        "sales",
    ]


def test_what_tools_changed_crosses_and_a_card_in_it_does_not() -> None:
    call = make_call(effects=("process_refund RF-20417 49.99", "resend_invoice 4111111111111111"))
    assert built(call).effects == ("process_refund RF-20417 49.99", "resend_invoice [card]")


def test_the_name_crosses_only_to_a_service_that_may_receive_it() -> None:
    call = make_call(display_name="Sarah Chen")
    assert built(call).display_name == ""
    may = replace(BILLING, receives=BILLING.receives | {"display_name"})
    assert built(call, entry=may).display_name == "Sarah Chen"


def test_free_text_is_redacted_wherever_it_crosses() -> None:
    card, phone = "4111 1111 1111 1111", "555-123-4567"
    call = make_call(
        turns=(make_turn(f"My card is {card}."),),
        facts=(make_fact("account_id", card), make_fact("date", "March")),
        attempts=(Attempt("sales", f"call back at {phone}", "declined", START),),
    )
    crossed = json.dumps(asdict(built(call, summary=f"Reach the caller at {phone}.")))
    assert card not in crossed
    assert phone not in crossed
    assert "March" in crossed


def test_what_a_tool_said_is_left_as_it_is() -> None:
    fact = make_fact("invoice_number", "4111111111111111", source=Source.TOOL, verified=True)
    assert built(make_call(facts=(fact,))).facts == (fact,)


def test_a_summary_is_made_of_intent_facts_and_the_callers_own_words() -> None:
    turns = (
        make_turn("Thanks for calling Acme Cloud, this is quite a long greeting by an agent.", role=Role.AGENT),
        make_turn("Hi. I was charged twice for my March invoice."),
        make_turn("Yes."),
    )
    assert built(make_call(turns=turns)).summary == (
        "The caller needs help with billing. Known so far: account id AC4721, date March. "
        'The caller said: "Hi, I was charged twice for my March invoice".'
    )


def test_a_summary_without_facts_and_words_is_still_a_sentence() -> None:
    context = built(make_call(turns=(), facts=()))
    assert context.summary == "The caller needs help with billing."


def test_a_summary_given_by_a_model_is_used_and_redacted() -> None:
    assert built(make_call(), summary="Charged twice.\n").summary == "Charged twice."
    assert built(make_call(), summary="Charged card 4111 1111 1111 1111.").summary == "Charged card [card]."


@pytest.mark.parametrize("given", [None, "", " \n", "word " * 1000], ids=["none", "empty", "blank", "much too long"])
def test_without_a_summary_that_is_one_it_is_made_here(given: str | None) -> None:
    made = built(make_call(), summary=given).summary
    assert made == built(make_call()).summary
    assert 0 < len(made) <= MAX_SUMMARY_CHARS


def test_a_summary_that_tells_a_fact_which_the_service_may_not_receive_is_made_anew() -> None:
    call = make_call(facts=(make_fact(), make_fact("interest", "Cloud Team")))
    assert built(call, summary="Account AC4721, wants the cloud team plan.").summary == built(call).summary
    assert "cloud team" not in built(call).summary.lower()
    assert built(call, summary="Account AC4721.").summary == "Account AC4721."


def test_the_capability_crosses_as_a_fact_and_stands_in_no_summary() -> None:
    capability = make_fact("identity_capability", "eyJ.secret.token", source=Source.TOOL, verified=True)
    entry = replace(BILLING, receives=BILLING.receives | {"identity_capability"})
    context = built(make_call(facts=(make_fact(), capability)), entry=entry)
    assert capability in context.facts
    assert "secret" not in context.summary


def test_a_zip_code_that_proved_an_identity_crosses_in_no_text() -> None:
    turns = (
        make_turn("What is the ZIP code on your account?", role=Role.AGENT),
        make_turn("It's nine seven two oh nine."),
        make_turn("I heard 97209, thank you. What can I do for you?", role=Role.AGENT),
        make_turn("My March invoice number is 2026030417."),
    )
    call = make_call(turns=turns, facts=(make_fact("postal_code", "97209"),))
    assert [turn.text for turn in built(call).turns] == [
        "What is the ZIP code on your account?",
        "It's [postal code].",
        "I heard [postal code], thank you. What can I do for you?",
        "My March invoice number is 2026030417.",
    ]
    assert built(call, summary="The ZIP code is 97209.").summary == "The ZIP code is [postal code]."


def test_the_question_before_the_last_ten_turns_is_still_known() -> None:
    turns = (make_turn("Your ZIP code, please?", role=Role.AGENT), *(make_turn(f"9720{n}") for n in range(10)))
    assert {turn.text for turn in built(make_call(turns=turns)).turns} == {"[postal code]"}


def test_mood_language_and_attempts_cross() -> None:
    mood = Sentiment(Mood.NEGATIVE, -0.5, -0.25)
    tried = Attempt("billing", "offer", "at_capacity", START)
    context = built(make_call(sentiment=mood, language="de", attempts=(tried,)))
    assert (context.sentiment, context.language, context.attempts) == (mood, "de", (tried,))


@settings(max_examples=40)
@given(
    texts=st.lists(st.text(max_size=60) | st.just("word " * 3000), max_size=30),
    values=st.lists(st.text(max_size=50), max_size=8),
    summary=st.none() | st.text(max_size=2000),
)
def test_whatever_was_said_the_builder_makes_what_the_check_accepts(
    texts: list[str], values: list[str], summary: str | None
) -> None:
    call = make_call(
        turns=tuple(make_turn(text) for text in texts), facts=tuple(make_fact("date", value) for value in values)
    )
    check_context(built(call, summary=summary), call_id="call-1", now=START)


# --- the check --------------------------------------------------------------------------------------------------------
def test_a_context_is_stale_from_its_expiry_on() -> None:
    context = make_context()
    check_context(context, call_id="call-1", now=START + 299.9)
    with pytest.raises(InvalidContext, match="stale"):
        check_context(context, call_id="call-1", now=START + 300.0)


def test_another_calls_context_is_refused() -> None:
    with pytest.raises(InvalidContext, match="another call"):
        check_context(make_context(), call_id="call-2", now=START)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"turns": tuple(make_turn(f"turn {n}") for n in range(11))}, "11 turns"),
        ({"handoff_id": ""}, "handoff_id"),
        ({"caller_identity": " "}, "caller_identity"),
        ({"handoff_id": "h" * 201}, "handoff_id"),
        ({"epoch": 0}, "epoch"),
        ({"expires_at": START - 1.0}, "expires_at"),
        ({"created_at": float("nan")}, "finite"),
        ({"turns": (make_turn("x" * (MAX_TURN_CHARS + 1)),)}, "characters of a turn"),
        ({"summary": "x" * (MAX_SUMMARY_CHARS + 1)}, "characters of summary"),
        ({"facts": tuple(make_fact(f"fact {n}") for n in range(51))}, "51 facts"),
        ({"facts": (make_fact(value="x" * 1001),)}, "characters of a fact"),
        ({"facts": (make_fact(""),)}, "no name"),
        ({"intent": make_intent("")}, "intent"),
        ({"pending_intents": (make_intent(" "),)}, "intent"),
        ({"pending_intents": (make_intent(),) * 11}, "11 pending intents"),
        ({"effects": ("refund",) * 51}, "51 effects"),
        ({"effects": ("x" * 201,)}, "characters of an effect"),
        ({"services": tuple(f"service-{n}" for n in range(51))}, "51 services"),
        ({"facts": tuple(make_fact(f"{n}" + "n" * 20_000) for n in range(20))}, "bytes"),
    ],
)
def test_an_unsound_context_is_refused_with_what_is_wrong(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidContext, match=complaint):
        check_context(make_context(**changes), call_id="call-1", now=START)


def test_a_refusal_never_quotes_the_caller() -> None:
    private = make_context(turns=(make_turn("secret " * 1000),), display_name="secret")
    with pytest.raises(InvalidContext) as refusal:
        check_context(private, call_id="call-1", now=START)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(("visited", "exceeded"), [(1, False), (MAX_HOPS - 1, False), (MAX_HOPS, True), (20, True)])
def test_a_call_visits_at_most_six_services(visited: int, exceeded: bool) -> None:
    context = make_context(services=tuple(f"service-{n}" for n in range(visited)))
    assert hops_exceeded(context) is exceeded


def test_the_last_resort_may_be_reached_once_more() -> None:
    visited = tuple(f"service-{n}" for n in range(MAX_HOPS))
    assert not hops_exceeded(make_context(services=visited), to_service="escalation")
    assert hops_exceeded(make_context(services=(*visited, "escalation")), to_service="escalation")


def test_there_and_back_through_every_specialist_is_within_the_limit() -> None:
    visited = ("triage", "billing", "technical", "escalation", "billing")
    assert not hops_exceeded(make_context(services=visited), to_service="triage")


def test_a_card_in_pieces_crosses_in_none_of_them_wherever_the_last_turns_begin() -> None:
    pieces = ("My card is four one one one", "one one one one", "one one one one", "and one one one one.")
    said = [make_turn(text) for text in pieces]
    asks = Turn(Role.AGENT, "Please go on.", START, "triage")
    call = make_call(turns=(said[0], asks, *said[1:], *[make_turn("Well.")] * 8))
    context = build_context(call, entry=DIRECTORY["billing"], handoff_id="h1", epoch=1, now=START, intent=make_intent())
    assert not any("one one" in turn.text for turn in context.turns)


def test_what_proved_an_identity_is_not_in_the_turns_of_who_takes_the_call_over() -> None:
    asked = Turn(Role.AGENT, "Sure. What is your account ID?", START, "billing")
    told = make_turn("AC4721, 97209. And I was charged twice.")
    call = make_call(turns=(asked, told), facts=(make_fact("postal_code", "97209"),))
    kept = turns_without_proof(call)
    assert [turn.text for turn in kept] == [asked.text, "AC4721, [postal code]. And I was charged twice."]
