"""What LiveKit tells of its rooms: who came in, which one is closed. Each event is noted once in the store and answered at once; what
follows from it is done later, by a guardian (a caller whom nobody answers) or by a gateway (a call whose room is gone).
"""

from __future__ import annotations

import logging

from google.protobuf.json_format import ParseError
from handoff.errors import HandoffError
from handoff.store import RoomList, Store
from livekit.api import TokenVerifier, WebhookEvent, WebhookReceiver
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import guards
from gateway.doors import CALL_ROOMS, CALLER_KINDS
from gateway.guards import refusal
from gateway.settings import Settings

log = logging.getLogger("gateway.webhooks")

LONELY_AFTER_SECONDS = 6.0
"""Ten times what an agent needs from dispatch to floor: who is alone then is waiting for nobody."""
OVER_AFTER_SECONDS = 30.0
"""As long as an agent's ending waits for a store that is away, and longer than a guardian waits for a caller to come back (20 s)."""
_ID_CHARS = 200


class _Refused(Exception):
    """Carries the answer: status, code, words."""


class Webhooks:
    """LiveKit's door."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._receiver = WebhookReceiver(TokenVerifier(settings.livekit_api_key, settings.livekit_api_secret))
        self._store = store

    def routes(self) -> list[Route]:
        """One."""
        return [Route("/webhooks/livekit", self.told, methods=["POST"])]

    async def told(self, request: Request) -> Response:
        """200 when the event is noted, was noted before, or is none of ours; 503 when LiveKit is to tell it again."""
        try:
            event = await self._event(request)
        except _Refused as refused:
            status, code, words = refused.args
            log.warning("a webhook was refused: %s", code)
            return refusal(status, code, words)
        duty = _duty(event)
        if duty is None:
            return Response(status_code=200)
        list_, after_seconds = duty
        try:
            noted = await self._store.note_room(event.room.name, list_, event_id=event.id, after_seconds=after_seconds)
        except HandoffError:
            return refusal(503, "try_again", "it cannot be noted now")
        if noted:
            log.info("LiveKit told: %s", list_.value, extra={"call_id": event.room.name})
        return Response(status_code=200)

    async def _event(self, request: Request) -> WebhookEvent:
        body = await guards.body_of(request, bytes_max=guards.WEBHOOK_BYTES_MAX)
        if body is None:
            raise _Refused(413, "too_large", f"the body has more than {guards.WEBHOOK_BYTES_MAX} bytes")
        try:
            return self._receiver.receive(body.decode(), request.headers.get("authorization", ""))
        except (UnicodeDecodeError, ParseError, RecursionError):
            raise _Refused(400, "bad_request", "the body is not an event of LiveKit's") from None
        except Exception:  # noqa: BLE001 - a bare Exception is what the receiver raises for a wrong hash; its texts may quote the token
            raise _Refused(
                401, "wrong_signature", "the body is not signed with our key, or the signature is too old"
            ) from None


def _duty(event: WebhookEvent) -> tuple[RoomList, float] | None:
    """On which list the event's room is put, and how many seconds later it is looked at; None for what does not concern us."""
    room = event.room.name
    if not room.startswith(CALL_ROOMS) or len(room) > _ID_CHARS or not 0 < len(event.id) <= _ID_CHARS:
        return None
    if event.event == "room_finished":
        return RoomList.OVER, OVER_AFTER_SECONDS
    if event.event == "participant_joined" and event.participant.kind in CALLER_KINDS:
        return RoomList.LONELY, LONELY_AFTER_SECONDS
    return None
