"""The console: a page on which people of ours see the calls as they go. Every answer but the page itself needs somebody who is signed
in, and nothing of it is kept by a browser.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from handoff.errors import HandoffError
from handoff.store import Store
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway import forwarded, guards
from gateway.guards import Rates, refusal
from gateway.overview import Overview
from gateway.settings import Settings
from gateway.timeline import timeline
from gateway.viewers import COOKIE, COOKIE_PATH, Viewer, Viewers
from gateway.watching import Watching

log = logging.getLogger("gateway.console")

PAGE = Path(__file__).with_name("pages") / "console.html"
WRONG_SECRETS_PER_MINUTE = 10
"""From one address; right ones are not counted."""
_SIGN_IN = '{"secret": "..."}'
_ID_CHARS = 200
_NO_STORE = {"cache-control": "no-store"}

Shown = Callable[[Request, Viewer], Awaitable[Response]]


class Console:
    """What its page asks for."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._viewers = Viewers(settings)
        self._rates = Rates(WRONG_SECRETS_PER_MINUTE)
        self.watching = Watching(Overview(store).look)

    def routes(self) -> list[Route]:
        """All of them; every one says that it is switched off while nobody can be signed in."""
        if not self._settings.has_console:
            return [
                Route(path, _off, methods=["GET", "POST", "DELETE"])
                for path in ("/console", "/api/console/{rest:path}")
            ]
        return [
            Route("/console", _page),
            Route("/api/console/session", self._to_viewers(self.session)),
            Route("/api/console/session", self.sign_in, methods=["POST"]),
            Route("/api/console/session", self.sign_out, methods=["DELETE"]),
            Route("/api/console/events", self._to_viewers(self.events)),
            Route("/api/console/calls/{call_id}", self._to_viewers(self.call)),
        ]

    # --- who looks ------------------------------------------------------------------------------------------------------
    async def sign_in(self, request: Request) -> Response:
        """204 and a cookie for who shows one of the secrets, as ``{"secret": "..."}``. After too many wrong ones not even a right one
        opens."""
        if why := forwarded.not_ours(request, (), proxies=self._settings.proxies):
            return _refusal(403, "wrong_origin", why)
        try:
            body = await guards.object_of(request, example=_SIGN_IN)
        except guards.BadBody as bad:
            return _refusal(bad.status, bad.code, bad.right)
        if "secret" not in body:
            return _refusal(400, "bad_request", f"the body must be JSON such as {_SIGN_IN}")
        viewer = self._viewers.sign_in(str(body["secret"]))
        address = forwarded.address_of(request, proxies=self._settings.proxies)
        if not await self._rates.allows(address, counts=viewer is None):
            too_many = _refusal(429, "too_many", "too many wrong secrets from this address: try again in a minute")
            too_many.headers["retry-after"] = "60"
            return too_many
        if viewer is None:
            log.warning("a wrong secret was shown to the console")
            return _refusal(401, "wrong_secret", "this is not a secret of the console")
        log.info("a %s signed in to the console", viewer.name)
        answer = Response(status_code=204, headers=_NO_STORE)
        answer.set_cookie(
            COOKIE,
            self._viewers.cookie_of(viewer),
            max_age=self._settings.console_seconds,
            path=COOKIE_PATH,
            httponly=True,
            samesite="strict",
            secure=guards.is_https(request),
        )
        return answer

    async def sign_out(self, request: Request) -> Response:
        """204; the browser forgets its cookie. Who comes through a proxy signs out there."""
        if why := forwarded.not_ours(request, (), proxies=self._settings.proxies):
            return _refusal(403, "wrong_origin", why)
        answer = Response(status_code=204, headers=_NO_STORE)
        answer.delete_cookie(COOKIE, path=COOKIE_PATH, httponly=True, samesite="strict")
        return answer

    async def session(self, request: Request, viewer: Viewer) -> Response:
        """Who is signed in, and what he may."""
        told = {"name": viewer.name, "may_read": viewer.may_read, "until": viewer.until}
        return JSONResponse(told, headers=_NO_STORE)

    # --- what is seen ---------------------------------------------------------------------------------------------------
    async def events(self, request: Request, viewer: Viewer) -> Response:
        """Server-sent events: all calls at a glance, whenever something has changed."""
        if self.watching.is_full:
            return _refusal(503, "too_many_viewers", "too many people look already: try again later")
        return _Events(self.seen_by(viewer))

    async def seen_by(self, viewer: Viewer) -> AsyncGenerator[str, None]:
        """The body of ``events``; it ends when the viewer's time does."""
        async with aclosing(self.watching.follow()) as snapshots:
            async for snapshot in snapshots:
                if viewer.has_gone:
                    return
                yield f"data: {snapshot}\n\n" if snapshot else ": still here\n\n"

    async def call(self, request: Request, viewer: Viewer) -> Response:
        """One call: words only for who may read them."""
        call_id = request.path_params["call_id"]
        try:
            told = await timeline(self._store, call_id, may_read=viewer.may_read) if len(call_id) <= _ID_CHARS else None
        except HandoffError:
            return _refusal(503, "try_again", "the call's record cannot be read now")
        if told is None:
            return _refusal(404, "no_such_call", "there is no call of this id, or its record is gone")
        if viewer.may_read:
            log.info("a call's words were read", extra={"call_id": call_id})
        return JSONResponse(told, headers=_NO_STORE)

    def _to_viewers(self, show: Shown) -> guards.Handler:
        async def shown(request: Request) -> Response:
            viewer = self._viewers.of(request)
            if viewer is None:
                return _refusal(401, "not_signed_in", "sign in to see this")
            return await show(request, viewer)

        return shown


class _Events(StreamingResponse):
    """Closes what it streams whichever way the connection ends: the last viewer's going is noticed at once."""

    def __init__(self, events: AsyncGenerator[str, None]) -> None:
        # Proxies that gather answers would hold each one back.
        super().__init__(events, media_type="text/event-stream", headers=_NO_STORE | {"x-accel-buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events):
            await super().__call__(scope, receive, send)


def _refusal(status: int, code: str, message: str) -> JSONResponse:
    answer = refusal(status, code, message)
    answer.headers.update(_NO_STORE)
    return answer


async def _page(request: Request) -> Response:
    return FileResponse(PAGE, headers=_NO_STORE)


async def _off(request: Request) -> Response:
    return _refusal(404, "switched_off", "the console is switched off: VOICEMESH_CONSOLE_SECRET switches it on")
