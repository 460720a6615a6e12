"""The sound between a human's telephone and the caller's room: none of it before its time, and who leaves is missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import api, rtc
from worker.humans import bridge as bridges
from worker.humans.bridge import Bridge
from worker.humans.dialling import COLLEAGUE, NotReached
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.text_call import make_settings

AUDIO = rtc.TrackKind.KIND_AUDIO
PHONE = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
BROWSER = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


class Track:
    """A voice: ``says`` is heard by whoever streams it."""

    kind = AUDIO

    def __init__(self) -> None:
        self.frames: asyncio.Queue[str] = asyncio.Queue()

    def says(self, word: str) -> None:
        self.frames.put_nowait(word)


class Source:
    """What was said into one of our tracks."""

    def __init__(self, rate: int, channels: int, queue_size_ms: int) -> None:
        assert queue_size_ms == 0, "what waits in a queue is late for good"
        self.said: list[str] = []

    async def capture_frame(self, frame: str) -> None:
        self.said.append(frame)

    async def aclose(self) -> None: ...


class Stream:
    def __init__(self, track: Track, **_: Any) -> None:
        self._track = track

    async def __aiter__(self) -> AsyncIterator[Any]:
        while True:
            yield SimpleNamespace(frame=await self._track.frames.get())

    async def aclose(self) -> None: ...


class Room:
    """A room of LiveKit's, seen from one of its participants."""

    def __init__(self) -> None:
        self.remote_participants: dict[str, Any] = {}
        self.local_participant = self
        self.published: dict[str, Source] = {}
        self.token = ""
        self.refuses: Exception | None = None
        self._listeners: dict[str, list[Any]] = {}

    def on(self, event: str, listener: Any) -> None:
        self._listeners.setdefault(event, []).append(listener)

    def tells(self, event: str, *told: Any) -> None:
        for listener in self._listeners.get(event, []):
            listener(*told)

    async def connect(self, url: str, token: str) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.token = token

    async def publish_track(self, track: Any, options: Any) -> Any:
        name, source = track
        self.published[name] = source
        return SimpleNamespace(sid=name, wait_for_subscription=everything_ran)

    async def unpublish_track(self, sid: str) -> None: ...

    async def disconnect(self) -> None:
        self.tells("disconnected", None)

    # --- who comes and goes ---
    def joins(self, identity: str, kind: int, track: Track | None = None) -> None:
        publications = {"t": SimpleNamespace(track=track)} if track else {}
        who = SimpleNamespace(identity=identity, kind=kind, track_publications=publications)
        self.remote_participants[identity] = who
        if track is not None:
            self.tells("track_subscribed", track, None, who)

    def leaves(self, identity: str) -> None:
        self.tells("participant_disconnected", self.remote_participants.pop(identity))


class Stage:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(rtc, "Room", Room)
        patch.setattr(rtc, "AudioSource", Source)
        patch.setattr(rtc, "AudioStream", Stream)
        patch.setattr(rtc, "LocalAudioTrack", SimpleNamespace(create_audio_track=lambda name, source: (name, source)))
        patch.setattr(bridges, "CutOff", lambda room, then: None)
        self.consultation: Any = Room()
        self.told: list[str] = []
        self.closed: list[str] = []
        self.anna = Track()
        self.consultation.joins(COLLEAGUE, PHONE, self.anna)
        livekit: Any = SimpleNamespace(room=self)
        self.bridge = Bridge(
            self.consultation,
            livekit,
            make_settings(),
            call_id="call-1",
            human_id="human-1",
            on_caller_left=lambda: self.told.append("caller left"),
            on_cut_off=lambda: self.told.append("cut off"),
        )
        self.room: Any = self.bridge.room

    async def delete_room(self, request: api.DeleteRoomRequest) -> None:
        self.closed.append(request.room)

    def heard_by_caller(self) -> list[str]:
        return list(self.room.published["human"].said)

    def heard_by_human(self, speaker: str) -> list[str]:
        return list(self.consultation.published[speaker].said)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda: Stage(monkeypatch)


