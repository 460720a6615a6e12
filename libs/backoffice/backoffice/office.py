"""An MCP server whose answers an agent can say: one JSON text, or a plain sentence when something is refused."""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from telemetry import tracing

from backoffice.request import call_of, trace_of
from backoffice.words import Unreadable

__all__ = ["BackOffice", "CallToolResult", "Context", "Refused"]

log = logging.getLogger("backoffice.office")

MAX_ARGUMENT_CHARS = 2000
"""Longest text that any argument may have; nobody says more in one breath."""
MAX_NUMBER = 10**9
"""Greatest number that any argument may be, either side of zero; PostgreSQL's integers end at twice that."""
_SURROGATE = re.compile("[\ud800-\udfff]")


class Refused(Exception):
    """The back office says no. The message is a plain sentence that an agent can say; it holds no private data."""


class BackOffice(MCPServer[Any]):
    """The tools of one service. It names the arguments that are wrong instead of quoting a validator (and the values)."""

    def __init__(self, name: str) -> None:
        """``name`` is the service's: it is in "The billing records can't be reached right now."."""
        # SDK logs stay at WARNING, so that no argument is ever logged.
        super().__init__(name, version="1", log_level="WARNING")
        self._away = f"The {name} records can't be reached right now."

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Calls a tool; wrong, missing or oversized arguments become a plain tool error."""
        # A name that is none of ours is a model's invention, and may be anything.
        what = {"voicemesh.tool": name if self._tool_manager.get_tool(name) else "other"}
        call_id = call_of(context)
        told = tracing.told(trace_of(context), call_id)
        with tracing.span("mcp.tool", what, call_id=call_id, parent=told, kind=tracing.SERVER) as work:
            result = await self._call_tool(name, arguments, context)
            tracing.note(work, {"voicemesh.refused": getattr(result, "is_error", False)})
            return result

    async def _call_tool(self, name: str, arguments: dict[str, Any], context: Any) -> Any:
        if unusable := sorted(key[:64] for key, value in arguments.items() if not _is_usable(value)):
            return _wrong(unusable)
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as e:
            if not isinstance(e.__cause__, ValidationError):
                raise
            return _wrong(sorted({str(problem["loc"][0]) for problem in e.__cause__.errors()}))

    def answer(self, work: Callable[[], dict[str, Any]]) -> CallToolResult:
        """The tool's result: what ``work`` returns, or the sentence of its Refused, or that the records are away.

        ``work`` is run a second time when a constraint refused it: another writer was first, and a second look finds what it
        wrote. So it must be one transaction, or read only.
        """
        try:
            try:
                result = work()
            except IntegrityError:
                result = work()
        except (Refused, Unreadable) as e:
            return _error(str(e))
        except SQLAlchemyError as e:
            # Only the kind: the statement and its parameters are private.
            log.error("the database failed: %s", type(e).__name__)
            return _error(self._away)
        except Exception as e:  # noqa: BLE001  the SDK would log its text, which may quote what was said
            log.error("a tool failed: %s at line %d of %s", type(e).__name__, *_where(e))
            return _error(self._away)
        return CallToolResult(content=[TextContent(type="text", text=json.dumps(result))])


def _wrong(fields: Sequence[str]) -> CallToolResult:
    return _error(f"The tool needs a valid {' and '.join(fields)}.")


def _error(sentence: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=sentence)], is_error=True)


def _is_usable(value: object) -> bool:
    """Short, and nothing that a database cannot store: no NUL, no half of a surrogate pair, no number beyond a column."""
    if isinstance(value, str):
        return len(value) <= MAX_ARGUMENT_CHARS and "\0" not in value and not _SURROGATE.search(value)
    if isinstance(value, int | float):
        return abs(value) <= MAX_NUMBER  # false for not-a-number too
    if isinstance(value, dict | list):
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        return len(json.dumps(value, default=str)) <= MAX_ARGUMENT_CHARS and all(map(_is_usable, parts))
    return value is None


def _where(e: Exception) -> tuple[int, str]:
    *_, (frame, line) = traceback.walk_tb(e.__traceback__)
    return line, Path(frame.f_code.co_filename).name
