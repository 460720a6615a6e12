"""A switchboard on a real telephone line: real LiveKit, livekit/sip and SIP user agent; voices are tones, so that nobody has to
understand them. Left out are its process, its voice, and the agent that waits for it, whose steps are made here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from handoff.call import Call, Channel, Ending, Role, Turn
from handoff.context import build_context
from handoff.desk import DESK, ENTRY, new_human_id
from handoff.lifecycle import FINAL, State
from handoff.redis_store import RedisStore
from handoff.store import Handoff
from handoff.testing import make_intent
from livekit import api, rtc
from worker.humans.by_telephone import NUMBER
from worker.humans.put_through import put_through
from worker.recovery.rooms import consultation_of
from worker.settings import Phone
from worker.speech import clips
from worker.testing.text_call import make_settings, paper_service

from local.supervisor.mesh import Mesh
from tests.telephone.softphone import RATE, Softphone
from tests.telephone.stack import BRIDGE, make_trunk, needs_telephones
from tests.telephone.tones import heard_seconds, tone

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180), *needs_telephones]

ANNA = Phone("+15550100007", "Anna")
CALLERS_HZ, HUMANS_HZ, OPENING_HZ, BRIEFING_HZ, OTHER_HZ = 1000.0, 700.0, 300.0, 500.0, 1700.0
VOICE_RATE = 24_000
EAR_RATE = 16_000
HEARD = 1.0
"""Seconds of a tone after which it counts as heard."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """Redis, LiveKit, livekit/sip."""
    folder = tmp_path_factory.mktemp("telephones")
    async with Mesh(folder, services=(), without=("speech",), bridge=BRIDGE) as mesh:
        yield mesh


@pytest_asyncio.fixture(loop_scope="module")
async def livekit(mesh: Mesh) -> AsyncIterator[api.LiveKitAPI]:
    async with api.LiveKitAPI(mesh.livekit_url, mesh.livekit_api_key, mesh.livekit_api_secret) as livekit:
        yield livekit


@pytest_asyncio.fixture(loop_scope="module")
async def phone(mesh: Mesh, livekit: api.LiveKitAPI, tmp_path: Path) -> AsyncIterator[Softphone]:
    """Anna's, reached by the trunk; she says one tone all the time."""
    async with Softphone(tmp_path, mesh.settings.inherited) as phone:
        await make_trunk(livekit, phone.address)
        phone.says(tone(HUMANS_HZ, 2, RATE), again=True)
        yield phone


class Job:
    """The part of livekit-agents' JobContext that a switchboard uses."""

    def __init__(self, mesh: Mesh, livekit: api.LiveKitAPI, human_id: str) -> None:
        self.room, self.api, self.local_participant_identity = rtc.Room(), livekit, human_id
        self._url = mesh.livekit_url
        self._info = self
        self.token = access(mesh, consultation_of(human_id), human_id, kind="agent")
        self.is_over = asyncio.Event()

    async def connect(self, auto_subscribe: Any) -> None:
        await self.room.connect(self._url, self.token)

    def add_shutdown_callback(self, stop: Any) -> None: ...

    def shutdown(self, reason: str) -> None:
        self.is_over.set()


def access(mesh: Mesh, room: str, identity: str, *, kind: str = "standard") -> str:
    grants = api.VideoGrants(room_join=True, room=room)
    token = api.AccessToken(mesh.livekit_api_key, mesh.livekit_api_secret)
    return token.with_identity(identity).with_kind(kind).with_grants(grants).to_jwt()


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


