"""A successor apologises in one clause and goes on from where the conversation was; it asks nothing again and does nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from handoff.call import Role, ToolUse
from handoff.testing import START, OutageStore, make_call, make_fact, make_intent, make_turn
from livekit import api
from worker.job import resuming
from worker.playbook import playbook
from worker.testing.desk import APOLOGY, AWAITED, GREETING, ME, PaperDesk
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.told import ToldModel


def said(text: str, at: float = 1, *, service: str = "triage", agent: bool = False, cut: bool = False) -> Any:
    role = Role.AGENT if agent else Role.CALLER
    return make_turn(text, role=role, spoken_at=START + at, service=service, was_interrupted=cut)


@asynccontextmanager
async def resumed(desk: PaperDesk, service: str = "triage") -> AsyncIterator[PaperDesk]:
    """The successor has said what it says by itself."""
    await desk.seized(service)
    as_desk: Any = desk
    await resuming.resume(as_desk, 2, AWAITED)
    await everything_ran()
    yield desk
    desk.cast.checkpoint.let_go()
    await desk.cast.session.aclose()


def spoken_by_brain(desk: PaperDesk) -> list[str]:
    return [turn.text for turn in desk.cast.checkpoint.call.turns[len(desk.first.turns) :]]


# --- what follows the apology -----------------------------------------------------------------------------------------
@without_waiting
async def test_a_caller_s_last_words_are_answered(tmp_path: Path) -> None:
    call = make_call(turns=(said(GREETING, agent=True), said("I was charged twice.", 2)))
    async with resumed(PaperDesk(tmp_path, ToldModel("Let me see."), call)) as desk:
        assert desk.heard == [APOLOGY]
        assert [(mark.kind, mark.service) for mark in desk.cast.checkpoint.call.marks] == [("recovery", "triage")]
        assert spoken_by_brain(desk) == ["Let me see."]
        assert [m.text_content for m in desk.brain.asked[0].messages() if m.role == "user"] == ["I was charged twice."]


@without_waiting
async def test_a_question_that_nobody_answered_yet_is_asked_again_and_the_brain_does_not_think(tmp_path: Path) -> None:
    asked = said("Thank you, Sarah. I can see the charge. Would you like me to refund it?", agent=True)
    async with resumed(PaperDesk(tmp_path, ToldModel(), make_call(turns=(asked,)))) as desk:
        assert desk.heard == [APOLOGY, "Would you like me to refund it?"]
        assert spoken_by_brain(desk) == []  # the record has the question once
        assert [m.text_content for m in desk.cast.agent.chat_ctx.messages() if m.role == "assistant"] == [asked.text]


@without_waiting
async def test_who_was_with_a_human_is_told_that_the_human_is_gone_and_the_brain_knows_it(tmp_path: Path) -> None:
    call = make_call(
        turns=(said(GREETING, agent=True), said("I want a manager.", 2), said("Anna is here.", 3, agent=True))
    )
    lost = "I'm sorry, my colleague's line was cut off. I'm still here with you. How can I help you now?"
    async with resumed(PaperDesk(tmp_path, ToldModel(), call), "human") as desk:
        assert desk.heard == [APOLOGY, lost]
        assert spoken_by_brain(desk) == [lost]
        assert desk.cast.agent.chat_ctx.messages()[-1].text_content == lost


@without_waiting
async def test_that_a_human_is_gone_is_told_once(tmp_path: Path) -> None:
    lost = said(
        "I'm sorry, my colleague's line was cut off. I'm still here with you. How can I help you now?", agent=True
    )
    call = make_call(turns=(lost, said("Is my refund on its way?", 2)))
    async with resumed(PaperDesk(tmp_path, ToldModel("It is."), call), "human") as desk:
        assert desk.heard == [APOLOGY]
        assert spoken_by_brain(desk) == ["It is."]


@without_waiting
async def test_when_nobody_has_said_anything_the_caller_is_greeted(tmp_path: Path) -> None:
    async with resumed(PaperDesk(tmp_path, ToldModel(), make_call(turns=()))) as desk:
        assert desk.heard == [APOLOGY, GREETING]
        assert spoken_by_brain(desk) == [GREETING]


@without_waiting
async def test_a_sentence_that_was_cut_off_is_the_brain_s_to_say_anew(tmp_path: Path) -> None:
    cut = said("I can see the charge. Would you", agent=True, cut=True)
    async with resumed(PaperDesk(tmp_path, ToldModel("Would you like a refund?"), make_call(turns=(cut,)))) as desk:
        assert desk.heard == [APOLOGY]
        assert spoken_by_brain(desk) == ["Would you like a refund?"]


@without_waiting
async def test_what_a_tool_has_answered_and_nobody_has_told_is_told(tmp_path: Path) -> None:
    turns = (said(GREETING, agent=True), said("I was charged twice.", 2))
    nobody = "Nobody took the call: billing at_capacity."
    done = ToolUse("transfer_call", '{"service": "billing"}', nobody, False, START + 3)
    call = make_call(turns=turns, tool_uses=(done,))
    async with resumed(PaperDesk(tmp_path, ToldModel("I'm sorry, billing is busy."), call)) as desk:
        assert spoken_by_brain(desk) == ["I'm sorry, billing is busy."]
        assert [item.output for item in desk.brain.asked[0].items if item.type == "function_call_output"] == [nobody]


@without_waiting
async def test_what_was_answered_after_the_question_comes_before_the_question(tmp_path: Path) -> None:
    """The question was asked over a tool that has answered since: asking again would be asking for nothing."""
    late = ToolUse("get_status", "{}", '{"status": "paid"}', False, START + 3)
    asked = said("Shall I look at your payment?", agent=True)
    call = make_call(turns=(asked,), tool_uses=(late,))
    async with resumed(PaperDesk(tmp_path, ToldModel("It is paid."), call)) as desk:
        assert desk.heard == [APOLOGY]
        assert spoken_by_brain(desk) == ["It is paid."]


@without_waiting
async def test_where_another_service_s_agent_was_lost_the_caller_is_taken_over_as_after_a_handoff(
    tmp_path: Path,
) -> None:
    turns = (said("Would you like me to refund it?", agent=True, service="billing"),)
    use = ToolUse("check_refund", "{}", "{}", False, START)
    call = make_call(turns=turns, services=("billing",), tool_uses=(use,), intent=make_intent())
    async with resumed(PaperDesk(tmp_path, ToldModel(), call), "billing") as desk:
        assert desk.heard == [APOLOGY, "Hi, this is the front desk."]
        assert desk.cast.checkpoint.call.tool_uses == ()
        assert desk.cast.agent.known() == {}  # triage may not be told an account


@without_waiting
async def test_our_own_facts_are_told_whatever_others_may_receive(tmp_path: Path) -> None:
    heard = (make_fact(service="triage"), make_fact("invoice_number", "IN-1", service="billing"))
    call = make_call(turns=(said("It's A C 4 7 2 1.", 2),), facts=heard)
    async with resumed(PaperDesk(tmp_path, ToldModel("Thanks."), call)) as desk:
        assert "facts: account_id: AC4721\n" in desk.cast.agent.instructions
        assert desk.cast.agent.known() == {"account_id": "AC4721"}


# --- the floor --------------------------------------------------------------------------------------------------------
@without_waiting
async def test_from_its_first_frame_on_the_successor_renews_and_its_attempts_are_forgotten(tmp_path: Path) -> None:
    async with resumed(PaperDesk(tmp_path, ToldModel(), make_call(turns=()))) as desk:
        desk.clock.advance(2)  # past the renewed lease of a second, well within the seized one of four
        (overdue,) = await desk.store.overdue()
        assert (overdue.agent_id, overdue.attempts) == (ME, 0)


@pytest.mark.parametrize("epoch", [1, 3])
@without_waiting
async def test_a_successor_of_another_epoch_says_nothing(tmp_path: Path, epoch: int) -> None:
    desk: Any = PaperDesk(tmp_path, ToldModel(), make_call(turns=()))
    await desk.seized()
    await resuming.resume(desk, epoch, AWAITED)
    assert (desk.heard, desk.left) == ([], ["not wanted"])


@without_waiting
async def test_a_successor_whose_floor_was_seized_once_more_says_nothing(tmp_path: Path) -> None:
    desk: Any = PaperDesk(tmp_path, ToldModel(), make_call(turns=()))
    await desk.seized()
    desk.clock.advance(5)
    await desk.store.seize_floor("call-1", epoch=2, service="triage", agent_id="triage-r3-def", lease_seconds=4)
    await resuming.resume(desk, 2, AWAITED)
    assert (desk.heard, desk.left) == ([], ["not wanted"])


@without_waiting
async def test_without_a_caller_nothing_is_said_and_nothing_renewed(tmp_path: Path) -> None:
    desk: Any = PaperDesk(tmp_path, ToldModel(), make_call(turns=()))
    await desk.seized()
    desk.room.remote_participants.clear()
    await resuming.resume(desk, 2, AWAITED)
    assert (desk.heard, desk.left) == ([], ["no caller"])
    desk.clock.advance(5)
    assert [overdue.attempts for overdue in await desk.store.overdue()] == [1]
    await desk.cast.session.aclose()


@without_waiting
async def test_whoever_was_overtaken_is_put_out_before_the_successor_s_first_word(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call(turns=()))
    desk.agent_joins("triage-1")
    desk.agent_joins("billing-h1")
    removed = desk.ctx.api.room.remove_participant

    async def remove(who: api.RoomParticipantIdentity) -> None:
        assert desk.heard == [], "before the first word"
        await removed(who)

    desk.ctx.api.room.remove_participant = remove
    async with resumed(desk):
        assert sorted(desk.put_out) == ["billing-h1", "triage-1"]
        assert desk.heard[0] == APOLOGY


@without_waiting
async def test_who_is_overtaken_on_its_way_puts_nobody_out_and_says_nothing(tmp_path: Path) -> None:
    desk: Any = PaperDesk(tmp_path, ToldModel(), make_call(turns=()))
    await desk.seized()
    seat = desk.seat

    async def overtaken(*given: Any, **named: Any) -> Any:
        cast = await seat(*given, **named)
        desk.clock.advance(5)
        await desk.store.seize_floor("call-1", epoch=2, service="triage", agent_id="triage-r3-def", lease_seconds=4)
        desk.agent_joins("triage-r3-def")
        return cast

    desk.seat = overtaken
    await resuming.resume(desk, 2, AWAITED)
    assert (desk.put_out, desk.heard, desk.left) == ([], [], ["floor lost"])
    await desk.cast.session.aclose()


@without_waiting
async def test_of_two_jobs_that_come_for_one_successor_one_speaks_and_the_other_leaves_without_a_sound(
    tmp_path: Path,
) -> None:
    desks: list[Any] = []
    for home in (tmp_path / "1", tmp_path / "2"):
        home.mkdir()
        desks.append(PaperDesk(home, ToldModel(), make_call(turns=())))
    first, second = desks
    await first.seized()
    second.store, second.clock, second.me = first.store, first.clock, f"{AWAITED}-AJ_2"
    await asyncio.gather(*(resuming.resume(desk, 2, AWAITED) for desk in desks))
    await everything_ran()
    (winner, loser) = (first, second) if first.heard else (second, first)
    assert winner.heard[0] == APOLOGY
    assert (loser.heard, loser.left, loser.put_out) == ([], ["floor lost"], [])
    floor = await first.store.load_floor("call-1")
    assert (floor.agent_id, floor.epoch) == (winner.me, 2)
    winner.cast.checkpoint.let_go()
    for desk in desks:
        await desk.cast.session.aclose()


@without_waiting
async def test_between_the_look_at_the_call_and_the_first_word_the_store_is_asked_for_the_claim_alone(
    tmp_path: Path,
) -> None:
    """Each question is time in which the caller hears nobody."""
    desk: Any = PaperDesk(tmp_path, ToldModel(), make_call(turns=()))
    desk.store = OutageStore(now=desk.clock)
    await desk.seized()
    desk.store.asked.clear()
    await resuming.resume(desk, 2, AWAITED)
    # The lease is renewed when the first frame has played.
    assert desk.store.asked[:5] == ["load_call", "load_floor", "now", "claim_floor", "renew_floor"]
    desk.cast.checkpoint.let_go()
    await desk.cast.session.aclose()


@pytest.mark.parametrize(
    ("failure", "left"),
    [
        (api.TwirpError(api.TwirpErrorCode.NOT_FOUND, "gone already", status=404), []),
        (api.TwirpError(api.TwirpErrorCode.UNAVAILABLE, "no", status=503), ["floor lost"]),
        (TimeoutError(), ["floor lost"]),
    ],
    ids=["gone already", "refused", "no answer"],
)
@without_waiting
async def test_only_beside_nobody_does_a_successor_speak(tmp_path: Path, failure: Exception, left: list[str]) -> None:
    desk: Any = PaperDesk(tmp_path, ToldModel(), make_call(turns=()))
    desk.agent_joins("triage-1")
    desk.removal_fails = failure
    await desk.seized()
    await resuming.resume(desk, 2, AWAITED)
    await everything_ran()
    assert desk.left == left
    assert (desk.heard == []) is bool(left)
    desk.cast.checkpoint.let_go()
    await desk.cast.session.aclose()


@without_waiting
async def test_a_successor_that_is_never_heard_leaves_and_does_not_renew(tmp_path: Path) -> None:
    class DumbGate:
        def on(self, event: str, listener: Any) -> None: ...

    desk: Any = PaperDesk(tmp_path, ToldModel(), make_call(turns=()))
    await desk.seized()
    seat = desk.seat

    async def seat_the_dumb(*given: Any, **named: Any) -> Any:
        cast = await seat(*given, **named)
        cast.gate = DumbGate()
        return cast

    desk.seat = seat_the_dumb
    await resuming.resume(desk, 2, AWAITED)
    assert desk.left == ["never heard"]
    desk.clock.advance(5)
    assert [overdue.attempts for overdue in await desk.store.overdue()] == [1]
    await desk.cast.session.aclose()


def test_the_paper_playbook_is_one(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call())
    assert playbook.load(desk.service.folder / "playbook.yaml").service == "triage"
