"""A service's MCP tools, with a deadline: slow or away is said honestly, never papered over."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from livekit.agents import ToolError, mcp

from worker.settings import Settings

log = logging.getLogger("voicemesh.tools")


def _plain(result: mcp.MCPToolResultContext) -> str:
    """The tool's own JSON text, without MCP's envelope around it."""
    texts = [text for part in result.result.content if (text := getattr(part, "text", ""))]
    if not texts:
        raise ToolError(f"the tool {result.tool_name} gave no result")
    return "\n".join(texts)


async def connect(settings: Settings) -> tuple[list[Any], str]:
    """The service's toolset, set up, and an empty string; or no tools and why they are away.

    LiveKit swallows a toolset's failure to connect; the agent must know, so that it does not promise what it cannot do.
    """
    if not settings.mcp_url:
        return [], ""
    server = mcp.MCPServerHTTP(
        url=settings.mcp_url,
        transport_type="streamable_http",
        timeout=settings.tool_timeout_seconds,
        client_session_timeout_seconds=settings.tool_timeout_seconds,
        tool_result_resolver=_plain,
    )
    toolset = mcp.MCPToolset(id="back_office", mcp_server=server)
    try:
        await asyncio.wait_for(toolset.setup(), settings.tool_timeout_seconds)
    except Exception as e:  # noqa: BLE001 - the SDK raises whatever the transport raised; the agent goes on without tools
        log.error("the back office is away: %s", type(e).__name__)
        return [], type(e).__name__
    return [toolset], ""
