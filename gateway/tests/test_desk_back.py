"""A human hands a call back: what the service is told, when it has the floor, and that the human keeps the call when it does not come."""

from __future__ import annotations

import asyncio

import pytest
from handoff.call import Ending
from handoff.desk import LEASE_SECONDS
from handoff.lifecycle import State
from handoff.summary import MAX_SUMMARY_CHARS

from gateway.tests.desk_stage import CARD, Human, Stage, desk_settings

NOTE = "Please refund the second charge of March, she was promised it."


@pytest.fixture
def stage() -> Stage:
    return Stage(desk_settings(VOICEMESH_SPOKEN_TIMEOUT_SECONDS="0.2"))


@pytest.fixture
def anna(stage: Stage) -> Human:
    human = stage.human("Anna")
    human.has_call(stage)
    return human


def test_a_service_that_comes_and_speaks_has_the_call_and_the_human_is_put_out(stage: Stage, anna: Human) -> None:
    handoff_id = anna.asks("back", service="billing", note=NOTE)["handoff_id"]
    assert stage.room.journal == ["called billing"]
    assert stage.handoff(handoff_id).state is State.READY
    held = stage.floor()
    assert held is not None
    assert held.agent_id == anna.identity, "until the page has shut its microphone"
    anna.asks("pass", handoff_id=handoff_id)
    floor = stage.floor()
    assert floor is not None
    assert (floor.service, floor.agent_id, floor.epoch) == ("billing", f"billing-{handoff_id}-AJ_1", 3)
    assert stage.room.journal == ["called billing", "put out human"]
    assert stage.call().services == ("escalation", "human", "billing")
    assert anna.asks("beat", open=True)["standing"] == "gone"
    anna.asks("end", code=409)
    assert stage.call().ending is None


def test_the_note_reaches_the_service_as_words_among_others_and_whoever_goes_on_after_it(
    stage: Stage, anna: Human
) -> None:
    handoff_id = anna.asks("back", service="billing", note=f"  {NOTE}\n\n")["handoff_id"]
    context = stage.handoff(handoff_id).context
    assert context.turns[-1].text == f"Note from Anna at the desk: {NOTE}"
    assert (context.turns[-1].service, context.intent.name) == ("human", "billing")
    assert context.summary.startswith(f"Note from Anna at the desk: {NOTE}")
    assert stage.call().turns[-1] == context.turns[-1]


def test_what_must_not_cross_does_not_cross_in_a_note_either(stage: Stage, anna: Human) -> None:
    note = f"Her card is {CARD}, ZIP code 97209, call her at 503 555 0142, mail sarah@example.org."
    handoff_id = anna.asks("back", service="billing", note=note)["handoff_id"]
    crossed = str(stage.handoff(handoff_id).context) + stage.call().turns[-1].text
    assert all(secret not in crossed for secret in (CARD, "97209", "555 0142", "sarah@example.org"))


def test_the_service_gets_the_facts_that_it_may_have_and_the_proof_that_a_human_never_sees(
    stage: Stage, anna: Human
) -> None:
    context = stage.handoff(anna.asks("back", service="billing", note="")["handoff_id"]).context
    assert {fact.name for fact in context.facts} == {"account_id", "identity_capability"}
    assert context.services == ("escalation", "human")
    assert "Note from" not in context.summary
    to_triage = stage.handoff(anna.asks("back", service="triage", note="")["handoff_id"]).context
    assert to_triage.facts == ()


def test_a_note_without_end_is_cut(stage: Stage, anna: Human) -> None:
    context = stage.handoff(anna.asks("back", service="billing", note="very " * 500)["handoff_id"]).context
    assert len(context.summary) <= MAX_SUMMARY_CHARS
    assert len(context.turns[-1].text) < 450


def test_a_second_try_replaces_the_note_of_the_first(stage: Stage, anna: Human) -> None:
    stage.room.taker_comes = False
    anna.asks("back", code=409, service="billing", note="the first")
    anna.asks("back", code=409, service="billing", note="the second")
    notes = [turn.text for turn in stage.call().turns if turn.service == "human"]
    assert notes == ["Note from Anna at the desk: the second"]


@pytest.mark.parametrize("note", [7, None, ["x"]])
def test_a_note_is_text(anna: Human, note: object) -> None:
    anna.asks("back", code=400, service="billing", note=note)


