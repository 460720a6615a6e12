"""What is noted of a caller's turn: his matter, what he wants besides, how he feels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from handoff.call import Call, Intent, Mood, Role, Source
from handoff.directory import DIRECTORY
from handoff.testing import make_call, make_intent, memory_store
from worker.agent import hearing
from worker.agent.hearing import Hearing
from worker.checkpoint import Checkpoint
from worker.testing.text_call import hold_call

NAMES = ("escalation", "billing", "technical", "sales", "general")


def by_name(text: str) -> tuple[Intent, ...]:
    """In the place of the classifier: an intent is what its name says."""
    return tuple(make_intent(name) for name in NAMES if name in text.lower())


@pytest.fixture(autouse=True)
def _an_intent_is_what_its_name_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing.understanding, "find_intents", by_name)


@asynccontextmanager
async def ears(service: str = "triage", call: Call | None = None) -> AsyncIterator[tuple[Hearing, Checkpoint]]:
    checkpoint = await hold_call(memory_store(), call, service=service)
    yield Hearing(checkpoint, service), checkpoint
    checkpoint.let_go()


def wanted(checkpoint: Checkpoint) -> tuple[str, list[str]]:
    call = checkpoint.call
    return call.intent.name if call.intent else "", [intent.name for intent in call.pending_intents]


# --- what he wants ----------------------------------------------------------------------------------------------------
async def test_of_several_wishes_the_most_urgent_is_the_matter_and_the_others_wait() -> None:
    async with ears() as (heard, checkpoint):
        heard.note("A technical problem, and billing, and sales.")
        assert wanted(checkpoint) == ("billing", ["technical", "sales"])


async def test_a_wish_that_waits_is_remembered_until_it_becomes_the_matter() -> None:
    async with ears() as (heard, checkpoint):
        heard.note("Billing, and something technical.")
        heard.note("Yes please.")
        assert wanted(checkpoint) == ("billing", ["technical"])
        checkpoint.note_turn(Role.AGENT, "It is refunded. Is there anything else?")
        heard.note("Now the technical problem.")
        assert wanted(checkpoint) == ("technical", [])


async def test_a_wish_that_is_said_twice_waits_once() -> None:
    async with ears() as (heard, checkpoint):
        heard.note("Billing, technical.")
        heard.note("As I said: billing, technical.")
        assert wanted(checkpoint) == ("billing", ["technical"])


async def test_two_wishes_in_two_pieces_of_a_sentence_are_both_kept_the_more_urgent_first() -> None:
    async with ears() as (heard, checkpoint):
        heard.note("It's about billing.")
        heard.note("And something technical.")
        assert wanted(checkpoint) == ("billing", ["technical"])


async def test_a_wish_that_is_taken_back_waits_no_longer() -> None:
    async with ears() as (heard, checkpoint):
        heard.note("Billing, and something technical.")
        heard.note("Never mind the technical thing.")
        assert wanted(checkpoint) == ("billing", [])


async def test_what_this_service_takes_comes_before_what_another_does() -> None:
    async with ears("technical") as (heard, checkpoint):
        heard.note("Billing, and something technical.")
        assert wanted(checkpoint) == ("technical", ["billing"])


async def test_escalation_comes_before_everything() -> None:
    async with ears("technical") as (heard, checkpoint):
        heard.note("Something technical, escalation at once!")
        assert wanted(checkpoint) == ("escalation", [])


# --- what goes with a handoff -----------------------------------------------------------------------------------------
async def test_the_wish_that_the_taker_takes_goes_with_it() -> None:
    async with ears() as (heard, _):
        heard.note("Billing, and something technical.")
        assert heard.hand_on(DIRECTORY["billing"]) == make_intent("billing")
        assert heard.hand_on(DIRECTORY["technical"]) == make_intent("technical")
        assert heard.hand_on(DIRECTORY["sales"]) is None


async def test_a_wish_for_the_giver_in_the_same_breath_waits_for_the_way_back() -> None:
    async with ears("billing") as (heard, checkpoint):
        heard.note("Billing, and something technical.")
        heard.hand_on(DIRECTORY["technical"])
        assert wanted(checkpoint)[1] == ["technical", "billing"]


async def test_what_the_giver_has_dealt_with_does_not_wait() -> None:
    async with ears("billing") as (heard, checkpoint):
        heard.note("Billing, and something technical.")
        checkpoint.note_turn(Role.AGENT, "I've refunded it. Anything else?")
        heard.note("No, the technical thing.")
        heard.hand_on(DIRECTORY["technical"])
        assert wanted(checkpoint) == ("technical", [])


async def test_a_wish_that_came_last_and_fits_neither_giver_nor_taker_waits() -> None:
    async with ears() as (heard, checkpoint):
        heard.note("Billing, and something technical.")
        checkpoint.note(intent=make_intent("sales"))
        assert heard.hand_on(DIRECTORY["technical"]) == make_intent("technical")
        assert wanted(checkpoint) == ("sales", ["technical", "sales"])


async def test_customer_care_takes_the_whole_matter() -> None:
    async with ears("billing") as (heard, checkpoint):
        heard.note("This is about billing.")
        assert heard.hand_on(DIRECTORY["escalation"]) == make_intent("billing")
        assert wanted(checkpoint)[1] == []


# --- the taker's side -------------------------------------------------------------------------------------------------
async def test_a_taker_begins_with_its_matter_and_without_what_it_takes_among_what_waits() -> None:
    call = make_call(intent=make_intent("general"), pending_intents=(make_intent("technical"), make_intent("sales")))
    async with ears("technical", call) as (_, checkpoint):
        checkpoint.take_over(call, intent=make_intent("technical"))
        assert wanted(checkpoint) == ("technical", ["sales"])


# --- how he feels -----------------------------------------------------------------------------------------------------
async def test_the_mood_follows_the_callers_turns_and_has_a_trend() -> None:
    async with ears() as (heard, checkpoint):
        heard.note("Hello, nice to meet you, what a wonderful day!")
        assert checkpoint.call.sentiment.label is Mood.POSITIVE
        heard.note("This is absolutely terrible, I hate it, it is awful and useless!")
        heard.note("You are horrible, I am furious!")
        assert checkpoint.call.sentiment.label is Mood.NEGATIVE
        assert checkpoint.call.sentiment.trend < 0


async def test_silence_changes_no_mood() -> None:
    async with ears() as (heard, checkpoint):
        before = checkpoint.call.sentiment
        heard.note("  ")
        assert checkpoint.call.sentiment == before


# --- facts ------------------------------------------------------------------------------------------------------------
async def test_a_fact_in_pieces_is_understood_and_says_who_heard_it() -> None:
    async with ears("sales") as (heard, checkpoint):
        heard.note("My account is A C four seven")
        heard.note("two one.")
        fact = checkpoint.call.fact("account_id")
        assert fact is not None
        assert (fact.value, fact.source, fact.service) == ("AC4721", Source.CALLER, "sales")


async def test_the_question_before_a_could_you_say_it_again_is_still_the_question() -> None:
    async with ears("billing") as (hearing, checkpoint):
        checkpoint.note_turn(Role.AGENT, "Thank you. And what is the ZIP code on the account?")
        for _ in range(2):
            hearing.note("Hm.")
            checkpoint.note_turn(Role.AGENT, "Sorry, I didn't quite catch that. Could you say it again, please?")
        assert hearing.note("97209") == [("postal_code", "97209")]
        checkpoint.note_turn(Role.AGENT, "What are you calling about?")
        assert hearing.note("97209") == []


async def test_pieces_of_a_sentence_belong_together_though_an_announcement_ended_between_them() -> None:
    async with ears() as (hearing, checkpoint):
        hearing.note("My account ID is a.")
        checkpoint.note_turn(Role.AGENT, "I'm connecting you with our billing specialist. One moment please.")
        assert hearing.note("C4721.", just_said="My account ID is a.") == [("account_id", "AC4721")]
