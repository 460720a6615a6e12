"""The gateway's routes: the call page and its files, a token for a new call, another one for a page that was loaded again, health;
and what LiveKit tells (webhooks), and what people of ours see (console)."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from handoff.errors import HandoffError
from handoff.store import Store
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from gateway import desk, forwarded, guards
from gateway.closed_pages import ClosedPages
from gateway.console import Console
from gateway.doors import FRONT_DESK, BadPass, Door, NoSuchService, open_again, open_door
from gateway.guards import Rates, refusal
from gateway.metrics import Asking
from gateway.rooms import LiveKitRooms, Rooms
from gateway.secure_headers import SecureHeaders
from gateway.settings import Settings
from gateway.webhooks import Webhooks

log = logging.getLogger("gateway.app")

PAGES = Path(__file__).with_name("pages")
COOKIE = "voicemesh_call"
_KEPT_SECONDS = 300


def application(settings: Settings, store: Store, rooms: Rooms | None = None) -> Starlette:
    """All routes, over the store that knows which calls have ended. ``rooms``: LiveKit's when left out. Whoever stops the server calls
    ``state.end_streams``, for the console's end by themselves hours later."""
    rooms = rooms or LiveKitRooms(settings)
    front, console = FrontDoor(settings, store, ClosedPages(rooms)), Console(settings, store)
    routes = [
        Route("/", _page("call.html")),
        Route("/widget.js", _page("widget.js")),
        Route("/api/calls", front.new_call, methods=["POST"]),
        Route("/api/calls", front.may_ask, methods=["OPTIONS"]),
        Route("/api/calls/again", front.same_call, methods=["POST"]),
        Route("/api/calls/left", front.page_is_closed, methods=["POST"]),
        Route("/api/calls/over", front.call_is_over, methods=["POST"]),
        Route("/vendor/livekit-client.js", front.client),
        Route("/health/live", _live),
        Route("/health/ready", front.ready),
        *Webhooks(settings, store).routes(),
        *console.routes(),
        *desk.routes(settings, store, rooms),
        Mount("/pages", Files(directory=PAGES)),
    ]
    app = Starlette(routes=routes)
    # Around all of it: an answer that Starlette gives for an error of ours has them as well.
    app.middleware_stack = SecureHeaders(app.build_middleware_stack(), settings)
    app.state.end_streams = console.watching.close
    return app


class Files(StaticFiles):
    """Pages' own files, asked for again with each page (304 when they are the same): they change together."""

    def file_response(self, *args: Any, **named: Any) -> Response:
        """See StaticFiles."""
        answer = super().file_response(*args, **named)
        answer.headers["cache-control"] = "no-cache"
        return answer


