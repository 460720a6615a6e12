"""Who may look at the console, and who may also read what callers said.

A secret signs a viewer in, and a signed cookie keeps him signed in for some hours; or a proxy of ours that knows its users names them in
a header. The cookie is good for the console alone (its own audience), and no longer than the secret that it was given for: a secret that
is changed signs everybody out who came with it.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass

import jwt
from starlette.requests import Request

from gateway import guards
from gateway.settings import Settings

COOKIE = "voicemesh_console"
COOKIE_PATH = "/api/console"
_ALGORITHM = "HS256"
_AUDIENCE = "voicemesh-console"
_NAME_CHARS = 100


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who is signed in. ``until`` is seconds since the epoch."""

    name: str
    may_read: bool
    until: float

    @property
    def has_gone(self) -> bool:
        """Whether his time is over."""
        return time.time() >= self.until


class Viewers:
    """Signs in, and knows again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def sign_in(self, shown: str) -> Viewer | None:
        """The viewer whose secret it is; None when it is nobody's."""
        settings = self._settings
        until = float(int(time.time()) + settings.console_seconds)
        # Both are compared, whichever is right: how long it takes tells nothing.
        may_read = guards.is_secret(shown, settings.console_reader_secret)
        may_look = guards.is_secret(shown, settings.console_secret)
        return Viewer("reader" if may_read else "viewer", may_read, until) if may_read or may_look else None

    def cookie_of(self, viewer: Viewer) -> str:
        """What his browser shows from then on."""
        claims = {
            "aud": _AUDIENCE,
            "sub": viewer.name,
            "reads": viewer.may_read,
            "by": self._mark_of(may_read=viewer.may_read),
            "exp": int(viewer.until),
        }
        return jwt.encode(claims, self._settings.secret, algorithm=_ALGORITHM)

    def of(self, request: Request) -> Viewer | None:
        """Who asks; None when nobody is signed in."""
        return self._by_cookie(request.cookies.get(COOKIE, "")) or self._by_proxy(request)

    def _by_cookie(self, cookie: str) -> Viewer | None:
        try:
            claims = jwt.decode(
                cookie,
                self._settings.secret,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["exp", "aud", "sub"]},
            )
        except jwt.InvalidTokenError:
            return None
        may_read = claims.get("reads") is True
        if not hmac.compare_digest(str(claims.get("by", "")).encode(), self._mark_of(may_read=may_read).encode()):
            return None
        return Viewer(str(claims["sub"]), may_read, float(claims["exp"]))

    def _by_proxy(self, request: Request) -> Viewer | None:
        header = self._settings.console_user_header
        # Two of them: one is not the proxy's.
        named = request.headers.getlist(header) if header else []
        if len(named) != 1 or not (name := named[0].strip()):
            return None
        return Viewer(name[:_NAME_CHARS], False, time.time() + self._settings.console_seconds)

    def _mark_of(self, *, may_read: bool) -> str:
        """Tells that a cookie was given for the secret that we have now, and nothing about that secret."""
        settings = self._settings
        secret = settings.console_reader_secret if may_read else settings.console_secret
        return hmac.new(settings.secret.encode(), secret.encode(), hashlib.sha256).hexdigest()[:16]
