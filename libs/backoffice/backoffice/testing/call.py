"""One call's way into a back office, without HTTP: the headers that a worker would set, and the answers as an agent gets them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import jwt
from mcp.server.context import ServerRequestContext
from telemetry.names import TRACEPARENT

from backoffice.capability import CALL_HEADER
from backoffice.database import Database
from backoffice.identity import issue
from backoffice.office import BackOffice, Context
from backoffice.settings import Settings

KEY = "a key for tests only, of more than 64 characters so that every algorithm likes it"
"""For ``Settings(capability_key=KEY)``."""


@dataclass(frozen=True, slots=True)
class _Request:
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """``call("get_account", account_id="AC4721")`` -> (is_error, JSON or sentence). Safe to use from several threads."""

    office: BackOffice
    settings: Settings
    call_id: str = "call-1"
    capability: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, tool: str, /, **arguments: Any) -> tuple[bool, Any]:
        """The answer; JSON when it is no error, else the sentence."""
        result = anyio.run(self.office.call_tool, tool, arguments, self._context())
        (item,) = result.content
        return bool(result.is_error), item.text if result.is_error else json.loads(item.text)

    def verified(self, account_id: str) -> Call:
        """The same call, whose caller was verified for the account."""
        return self.holding(issue(self.settings, call_id=self.call_id, account_id=account_id))

    def holding(self, capability: str) -> Call:
        """The same call with this capability."""
        return replace(self, capability=capability)

    def on(self, call_id: str) -> Call:
        """Another call, holding the same capability."""
        return replace(self, call_id=call_id)

    def under(self, traceparent: Any = "", *, header: str = "") -> Call:
        """The same call from within a span, as MCP says it and as HTTP does."""
        told = {TRACEPARENT: header} if header else {}
        return replace(self, meta={TRACEPARENT: traceparent} if traceparent else {}, headers=told)

    def _context(self) -> Context:
        headers = dict(self.headers) | ({CALL_HEADER: self.call_id} if self.call_id else {})
        if self.capability:
            headers["Authorization"] = f"Bearer {self.capability}"
        request: ServerRequestContext[Any, Any] = ServerRequestContext(
            session=None,  # type: ignore[arg-type]  # no tool of ours speaks to the client by itself
            lifespan_context=None,
            protocol_version="",
            method="tools/call",
            meta=dict(self.meta),  # type: ignore[arg-type]  # what came may be anything
            request=_Request(headers),
        )
        return Context(request_context=request, mcp_server=self.office)


@contextmanager
def opened(settings: Settings, *, package: str) -> Iterator[Database]:
    """The database at ``settings.database_url``, as it is; closed at the end."""
    database = Database(settings, package=package)
    try:
        yield database
    finally:
        database.close()


def forged(claims: Mapping[str, Any], *, key: str = KEY, algorithm: str = "HS256", expired: bool = False) -> str:
    """A token with these claims (``sub``: account, ``call``), signed as told: what a thief would present."""
    when = datetime.now(UTC) + timedelta(seconds=-60 if expired else 600)
    return jwt.encode({"exp": when, **claims}, "" if algorithm == "none" else key, algorithm=algorithm)