class Line:
    """One call, its caller in his room, and a switchboard that calls Anna for it."""

    def __init__(self, mesh: Mesh, livekit: api.LiveKitAPI, folder: Path, **settings: Any) -> None:
        self.call_id, self.handoff_id, self.human_id = f"call-{new_human_id()}", f"d-{new_human_id()}", new_human_id()
        self.store = RedisStore.connect(mesh.redis_url)
        self._mesh, self._service = mesh, paper_service(_new(folder / self.human_id))
        self._job = Job(mesh, livekit, self.human_id)
        self._caller = rtc.Room()
        self._ear: list[np.ndarray] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._settings = make_settings(
            livekit_url=mesh.livekit_url,
            livekit_api_key=mesh.livekit_api_key,
            livekit_api_secret=mesh.livekit_api_secret,
            redis_url=mesh.redis_url,
            **{"desk_ring_seconds": 10, "desk_phones": (ANNA,)} | settings,
        )

    async def __aenter__(self) -> Line:
        self._caller.on("track_subscribed", lambda track, *_: self._soon(self._listens(track)))
        await self._caller.connect(self._mesh.livekit_url, access(self._mesh, self.call_id, "caller-1"))
        await self._says()
        await self._offers()
        told = {
            NUMBER: "0",
            "call_id": self.call_id,
            "handoff_id": self.handoff_id,
            "agent_id": self.human_id,
        }
        job: Any = self._job
        await put_through(job, self._service, self._settings, told)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for room in (self._caller, self._job.room):
            await room.disconnect()
        await self.store.aclose()

    def _soon(self, doing: Any) -> asyncio.Task[Any]:
        self._tasks.append(asyncio.create_task(doing))
        return self._tasks[-1]

    # --- the caller ---
    async def _says(self) -> None:
        source = rtc.AudioSource(EAR_RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("caller", source)
        await self._caller.local_participant.publish_track(track)
        frames = clips.frames(tone(CALLERS_HZ, 1, EAR_RATE), EAR_RATE)

        async def on_and_on() -> None:
            try:
                while True:
                    for frame in frames:
                        await source.capture_frame(frame)
            finally:
                await source.aclose()

        self._soon(on_and_on())

    async def _listens(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=EAR_RATE, num_channels=1)
        try:
            async for event in stream:
                self._ear.append(np.frombuffer(event.frame.data, dtype=np.int16))
        finally:
            await stream.aclose()

    def heard(self, pitch_hz: float) -> float:
        """For how many seconds the caller has heard that tone."""
        return heard_seconds(np.concatenate(self._ear or [np.zeros(0, np.int16)]), pitch_hz, EAR_RATE)

    async def hears(self, pitch_hz: float) -> None:
        async with asyncio.timeout(20):
            while self.heard(pitch_hz) < HEARD:
                await asyncio.sleep(0.1)

    async def leaves(self) -> None:
        await self._caller.disconnect()

    # --- the agent that waits ---
    async def _offers(self) -> None:
        now = await self.store.now()
        turns = (Turn(Role.CALLER, "I was charged twice.", now, "escalation"),)
        await self.store.open_call(Call(self.call_id, Channel.WEB, "caller-1", now, turns=turns))
        await self.store.take_floor(self.call_id, service="escalation", agent_id="escalation-1", lease_seconds=120)
        call = await self.store.load_call(self.call_id)
        assert call is not None
        context = build_context(
            call, entry=ENTRY, handoff_id=self.handoff_id, epoch=1, now=now, intent=make_intent("escalation")
        )
        await self.store.offer(Handoff(context, "escalation", DESK, State.OFFERED))
        await self.store.move(self.handoff_id, State.ACCEPTED)

    async def comes_to(self, *states: State) -> Handoff:
        async with asyncio.timeout(90), aclosing(self.store.watch(self.handoff_id)) as moves:
            async for now in moves:
                if now.state in states:
                    return now
        raise AssertionError(f"never {states}")

    async def given_up(self) -> str:
        """Why nobody takes the call."""
        return (await self.comes_to(*FINAL)).reason

    async def gives_the_floor(self) -> None:
        await self.comes_to(State.READY)
        await self.store.pass_floor(self.handoff_id, epoch=1, lease_seconds=2.0)
        await self.comes_to(State.SPOKEN)

    async def is_over(self) -> None:
        """The switchboard has done its work, and nobody is left in the consultation."""
        async with asyncio.timeout(30):
            await self._job.is_over.wait()
        rooms = (
            await self._job.api.room.list_rooms(api.ListRoomsRequest(names=[consultation_of(self.human_id)]))
        ).rooms
        assert [room.name for room in rooms] == []

    async def call(self) -> Call:
        found = await self.store.load_call(self.call_id)
        assert found is not None
        return found


@pytest.fixture(autouse=True)
def voice_of_tones(monkeypatch: pytest.MonkeyPatch) -> None:
    async def render(voice: Any, text: str) -> tuple[rtc.AudioFrame, ...]:
        pitch = OPENING_HZ if "hear what it is about" in text else BRIEFING_HZ if "charged" in text else OTHER_HZ
        return clips.frames(tone(pitch, 1.5, VOICE_RATE), VOICE_RATE)

    monkeypatch.setattr(clips, "render", render)


async def takes_the_call(phone: Softphone) -> None:
    await phone.until("media")
    await asyncio.sleep(1)
    phone.presses("1")
    await asyncio.sleep(1)
    phone.presses("1")


async def test_an_extension_is_pressed_at_the_switchboard_of_his_house(
    mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path
) -> None:
    extended = Phone(ANNA.number, ANNA.name, extension="41")
    async with Line(mesh, livekit, tmp_path, desk_phones=(extended,)) as line:
        await phone.until("key", digit="4")
        await phone.until("key", digit="1")
        assert [event["digit"] for event in phone.events if event["event"] == "key"] == ["4", "1"]
        phone.hangs_up()
        await line.given_up()
        await line.is_over()


# --- he takes it --------------------------------------------------------------------------------------------------------
async def test_a_human_and_a_caller_hear_each_other_once_he_has_the_call_and_not_before(
    mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path
) -> None:
    async with Line(mesh, livekit, tmp_path) as line:
        alone = await phone.records()
        await phone.until("media")
        await asyncio.sleep(4)  # a greeting that goes on and on, as a voicemail's
        phone.presses("1")
        await asyncio.sleep(1)
        before = await phone.heard(alone)
        assert heard_seconds(before, OPENING_HZ, RATE) > HEARD
        assert heard_seconds(before, CALLERS_HZ, RATE) == 0, "the caller is not heard by who has not taken the call"
        await line.comes_to(State.DISPATCHED)  # one key is one key
        phone.presses("1")
        await line.comes_to(State.READY)
        await asyncio.sleep(1)
        assert line.heard(HUMANS_HZ) == 0, "nor is he heard by the caller before the floor is his"
        together = await phone.records()
        await line.gives_the_floor()
        await line.hears(HUMANS_HZ)
        await asyncio.sleep(2)
        assert heard_seconds(await phone.heard(together), CALLERS_HZ, RATE) > HEARD
        phone.hangs_up()
        await line.is_over()
        call = await line.call()
        assert (call.ending, call.ending_detail) == (Ending.TRANSFERRED_TO_HUMAN, "ended by telephone")
        rooms = (await livekit.room.list_rooms(api.ListRoomsRequest(names=[line.call_id]))).rooms
        assert [room.name for room in rooms] == []


async def test_a_caller_who_hangs_up_ends_the_call_and_the_humans_line(
    mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path
) -> None:
    async with Line(mesh, livekit, tmp_path) as line:
        await takes_the_call(phone)
        await line.gives_the_floor()
        await line.leaves()
        await phone.until("over")
        await line.is_over()
        call = await line.call()
        assert (call.ending, call.ending_detail) == (Ending.TRANSFERRED_TO_HUMAN, "the caller hung up")


async def test_a_line_over_which_no_sound_comes_any_more_leaves_the_caller_to_an_agent(
    mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path
) -> None:
    async with Line(mesh, livekit, tmp_path) as line:
        await takes_the_call(phone)
        await line.gives_the_floor()
        phone.sends_nothing()
        await line.is_over()
        assert (await line.call()).ending is None
        assert line.call_id in [seen.call_id for seen in await line.store.overdue()]


# --- he does not --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "reason"), [(486, "busy"), (603, "declined"), (480, "no_answer"), (404, "refused (404)")]
)
async def test_a_telephone_that_does_not_answer_says_why(
    mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path, code: int, reason: str
) -> None:
    phone.answers(code)
    async with Line(mesh, livekit, tmp_path) as line:
        assert await line.given_up() == reason
        await line.is_over()