class FrontDoor:
    """What callers' pages ask for."""

    def __init__(self, settings: Settings, store: Store, closed_pages: ClosedPages) -> None:
        self._settings, self._store, self._closed_pages = settings, store, closed_pages
        self._rates = Rates(settings.calls_per_minute)

    async def new_call(self, request: Request) -> Response:
        """201 and the way into a new room. A body is optional: ``{"service": "billing"}`` is billing's direct line."""
        asking = Asking()
        try:
            answer = await self._new_call(request, asking)
        except Exception:
            asking.refused(500)
            raise
        if answer.status_code >= 400:
            log.warning("a call was refused: %d", answer.status_code)  # who asked is in no log
            asking.refused(answer.status_code)
        return guards.readable(answer, request, self._settings.origins)

    async def may_ask(self, request: Request) -> Response:
        """What a browser asks before a page of another site may ask for a token: 204 for those of ``origins``, else 403."""
        if request.headers.get("origin", "") not in self._settings.origins:
            return refusal(403, "wrong_origin", "only our own page may ask, or one of VOICEMESH_ORIGINS")
        told = {
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "content-type",
            "access-control-max-age": "600",
        }
        return guards.readable(Response(status_code=204, headers=told), request, self._settings.origins)

    async def _new_call(self, request: Request, asking: Asking) -> Response:
        if (refused := await self._refused(request)) is not None:
            return refused
        try:
            body = await guards.object_of(request, example='{"service": "billing"}')
            service = body.get("service", FRONT_DESK)
            door = open_door(self._settings, service if isinstance(service, str) else "")
        except guards.BadBody as bad:
            return refusal(bad.status, bad.code, bad.right)
        except NoSuchService as error:
            return refusal(400, "bad_request", str(error))
        log.info("a call was let in", extra={"call_id": door.call_id})
        asking.let_in(door.call_id, door.service)
        return self._let_in(request, door, status=201)

    async def same_call(self, request: Request) -> Response:
        """200, the way back into the call of this browser, and who has it now; 204 when it has none that still goes on. One that was let
        in just now may have been answered by nobody yet."""
        if why := forwarded.not_ours(request, (), proxies=self._settings.proxies):
            return refusal(403, "wrong_origin", why)
        pass_, asking = request.cookies.get(COOKIE, ""), Asking()
        if not pass_:
            return Response(status_code=204)
        try:
            door = open_again(self._settings, pass_)
        except BadPass:
            return self._forgotten()
        try:
            call, floor = await self._store.load_call(door.call_id), await self._store.load_floor(door.call_id)
        except HandoffError:
            asking.refused(503)
            return refusal(503, "try_again", "it cannot be told now whether the call still goes on")
        if call is None and door.is_new(self._settings):
            asking.let_in(door.call_id, door.service)
            return self._let_in(request, door, status=200)
        if call is None or call.ending is not None:
            return self._forgotten()
        asking.let_in(door.call_id, floor.service if floor is not None else door.service)
        return self._let_in(request, door, status=200, service=floor.service if floor is not None else "")

    async def page_is_closed(self, request: Request) -> Response:
        """204: the page is being closed, or loaded again; who of both is seen some seconds later."""
        if why := forwarded.not_ours(request, (), proxies=self._settings.proxies):
            return refusal(403, "wrong_origin", why)
        try:
            door = open_again(self._settings, request.cookies.get(COOKIE, ""))
        except BadPass:
            return self._forgotten()
        self._closed_pages.closed(door.call_id, door.identity)
        return Response(status_code=204)

    async def call_is_over(self, request: Request) -> Response:
        """204: the browser's caller has hung up, and is not recognised any more. Should LiveKit not have heard of it, for the line was
        lost, his seat is cleared as a closed page's is."""
        if why := forwarded.not_ours(request, (), proxies=self._settings.proxies):
            return refusal(403, "wrong_origin", why)
        with suppress(BadPass):
            door = open_again(self._settings, request.cookies.get(COOKIE, ""))
            self._closed_pages.closed(door.call_id, door.identity)
        return self._forgotten()

    async def client(self, request: Request) -> Response:
        """LiveKit's own client for browsers."""
        path = self._settings.client_path
        if not path.is_file():
            return refusal(503, "no_client", "LiveKit's client is not installed: run `make web`")
        return FileResponse(path, media_type="text/javascript", headers={"cache-control": "max-age=86400"})

    async def ready(self, request: Request) -> Response:
        """200, or 503 with the reason."""
        reason = "" if self._settings.client_path.is_file() else "livekit_client_missing"
        body = {"status": "not_ready" if reason else "ready", "reason": reason}
        return JSONResponse(body, status_code=503 if reason else 200)

    async def _refused(self, request: Request) -> Response | None:
        """A server that shows the secret is trusted; a page must be ours, and its address is counted."""
        settings = self._settings
        if shown := guards.bearer_of(request):
            if guards.is_secret(shown, settings.embed_secret):
                return None
            return refusal(401, "wrong_secret", "the bearer is not the secret of VOICEMESH_EMBED_SECRET")
        if why := forwarded.not_ours(request, settings.origins, proxies=settings.proxies):
            return refusal(403, "wrong_origin", f"{why}; or a server that shows its secret")
        if not await self._rates.allows(forwarded.address_of(request, proxies=settings.proxies)):
            answer = refusal(429, "too_many", "too many calls from this address: try again in a minute")
            answer.headers["retry-after"] = "60"
            return answer
        return None

    def _let_in(self, request: Request, door: Door, *, status: int, service: str = "") -> Response:
        """``service``: who has the call now, if anybody; else it is who will answer."""
        body = {"call_id": door.call_id, "url": door.url, "token": door.token, "service": service or door.service}
        answer = JSONResponse(body, status_code=status, headers={"cache-control": "no-store"})
        answer.set_cookie(
            COOKIE,
            door.pass_,
            max_age=self._settings.call_seconds,
            path="/api/calls",
            httponly=True,
            samesite="strict",
            secure=guards.is_https(request),
        )
        return answer

    @staticmethod
    def _forgotten() -> Response:
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE, path="/api/calls")
        return answer


def _page(name: str) -> guards.Handler:
    async def page(request: Request) -> Response:
        return FileResponse(PAGES / name, headers={"cache-control": f"max-age={_KEPT_SECONDS}"})

    return page


async def _live(request: Request) -> Response:
    return JSONResponse({"status": "alive"})
