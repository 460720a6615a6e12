"""An agent's client and a real MCP server over HTTP: what each request says, and what becomes of a server that goes away."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from backoffice.capability import caller_of, issue, require_capability
from backoffice.office import BackOffice, CallToolResult, Context
from backoffice.settings import Settings as OfficeSettings
from livekit.agents import ToolError
from livekit.agents.llm.mcp import MCPToolset
from worker.agent import tools
from worker.agent.capability import Identity
from worker.testing.text_call import make_settings

DEADLINE_SECONDS = 1.0


def office() -> BackOffice:
    """Verifies everybody, and shows an account to whom it has verified."""
    made = BackOffice("billing")
    settings = OfficeSettings(database_url="sqlite://", capability_key="a key of this test that is long enough")

    @made.tool()
    def verify_identity(account_id: str, context: Context) -> CallToolResult:
        """Verify the caller."""
        token = issue(settings, call_id=caller_of(context).call_id, account_id=account_id)
        return made.answer(
            lambda: {"verified": True, "account_id": account_id, "name": "Sarah Chen", "capability": token}
        )

    @made.tool()
    def get_account(account_id: str, context: Context) -> CallToolResult:
        """Needs a capability."""

        def look() -> dict[str, Any]:
            return {"call_id": require_capability(context, account_id, settings).call_id}

        return made.answer(look)

    @made.tool()
    async def ponder() -> str:
        """Takes for ever."""
        await asyncio.sleep(60)
        return "done"

    return made


@asynccontextmanager
async def serving(port: int) -> AsyncIterator[None]:
    application = office().streamable_http_app(streamable_http_path="/mcp", host="127.0.0.1")
    server = uvicorn.Server(
        uvicorn.Config(application, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=0)
    )
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        await running


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def connected(port: int, call_id: str = "call-1") -> AsyncIterator[tuple[MCPToolset, tools.BackOffice]]:
    settings = make_settings(mcp_url=f"http://127.0.0.1:{port}/mcp", tool_timeout_seconds=DEADLINE_SECONDS)
    (toolset,), client, away = await tools.connect(settings, call_id=call_id)
    assert client is not None and not away
    try:
        yield toolset, client
    finally:
        await toolset.aclose()


async def use(toolset: MCPToolset, name: str, **arguments: str) -> dict[str, Any]:
    (tool,) = (tool for tool in toolset.tools if tool.info.name == name)
    answer = json.loads(await tool(raw_arguments=arguments))
    assert isinstance(answer, dict)
    return answer


async def test_what_was_verified_opens_the_account_on_the_same_connection_and_the_model_never_sees_how(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    verified: list[Identity] = []
    async with serving(port), connected(port) as (toolset, client):
        client.on_verified = verified.append
        with pytest.raises(ToolError, match="Verify the caller's identity first"):
            await use(toolset, "get_account", account_id="AC4721")
        assert "capability" not in await use(toolset, "verify_identity", account_id="AC4721")
        (identity,) = verified
        client.show(identity.capability)
        assert await use(toolset, "get_account", account_id="AC4721") == {"call_id": "call-1"}
        with pytest.raises(ToolError, match="identity first"):
            await use(toolset, "get_account", account_id="AC1058")
    assert identity.capability not in caplog.text


async def test_a_capability_of_one_call_opens_nothing_on_another(port: int) -> None:
    async with serving(port), connected(port) as (toolset, client), connected(port, "call-2") as (other, stranger):
        client.on_verified = lambda identity: stranger.show(identity.capability)
        await use(toolset, "verify_identity", account_id="AC4721")
        with pytest.raises(ToolError, match="identity first"):
            await use(other, "get_account", account_id="AC4721")


async def test_a_slow_tool_is_given_up_honestly_and_the_next_one_works(port: int) -> None:
    async with serving(port), connected(port) as (toolset, _):
        with pytest.raises(ToolError, match="not known whether anything was done"):
            await use(toolset, "ponder")
        assert (await use(toolset, "verify_identity", account_id="AC4721"))["verified"]


async def test_a_server_that_goes_away_is_named_so_and_used_again_when_it_is_back(port: int) -> None:
    async with serving(port):
        client = connected(port)
        toolset, _ = await client.__aenter__()
        await use(toolset, "verify_identity", account_id="AC4721")
    for _ in range(2):
        with pytest.raises(ToolError, match="can't be reached right now"):
            await use(toolset, "verify_identity", account_id="AC4721")
    async with serving(port):
        assert (await use(toolset, "verify_identity", account_id="AC4721"))["verified"]
        await client.__aexit__(None, None, None)


async def test_a_server_that_is_away_when_a_call_begins_serves_that_call_when_it_is_back(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "AGAIN_SECONDS", 0.1)
    settings = make_settings(mcp_url=f"http://127.0.0.1:{port}/mcp", tool_timeout_seconds=DEADLINE_SECONDS)
    (toolset,), client, away = await tools.connect(settings, call_id="call-1")
    assert client is not None and away
    assert toolset.tools == []
    back = asyncio.Event()

    async def on_back() -> None:
        back.set()

    toolset.on_back = on_back
    async with serving(port):
        async with asyncio.timeout(30):
            await back.wait()
        assert (await use(toolset, "verify_identity", account_id="AC4721"))["verified"]
        await toolset.aclose()
