"""A capability: the short-lived proof that this caller, on this call, was verified for one account.

It travels as the header ``Authorization: Bearer`` of each tool call and is good at every back office that has the same key.
Whoever talks (a caller, a model, a context) cannot make one, and one of another call or account opens nothing.
"""

from __future__ import annotations

import functools
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from backoffice.office import Context, Refused
from backoffice.request import CALL_HEADER, call_of, header
from backoffice.settings import Settings

__all__ = ["CALL_HEADER", "CallerOnLine", "caller_of", "issue", "require_capability"]

log = logging.getLogger("backoffice.capability")

LIFETIME_SECONDS = 15 * 60
NOT_VERIFIED = "Verify the caller's identity first."
_ALGORITHM = "HS256"
_MAX_TOKEN_CHARS = 2000


@dataclass(frozen=True, slots=True)
class CallerOnLine:
    """Which call a tool is used on. Set by the worker that serves it, never by what is said on it."""

    call_id: str


def caller_of(context: Context) -> CallerOnLine:
    """The call that asks, from the header ``X-Voicemesh-Call-Id``. Raises Refused when there is none."""
    call_id = call_of(context)
    if not call_id:
        raise Refused("I can't tell which call this is for.")
    return CallerOnLine(call_id)


def issue(settings: Settings, *, call_id: str, account_id: str) -> str:
    """A capability for this call and account, good for LIFETIME_SECONDS."""
    # No "issued at": clocks differ, and an office a second behind would refuse it.
    expires_at = datetime.now(UTC) + timedelta(seconds=LIFETIME_SECONDS)
    claims = {"sub": account_id, "call": call_id, "exp": expires_at}
    return jwt.encode(claims, _key(settings), algorithm=_ALGORITHM)


def require_capability(context: Context, account_id: str, settings: Settings) -> CallerOnLine:
    """The call, when its caller was verified for ``account_id`` on it. Raises Refused otherwise, always the same way."""
    caller = caller_of(context)
    scheme, _, token = header(context, "Authorization").partition(" ")
    if scheme.lower() != "bearer" or len(token) > _MAX_TOKEN_CHARS:
        raise Refused(NOT_VERIFIED)
    try:
        claims = jwt.decode(
            token.strip(), _key(settings), algorithms=[_ALGORITHM], options={"require": ["sub", "call", "exp"]}
        )
    except jwt.InvalidTokenError:
        raise Refused(NOT_VERIFIED) from None
    if (claims["sub"], claims["call"]) != (account_id, caller.call_id):
        raise Refused(NOT_VERIFIED)
    return caller


def _key(settings: Settings) -> str:
    return settings.capability_key or _random_key()


@functools.cache
def _random_key() -> str:
    log.warning("VOICEMESH_CAPABILITY_KEY is not set: what is verified here is good at this process only")
    return secrets.token_urlsafe(48)
