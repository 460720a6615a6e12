"""The desk's routes: humans sign in, see who waits, take a call, keep it while their page lives, hand it back or end it.

Everything is a POST of our own page (same origin), by the sign-in cookie; a call's own steps show its seat as well. No answer is
kept by a browser. What is known of callers goes to who is signed in, and into no log.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from handoff.desk import ON_DUTY_SECONDS
from handoff.directory import DIRECTORY
from handoff.errors import HandoffError
from handoff.store import Store
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from gateway import desk_badge as badges
from gateway import forwarded, guards
from gateway.desk_back import HandingBack, NotTaken
from gateway.desk_badge import Badge, NotSignedIn, Seat
from gateway.desk_callbacks import Callbacks
from gateway.desk_floor import Floors, Gone, Standing
from gateway.desk_queue import Queue
from gateway.guards import BadBody, Rates, refusal
from gateway.rooms import LIVEKIT_AWAY, LiveKitRooms, Rooms
from gateway.settings import Settings

log = logging.getLogger("gateway.desk")

COOKIE = "voicemesh_desk"
_PATH = "/api/desk"
_TRIES_PER_MINUTE = 5
"""With a wrong secret, from one address: a whole house comes by one at the beginning of a shift, and with the right one."""
_PAGE = Path(__file__).with_name("pages") / "desk.html"
_NO_STORE = {"cache-control": "no-store"}
Body = dict[str, Any]


def routes(settings: Settings, store: Store, rooms: Rooms | None = None) -> list[Route]:
    """The desk; nothing when it is switched off. ``rooms``: LiveKit's when left out."""
    if not settings.desk_secret:
        return []
    desk = Desk(settings, store, rooms or LiveKitRooms(settings))
    asked: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "who": desk.who,
        "in": desk.sign_in,
        "out": desk.signed_in(desk.sign_out),
        "beat": desk.signed_in(desk.beat),
        "look": desk.signed_in(desk.look),
        "take": desk.signed_in(desk.take),
        "callback": desk.signed_in(desk.look_at_callback),
        "claim": desk.signed_in(desk.claim_callback),
        "let-go": desk.signed_in(desk.let_callback_go),
        "called": desk.signed_in(desk.has_called_back),
        "door": desk.seated(desk.door),
        "ready": desk.seated(desk.ready),
        "leave": desk.seated(desk.leave),
        "end": desk.seated(desk.end),
        "back": desk.seated(desk.hand_back),
        "pass": desk.seated(desk.pass_on),
    }
    return [
        Route("/desk", _page),
        *(Route(f"{_PATH}/{name}", handler, methods=["POST"]) for name, handler in asked.items()),
    ]


