"""The soundless tier's parts: the pipe between processes, the made-up caller's ear, durations that can be added up, and what it says."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from handoff.lifecycle import State
from livekit import rtc

from bench.load.soundless.caller import Manners, wishes_of
from bench.load.soundless.ear import Ear
from bench.load.soundless.far import FarLiveKit, FarSeat
from bench.load.soundless.histogram import Histogram, of
from bench.load.soundless.hub import Hub, HubRoom
from bench.load.soundless.pipe import Pipe, PipeClosed, Refused
from bench.load.soundless.timed import Timed
from bench.load.soundless.worker_process import FarWorld
from local.chaos.soundless.livekit import LiveKit
from local.chaos.soundless.mortal import Life
from local.chaos.soundless.pace import Pace
from local.chaos.soundless.rooms import Agent


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


# --- the ear ------------------------------------------------------------------------------------------------------------
def an_ear() -> tuple[Ear, Clock, list[tuple[str, float]]]:
    clock, told = Clock(), list[tuple[str, float]]()
    return Ear(now=clock, told=lambda what, seconds: told.append((what, seconds))), clock, told


def test_an_answer_is_from_the_callers_word_to_a_voice() -> None:
    ear, clock, told = an_ear()
    ear.hears(("triage-1",))
    ear.hears(())
    clock.seconds += 10
    ear.asked_at = clock.seconds
    clock.seconds += 0.25
    ear.hears(("triage-1",))
    assert told == [("answers", 0.25)]


def test_a_gap_is_from_one_services_last_sound_to_the_next_ones_first() -> None:
    ear, clock, told = an_ear()
    ear.hears(("triage-1",))
    ear.hears(())
    clock.seconds += 0.125
    ear.hears(("billing-2",))
    assert told == [("gaps", 0.125)]
    assert ear.speaker == "billing-2"


def test_a_silence_after_a_strike_is_neither_an_answer_nor_a_gap() -> None:
    ear, clock, told = an_ear()
    ear.hears(("billing-1",))
    ear.asked_at = clock.seconds
    ear.struck(was_last=True)
    ear.hears(())
    clock.seconds += 1.5
    ear.hears(("triage-9",))
    assert told == [("silences", 1.5)]
    assert ear.was_struck


def test_the_death_of_one_of_two_agents_is_no_silence() -> None:
    ear, clock, told = an_ear()
    ear.hears(("billing-1",))
    ear.struck(was_last=False)
    clock.seconds += 1.5
    ear.hears(())
    ear.hears(("billing-1",))
    assert told == []


async def test_a_caller_waits_for_a_voice_and_no_longer_than_he_likes() -> None:
    ear = Ear()
    waiting = asyncio.ensure_future(ear.until(True, 5.0))
    await asyncio.sleep(0)
    ear.hears(("triage-1",))
    assert await waiting
    assert not await ear.until(False, 0.0)


# --- histograms ---------------------------------------------------------------------------------------------------------
def test_percentiles_are_near_what_was_added_and_the_ends_are_exact() -> None:
    spread = of(range(1, 1001)).spread()
    assert (spread["n"], spread["min"], spread["max"]) == (1000, 1, 1000)
    assert spread["median"] == pytest.approx(500, rel=0.03)
    assert spread["p95"] == pytest.approx(950, rel=0.03)


def test_histograms_of_two_processes_add_up() -> None:
    whole = of(range(1, 50))
    whole.merge(of(range(50, 1001)).as_data())
    whole.merge(Histogram().as_data())
    assert whole.spread() == of(range(1, 1001)).spread()


def test_of_nothing_there_is_no_percentile() -> None:
    assert Histogram().spread() == {}


async def test_a_store_is_timed_by_question_and_answers_as_before() -> None:
    class Store:
        prefix = "voicemesh"

        async def now(self) -> float:
            return 7.0

        async def move(self) -> None:
            raise KeyError

    world = FarWorld(Pace())
    timed: Any = Timed(Store(), world.times)
    assert await timed.now() == 7.0
    assert timed.prefix == "voicemesh"
    with pytest.raises(KeyError):
        await timed.move()
    assert {name: times.spread()["n"] for name, times in world.times.items()} == {"now": 1, "move": 1}
    world.taken_stats()
    await timed.now()
    assert world.taken_stats()["store"]["now"]["counts"], "a new one after each look"


async def test_a_handoffs_steps_are_taken_from_the_takers_last_one() -> None:
    class Answer:
        moved_at = {State.OFFERED: 1.0, State.ACCEPTED: 1.05, State.DISPATCHED: 1.06, State.READY: 1.5, State.TAKEN: 2.0, State.SPOKEN: 2.01}  # fmt: skip  # noqa: RUF012

    world = FarWorld(Pace())
    world.stored("move", ("handoff-1", State.READY), Answer)
    world.stored("move", ("handoff-1", State.SPOKEN), Answer)
    told = world.taken_stats()
    assert told["moved"] == 1
    assert {name: data["most"] for name, data in told["steps"].items()} == pytest.approx(
        {"accepted": 50, "dispatched": 10, "ready": 440, "taken": 500, "spoken": 10}
    )


# --- the pipe, and the rooms at both of its ends --------------------------------------------------------------------------
async def test_questions_are_answered_refused_and_cut_off(tmp_path: Path) -> None:
    heard: list[int] = []

    async def double(number: int) -> int:
        if number < 0:
            raise Refused(42, "not below 0")
        return number * 2

    async def never() -> None:
        await asyncio.Event().wait()

    ends: list[Pipe] = []

    async def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(
            Pipe(
                reader,
                writer,
                asked={"double": double, "never": never},
                told={"news": lambda number: heard.append(number)},
            )
        )
        await ends[0].run()

    server = await asyncio.start_unix_server(came, tmp_path / "s")
    pipe = Pipe(*await asyncio.open_unix_connection(tmp_path / "s"), asked={}, told={})
    running = asyncio.ensure_future(pipe.run())
    pipe.tell("news", number=7)
    assert await pipe.ask("double", number=4) == 8
    assert heard == [7]
    with pytest.raises(Refused) as refused:
        await pipe.ask("double", number=-1)
    assert (refused.value.code, refused.value.message) == (42, "not below 0")
    waits = asyncio.ensure_future(pipe.ask("never"))
    await asyncio.sleep(0)
    server.close()
    ends[0]._writer.close()
    with pytest.raises(PipeClosed):
        await waits
    await running
    with pytest.raises(PipeClosed):
        await pipe.ask("double", number=1)


async def a_worker(hub: Hub, path: Path, service: str) -> FarLiveKit:
    """A worker's process, in this one."""
    kit = FarLiveKit()

    async def offered(room: str, wishes: list[str], attributes: dict[str, str]) -> bool:
        kit.known(room, wishes)
        return True

    async def rpc(room: str, identity: str, sender: str, method: str, payload: str) -> str:
        data = rtc.RpcInvocationData("1", sender, payload, 10.0)
        return await kit.rooms[room].agents[identity].methods[method](data)

    told: dict[str, Any] = {
        "state": lambda room, agents, wishes: kit.rooms[room].is_now(agents, wishes),
        "closed": lambda room: kit.closed(room),
        "put_out": lambda room, identity: kit.rooms[room].is_put_out(identity),
        "words": lambda room, identity, words: kit.rooms[room].hears(identity, words),
    }
    ends = await asyncio.open_unix_connection(path)
    kit.pipe = Pipe(*ends, asked={"offered": offered, "rpc": rpc}, told=told)
    kit.workers.append(asyncio.ensure_future(kit.pipe.run()))
    kit.pipe.tell("hello", service=service, name=f"{service}.1")
    while f"{service}.1" not in hub.workers:
        await asyncio.sleep(0)
    return kit


