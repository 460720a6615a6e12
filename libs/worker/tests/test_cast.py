"""An agent whose tools were away when it was seated has them, and what they answered before it came, when they are back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from handoff.call import Role, ToolUse
from handoff.testing import START, make_call, make_turn
from livekit.agents import function_tool
from worker.agent import briefing, tools
from worker.agent.call_agent import CallAgent
from worker.agent.tools import BackOffice, OfficeTools
from worker.testing.desk import PaperDesk
from worker.testing.jumping_time import without_waiting
from worker.testing.told import ToldModel

USED = ToolUse("get_charge", '{"id": "CH-1"}', '{"status": "paid"}', False, START + 3)
CALL = make_call(turns=(make_turn("I was charged twice.", role=Role.CALLER, service="triage"),), tool_uses=(USED,))


@function_tool
async def get_charge(id: str) -> str:
    """A charge."""
    return "{}"


class Away:
    """A back office that is away at first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        office = BackOffice("http://office.invalid/mcp", call_id="call-1", timeout_seconds=5.0)
        self.toolset = OfficeTools(office, call_id="call-1", timeout_seconds=5.0)

        async def connect(*_: Any, **__: Any) -> Any:
            return [self.toolset], office, "ConnectError"

        monkeypatch.setattr(tools, "connect", connect)

    async def comes_back(self) -> None:
        self.toolset._tools = [get_charge]
        assert self.toolset.on_back is not None
        await self.toolset.on_back()


async def seated(desk: PaperDesk, *, was_ours: bool) -> CallAgent:
    remembered = briefing.remembered(desk.service, CALL) if was_ours else None
    cast = await desk.seat(desk.checkpoint(CALL), None, remembered=remembered)
    return cast.agent


def answers(agent: CallAgent) -> list[str]:
    return [item.output for item in agent.chat_ctx.items if item.type == "function_call_output"]


@without_waiting
async def test_an_agent_is_told_that_its_tools_are_away_and_that_they_are_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, desk = Away(monkeypatch), PaperDesk(tmp_path, ToldModel(), CALL)
    agent = await seated(desk, was_ours=True)
    assert "tools are away" in agent.instructions
    await office.comes_back()
    assert "tools are away" not in agent.instructions
    assert office.toolset in agent.tools
    await desk.cast.session.aclose()


@without_waiting
async def test_what_the_tools_answered_to_the_agent_before_is_known_again_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, desk = Away(monkeypatch), PaperDesk(tmp_path, ToldModel(), CALL)
    agent = await seated(desk, was_ours=True)
    assert answers(agent) == []
    await office.comes_back()
    await office.comes_back()
    assert answers(agent) == [USED.output]
    await desk.cast.session.aclose()


@without_waiting
async def test_what_another_services_tools_answered_stays_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, desk = Away(monkeypatch), PaperDesk(tmp_path, ToldModel(), CALL)
    agent = await seated(desk, was_ours=False)
    await office.comes_back()
    assert answers(agent) == []
    await desk.cast.session.aclose()
