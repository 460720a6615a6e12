"""Who a human of the desk is, and which call is his: two signed tokens, and the way into the room.

The badge is the sign-in cookie. A seat is what a page gets with a call that it took: any gateway can go on with it, for no gateway keeps
anything. Both are signed with the desk's own secret: a new secret signs everybody out.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from handoff.desk import new_human_id
from livekit.api import AccessToken, VideoGrants

from gateway.settings import Settings

SHIFT_SECONDS = 12 * 3600
"""How long a sign-in lasts."""
_ALGORITHM = "HS256"
_BADGE, _SEAT = "voicemesh-desk", "voicemesh-desk-seat"
_NAME = re.compile(r"[^\W\d_][\w .'’-]{0,39}")


class NotSignedIn(Exception):
    """A token that is forged, expired, another's, or none at all."""


@dataclass(frozen=True, slots=True)
class Badge:
    """One human at one browser, from sign-in to sign-out."""

    human_id: str
    name: str
    """How the caller is told who takes over."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A human's place in one call. ``identity`` is his in the room, new for each call that he takes."""

    call_id: str
    handoff_id: str
    identity: str
    human_id: str
    name: str


def name_of(typed: object) -> str:
    """The name as it is spoken to callers; empty when it cannot be one: at most 40 letters, the first no digit."""
    name = " ".join(typed.split()) if isinstance(typed, str) else ""
    return name if _NAME.fullmatch(name) else ""


def name_by_proxy(named: Sequence[str]) -> str:
    """The name of whom a proxy of ours names: as it stands, or made of his e-mail address. Empty when it names nobody, or two (one of
    them is not the proxy's), or by no name that can be spoken."""
    if len(named) != 1:
        return ""
    first, at, _ = named[0].partition("@")
    return name_of(re.sub(r"[._]+", " ", first).title() if at else first)


def new_badge(name: str) -> Badge:
    """For whoever has shown the secret, or is named by a proxy of ours."""
    return Badge(secrets.token_hex(8), name)


def new_seat(badge: Badge, *, call_id: str, handoff_id: str) -> Seat:
    """For a call that this human is about to take."""
    return Seat(call_id, handoff_id, new_human_id(), badge.human_id, badge.name)


def sign_badge(settings: Settings, badge: Badge) -> str:
    """The cookie's value."""
    return _signed(settings, _BADGE, sub=badge.human_id, name=badge.name)


def read_badge(settings: Settings, cookie: str) -> Badge:
    """Raises NotSignedIn."""
    claims = _claims(settings, _BADGE, cookie)
    return Badge(claims["sub"], claims["name"])


def sign_seat(settings: Settings, seat: Seat) -> str:
    """What the page shows with everything that it asks for its call."""
    return _signed(
        settings, _SEAT, sub=seat.human_id, name=seat.name, call=seat.call_id, handoff=seat.handoff_id, me=seat.identity
    )


def read_seat(settings: Settings, shown: object, badge: Badge) -> Seat:
    """The seat, for the human whose it is. Raises NotSignedIn."""
    claims = _claims(settings, _SEAT, shown if isinstance(shown, str) else "")
    if claims["sub"] != badge.human_id:
        raise NotSignedIn
    return Seat(claims["call"], claims["handoff"], claims["me"], claims["sub"], claims["name"])


def way_in(settings: Settings, seat: Seat) -> str:
    """A token for this one room and a microphone. Of an agent's kind: a human of the desk is one of ours, who is put out when he has
    lost the floor, and in whose company alone a room is empty."""
    grants = VideoGrants(
        room_join=True,
        room=seat.call_id,
        can_publish=True,
        can_publish_sources=["microphone"],
        can_publish_data=False,
        can_subscribe=True,
    )
    token = (
        AccessToken(settings.livekit_api_key, settings.livekit_api_secret)
        .with_identity(seat.identity)
        .with_name(seat.name)
        .with_kind("agent")
        .with_ttl(timedelta(seconds=settings.token_seconds))
        .with_grants(grants)
    )
    return token.to_jwt()


def _signed(settings: Settings, audience: str, **claims: str) -> str:
    until = datetime.now(UTC) + timedelta(seconds=SHIFT_SECONDS)
    return jwt.encode({"aud": audience, "exp": until} | claims, settings.desk_secret, algorithm=_ALGORITHM)


def _claims(settings: Settings, audience: str, token: str) -> dict[str, Any]:
    wanted = ["exp", "sub", "name"] + (["call", "handoff", "me"] if audience == _SEAT else [])
    try:
        return dict(
            jwt.decode(
                token, settings.desk_secret, algorithms=[_ALGORITHM], audience=audience, options={"require": wanted}
            )
        )
    except jwt.InvalidTokenError:
        raise NotSignedIn from None