async def test_two_workers_agents_meet_in_a_room_of_the_hub_and_the_death_of_one_is_noticed(tmp_path: Path) -> None:
    async with Hub(tmp_path / "hub") as hub:
        triage, billing = [await a_worker(hub, tmp_path / "hub", service) for service in ("triage", "billing")]
        room = HubRoom("call-1", ("billing",))
        hub.livekit.rooms["call-1"] = room
        await hub.livekit.call_in("call-1", "triage", {})
        dispatch = await triage.call_in("call-1", "billing", {})
        while not await triage.is_answered("call-1", dispatch):
            await asyncio.sleep(0.001)
        giver, taker = Agent("triage-1", Life()), Agent("billing-1", Life())
        for kit, agent in ((triage, giver), (billing, taker)):
            kit.rooms["call-1"].enter(agent)

        async def answers(data: rtc.RpcInvocationData) -> str:
            return f"{data.caller_identity} said {data.payload}"

        FarSeat(billing.rooms["call-1"], taker).register_rpc_method("floor", answers)
        seat = FarSeat(triage.rooms["call-1"], giver)
        while "billing-1" not in seat.remote_participants or not room.agents["billing-1"].methods:
            await asyncio.sleep(0)
        word = {"destination_identity": "billing-1", "payload": "yours"}
        assert await seat.perform_rpc(method="floor", **word) == "triage-1 said yours"
        with pytest.raises(rtc.RpcError):
            await seat.perform_rpc(method="nothing", **word)

        billing.rooms["call-1"].says("billing-1", True)
        while room.wishes:
            await asyncio.sleep(0)
        assert room.ear.speaker == "billing-1", "heard, and his wish is fulfilled"
        assert (await triage.present("call-1")).agents == ("triage-1", "billing-1")

        billing.workers[0].cancel()
        while "billing.1" in hub.workers:
            await asyncio.sleep(0)
        assert not room.ear.is_spoken_to
        assert room.ear.was_struck
        assert (await triage.present("call-1")).agents == ("triage-1", "billing-1"), "who died is listed for a while"

        await triage.close("call-1")
        while "call-1" in triage.rooms:
            await asyncio.sleep(0)
        triage.workers[0].cancel()


def test_a_worker_asks_the_hub_all_that_it_asks_of_the_made_up_livekit() -> None:
    public = {name for name, what in vars(LiveKit).items() if asyncio.iscoroutinefunction(what) and name[0] != "_"}
    assert public <= set(vars(FarLiveKit))


# --- the callers ----------------------------------------------------------------------------------------------------------
def test_a_callers_wishes_are_his_kinds_and_some_have_a_second_one() -> None:
    chance = random.Random(1)
    assert wishes_of("other", Manners(second_percent=100), chance) == ()
    assert wishes_of("billing", Manners(second_percent=0), chance) == ("billing",)
    first, second = wishes_of("sales", Manners(second_percent=100), chance)
    assert first == "sales"
    assert second in ("billing", "technical")
