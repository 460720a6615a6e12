"""The made-up rooms tell when two are heard at once, and a dead process does nothing more."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from handoff.testing import make_call, memory_store
from worker.recovery.rooms import Rooms

from local.chaos.soundless.faults import KINDS
from local.chaos.soundless.livekit import LiveKit
from local.chaos.soundless.mortal import Life, Mortal
from local.chaos.soundless.rooms import Agent, Room
from local.chaos.soundless.run import never_struck, too_few_struck


def a_room() -> tuple[Room, Agent, Agent]:
    room = Room("call-1", ("billing", "sales"))
    triage, billing = Agent("triage-1", Life()), Agent("billing-1", Life())
    room.enter(triage)
    room.enter(billing)
    return room, triage, billing


def test_two_agents_who_speak_at_once_are_noticed() -> None:
    room, _, _ = a_room()
    room.says("triage-1", True)
    assert room.doubles == []
    room.says("billing-1", True)
    assert room.doubles == [("triage-1", "billing-1")]


def test_a_dead_a_frozen_and_an_evicted_agent_are_not_heard() -> None:
    room, triage, _ = a_room()
    room.says("triage-1", True)
    triage.life.die()
    room.says("billing-1", True)
    assert room.doubles == []
    room.leave("billing-1")
    room.says("billing-1", True)
    assert room.wishes == ["sales"], "billing was heard once, before"


def test_a_frozen_agent_that_is_thawed_in_the_middle_of_its_sentence_is_heard_again() -> None:
    room, triage, _ = a_room()
    room.says("triage-1", True)
    triage.life.freeze()
    room.says("billing-1", True)
    assert room.doubles == []
    triage.life.thaw()
    room.listen()
    assert room.doubles == [("triage-1", "billing-1")]


def test_a_wish_is_fulfilled_by_the_voice_of_its_service() -> None:
    room, _, _ = a_room()
    room.says("triage-1", True)
    assert room.wishes == ["billing", "sales"]
    room.says("triage-1", False)
    room.says("billing-1", True)
    assert room.wishes == ["sales"]


async def test_nothing_of_a_dead_process_reaches_the_store_not_even_its_cleanup() -> None:
    store, life = memory_store(), Life()
    mortal = Mortal(store, life)
    await mortal.open_call(make_call("call-1"))
    life.die()
    with pytest.raises(asyncio.CancelledError):
        await mortal.open_call(make_call("call-2"))
    assert await store.load_call("call-1") is not None
    assert await store.load_call("call-2") is None


async def test_a_frozen_process_goes_on_where_it_was_when_it_is_thawed() -> None:
    store, life = memory_store(), Life()
    life.freeze()
    opening = asyncio.ensure_future(Mortal(store, life).open_call(make_call("call-1")))
    await asyncio.sleep(0)
    assert await store.load_call("call-1") is None
    life.thaw()
    await opening
    assert await store.load_call("call-1") is not None


async def test_what_a_process_did_is_told() -> None:
    told: list[str] = []
    mortal = Mortal(memory_store(), Life(), told=lambda name, args, answer: told.append(f"{name} {answer.call_id}"))
    await mortal.open_call(make_call("call-1"))
    assert told == ["open_call call-1"]


def test_a_run_in_which_most_faults_missed_proves_nothing() -> None:
    assert too_few_struck(500, handoffs=10_000, every=10) == []
    assert too_few_struck(499, handoffs=10_000, every=10) == ["only 499 of 1000 faults struck"]
    assert too_few_struck(0, handoffs=9, every=10) == [], "none was planned"


def test_a_long_run_names_the_kinds_of_faults_that_it_never_tried() -> None:
    struck = {str(kind): 3 for kind in KINDS[1:]}
    assert never_struck(struck, handoffs=10_000, every=10) == [f"no fault of the kind '{KINDS[0]}' struck"]
    assert never_struck({}, handoffs=600, every=10) == [], "too short for that"


def test_the_made_up_livekit_does_all_that_a_main_process_asks_of_the_real_one() -> None:
    asked = {name for name, what in vars(Rooms).items() if inspect.iscoroutinefunction(what) and name[0] != "_"}
    made = {name for name, what in vars(LiveKit).items() if inspect.iscoroutinefunction(what)}
    assert asked - made == {"aclose", "tell"}, "the made-up jobs drain nothing, so nobody is told to"
