"""A job that LiveKit cannot be reached from says so after a while; a blip, or a loss of the signalling alone, is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import rtc
from livekit.rtc._proto import stats_pb2
from worker.job.cut_off import CUT_OFF_SECONDS, CutOff
from worker.testing.jumping_time import everything_ran, without_waiting

CONNECTED = rtc.ConnectionState.CONN_CONNECTED
LOST = rtc.ConnectionState.CONN_RECONNECTING
OUT = rtc.ConnectionState.CONN_DISCONNECTED


class Room:
    """A room whose connection comes and goes; ``sound`` is what still arrives in a second, in bytes."""

    name = "call-1"

    def __init__(self) -> None:
        self.sound = 0
        self.fails: Exception | None = None
        self.hangs = False
        self.cut_off_at: list[float] = []
        self._changed: Callable[[Any], None] = lambda state: None
        room: Any = self
        CutOff(room, lambda: self.cut_off_at.append(asyncio.get_running_loop().time()))

    def on(self, event: str, listener: Callable[[Any], None]) -> None:
        assert event == "connection_state_changed"
        self._changed = listener

    async def becomes(self, state: Any, *, for_seconds: float = 0.0) -> None:
        self._changed(state)
        await everything_ran()
        await asyncio.sleep(for_seconds)

    async def get_rtc_stats(self) -> Any:
        if self.fails is not None:
            raise self.fails
        if self.hangs:
            await asyncio.Event().wait()
        transport, pair = stats_pb2.RtcStats(), stats_pb2.RtcStats()
        transport.transport.transport.bytes_received = int(1000 + self.sound * asyncio.get_running_loop().time())
        pair.candidate_pair.candidate_pair.bytes_received = 7
        return SimpleNamespace(publisher_stats=[pair], subscriber_stats=[transport])


@without_waiting
async def test_a_job_without_signalling_and_without_sound_is_cut_off() -> None:
    room = Room()
    await room.becomes(LOST, for_seconds=60)
    assert room.cut_off_at == [CUT_OFF_SECONDS], "once"


@without_waiting
async def test_blips_are_not_added_up() -> None:
    room = Room()
    for _ in range(5):
        await room.becomes(LOST, for_seconds=CUT_OFF_SECONDS - 0.5)
        await room.becomes(CONNECTED, for_seconds=1)
    await asyncio.sleep(60)
    assert room.cut_off_at == []


@without_waiting
async def test_while_the_sound_goes_on_nobody_is_cut_off_and_then_he_is() -> None:
    room = Room()
    room.sound = 4000
    await room.becomes(LOST, for_seconds=30)
    assert room.cut_off_at == []
    room.sound = 0
    await asyncio.sleep(2 * CUT_OFF_SECONDS)
    assert len(room.cut_off_at) == 1


@without_waiting
async def test_whoever_is_out_of_the_room_for_good_is_told_so_by_the_session() -> None:
    room = Room()
    await room.becomes(LOST, for_seconds=1)
    await room.becomes(OUT, for_seconds=60)
    assert room.cut_off_at == []


@pytest.mark.parametrize("how", ["fails", "hangs"])
@without_waiting
async def test_a_connection_that_tells_nothing_is_taken_for_lost(how: str) -> None:
    room = Room()
    room.fails, room.hangs = (RuntimeError("closed") if how == "fails" else None), how == "hangs"
    await room.becomes(LOST, for_seconds=60)
    assert len(room.cut_off_at) == 1
    assert room.cut_off_at[0] <= CUT_OFF_SECONDS + 2
