"""A caller whose agent waits for a tool is told so: a long silence sounds as if he had been dropped."""

from __future__ import annotations

import asyncio
from pathlib import Path

from livekit.agents import function_tool
from worker.agent.tools import BackOffice
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import TextCall, paper_service, text_call
from worker.testing.told import Calls, ToldModel

STILL_LOOKING = "One moment please, I'm still looking."


def an_office() -> BackOffice:
    return BackOffice("http://office.invalid/mcp", call_id="call-1", timeout_seconds=5.0)


@without_waiting
async def test_a_slow_tool_is_filled_with_a_word_that_is_recorded_and_that_the_brain_is_not_told(
    tmp_path: Path,
) -> None:
    office = an_office()

    @function_tool
    async def look_up() -> str:
        """As the back office does when it takes its time."""
        office.on_slow()
        await asyncio.sleep(2)
        return "Sarah"

    brain = ToldModel(Calls("look_up", {}), "Hello Sarah.")
    async with text_call(paper_service(tmp_path), brain, tools=[look_up], office=office) as call:
        assert await call.caller("It's me.") == [STILL_LOOKING, "Hello Sarah."]
        assert STILL_LOOKING not in str(call.agent.chat_ctx.to_dict())


@without_waiting
async def test_nobody_talks_into_a_caller_who_speaks_meanwhile(tmp_path: Path) -> None:
    office, calls = an_office(), list[TextCall]()

    @function_tool
    async def look_up() -> str:
        """As above; the caller has gone on."""
        calls[0].caller_speaks(True)
        office.on_slow()
        await asyncio.sleep(2)
        calls[0].caller_speaks(False)
        return "Sarah"

    brain = ToldModel(Calls("look_up", {}), "Hello Sarah.")
    async with text_call(paper_service(tmp_path), brain, tools=[look_up], office=office) as call:
        calls.append(call)
        assert STILL_LOOKING not in await call.caller("It's me.")
