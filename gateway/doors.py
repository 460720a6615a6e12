"""A caller's way into a room: a token for one room and one microphone, that also says which service answers.

The token is short-lived: it opens the door, and LiveKit renews it for whoever is inside. A page that is loaded again in the middle of a
call shows its pass, a signed cookie, and gets another token for the same place in the same room.
"""

from __future__ import annotations

import secrets
import time
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
    """Who answers: it was asked for when the call began, and another one may have the call by now."""
    given_at: float
    """When this place was given first, in seconds since the epoch."""
    token: str = field(repr=False)
    pass_: str = field(repr=False)

    def is_new(self, settings: Settings) -> bool:
        """Whether nobody needs to have answered yet. An agent opens the call's record within a second of its caller's coming, or
        half a minute when a guardian has to bring it; but he comes when he likes, as long as his first token is good. So long the
        browser could go in by that token as well: a page that is loaded again gets nothing that it did not have."""
        return time.time() - self.given_at < settings.token_seconds


def open_door(settings: Settings, service: str = FRONT_DESK) -> Door:
    """A new call, answered by ``service``. Raises NoSuchService."""
    if service not in DIRECTORY:
        raise NoSuchService(f"there is no service of this name; there are {', '.join(DIRECTORY)}")
    serial = secrets.token_hex(8)
    return _door(settings, f"{CALL_ROOMS}{serial}", f"caller-{serial}", service, time.time())


def open_again(settings: Settings, pass_: str) -> Door:
    """The same place in the same call. Raises BadPass."""
    try:
        claims = jwt.decode(pass_, settings.secret, algorithms=[_ALGORITHM], audience=_AUDIENCE)
        # A gateway of an earlier release does not say when.
        given_at = float(claims.get("given", 0))
        return _door(settings, str(claims["call"]), str(claims["sub"]), str(claims["service"]), given_at)
    except (jwt.InvalidTokenError, KeyError):
        raise BadPass from None


def _door(settings: Settings, call_id: str, identity: str, service: str, given_at: float) -> Door:
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
        # Not "iat": a gateway whose clock is behind would refuse it as of the future.
        "given": given_at,
        "exp": datetime.now(UTC) + timedelta(seconds=settings.call_seconds),
    }
    pass_ = jwt.encode(claims, settings.secret, algorithm=_ALGORITHM)
    return Door(settings.public_livekit_url, call_id, identity, service, given_at, token.to_jwt(), pass_)
