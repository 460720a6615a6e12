"""What every request must pass: size, rate, secrets; and how it is refused."""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Awaitable, Callable
from typing import Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

BODY_BYTES_MAX = 4096
WEBHOOK_BYTES_MAX = 256 * 1024
Handler = Callable[[Request], Awaitable[Response]]


class BadBody(Exception):
    """What a request holds is no use: the answer's status and code, and in words what would be right."""

    def __init__(self, status: int, code: str, right: str) -> None:
        super().__init__(right)
        self.status, self.code, self.right = status, code, right


def refusal(status: int, code: str, message: str) -> JSONResponse:
    """An answer that says what is wrong; ``code`` is for programs."""
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


async def body_of(request: Request, *, bytes_max: int = BODY_BYTES_MAX) -> bytes | None:
    """The body; None when it is larger than ``bytes_max``, of which no more than that is read."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > bytes_max:
            return None
    return bytes(body)


async def object_of(request: Request, *, example: str) -> dict[str, Any]:
    """The body as a JSON object, empty where there is none. Raises BadBody, with the ``example`` of what would be right."""
    raw = await body_of(request)
    if raw is None:
        raise BadBody(413, "too_large", f"the body has more than {BODY_BYTES_MAX} bytes")
    try:
        body = json.loads(raw or b"{}")
        # Half a character is fine JSON, and can be neither compared nor stored.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise BadBody(400, "bad_request", f"the body must be JSON such as {example}")
    return body


class Rates:
    """So many calls (or wrong secrets) a minute from one address. Each gateway counts for itself."""

    def __init__(self, calls_per_minute: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limit = RateLimitItemPerMinute(calls_per_minute)

    async def allows(self, address: str, *, counts: bool = True) -> bool:
        """Counts this one when it does. One that does not count is allowed while one that does would be. Who has one IPv6 address has
        all of its network: they count as one."""
        ask = self._limiter.hit if counts else self._limiter.test
        return await ask(self._limit, _line_of(address))


def _line_of(address: str) -> str:
    """What one subscriber has: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        found = ipaddress.ip_address(_without_port(address))
    except ValueError:
        return ""  # a proxy may tell of its clients as it likes: whom it names by no address is one with all others like him
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((int(found), 64), strict=False))


def _without_port(address: str) -> str:
    """Some proxies name the port as well, which is another one with each connection."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, _, port = address.partition(":")
    return host if port.isdigit() else address


def readable(answer: Response, request: Request, origins: tuple[str, ...]) -> Response:
    """The answer, which a browser lets a page of one of ``origins`` read (CORS): it keeps it from every other site's page."""
    origin = request.headers.get("origin", "")
    if origin in origins:
        answer.headers["access-control-allow-origin"] = origin
        answer.headers["vary"] = "origin"
    return answer


def is_https(request: Request) -> bool:
    """Whether the browser came by https, as far as anybody tells: who lies about it spoils a cookie of his own."""
    told = request.headers.get("x-forwarded-proto", request.url.scheme)
    return told.split(",")[0].strip() == "https"  # of several proxies the outermost speaks first


def bearer_of(request: Request) -> str:
    """The secret that a server shows; empty when it shows none."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""


def is_secret(shown: str, secret: str) -> bool:
    """In constant time; no secret is never right."""
    return bool(secret) and hmac.compare_digest(shown.encode(), secret.encode())
