"""What the request of a tool call says beside the tool and its arguments: for which call it is, and in which span it was made."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mcp.server.mcpserver import Context
from telemetry.names import TRACEPARENT

CALL_HEADER = "X-Voicemesh-Call-Id"
_CALL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,127}")
"""The + stands in the id of a call by telephone, which names our number that was called."""


def header(context: Context | None, name: str) -> str:
    """A header of the request; empty when there is none, or no request."""
    try:
        headers = context.headers if context is not None else None
    except ValueError:  # the SDK's way to say that there is no request
        return ""
    # Starlette's headers ignore case; those of a test may not.
    return next((value for key, value in (headers or {}).items() if key.lower() == name.lower()), "")


def call_of(context: Context | None) -> str:
    """The call that a tool is used on. Set by the worker that serves it, never by what is said on it; empty when nothing readable is."""
    call_id = header(context, CALL_HEADER)
    return call_id if _CALL_ID.fullmatch(call_id) else ""


def trace_of(context: Context | None) -> Mapping[str, str]:
    """The ``traceparent`` of the tool call itself, for which MCP has a place, else that of its HTTP request; may be empty, or nonsense."""
    try:
        meta = (context.request_context.meta if context is not None else None) or {}
    except ValueError:  # as above
        meta = {}
    of_the_call = meta.get(TRACEPARENT)
    return {TRACEPARENT: of_the_call if isinstance(of_the_call, str) else header(context, TRACEPARENT)}
