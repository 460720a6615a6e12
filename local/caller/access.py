"""The caller's way into a room: a token that also says which service is to answer."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from livekit import api

from local.caller.script import CHANNELS

_PHONE_NUMBER = "+15550100001"
_OUR_NUMBER = "+15550100000"
"""Numbers of the range kept for fiction."""


@dataclass(frozen=True, slots=True)
class Access:
    """One call's door: ``call_id`` is the room's name as well."""

    url: str
    call_id: str
    identity: str
    token: str = field(repr=False)


def new_access(
    url: str, *, api_key: str, api_secret: str, channel: str = "web", service: str = "triage", call_id: str = ""
) -> Access:
    """A fresh call, answered by ``service``. A phone caller looks as one that came through LiveKit's SIP bridge does:
    participant kind SIP and its ``sip.*`` attributes. Raises ValueError for a channel we do not have."""
    if channel not in CHANNELS:
        raise ValueError(f"channel {channel!r} is none of {', '.join(CHANNELS)}")
    serial = uuid.uuid4().hex[:10]
    call_id = call_id or f"call-{serial}"
    identity = f"caller-{call_id.removeprefix('call-')}"
    grants = api.VideoGrants(room_join=True, room=call_id, can_publish=True, can_subscribe=True)
    room = api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=service)])
    token = (
        api.AccessToken(api_key, api_secret)
        .with_identity(identity)
        .with_ttl(timedelta(hours=1))
        .with_grants(grants)
        .with_room_config(room)
    )
    if channel == "phone":
        token = token.with_kind("sip").with_attributes(
            {
                "sip.callID": f"SCL_{serial}",
                "sip.phoneNumber": _PHONE_NUMBER,
                "sip.trunkPhoneNumber": _OUR_NUMBER,
                "sip.callStatus": "active",
            }
        )
    return Access(url=url, call_id=call_id, identity=identity, token=token.to_jwt())
