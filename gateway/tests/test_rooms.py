"""What LiveKit is asked about its rooms, and what its answers mean."""

from __future__ import annotations

from typing import Any

import pytest
from livekit import api

from gateway.rooms import LiveKitRooms
from gateway.tests.desk_stage import desk_settings

GONE = api.TwirpError(api.TwirpErrorCode.NOT_FOUND, "no such room", status=404)
REFUSED = api.TwirpError("unauthenticated", "wrong key", status=401)


class LiveKit:
    """Stands in for api.LiveKitAPI: one room, and what was asked of it."""

    def __init__(self) -> None:
        self.room = self.agent_dispatch = self
        self.participants: list[api.ParticipantInfo] = []
        self.asked: list[Any] = []
        self.fault: Exception | None = None

    def __call__(self, *_: Any, **__: Any) -> LiveKit:
        return self

    async def __aenter__(self) -> LiveKit:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def _ask(self, request: Any) -> Any:
        self.asked.append(request)
        if self.fault is not None:
            raise self.fault
        return api.ListParticipantsResponse(participants=self.participants)

    list_participants = remove_participant = delete_room = create_dispatch = _ask


@pytest.fixture
def livekit(monkeypatch: pytest.MonkeyPatch) -> LiveKit:
    livekit = LiveKit()
    monkeypatch.setattr(api, "LiveKitAPI", livekit)
    return livekit


def somebody(identity: str, *tracks: api.TrackInfo, **changes: Any) -> api.ParticipantInfo:
    return api.ParticipantInfo(identity=identity, tracks=tracks, state=api.ParticipantInfo.ACTIVE, **changes)


MICROPHONE = api.TrackInfo(type=api.TrackType.AUDIO, source=api.TrackSource.MICROPHONE, muted=True)
SHARED = api.TrackInfo(type=api.TrackType.AUDIO, source=api.TrackSource.SCREEN_SHARE_AUDIO)
CAMERA = api.TrackInfo(type=api.TrackType.VIDEO, source=api.TrackSource.CAMERA)


@pytest.mark.parametrize(
    ("participants", "is_there"),
    [
        ([somebody("human-1", MICROPHONE)], True),
        ([somebody("caller-1", MICROPHONE), somebody("human-1", CAMERA, MICROPHONE)], True),
        ([somebody("human-1")], False),
        ([somebody("human-1", SHARED, CAMERA)], False),
        ([somebody("human-2", MICROPHONE), somebody("human-1")], False),
        ([], False),
    ],
)
async def test_a_human_is_there_with_a_microphone_of_his_own_shut_or_open(
    livekit: LiveKit, participants: list[api.ParticipantInfo], is_there: bool
) -> None:
    livekit.participants = participants
    assert await LiveKitRooms(desk_settings()).has_microphone("call-1", "human-1") is is_there


async def test_one_who_has_just_left_is_not_there(livekit: LiveKit) -> None:
    livekit.participants = [somebody("human-1", MICROPHONE)]
    livekit.participants[0].state = api.ParticipantInfo.DISCONNECTED
    assert not await LiveKitRooms(desk_settings()).has_microphone("call-1", "human-1")


AGENT = somebody("triage-1", kind=api.ParticipantInfo.AGENT)
CALLER = somebody("caller-1", kind=api.ParticipantInfo.STANDARD, sid="PA_1")
PHONE = somebody("sip_1", kind=api.ParticipantInfo.SIP)
LEFT = api.ParticipantInfo(
    identity="caller-1", kind=api.ParticipantInfo.STANDARD, state=api.ParticipantInfo.DISCONNECTED, sid="PA_1"
)


@pytest.mark.parametrize(
    ("here", "has_callers"),
    [([], False), ([AGENT], False), ([LEFT], False), ([AGENT, CALLER], True), ([PHONE], True)],
    ids=["nobody", "an agent", "one who has left", "a caller", "a telephone"],
)
async def test_who_is_in_a_room_is_livekits_to_say(
    livekit: LiveKit, here: list[api.ParticipantInfo], has_callers: bool
) -> None:
    livekit.participants = here
    assert await LiveKitRooms(desk_settings()).has_callers("call-1") is has_callers


async def test_a_stay_has_a_name_as_long_as_it_lasts(livekit: LiveKit) -> None:
    rooms = LiveKitRooms(desk_settings())
    livekit.participants = [AGENT, CALLER]
    assert await rooms.stay("call-1", "caller-1") == "PA_1"
    livekit.participants = [AGENT, LEFT]
    assert await rooms.stay("call-1", "caller-1") == ""


async def test_what_is_gone_already_is_no_fault_and_a_refusal_is_one(livekit: LiveKit) -> None:
    rooms = LiveKitRooms(desk_settings())
    livekit.fault = GONE
    assert not await rooms.has_microphone("call-1", "human-1")
    assert not await rooms.has_callers("call-1")
    await rooms.put_out("call-1", "human-1")
    await rooms.close("call-1")
    livekit.fault = REFUSED
    asks = [
        rooms.put_out("call-1", "x"),
        rooms.close("call-1"),
        rooms.has_microphone("call-1", "x"),
        rooms.has_callers("x"),
    ]
    for asked in asks:
        with pytest.raises(api.TwirpError):
            await asked


async def test_an_agent_is_called_in_for_one_handoff(livekit: LiveKit) -> None:
    await LiveKitRooms(desk_settings()).call_in("call-1", "billing", "b1", 4)
    (request,) = livekit.asked
    assert (request.agent_name, request.room) == ("billing", "call-1")
    assert dict(request.attributes) == {"handoff_id": "b1", "epoch": "4"}
    assert request.restart_policy == api.JobRestartPolicy.JRP_NEVER