async def test_a_telephone_that_only_rings_is_called_no_longer_than_it_may(
    mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path
) -> None:
    phone.answers(0)
    async with Line(mesh, livekit, tmp_path, desk_ring_seconds=5) as line:
        assert await line.given_up() == "no_answer"
        await phone.until("over")
        await line.is_over()


async def test_a_voicemail_gets_no_caller_hears_nothing_of_him_and_is_heard_by_nobody(
    mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path
) -> None:
    async with Line(mesh, livekit, tmp_path) as line:
        recorded = await phone.records()
        assert await line.given_up() == "no_key"
        await line.is_over()
        told = await phone.heard(recorded)
        assert heard_seconds(told, OPENING_HZ, RATE) > HEARD
        assert heard_seconds(told, BRIEFING_HZ, RATE) == 0
        assert heard_seconds(told, CALLERS_HZ, RATE) == 0
        assert line.heard(HUMANS_HZ) == 0


async def test_a_human_declines_by_a_key(mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path) -> None:
    async with Line(mesh, livekit, tmp_path) as line:
        await phone.until("media")
        await asyncio.sleep(1)
        phone.presses("2")
        assert await line.given_up() == "declined"
        await phone.until("over")
        await line.is_over()


async def test_a_human_who_hangs_up_in_the_briefing_has_not_taken_the_call(
    mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path
) -> None:
    async with Line(mesh, livekit, tmp_path) as line:
        await phone.until("media")
        await asyncio.sleep(1)
        phone.hangs_up()
        assert await line.given_up() == "hung_up"
        await line.is_over()


async def test_a_telephone_stops_ringing_when_the_caller_waits_no_longer(
    mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path
) -> None:
    phone.answers(0)
    async with Line(mesh, livekit, tmp_path, desk_ring_seconds=60) as line:
        await phone.until("rings")
        await line.store.move(line.handoff_id, State.WITHDRAWN, reason="no_longer")
        await phone.until("over")
        await line.is_over()


# --- it cannot be called ------------------------------------------------------------------------------------------------
async def test_without_the_trunk_nobody_is_called(
    mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path
) -> None:
    for trunk in ("another", "ST_nowhere"):
        async with Line(mesh, livekit, tmp_path, desk_trunk=trunk) as line:
            assert await line.given_up() == "no_trunk"


async def test_without_livekit_sip_nobody_is_called(
    mesh: Mesh, livekit: api.LiveKitAPI, phone: Softphone, tmp_path: Path
) -> None:
    await mesh.process("livekit-sip").stop()
    async with Line(mesh, livekit, tmp_path) as line:
        assert await line.given_up() == "sip_away"
        await line.is_over()
