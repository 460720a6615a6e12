"""A back office that is slow or away costs an agent its tools, not the call; and the agent knows."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from livekit.agents import ToolError
from worker import tools
from worker.jumping_time import without_waiting
from worker.testing import make_settings

THERE = make_settings(mcp_url="http://office.invalid/mcp", tool_timeout_seconds=5.0)


class Toolset:
    """In LiveKit's toolset's place; connects as its class says."""

    def __init__(self, **given: Any) -> None:
        self.given = given

    async def setup(self) -> None:
        """Connects at once."""


class AwayToolset(Toolset):
    async def setup(self) -> None:
        raise httpx2.ConnectError("all connection attempts failed")


class BrokenToolset(Toolset):
    async def setup(self) -> None:
        raise ExceptionGroup("unhandled errors in a TaskGroup", [httpx2.ReadError("broken")])


class FrozenToolset(Toolset):
    async def setup(self) -> None:
        await asyncio.Event().wait()


@without_waiting
async def test_a_service_without_a_back_office_has_no_tools_and_misses_none() -> None:
    assert await tools.connect(make_settings(mcp_url="")) == ([], "")


@without_waiting
async def test_a_back_office_that_answers_gives_its_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools.mcp, "MCPToolset", Toolset)
    (toolset,), away = await tools.connect(THERE)
    assert isinstance(toolset, Toolset)
    assert away == ""


@pytest.mark.parametrize(
    ("toolset", "why"),
    [(AwayToolset, "ConnectError"), (BrokenToolset, "ExceptionGroup"), (FrozenToolset, "TimeoutError")],
)
@without_waiting
async def test_a_back_office_that_is_away_is_named_as_such(
    toolset: type[Toolset], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools.mcp, "MCPToolset", toolset)
    assert await tools.connect(THERE) == ([], why)


@without_waiting
async def test_a_job_that_ends_while_it_connects_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools.mcp, "MCPToolset", FrozenToolset)
    connecting = asyncio.create_task(tools.connect(THERE))
    await asyncio.sleep(1)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting


# --- what a tool answers ----------------------------------------------------------------------------------------------
def answered(*parts: Any) -> Any:
    return SimpleNamespace(tool_name="get_account", result=SimpleNamespace(content=list(parts)))


def test_the_brain_reads_the_tools_own_text_and_no_envelope() -> None:
    assert tools._plain(answered(SimpleNamespace(text='{"name": "Sarah"}'))) == '{"name": "Sarah"}'


def test_several_texts_are_lines() -> None:
    assert tools._plain(answered(SimpleNamespace(text="one"), SimpleNamespace(text="two"))) == "one\ntwo"


@pytest.mark.parametrize("parts", [(), (SimpleNamespace(text=""),), (SimpleNamespace(data="a picture"),)])
def test_an_answer_without_words_is_an_error_that_names_the_tool(parts: tuple[Any, ...]) -> None:
    with pytest.raises(ToolError, match="get_account"):
        tools._plain(answered(*parts))