@without_waiting
async def test_a_human_is_heard_from_the_floor_on_and_not_a_word_before(stage: Any) -> None:
    on = stage()
    on.anna.says("you have reached the voicemail of")
    await on.bridge.join("Anna")
    on.anna.says("is it recording")
    await everything_ran()
    assert on.heard_by_caller() == []
    on.bridge.open_microphone()
    on.anna.says("hello Sarah")
    await everything_ran()
    assert on.heard_by_caller() == ["hello Sarah"]
    on.bridge.shut_microphone()
    on.anna.says("what a day")
    await everything_ran()
    assert on.heard_by_caller() == ["hello Sarah"]


@without_waiting
async def test_a_human_hears_everybody_in_the_callers_room_and_only_once_he_is_in_it(stage: Any) -> None:
    on = stage()
    sarah, agent = Track(), Track()
    assert on.consultation.published == {}
    await on.bridge.join("Anna")
    on.room.joins("caller-1", BROWSER, sarah)
    on.room.joins("escalation-1", AGENT, agent)
    sarah.says("who is there")
    agent.says("Anna is here")
    await everything_ran()
    assert on.heard_by_human("caller-1") == ["who is there"]
    assert on.heard_by_human("escalation-1") == ["Anna is here"]


@without_waiting
async def test_a_human_is_one_of_ours_in_the_callers_room_under_his_name(stage: Any) -> None:
    on = stage()
    await on.bridge.join("Anna")
    claims = api.TokenVerifier("key", "s" * 32).verify(on.room.token)
    assert (claims.identity, claims.name, claims.kind) == ("human-1", "Anna", "agent")
    assert (claims.video.room, claims.video.can_publish_sources) == ("call-1", ["microphone"])


@without_waiting
async def test_a_room_that_cannot_be_entered_is_told(stage: Any) -> None:
    on = stage()
    on.room.refuses = rtc.ConnectError("no such room")
    with pytest.raises(NotReached, match="no_way_in"):
        await on.bridge.join("Anna")


# --- who leaves ---------------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_caller_who_hangs_his_telephone_up_is_missed_at_once(stage: Any) -> None:
    on = stage()
    await on.bridge.join("Anna")
    on.room.joins("sip_1", PHONE)
    on.room.leaves("sip_1")
    await everything_ran()
    assert on.told == ["caller left"]


@without_waiting
async def test_a_caller_whose_page_is_loaded_again_is_waited_for(stage: Any) -> None:
    on = stage()
    await on.bridge.join("Anna")
    on.room.joins("caller-1", BROWSER)
    on.room.leaves("caller-1")
    await asyncio.sleep(3)
    on.room.joins("caller-2", BROWSER)
    await asyncio.sleep(60)
    assert on.told == []
    on.room.leaves("caller-2")
    await asyncio.sleep(6)
    assert on.told == ["caller left"]


@without_waiting
async def test_an_agent_that_leaves_is_no_caller(stage: Any) -> None:
    on = stage()
    await on.bridge.join("Anna")
    on.room.joins("escalation-1", AGENT)
    on.room.leaves("escalation-1")
    await asyncio.sleep(60)
    assert on.told == []


@without_waiting
async def test_who_is_out_of_the_callers_room_is_cut_off(stage: Any) -> None:
    on = stage()
    await on.bridge.join("Anna")
    on.room.tells("disconnected", None)
    assert on.told == ["cut off"]


@without_waiting
async def test_a_room_that_livekit_closes_because_the_caller_has_left_it_is_no_cut(stage: Any) -> None:
    on = stage()
    await on.bridge.join("Anna")
    on.room.joins("caller-1", BROWSER)
    on.room.leaves("caller-1")
    await asyncio.sleep(3)
    on.room.tells("disconnected", None)
    assert on.told == ["caller left"]


@without_waiting
async def test_a_call_that_is_over_is_closed_for_everybody(stage: Any) -> None:
    on = stage()
    await on.bridge.close_call()
    assert on.closed == ["call-1"]
    await on.bridge.aclose()
