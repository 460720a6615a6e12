"""What every request and every answer must pass: size, origin, rate, and the headers that browsers are told to obey."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
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


def address_of(request: Request, *, proxies: int) -> str:
    """Who asks: the connection's other end, or what the outermost of our ``proxies`` saw."""
    peer = request.client.host if request.client is not None else ""
    if not proxies:
        return peer
    seen = [one.strip() for one in request.headers.get("x-forwarded-for", "").split(",") if one.strip()]
    return seen[-proxies] if len(seen) >= proxies else peer


class Rates:
    """So many calls a minute from one address. Each gateway counts for itself."""

    def __init__(self, calls_per_minute: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limit = RateLimitItemPerMinute(calls_per_minute)

    async def allows(self, address: str) -> bool:
        """Counts this one when it does."""
        return await self._limiter.hit(self._limit, address)


def is_from(request: Request, origins: tuple[str, ...]) -> bool:
    """Whether a page of our own (or of one of ``origins``) asks. Browsers name the page's origin with every POST."""
    origin = request.headers.get("origin", "")
    if not origin:
        return False
    return urlsplit(origin).netloc == request.headers.get("host", "") or origin in origins


def is_https(request: Request) -> bool:
    """Whether the browser came by https, as far as the proxy in front of us tells."""
    return request.headers.get("x-forwarded-proto", request.url.scheme) == "https"


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
