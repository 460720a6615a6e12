"""The taker believes the giver's word, verifies it in the store, and believes nobody else."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from handoff.errors import StoreUnavailable
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.testing import make_call, make_handoff, memory_store
from livekit import rtc
from worker.handover.floor_word import FLOOR_METHOD, FloorWord
from worker.testing.jumping_time import without_waiting

AGENT, CALLER = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT, rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD


class Room:
    """A room that keeps the method that was registered, and lets a test call it."""

    def __init__(self) -> None:
        self.remote_participants = {"triage-1": SimpleNamespace(kind=AGENT), "caller-1": SimpleNamespace(kind=CALLER)}
        self.methods: dict[str, Any] = {}
        self.local_participant = SimpleNamespace(register_rpc_method=self.methods.__setitem__)

    async def tell(self, *, sender: str, epoch: int) -> str:
        answer: str = await self.methods[FLOOR_METHOD](
            SimpleNamespace(caller_identity=sender, payload=json.dumps({"epoch": epoch}))
        )
        return answer


async def ready() -> tuple[MemoryStore, Room, FloorWord]:
    store, room = memory_store(), Room()
    await store.open_call(make_call())
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=30)
    handoff = await store.offer(make_handoff())
    for state in (State.ACCEPTED, State.DISPATCHED):
        await store.move("handoff-1", state)
    word = FloorWord(room, store, handoff.context, service="billing", agent_id="billing-1")  # type: ignore[arg-type]
    await store.move("handoff-1", State.READY, taker_id="billing-1")
    return store, room, word


async def test_the_giver_s_word_brings_the_floor_that_the_store_confirms() -> None:
    store, room, word = await ready()
    waiting = asyncio.create_task(word.wait())
    floor = await store.pass_floor("handoff-1", epoch=1, lease_seconds=30)
    assert await room.tell(sender="triage-1", epoch=floor.epoch) == "taken"
    assert await waiting == floor


async def test_when_the_word_is_lost_the_store_s_is_enough() -> None:
    store, _, word = await ready()
    waiting = asyncio.create_task(word.wait())
    floor = await store.pass_floor("handoff-1", epoch=1, lease_seconds=30)
    assert await waiting == floor


async def test_a_word_that_the_store_does_not_confirm_brings_nothing() -> None:
    _, room, word = await ready()
    await room.tell(sender="triage-1", epoch=2)
    assert await word.wait() is None


@pytest.mark.parametrize("sender", ["caller-1", "stranger"])
async def test_nobody_but_an_agent_in_the_room_can_pass_the_floor(sender: str) -> None:
    _, room, _ = await ready()
    with pytest.raises(rtc.RpcError, match="only the giver"):
        await room.tell(sender=sender, epoch=2)


async def test_a_withdrawn_handoff_ends_the_waiting() -> None:
    store, _, word = await ready()
    waiting = asyncio.create_task(word.wait())
    await store.move("handoff-1", State.WITHDRAWN, reason="expired")
    assert await waiting is None


@without_waiting
async def test_when_the_store_goes_away_while_it_is_waited_for_the_word_still_counts() -> None:
    store, room, word = await ready()
    floor = await store.pass_floor("handoff-1", epoch=1, lease_seconds=30)

    async def away(*_: object) -> Any:
        raise StoreUnavailable("Redis did not answer")

    async def breaks(*_: object) -> Any:
        raise StoreUnavailable("Redis did not answer")
        yield

    store.watch, store.load_floor = breaks, away  # type: ignore[method-assign, assignment]
    waiting = asyncio.create_task(word.wait())
    await asyncio.sleep(0.02)
    await room.tell(sender="triage-1", epoch=floor.epoch)
    taken = await waiting
    assert taken is not None
    assert (taken.agent_id, taken.epoch) == ("billing-1", 2)


@without_waiting
async def test_a_word_that_never_comes_is_not_waited_for_for_ever() -> None:
    store, _, word = await ready()

    async def breaks(*_: object) -> Any:
        raise StoreUnavailable("Redis did not answer")
        yield

    store.watch = breaks  # type: ignore[method-assign, assignment]
    assert await word.wait() is None
