"""What every request and every answer must pass: size, origin, rate, and the headers that browsers are told to obey."""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.settings import Settings

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


def address_of(request: Request, *, proxies: int) -> str:
    """Who asks: the connection's other end, or what the outermost of our ``proxies`` saw."""
    peer = request.client.host if request.client is not None else ""
    if not proxies:
        return peer
    # Some proxies append to the header that came, others add one of their own below it.
    listed = ",".join(request.headers.getlist("x-forwarded-for"))
    seen = [one.strip() for one in listed.split(",") if one.strip()]
    return seen[-proxies] if len(seen) >= proxies else peer


class Rates:
    """So many calls a minute from one address. Each gateway counts for itself."""

    def __init__(self, calls_per_minute: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limit = RateLimitItemPerMinute(calls_per_minute)

    async def allows(self, address: str) -> bool:
        """Counts this one when it does. Who has one IPv6 address has all of its network: they count as one."""
        return await self._limiter.hit(self._limit, _line_of(address))


def _line_of(address: str) -> str:
    """What one subscriber has: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # a proxy may tell of its clients as it likes
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((int(found), 64), strict=False))


def is_from(request: Request, origins: tuple[str, ...]) -> bool:
    """Whether a page of our own (or of one of ``origins``) asks. Browsers name the page's origin with every POST."""
    origin = request.headers.get("origin", "")
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(host) and (host == request.headers.get("host", "") or origin in origins)


def readable(answer: Response, request: Request, origins: tuple[str, ...]) -> Response:
    """The answer, which a browser lets a page of one of ``origins`` read (CORS): it keeps it from every other site's page."""
    origin = request.headers.get("origin", "")
    if origin in origins:
        answer.headers["access-control-allow-origin"] = origin
        answer.headers["vary"] = "origin"
    return answer


def is_https(request: Request) -> bool:
    """Whether the browser came by https, as far as the proxy in front of us tells."""
    told = request.headers.get("x-forwarded-proto", request.url.scheme)
    return told.split(",")[0].strip() == "https"  # of several proxies the outermost speaks first


def bearer_of(request: Request) -> str:
    """The secret that a server shows; empty when it shows none."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""


def is_secret(shown: str, secret: str) -> bool:
    """In constant time; no secret is never right."""
    return bool(secret) and hmac.compare_digest(shown.encode(), secret.encode())


class SecureHeaders:
    """Puts the same headers on every answer: nothing but our own files runs, nobody frames us, nothing is told to others."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = {
            "content-security-policy": _policy(settings),
            "permissions-policy": "microphone=(self), camera=(), geolocation=(), payment=()",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "cross-origin-opener-policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _policy(settings: Settings) -> str:
    livekit = urlsplit(settings.public_livekit_url)
    http = "https" if livekit.scheme == "wss" else "http"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "media-src 'self' blob:",
            f"connect-src 'self' {livekit.scheme}://{livekit.netloc} {http}://{livekit.netloc}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
