"""A telephone is called by LiveKit's outbound trunk; why nobody answered is told in one word, and the number to nobody."""

from __future__ import annotations

import logging
from typing import Any

import aiohttp
import pytest
from livekit import api
from worker.humans.dialling import COLLEAGUE, NotReached, dial
from worker.settings import Phone

ANNA = Phone("+15550100007", "Anna")


class FakeSip:
    """LiveKit's SIP API, as far as a call goes out by it. ``fails``: what calling comes to."""

    def __init__(self, *names: str, fails: Exception | None = None) -> None:
        self.sip = self
        self.names, self.fails = names, fails
        self.called: list[api.CreateSIPParticipantRequest] = []

    async def list_outbound_trunk(self, _: api.ListSIPOutboundTrunkRequest) -> api.ListSIPOutboundTrunkResponse:
        trunks = [api.SIPOutboundTrunkInfo(sip_trunk_id=f"ST_{n}", name=name) for n, name in enumerate(self.names)]
        return api.ListSIPOutboundTrunkResponse(items=trunks)

    async def create_sip_participant(self, request: api.CreateSIPParticipantRequest) -> api.SIPParticipantInfo:
        self.called.append(request)
        if self.fails is not None:
            raise self.fails
        return api.SIPParticipantInfo(participant_identity=request.participant_identity)


async def dialled(livekit: Any, trunk: str = "voicemesh/main/outbound", *, phone: Phone = ANNA) -> None:
    await dial(livekit, phone, trunk=trunk, room="consult-human-1", ring_seconds=20)


def refusal(code: str, **metadata: str) -> api.SipCallError:
    return api.SipCallError(code, f"call to {ANNA.number} failed", status=500, metadata=metadata)


async def test_a_telephone_is_called_into_the_consultation_alone_and_rings_for_so_long() -> None:
    livekit = FakeSip("another's", "voicemesh/main/outbound")
    await dialled(livekit)
    (asked,) = livekit.called
    assert (asked.sip_trunk_id, asked.sip_call_to, asked.room_name) == ("ST_1", ANNA.number, "consult-human-1")
    assert (asked.ringing_timeout.seconds, asked.wait_until_answered) == (20, True)
    assert (asked.participant_identity, asked.hide_phone_number) == (COLLEAGUE, True), "his number is no attribute"
    assert ANNA.number not in asked.participant_name + asked.participant_metadata


async def test_an_extension_is_pressed_after_a_pause_and_without_one_no_key_is() -> None:
    livekit = FakeSip("voicemesh/main/outbound")
    await dialled(livekit, phone=Phone("+15550100007", "Anna", "41"))
    await dialled(livekit)
    assert [asked.dtmf for asked in livekit.called] == ["wwww41", ""]
    assert livekit.called[0].sip_call_to == "+15550100007"


async def test_a_trunk_may_be_given_by_its_id() -> None:
    livekit = FakeSip()
    await dialled(livekit, "ST_abc")
    assert livekit.called[0].sip_trunk_id == "ST_abc"


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (refusal("failed_precondition", sip_status_code="486", sip_status="Busy Here"), "busy"),
        (refusal("failed_precondition", sip_status_code="603", sip_status="Decline"), "declined"),
        (refusal("unavailable", sip_status_code="480", sip_status="Temporarily Unavailable"), "no_answer"),
        (refusal("failed_precondition", sip_status_code="404", sip_status="Not Found"), "refused (404)"),
        (api.TwirpError("canceled", "sip request timed out", status=408), "no_answer"),
        (api.TwirpError("not_found", "requested sip trunk does not exist", status=404), "no_trunk"),
        (api.TwirpError("unavailable", "no response from servers", status=503), "sip_away"),
        (api.TwirpError("internal", "sip not connected (redis required)", status=500), "sip_away"),
        (aiohttp.ClientConnectionError("refused"), "sip_away"),
        (TimeoutError(), "sip_away"),
    ],
)
async def test_why_nobody_answered_is_told_in_one_word(failure: Exception, reason: str) -> None:
    with pytest.raises(NotReached) as told:
        await dialled(FakeSip("voicemesh/main/outbound", fails=failure))
    assert str(told.value) == reason
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__, "what LiveKit raised may quote the number"


async def test_a_trunk_that_livekit_does_not_have_is_told_with_the_variable_to_mend(
    caplog: pytest.LogCaptureFixture,
) -> None:
    livekit = FakeSip("another's")
    with caplog.at_level(logging.ERROR), pytest.raises(NotReached, match="no_trunk"):
        await dialled(livekit)
    assert "VOICEMESH_DESK_TRUNK" in caplog.text
    assert livekit.called == []


def test_a_number_is_not_shown_by_whoever_prints_the_settings() -> None:
    assert ANNA.number not in repr(ANNA)
