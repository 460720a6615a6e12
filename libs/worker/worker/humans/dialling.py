"""Calling a human of ours by telephone: one number, by an outbound trunk of LiveKit's, and why nobody answered.

The number goes to LiveKit and nowhere else: it stands in no log, no attribute and no exception of ours.
"""

from __future__ import annotations

import logging

from livekit import api

from worker.handover.passing import LIVEKIT_AWAY
from worker.settings import Phone

log = logging.getLogger("voicemesh.dialling")

COLLEAGUE = "colleague"
"""The telephone's identity in its room."""
BUSY, DECLINED, NO_ANSWER, REFUSED = "busy", "declined", "no_answer", "refused"
NO_TRUNK = "no_trunk"
"""LiveKit has no such outbound trunk, or cannot use it."""
SIP_AWAY = "sip_away"
"""livekit/sip, or LiveKit itself, does not answer; or LiveKit has no Redis."""
_OF_SIP = {486: BUSY, 600: BUSY, 603: DECLINED, 408: NO_ANSWER, 480: NO_ANSWER, 487: NO_ANSWER}
"""What a telephone answers, by SIP's status codes; any other is a refusal."""
_OF_LIVEKIT = {
    api.TwirpErrorCode.CANCELED: NO_ANSWER,  # it rang for as long as it may
    api.TwirpErrorCode.DEADLINE_EXCEEDED: NO_ANSWER,
    api.TwirpErrorCode.NOT_FOUND: NO_TRUNK,
    api.TwirpErrorCode.INVALID_ARGUMENT: NO_TRUNK,
}
_A_TRUNKS_ID = "ST_"
_BEFORE_EXTENSION = "wwww"
"""Two seconds (LiveKit's `w` is half of one): a switchboard that has just answered does not take keys yet."""


class NotReached(Exception):
    """Nobody takes the call at this telephone. The text says why, in one word or two, for logs and for the offer."""


async def dial(livekit: api.LiveKitAPI, phone: Phone, *, trunk: str, room: str, ring_seconds: int) -> None:
    """Returns when the telephone was answered, by a human or a machine: COLLEAGUE is in the room then. ``trunk``: its name or its id.
    Raises NotReached."""
    request = api.CreateSIPParticipantRequest(
        sip_call_to=phone.number,
        room_name=room,
        participant_identity=COLLEAGUE,
        hide_phone_number=True,
        wait_until_answered=True,
        dtmf=_BEFORE_EXTENSION + phone.extension if phone.extension else "",
    )
    request.ringing_timeout.seconds = ring_seconds
    try:
        request.sip_trunk_id = await _id_of(livekit, trunk)
        await livekit.sip.create_sip_participant(request)
    except LIVEKIT_AWAY as e:
        raise NotReached(_reason(e)) from None


async def _id_of(livekit: api.LiveKitAPI, trunk: str) -> str:
    if trunk.startswith(_A_TRUNKS_ID):
        return trunk
    found = await livekit.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
    for one in found.items:
        if one.name == trunk:
            return str(one.sip_trunk_id)
    log.error(
        "LiveKit has no outbound trunk of the name that VOICEMESH_DESK_TRUNK gives: `make phone-config` makes one"
    )
    raise NotReached(NO_TRUNK)


def _reason(error: Exception) -> str:
    if isinstance(error, api.SipCallError) and error.sip_status_code is not None:
        return _OF_SIP.get(error.sip_status_code, f"{REFUSED} ({error.sip_status_code})")
    if isinstance(error, api.TwirpError):
        return _OF_LIVEKIT.get(error.code, SIP_AWAY)
    return SIP_AWAY
