"""A turn is taken for over while its last piece is still being transcribed: both pieces are answered together, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from handoff.call import Role
from worker.agent.call_agent import CallAgent
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import TextCall, paper_service, text_call
from worker.testing.told import ToldModel

Desk = Callable[..., AbstractAsyncContextManager[TextCall]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    def open_desk(brain: ToldModel) -> Any:
        return text_call(paper_service(tmp_path, CallAgent), brain)

    return open_desk


def heard_by_the_brain(call: TextCall) -> list[str]:
    return [m.text_content or "" for m in call.agent.chat_ctx.messages() if m.role == "user"]


@without_waiting
async def test_the_rest_of_a_turn_is_answered_with_its_beginning(desk: Desk) -> None:
    async with desk(ToldModel("I see.")) as call:
        call.caller_speaks(True)
        call.caller_speaks(False)
        beginning = asyncio.ensure_future(call.caller("This is ridiculous."))
        await asyncio.sleep(0.3)
        call.transcribed("I want your manager.")
        assert await beginning == []
        assert await call.caller("I want your manager.") == ["I see."]
        assert heard_by_the_brain(call) == ["This is ridiculous. I want your manager."]
        said = [turn.text for turn in call.call.turns if turn.role is Role.CALLER]
        assert said == ["This is ridiculous.", "I want your manager."]


@without_waiting
async def test_a_rest_that_never_becomes_a_turn_is_answered_all_the_same(desk: Desk) -> None:
    async with desk(ToldModel("I see.")) as call:
        call.caller_speaks(True)
        call.caller_speaks(False)
        beginning = asyncio.ensure_future(call.caller("Yes."))
        await asyncio.sleep(0.3)
        call.transcribed("Please.")
        assert await beginning == []
        await asyncio.sleep(2.0)
        await call.quiet()
        assert call.said == ["I see."]
        assert heard_by_the_brain(call) == ["Yes. Please."]


@without_waiting
async def test_a_sound_that_becomes_no_words_costs_a_pause_and_no_answer(desk: Desk) -> None:
    async with desk(ToldModel("I see.")) as call:
        call.caller_speaks(True)
        call.caller_speaks(False)
        assert await call.caller("Hello.") == ["I see."]


@without_waiting
async def test_a_turn_that_is_all_there_is_answered_at_once_and_alone(desk: Desk) -> None:
    async with desk(ToldModel("I see.")) as call:
        call.caller_speaks(True)
        call.caller_speaks(False)
        call.transcribed("Hello.")
        began = asyncio.get_running_loop().time()
        assert await call.caller("Hello.") == ["I see."]
        assert asyncio.get_running_loop().time() - began < 1.0
        assert heard_by_the_brain(call) == ["Hello."]
