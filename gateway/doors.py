"""A caller's way into a room: a token for one room and one microphone, that also says which service answers.

The token is short-lived: it opens the door, and LiveKit renews it for whoever is inside. A page that is loaded again in the middle of a
call shows its pass, a signed cookie, and gets another token for the same place in the same room.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt
from handoff.directory import DIRECTORY
from livekit.api import AccessToken, ParticipantInfo, RoomAgentDispatch, RoomConfiguration, VideoGrants

from gateway.settings import Settings

_ALGORITHM = "HS256"
_AUDIENCE = "voicemesh-call"
FRONT_DESK = "triage"
CALL_ROOMS = "call-"
"""How the names of rooms that are calls begin: the workers look at these alone."""
CALLER_KINDS = (ParticipantInfo.STANDARD, ParticipantInfo.SIP)
"""Who calls: browsers and telephones. A human of the desk is of another kind, as agents are."""


class NoSuchService(ValueError):
    """A direct line that does not exist."""


class BadPass(Exception):
    """A pass that is forged, expired, or none at all."""


@dataclass(frozen=True, slots=True)
class Door:
    """What a browser needs to join. ``call_id`` is the room's name as well."""

    url: str
    call_id: str
    identity: str
    service: str
    token: str = field(repr=False)
    pass_: str = field(repr=False)


def open_door(settings: Settings, service: str = FRONT_DESK) -> Door:
    """A new call, answered by ``service``. Raises NoSuchService."""
    if service not in DIRECTORY:
        raise NoSuchService(f"there is no service of this name; there are {', '.join(DIRECTORY)}")
    serial = secrets.token_hex(8)
    return _door(settings, f"{CALL_ROOMS}{serial}", f"caller-{serial}", service)


def open_again(settings: Settings, pass_: str) -> Door:
    """The same place in the same call. Raises BadPass."""
    try:
        claims = jwt.decode(pass_, settings.secret, algorithms=[_ALGORITHM], audience=_AUDIENCE)
        return _door(settings, str(claims["call"]), str(claims["sub"]), str(claims["service"]))
    except (jwt.InvalidTokenError, KeyError):
        raise BadPass from None


def _door(settings: Settings, call_id: str, identity: str, service: str) -> Door:
    grants = VideoGrants(
        room_join=True,
        room=call_id,
        can_publish=True,
        can_publish_sources=["microphone"],
        can_subscribe=True,
        can_publish_data=True,  # the keypad's tones
    )
    token = (
        AccessToken(settings.livekit_api_key, settings.livekit_api_secret)
        .with_identity(identity)
        .with_ttl(timedelta(seconds=settings.token_seconds))
        .with_grants(grants)
        .with_room_config(RoomConfiguration(agents=[RoomAgentDispatch(agent_name=service)]))
    )
    claims = {
        "aud": _AUDIENCE,
        "sub": identity,
        "call": call_id,
        "service": service,
        "exp": datetime.now(UTC) + timedelta(seconds=settings.call_seconds),
    }
    pass_ = jwt.encode(claims, settings.secret, algorithm=_ALGORITHM)
    return Door(settings.public_livekit_url, call_id, identity, service, token.to_jwt(), pass_)
