"""A job notices within seconds that nothing comes from LiveKit any more, and that something does again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from livekit.rtc._proto import stats_pb2
from worker.job.media_liveness import LOOK_SECONDS, QUIET_LOOKS, MediaLiveness
from worker.testing.jumping_time import without_waiting


class Room:
    """A room whose connection has been checked ``checks`` times, and brought ``packets``."""

    name = "call-1"

    def __init__(self) -> None:
        self.checks = self.packets = 0
        self.fault: Exception | None = None
        self.told: list[bool] = []
        room: Any = self
        self.liveness = MediaLiveness(room, self.told.append)

    async def get_rtc_stats(self) -> Any:
        if self.fault is not None:
            raise self.fault
        pair, transport = stats_pb2.RtcStats(), stats_pb2.RtcStats()
        pair.candidate_pair.candidate_pair.responses_received = self.checks
        pair.candidate_pair.candidate_pair.packets_received = self.packets
        transport.transport.transport.bytes_received = 7
        return SimpleNamespace(publisher_stats=[transport, pair], subscriber_stats=[])

    async def lives(self, seconds: int) -> None:
        """Nobody speaks; the connection is checked every other second."""
        for second in range(seconds):
            self.checks += second % 2
            await asyncio.sleep(LOOK_SECONDS)


@without_waiting
async def test_a_quiet_call_is_alive() -> None:
    room = Room()
    await room.lives(60)
    assert room.told == []
    room.liveness.stop()


@without_waiting
async def test_when_nothing_comes_that_is_told_once_and_when_something_comes_again() -> None:
    room = Room()
    await room.lives(4)
    await asyncio.sleep((QUIET_LOOKS - 1) * LOOK_SECONDS)
    assert room.told == [], "the checks are 2.5 s apart"
    await asyncio.sleep(60)
    assert room.told == [False]
    room.packets += 1
    await asyncio.sleep(2 * LOOK_SECONDS)
    assert room.told == [False, True]
    room.liveness.stop()


@without_waiting
async def test_who_is_not_connected_yet_is_not_out_of_reach() -> None:
    room = Room()
    await asyncio.sleep(60)
    assert room.told == []
    room.liveness.stop()


@pytest.mark.parametrize("fault", [RuntimeError("closed"), TimeoutError()])
@without_waiting
async def test_what_cannot_be_told_changes_nothing(fault: Exception) -> None:
    room = Room()
    await room.lives(4)
    room.fault = fault
    await asyncio.sleep(60)
    assert room.told == []
    room.liveness.stop()
