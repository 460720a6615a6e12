"""A service's MCP tools, with a deadline: slow or away is said honestly, never papered over.

Each request says which call it is for and, once the caller's identity is verified, shows the capability that proves it. Both are
headers, set here; the capability is taken out of the answer that brings it before any model or log sees it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx2
from livekit.agents import ToolError, function_tool, mcp
from livekit.agents.llm import RawFunctionTool
from mcp.types import CallToolResult

from worker import capability
from worker.capability import Identity
from worker.settings import Settings

log = logging.getLogger("voicemesh.tools")

_TLS = httpx2.create_ssl_context()
"""Made once, in the job processes' template."""
CALL_HEADER = "X-Voicemesh-Call-Id"
_LATE = (
    "No answer in time: the records can't be reached right now, and it is not known whether anything was done."
    " Say so; never invent a result."
)
_AWAY = "The records can't be reached right now. Say what you cannot do; never invent a result."


class BackOffice(mcp.MCPServerHTTP):
    """The client of one call. A connection that broke is opened anew at the next tool call."""

    def __init__(self, url: str, *, call_id: str, timeout_seconds: float) -> None:
        super().__init__(
            url=url,
            transport_type="streamable_http",
            headers={CALL_HEADER: call_id},
            timeout=timeout_seconds,
            client_session_timeout_seconds=timeout_seconds,
        )
        self._call_id = call_id
        self._timeout_seconds = timeout_seconds
        self._is_broken = False
        self.on_verified: Callable[[Identity], None] = lambda identity: None
        """Told at once when a tool has verified the caller's identity, before the tool's answer goes on."""
        self.on_refused: Callable[[], None] = lambda: None
        """Told when the capability was refused: who the caller is must be verified anew."""

    def show(self, token: str) -> None:
        """From now on requests show this capability; none when it is empty."""
        headers = {CALL_HEADER: self._call_id}
        self.headers = headers | ({"Authorization": f"Bearer {token}"} if token else {})

    def _make_function_tool(
        self,
        name: str,
        description: str | None,
        input_schema: dict[str, Any],
        meta: dict[str, Any] | None,
        *,
        options: mcp.MCPToolOptions,
    ) -> RawFunctionTool[..., Any]:
        """As LiveKit's, which gives up for the rest of the call when a connection broke once."""

        async def ask(raw_arguments: dict[str, Any]) -> str:
            result = await self._call_tool(name, raw_arguments)
            if result.is_error:
                raise ToolError(_text(result))
            return self._told(name, _text(result))

        schema = {"name": name, "description": description, "parameters": input_schema}
        return function_tool(ask, raw_schema=schema | ({"meta": meta} if meta else {}), flags=options["flags"])

    async def _call_tool(self, name: str, arguments: dict[str, Any], **options: Any) -> CallToolResult:
        """Raises ToolError, in words that a brain can act on, when there is no answer within the deadline."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if self._is_broken or self._client is None:
                    await self._open_anew()
                result = await super()._call_tool(name, arguments, **options)
        except TimeoutError:
            self._is_broken = True
            log.warning("the back office did not answer %s in time", name, extra={"call_id": self._call_id})
            raise ToolError(_LATE) from None
        except ToolError:
            raise
        except Exception as e:  # noqa: BLE001 - the SDK raises whatever the transport raised, its text may quote what was sent
            self._is_broken = True
            log.warning("the back office failed at %s: %s", name, type(e).__name__, extra={"call_id": self._call_id})
            raise ToolError(_LATE if "timed out" in str(e).lower() else _AWAY) from None
        if result.is_error and capability.REFUSED in _text(result).lower():
            self.on_refused()
        return result

    def _create_http_client(
        self,
        headers: dict[str, Any] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        """As LiveKit's, which reads the machine's certificates for every client: 50 ms of a caller's time."""
        waits = httpx2.Timeout(self._timeout, read=self._sse_read_timeout)
        self._http_client = httpx2.AsyncClient(
            verify=_TLS, timeout=timeout or waits, headers=headers if headers is not None else self.headers, auth=auth
        )
        return self._http_client

    async def initialize(self) -> None:
        """See MCPServer. A connection that fails has told whoever waited for it; asyncio need not complain as well."""
        try:
            await super().initialize()
        finally:
            if self._client_task is not None:
                self._client_task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _open_anew(self) -> None:
        client, self._client_task = self._client_task, None
        if client is not None:
            client.cancel()
            await asyncio.wait({client})
        await self.initialize()
        self._is_broken = False

    def _told(self, name: str, text: str) -> str:
        """The tool's own JSON text, without MCP's envelope around it, and without a capability."""
        if not text:
            raise ToolError(f"the tool {name} gave no result")
        text, identity = capability.taken_out(name, text)
        if identity is not None:
            self.on_verified(identity)
        return text


def _text(result: CallToolResult) -> str:
    return "\n".join(text for part in result.content if (text := getattr(part, "text", "")))


async def connect(settings: Settings, *, call_id: str) -> tuple[list[Any], BackOffice | None, str]:
    """The service's toolset, set up, its client, and an empty string; or no tools and why they are away.

    LiveKit swallows a toolset's failure to connect; the agent must know, so that it does not promise what it cannot do. The next
    call connects anew.
    """
    if not settings.mcp_url:
        return [], None, ""
    office = BackOffice(settings.mcp_url, call_id=call_id, timeout_seconds=settings.tool_timeout_seconds)
    toolset = mcp.MCPToolset(id="back_office", mcp_server=office)
    try:
        await asyncio.wait_for(toolset.setup(), settings.tool_timeout_seconds)
    except Exception as e:  # noqa: BLE001 - the SDK raises whatever the transport raised; the agent goes on without tools
        log.error("the back office is away: %s", type(e).__name__, extra={"call_id": call_id})
        return [], None, type(e).__name__
    return [toolset], office, ""
