"""The headers that browsers are told to obey, on every answer: also on one that came of an error of ours."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.forwarded import by_https
from gateway.settings import Settings

_CLOUD = "livekit.cloud"
_HTTPS_ALONE = "max-age=31536000"
"""For a year the browser comes to this host by https alone."""


class SecureHeaders:
    """Puts the same headers on every answer: nothing but our own files runs, nobody frames us, nothing is told to others."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._proxies = app, settings.proxies
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
                if by_https(HTTPConnection(scope), proxies=self._proxies):
                    headers["strict-transport-security"] = _HTTPS_ALONE
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _policy(settings: Settings) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "media-src 'self' blob:",
            f"connect-src 'self' {' '.join(_livekit(settings.public_livekit_url))}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _livekit(url: str) -> list[str]:
    livekit = urlsplit(url)
    http = "https" if livekit.scheme == "wss" else "http"
    hosts = [f"{livekit.scheme}://{livekit.netloc}", f"{http}://{livekit.netloc}"]
    if (livekit.hostname or "").endswith(f".{_CLOUD}"):
        # A project's host that does not answer names those of its regions, and LiveKit's client goes on there.
        hosts += [f"wss://*.{_CLOUD}", f"https://*.{_CLOUD}"]
    return hosts
