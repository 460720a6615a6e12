"""What the proxies in front of us say of a request: who asks, by which name we were asked, and whether by https.

A proxy adds its word at the end of such a header, or sets the header anew. As many words are believed, from the end, as proxies of ours
stand in front (VOICEMESH_PROXIES); what comes before them anybody may have sent.
"""

from __future__ import annotations

import logging
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request

log = logging.getLogger("gateway.forwarded")

_HOST = "x-forwarded-host"
_USUAL_PORTS = {"http": ":80", "https": ":443"}


def believed(headers: Headers, name: str, *, proxies: int) -> list[str]:
    """What proxies of ours put into this header, the outermost first."""
    # Some proxies append to the header that came, others add one of their own below it.
    listed = ",".join(headers.getlist(name))
    told = [one.strip() for one in listed.split(",") if one.strip()]
    return told[-proxies:] if proxies else []


def address_of(request: Request, *, proxies: int) -> str:
    """Who asks: the connection's other end, or what the outermost of our ``proxies`` saw."""
    seen = believed(request.headers, "x-forwarded-for", proxies=proxies)
    peer = request.client.host if request.client is not None else ""
    return seen[0] if seen and len(seen) == proxies else peer


def by_https(connection: HTTPConnection, *, proxies: int) -> bool:
    """Whether the browser came by https for certain."""
    told = believed(connection.headers, "x-forwarded-proto", proxies=proxies)
    return (told or [connection.scope.get("scheme", "")])[0] == "https"


def not_ours(request: Request, origins: tuple[str, ...], *, proxies: int) -> str:
    """Why the page that asks is none of our own (nor of one of ``origins``), for whoever runs the proxies; empty when it is one. Browsers
    name the page's origin with every POST."""
    origin = request.headers.get("origin", "")
    try:
        page = urlsplit(origin)
    except ValueError:
        return "only our own page may ask"
    if not page.netloc:
        return "only our own page may ask"
    # Not every proxy adds its own: the first of those that came is what the browser asked for.
    told = believed(request.headers, _HOST, proxies=proxies)
    if _is_at(page, (told or [request.headers.get("host", "")])[0]) or origin in origins:
        return ""
    reason = _what_is_missing(request.headers, told, proxies)
    log.warning("a page was refused: %s (docs/web.md)", reason)  # which one is in no log
    return f"only our own page may ask: {reason}"


def _is_at(page: SplitResult, host: str) -> bool:
    return page.netloc == host.lower().removesuffix(_USUAL_PORTS.get(page.scheme, ""))


def _what_is_missing(headers: Headers, told: list[str], proxies: int) -> str:
    if told:
        return "its origin is not X-Forwarded-Host: if it is your own page, your outermost proxy must set that to the Host that the browser sent"
    if proxies:
        return "its origin is not Host, and no X-Forwarded-Host came: if it is your own page, your proxy must pass one of them as the browser sent it"
    if any(name.startswith("x-forwarded-") for name in headers):
        return (
            "its origin is not Host, and X-Forwarded-Host is not believed while VOICEMESH_PROXIES is 0: if it is your own page, say there how"
            " many proxies of yours stand in front"
        )
    return "its origin is not Host: if it is your own page, the proxy in front must pass Host as the browser sent it"
