"""A human's telephone, as the switchboard has it: his keys, what he is told, and whether he hung up or was cut off."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import rtc
from worker.humans.dialling import COLLEAGUE
from worker.humans.earpiece import Earpiece
from worker.testing.jumping_time import everything_ran, without_waiting

HUNG_UP, NO_SOUND, BUSY = "hangup", "active", "dialing"
"""What the telephone's attribute says when it leaves the room. LiveKit's reason is the same each time."""


class Frame(str):
    """A second of sound: a word."""

    duration = 1.0


class Source:
    """As livekit-rtc's: it refuses a frame while another one is half given."""

    def __init__(self, rate: int, channels: int) -> None:
        self.said: list[str] = []
        self.dropped = 0
        self._is_taking = False

    async def capture_frame(self, frame: str) -> None:
        assert not self._is_taking, "InvalidState"
        self._is_taking = True
        await asyncio.sleep(0.01)
        self._is_taking = False
        self.said.append(frame)

    async def wait_for_playout(self) -> None: ...

    def clear_queue(self) -> None:
        self.dropped += 1

    async def aclose(self) -> None: ...


class Room:
    """The consultation."""

    def __init__(self) -> None:
        self.remote_participants: dict[str, Any] = {}
        self.local_participant = self
        self.subscribed = asyncio.Event()
        self._listeners: dict[str, Any] = {}

    def on(self, event: str, listener: Any) -> None:
        self._listeners[event] = listener

    async def publish_track(self, track: Any, options: Any) -> Any:
        return SimpleNamespace(wait_for_subscription=self.subscribed.wait)

    def comes(self) -> None:
        self.remote_participants[COLLEAGUE] = SimpleNamespace(identity=COLLEAGUE)
        self.subscribed.set()

    def leaves(self, status: str, identity: str = COLLEAGUE) -> None:
        self.remote_participants.pop(identity, None)
        who = SimpleNamespace(identity=identity, attributes={"sip.callStatus": status})
        self._listeners["participant_disconnected"](who)

    def is_gone(self) -> None:
        self._listeners["disconnected"](None)

    def presses(self, digit: str) -> None:
        self._listeners["sip_dtmf_received"](SimpleNamespace(digit=digit))


@pytest.fixture
def room_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(rtc, "AudioSource", Source)
    monkeypatch.setattr(rtc, "LocalAudioTrack", SimpleNamespace(create_audio_track=lambda name, source: source))
    return Room


async def on_the_line(room: Any) -> Earpiece:
    earpiece = Earpiece(room, 24_000)
    await earpiece.open()
    room.comes()
    await earpiece.answered()
    return earpiece


@without_waiting
async def test_keys_come_in_their_order(room_of: Any) -> None:
    room = room_of()
    earpiece = await on_the_line(room)
    for digit in "1#9":
        room.presses(digit)
    assert [earpiece.keys.get_nowait() for _ in range(3)] == ["1", "#", "9"]


@without_waiting
async def test_a_sentence_that_is_cut_short_is_not_said_on(room_of: Any) -> None:
    earpiece: Any = await on_the_line(room_of())
    saying = asyncio.ensure_future(earpiece.say([Frame("one"), Frame("two"), Frame("three")]))
    await asyncio.sleep(0.3)
    saying.cancel()
    await asyncio.gather(saying, return_exceptions=True)
    assert (earpiece._source.said, earpiece._source.dropped) == (["one"], 1)


@without_waiting
async def test_a_sentence_that_is_cut_short_in_the_middle_of_a_frame_does_not_cost_the_next_one(room_of: Any) -> None:
    earpiece: Any = await on_the_line(room_of())
    saying = asyncio.ensure_future(earpiece.say([Frame("one"), Frame("two")]))
    await asyncio.sleep(0.005)
    saying.cancel()
    await asyncio.gather(saying, return_exceptions=True)
    await earpiece.say([Frame("next")])
    assert earpiece._source.said[-1] == "next"


@pytest.mark.parametrize(("status", "hung_up"), [(HUNG_UP, True), (NO_SOUND, False)], ids=["a BYE", "no sound"])
@without_waiting
async def test_a_human_who_hung_up_is_told_from_a_line_that_was_cut(room_of: Any, status: str, hung_up: bool) -> None:
    room = room_of()
    earpiece = await on_the_line(room)
    room.leaves(status)
    room.is_gone()
    assert await earpiece.gone is hung_up


@without_waiting
async def test_a_room_that_is_gone_is_a_line_that_was_cut(room_of: Any) -> None:
    room = room_of()
    earpiece = await on_the_line(room)
    room.is_gone()
    assert await earpiece.gone is False


@without_waiting
async def test_a_telephone_that_was_never_answered_has_not_hung_up(room_of: Any) -> None:
    room = room_of()
    earpiece = Earpiece(room, 24_000)
    await earpiece.open()
    room.leaves(BUSY)
    assert not earpiece.gone.done(), "whoever calls it is told why"


@without_waiting
async def test_a_human_who_answers_and_hangs_up_in_one_is_gone(room_of: Any) -> None:
    room = room_of()
    earpiece = Earpiece(room, 24_000)
    await earpiece.open()
    room.leaves(HUNG_UP)
    answered = asyncio.ensure_future(earpiece.answered())
    await everything_ran()
    assert earpiece.gone.result() is True
    await answered, "and is not waited for longer than a moment"


@without_waiting
async def test_somebody_else_who_leaves_is_not_he(room_of: Any) -> None:
    room = room_of()
    earpiece = await on_the_line(room)
    room.leaves(HUNG_UP, identity="a spy")
    assert not earpiece.gone.done()
