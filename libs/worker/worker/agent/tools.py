"""A service's MCP tools, with a deadline: slow or away is said honestly, never papered over.

Each request says which call it is for and, once the caller's identity is verified, shows the capability that proves it. Both are
headers, set here; the capability is taken out of the answer that brings it before any model or log sees it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx2
from livekit.agents import ToolError, function_tool, mcp
from livekit.agents.llm import RawFunctionTool
from mcp.types import CallToolResult
from telemetry import tracing

from worker.agent import capability
from worker.agent.capability import Identity
from worker.agent.tool_use import ToolUse, told_of_tool
from worker.settings import Settings

log = logging.getLogger("voicemesh.tools")

_TLS = httpx2.create_ssl_context()
"""Made once, in the job processes' template."""
CALL_HEADER = "X-Voicemesh-Call-Id"
SEATING_SECONDS = 1.0
"""Longest that an agent is kept from its call by tools that are not there: a successor, or the taker of a drained worker's call,
has 4 s until its first word, a new caller hears nothing meanwhile."""
SLOW_SECONDS = 2.0
"""After so long a caller is told that his agent still looks: he has heard nothing for a second more than that."""
AGAIN_SECONDS = 2.0
"""After so long a back office that was away is tried again."""
_REOPENING_SECONDS = 1.0
"""Longest that a broken connection may take to be opened anew, which is done in some milliseconds or not at all: the caller has waited for
one deadline already."""
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
        self.on_slow: Callable[[], None] = lambda: None
        """Told when a tool has not answered for SLOW_SECONDS, and goes on being waited for."""

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
        with told_of_tool(name, self._call_id) as told:
            result = await self._answer(name, arguments, told)
            told.refused = bool(result.is_error)
            return result

    async def _answer(self, name: str, arguments: dict[str, Any], told: ToolUse) -> CallToolResult:
        # Looked up only then: an agent that has the call from another one comes to it later than its tools do.
        slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, lambda: self.on_slow())
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if self._is_broken or self._client is None:
                    await self._reopen()
                result = await self._ask(name, arguments)
        except TimeoutError:
            self._is_broken, told.is_late = True, True
            log.warning("the back office did not answer %s in time", name, extra={"call_id": self._call_id})
            raise ToolError(_LATE) from None
        except ToolError:
            raise
        except Exception as e:  # noqa: BLE001 - the SDK raises whatever the transport raised, its text may quote what was sent
            self._is_broken = True
            log.warning("the back office failed at %s: %s", name, type(e).__name__, extra={"call_id": self._call_id})
            raise ToolError(_LATE if "timed out" in str(e).lower() else _AWAY) from None
        finally:
            slow.cancel()
        if result.is_error and capability.REFUSED in _text(result).lower():
            self.on_refused()
        return result

    async def _ask(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """As LiveKit's, which has no way to send a request's ``_meta``: the trace's parent goes there, MCP's own place for it."""
        assert self._client is not None
        meta: Any = dict(tracing.to_tell()) or None
        return await self._client.call_tool(name, arguments, meta=meta)

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

    async def _reopen(self) -> None:
        """Raises ToolError when that takes too long: nothing was asked then, so nothing was done."""
        try:
            async with asyncio.timeout(_REOPENING_SECONDS):
                await self.open_anew()
        except TimeoutError:
            raise ToolError(_AWAY) from None

    async def open_anew(self) -> None:
        """In place of a connection that broke, or that never came to be."""
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


class OfficeTools(mcp.MCPToolset):
    """The tools of one call's back office. The agent has this from the start; while the back office is away it is empty, and it is
    tried again and again beside the conversation. ``aclose``, which LiveKit calls when the session ends, gives that up."""

    def __init__(self, office: BackOffice, *, call_id: str, timeout_seconds: float) -> None:
        super().__init__(id="back_office", mcp_server=office)
        self.on_back: Callable[[], Awaitable[None]] | None = None
        """Told once when the tools have come after the agent was told that they are away."""
        self._office = office
        self._call_id = call_id
        self._timeout_seconds = timeout_seconds
        self._coming: asyncio.Task[None] | None = None
        self._first_try = asyncio.Event()
        self._why_away = ""

    async def setup(self, *, reload: bool = False) -> OfficeTools:
        """LiveKit's, when a session starts: nobody waits there for a back office that is away."""
        return self

    async def come_within(self, seconds: float) -> str:
        """Begins to connect. Returns when the tools are there: an empty string; or why they are away, no later than this."""
        self._coming = asyncio.create_task(self._until_there())
        try:
            async with asyncio.timeout(seconds):
                await self._first_try.wait()
        except TimeoutError:
            return TimeoutError.__name__
        except asyncio.CancelledError:
            self._coming.cancel()
            raise
        return self._why_away

    async def settled(self) -> None:
        """Returns when it is known whether the tools are there: at once, but while the first try goes on. What an agent says of its
        tools can wait that long, its coming to the call cannot."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_seconds):
                await self._first_try.wait()
        self._first_try.set()

    async def _until_there(self) -> None:
        while not await self._is_there():
            self._first_try.set()
            await asyncio.sleep(AGAIN_SECONDS)
        self._why_away = ""
        try:
            if self.on_back is not None:
                log.info("the back office is there", extra={"call_id": self._call_id})
                await self.on_back()
        finally:
            self._first_try.set()

    async def _is_there(self) -> bool:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if self._why_away:
                    await self._office.open_anew()
                await super().setup()
        except Exception as e:  # noqa: BLE001 - the SDK raises whatever the transport raised; the agent goes on without tools
            self._tell_away(type(e).__name__)
            return False
        except asyncio.CancelledError as e:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self._tell_away(type(e).__name__)  # the connection's own task was
            return False
        return True

    def _tell_away(self, why: str) -> None:
        if not self._why_away:
            log.error("the back office is away: %s", why, extra={"call_id": self._call_id})
        self._why_away = why

    async def aclose(self) -> None:
        """See Toolset.aclose."""
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait({self._coming})
        if self._initialized:  # else there is no connection to close
            await super().aclose()


async def connect(settings: Settings, *, call_id: str) -> tuple[list[OfficeTools], BackOffice | None, str]:
    """The service's toolset, its client, and an empty string when the tools are there, else why they are away: then the toolset is
    empty until they come, see ``OfficeTools.on_back``. Without a back office there is neither.

    LiveKit swallows a toolset's failure to connect; the agent must know, so that it does not promise what it cannot do.
    """
    if not settings.mcp_url:
        return [], None, ""
    office = BackOffice(settings.mcp_url, call_id=call_id, timeout_seconds=settings.tool_timeout_seconds)
    toolset = OfficeTools(office, call_id=call_id, timeout_seconds=settings.tool_timeout_seconds)
    return [toolset], office, await toolset.come_within(SEATING_SECONDS)
