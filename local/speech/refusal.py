"""A refused request, in the shape of OpenAI's errors, so that their client libraries raise what they should."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID = web.RequestKey("request_id", str)
"""Of the request being served; clients quote it in their own logs."""


class Refusal(Exception):
    """Why a request is not served. ``param`` is the field that is wrong; the message never quotes a caller's words."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.param, self.code, self.status = message, param, code, status


@web.middleware
async def in_openai_shape(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns refusals, and aiohttp's own (not found, too large ...), into OpenAI's JSON; gives every answer a request id."""
    request_id = f"req_{uuid.uuid4().hex}"
    request[REQUEST_ID] = request_id
    try:
        response = await handler(request)
    except Refusal as refusal:
        response = _answer(refusal)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = _answer(Refusal(f"{error.reason}: {request.method} {request.path}", status=error.status))
    if not response.prepared:
        response.headers["x-request-id"] = request_id
    return response


def _answer(refusal: Refusal) -> web.Response:
    kind = "invalid_request_error" if refusal.status < 500 else "server_error"
    body = {"message": refusal.message, "type": kind, "param": refusal.param, "code": refusal.code}
    response = web.Response(status=refusal.status, text=json.dumps({"error": body}), content_type="application/json")
    if refusal.status == 503:
        response.headers["Retry-After"] = "1"
    return response