@pytest.mark.parametrize("service", ["human", "astrology", "../billing"])
def test_there_is_nobody_else_to_hand_it_to(stage: Stage, anna: Human, service: str) -> None:
    assert anna.asks("back", code=409, service=service, note="")["error"]["code"] == "not_taken"
    assert stage.room.journal == []


def test_when_nobody_of_the_service_comes_the_human_keeps_the_call_and_is_told(stage: Stage, anna: Human) -> None:
    stage.room.taker_comes = False
    answer = anna.asks("back", code=409, service="billing", note=NOTE)
    assert "nobody of this service" in answer["error"]["message"]
    assert stage.room.journal == ["called billing"]
    assert anna.asks("beat", open=True)["standing"] == "floor"


def test_while_livekit_is_away_the_human_keeps_the_call(stage: Stage, anna: Human) -> None:
    stage.room.is_away = True
    assert anna.asks("back", code=409, service="billing", note=NOTE)["error"]["code"] == "not_taken"
    stage.room.is_away = False
    assert anna.asks("beat", open=True)["standing"] == "floor"
    latest = stage.handoff(stage.call().handoff_ids[-1])
    assert latest.state is State.WITHDRAWN, "an agent that comes late leaves without a word"


def test_a_service_that_does_not_speak_gives_the_floor_back_to_the_human(stage: Stage, anna: Human) -> None:
    stage.store.speaks = False
    handoff_id = anna.asks("back", service="billing", note=NOTE)["handoff_id"]
    answer = anna.asks("pass", code=409, handoff_id=handoff_id)
    assert answer["error"]["code"] == "not_taken"
    floor = stage.floor()
    assert floor is not None
    assert (floor.service, floor.agent_id, floor.epoch) == ("human", anna.identity, 4)
    assert floor.lease_until == stage.store.clock() + LEASE_SECONDS
    assert stage.room.journal == ["called billing", "put out billing"]
    assert anna.asks("beat", open=True)["standing"] == "floor"
    anna.asks("end")
    assert stage.call().ending is Ending.TRANSFERRED_TO_HUMAN


def test_a_page_that_asks_while_the_service_has_the_floor_and_is_not_heard_yet_is_not_put_out(
    stage: Stage, anna: Human
) -> None:
    stage.store.speaks = False
    handoff_id = anna.asks("back", service="billing", note=NOTE)["handoff_id"]
    asyncio.run(stage.store.pass_floor(handoff_id, epoch=2, lease_seconds=3))
    assert anna.asks("beat", open=False)["standing"] == "handing_back"
    assert "put out human" not in stage.room.journal


def test_a_service_that_has_gone_again_gets_no_floor(stage: Stage, anna: Human) -> None:
    handoff_id = anna.asks("back", service="billing", note=NOTE)["handoff_id"]
    asyncio.run(stage.store.move(handoff_id, State.WITHDRAWN, reason="lost"))
    assert anna.asks("pass", code=409, handoff_id=handoff_id)["error"]["code"] == "not_taken"
    assert anna.asks("beat", open=True)["standing"] == "floor"


def test_nobody_passes_the_floor_by_another_calls_handoff(stage: Stage, anna: Human) -> None:
    ben = stage.human("Ben", address="203.0.113.8")
    ben.has_call(stage, "call-2")
    bens = ben.asks("back", service="billing", note="")["handoff_id"]
    anna.asks("pass", code=409, handoff_id=bens)
    anna.asks("pass", code=409, handoff_id="d-call-1")
    anna.asks("pass", code=409, handoff_id="nonsense")
    held = stage.floor("call-2")
    assert held is not None
    assert held.agent_id == ben.identity


def test_who_has_lost_the_call_meanwhile_passes_nothing_on(stage: Stage, anna: Human) -> None:
    handoff_id = anna.asks("back", service="billing", note=NOTE)["handoff_id"]
    stage.store.clock.advance(LEASE_SECONDS)
    asyncio.run(
        stage.store.seize_floor("call-1", epoch=2, service="escalation", agent_id="escalation-r3", lease_seconds=4)
    )
    assert anna.asks("pass", code=409, handoff_id=handoff_id)["error"]["code"] == "gone"
    assert stage.handoff(handoff_id).state is State.SUPERSEDED