class Desk:
    """What the desk's pages ask for."""

    def __init__(self, settings: Settings, store: Store, rooms: Rooms) -> None:
        self._settings, self._store = settings, store
        self._queue = Queue(store)
        self._callbacks = Callbacks(store)
        self._floors = Floors(store, rooms)
        self._back = HandingBack(store, rooms, self._floors, spoken_seconds=settings.spoken_seconds)
        self._tries = Rates(_TRIES_PER_MINUTE)

    # --- who asks -------------------------------------------------------------------------------------------------
    def signed_in(self, act: Callable[[Badge, Body], Awaitable[Response]]) -> guards.Handler:
        """A handler for who shows a badge; every fault of ``act`` as an answer."""

        async def handler(request: Request) -> Response:
            if why := forwarded.not_ours(request, (), proxies=self._settings.proxies):
                return _no(403, "wrong_origin", why)
            try:
                badge = badges.read_badge(self._settings, request.cookies.get(COOKIE, ""))
                return await act(badge, await guards.object_of(request, example="{}"))
            except NotSignedIn:
                return _no(401, "signed_out", "please sign in")
            except BadBody as e:
                return _no(e.status, e.code, e.right)
            except Gone as e:
                return _no(409, "gone", str(e))
            except NotTaken as e:
                return _no(409, "not_taken", str(e))
            except (HandoffError, *LIVEKIT_AWAY):
                return _no(503, "try_again", "the telephone system does not answer now")

        return handler

    def seated(self, act: Callable[[Seat, Body], Awaitable[Response]]) -> guards.Handler:
        """The same for who shows the seat of a call as well."""

        async def handler(badge: Badge, body: Body) -> Response:
            return await act(badges.read_seat(self._settings, body.get("seat"), badge), body)

        return self.signed_in(handler)

    async def who(self, request: Request) -> Response:
        """200 and the name of who is signed in at this browser, or is signed in now because a proxy of ours names him; 204 when
        nobody is."""
        if why := forwarded.not_ours(request, (), proxies=self._settings.proxies):
            return _no(403, "wrong_origin", why)
        try:
            return _yes({"name": badges.read_badge(self._settings, request.cookies.get(COOKIE, "")).name})
        except NotSignedIn:
            header = self._settings.desk_user_header
            name = badges.name_by_proxy(request.headers.getlist(header)) if header else ""
        return self._welcomed(request, name, _yes({"name": name})) if name else _nothing()

    async def sign_in(self, request: Request) -> Response:
        """204 and the cookie, for the secret and a name. Wrong secrets are counted; after too many not even the right one opens."""
        if why := forwarded.not_ours(request, (), proxies=self._settings.proxies):
            return _no(403, "wrong_origin", why)
        try:
            body = await guards.object_of(request, example='{"secret": "...", "name": "Anna"}')
        except BadBody as e:
            return _no(e.status, e.code, e.right)
        secret, name = body.get("secret"), badges.name_of(body.get("name"))
        is_right = isinstance(secret, str) and guards.is_secret(secret, self._settings.desk_secret)
        address = forwarded.address_of(request, proxies=self._settings.proxies)
        if not await self._tries.allows(address, counts=not is_right):
            answer = _no(429, "too_many", "too many wrong secrets from this address: wait a minute")
            answer.headers["retry-after"] = "60"
            return answer
        if not is_right:
            log.warning("a wrong secret was shown to the desk")
            return _no(401, "wrong_secret", "this is not the desk's secret")
        if not name:
            return _no(400, "bad_request", "give a name as callers shall hear it: at most 40 letters")
        return self._welcomed(request, name, _nothing())

    def _welcomed(self, request: Request, name: str, answer: Response) -> Response:
        """The answer, with the cookie of somebody who is signed in from now on."""
        answer.set_cookie(
            COOKIE,
            badges.sign_badge(self._settings, badges.new_badge(name)),
            max_age=badges.SHIFT_SECONDS,
            path=_PATH,
            httponly=True,
            samesite="strict",
            secure=guards.is_https(request),
        )
        return answer

    async def sign_out(self, badge: Badge, body: Body) -> Response:
        """204: this browser is nobody's, and nobody waits for its human. Who comes through a proxy signs out there as well."""
        await self._store.note_on_duty(badge.human_id, seconds=0)
        answer = _nothing()
        answer.delete_cookie(COOKIE, path=_PATH)
        return answer

    # --- who waits ------------------------------------------------------------------------------------------------
    async def beat(self, badge: Badge, body: Body) -> Response:
        """The page lives. With a seat: where its human stands in that call. Without: who waits, who is to be called back, and
        whether he takes calls."""
        if body.get("seat") is not None:
            seat = badges.read_seat(self._settings, body["seat"], badge)
            standing = await self._floors.beat(seat, is_open=body.get("open") is True)
            if standing in (Standing.COMING, Standing.FLOOR):
                await self._store.note_on_duty(badge.human_id, seconds=0)
            return _yes({"name": badge.name, "standing": standing.value})
        is_available = body.get("available") is True
        await self._store.note_on_duty(badge.human_id, seconds=ON_DUTY_SECONDS if is_available else 0)
        queue, callbacks = await self._queue.waiting(), await self._callbacks.due(badge)
        return _yes({"name": badge.name, "queue": queue, "callbacks": callbacks})

    async def look(self, badge: Badge, body: Body) -> Response:
        """The briefing of a call that waits."""
        return _yes(await self._queue.briefing(await self._floors.offered(_text(body, "handoff_id"))))

    async def take(self, badge: Badge, body: Body) -> Response:
        """The seat, when nobody was faster; with it comes the way into the room."""
        seat = await self._floors.take(badge, _text(body, "handoff_id"))
        return _yes({"seat": badges.sign_seat(self._settings, seat)})

    # --- who is to be called back ---------------------------------------------------------------------------------
    async def look_at_callback(self, badge: Badge, body: Body) -> Response:
        """What is known of a callback that is due."""
        return _yes(await self._callbacks.look(badge, *_ticket(body)))

    async def claim_callback(self, badge: Badge, body: Body) -> Response:
        """He calls back: one does."""
        await self._callbacks.claim(badge, *_ticket(body))
        return _yes({})

    async def let_callback_go(self, badge: Badge, body: Body) -> Response:
        """He does not, after all."""
        await self._callbacks.let_go(badge, *_ticket(body))
        return _yes({})

    async def has_called_back(self, badge: Badge, body: Body) -> Response:
        """It is done."""
        await self._callbacks.close(badge, *_ticket(body))
        return _yes({})

    # --- a call ---------------------------------------------------------------------------------------------------
    async def door(self, seat: Seat, body: Body) -> Response:
        """The way into the room, and the briefing as long as the offer is kept; again for a page that was loaded again."""
        offer = await self._floors.may_enter(seat)
        return _yes(
            {
                "url": self._settings.public_livekit_url,
                "token": badges.way_in(self._settings, seat),
                "identity": seat.identity,
                "services": {entry.name: entry.spoken_name for entry in DIRECTORY.values()},
                "briefing": await self._queue.briefing(offer) if offer is not None else None,
            }
        )

    async def ready(self, seat: Seat, body: Body) -> Response:
        """The microphone is in the room, as the page says: LiveKit is asked."""
        return _yes({"is_heard": await self._floors.is_there(seat)})

    async def leave(self, seat: Seat, body: Body) -> Response:
        """He does not come, or goes away."""
        await self._floors.leave(seat)
        return _yes({})

    async def end(self, seat: Seat, body: Body) -> Response:
        """The call is over, by him or because its caller has gone."""
        detail = "the caller hung up" if body.get("caller_left") is True else "ended at the desk"
        await self._floors.end(seat, detail=detail)
        return _yes({})

    async def hand_back(self, seat: Seat, body: Body) -> Response:
        """The first step: an agent of the service waits in the room. The page shuts its microphone, then asks for the second."""
        note = body.get("note", "")
        if not isinstance(note, str):
            raise BadBody(400, "bad_request", "the note must be text")
        return _yes({"handoff_id": await self._back.prepare(seat, _text(body, "service"), note)})

    async def pass_on(self, seat: Seat, body: Body) -> Response:
        """The second: the service has the floor, and speaks."""
        await self._back.finish(seat, _text(body, "handoff_id"))
        return _yes({})


def _ticket(body: Body) -> tuple[str, str]:
    return _text(body, "ticket_id"), _text(body, "call_id")


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or len(value) > 200:
        raise BadBody(400, "bad_request", f"{name} must be text")
    return value


def _yes(told: Body) -> Response:
    return JSONResponse(told, headers=_NO_STORE)


def _nothing() -> Response:
    return Response(status_code=204, headers=_NO_STORE)


def _no(status: int, code: str, message: str) -> Response:
    answer = refusal(status, code, message)
    answer.headers["cache-control"] = "no-store"
    return answer


async def _page(request: Request) -> Response:
    return FileResponse(_PAGE, headers=_NO_STORE)
