"""A model that fails, stalls or says nothing costs the caller a pause: the next in line answers the same turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError, llm
from worker.agent import brain
from worker.agent.brain import Answering

Says = Callable[[], AsyncIterator[llm.ChatChunk]]


def words(text: str) -> llm.ChatChunk:
    return llm.ChatChunk(id="1", delta=llm.ChoiceDelta(role="assistant", content=text))


def tool_call(name: str) -> llm.ChatChunk:
    call = llm.FunctionToolCall(name=name, arguments="{}", call_id="c1")
    return llm.ChatChunk(id="1", delta=llm.ChoiceDelta(role="assistant", tool_calls=[call]))


class Scripted(llm.LLM[Any]):
    """A model that does what the test says, and counts how often it was asked."""

    def __init__(self, says: Says) -> None:
        super().__init__()
        self.says = says
        self.asked = 0

    def chat(self, *, chat_ctx, tools=None, conn_options, **_: Any) -> llm.LLMStream:  # type: ignore[no-untyped-def]
        self.asked += 1
        return _Stream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _Stream(llm.LLMStream):
    async def _run(self) -> None:
        async for chunk in self._llm.says():  # type: ignore[attr-defined]
            self._event_ch.send_nowait(chunk)


def saying(*chunks: llm.ChatChunk, then: Exception | None = None) -> Scripted:
    async def says() -> AsyncIterator[llm.ChatChunk]:
        for chunk in chunks:
            yield chunk
        if then is not None:
            raise then

    return Scripted(says)


def stalling() -> Scripted:
    async def says() -> AsyncIterator[llm.ChatChunk]:
        await asyncio.Event().wait()
        yield words("never")

    return Scripted(says)


async def answer(
    *models: Scripted, last: Scripted, timeout_seconds: float = 5.0, tool_choice: llm.ToolChoice = "auto"
) -> tuple[str, list[str]]:
    """What a turn's answer is: its words and the tools it calls."""
    thinker = brain.build(models, last, timeout_seconds=timeout_seconds)  # type: ignore[arg-type]
    options = APIConnectOptions(max_retry=0, timeout=timeout_seconds)
    text, calls = "", []
    chat = llm.ChatContext.empty()
    async with thinker.chat(chat_ctx=chat, conn_options=options, tool_choice=tool_choice) as stream:
        async for chunk in stream:
            if chunk.delta is not None:
                text += chunk.delta.content or ""
                calls += [call.name for call in chunk.delta.tool_calls]
    return text, calls


async def test_a_model_that_answers_is_the_only_one_asked() -> None:
    playbook = saying(words("By the book."))
    assert await answer(saying(words("Hello.")), last=playbook) == ("Hello.", [])
    assert playbook.asked == 0


def test_without_a_model_the_playbook_is_the_brain() -> None:
    playbook = saying(words("By the book."))
    assert brain.build([], playbook, timeout_seconds=1.0) is playbook  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fault",
    [
        APIStatusError("too many requests", status_code=429),
        APIStatusError("broken", status_code=500),
        APIConnectionError("no route"),
    ],
    ids=["429", "500", "away"],
)
async def test_a_refused_request_is_answered_by_the_next(fault: Exception) -> None:
    assert await answer(saying(then=fault), last=saying(words("By the book."))) == ("By the book.", [])


async def test_the_second_model_is_asked_before_the_playbook() -> None:
    playbook = saying(words("By the book."))
    assert await answer(saying(then=APIConnectionError()), saying(words("Second.")), last=playbook) == ("Second.", [])
    assert playbook.asked == 0


async def test_a_model_that_stalls_is_left_behind() -> None:
    found = await answer(stalling(), last=saying(words("By the book.")), timeout_seconds=0.01)
    assert found == ("By the book.", [])


async def test_a_model_that_says_nothing_has_not_answered() -> None:
    """A refusal by the provider's filter comes as an answer without words: silence at the caller's ear."""
    assert await answer(saying(words("")), last=saying(words("By the book."))) == ("By the book.", [])


@pytest.mark.parametrize("written", ['{"name": "process_refund"}', "[TOOL_CALLS]", "<tool_call>", "```json"])
async def test_what_no_voice_can_say_is_no_answer(written: str) -> None:
    assert await answer(saying(words(written)), last=saying(words("By the book."))) == ("By the book.", [])


async def test_a_tool_call_that_was_not_asked_for_is_no_answer() -> None:
    """After too many tool calls LiveKit wants words, and drops what is called nevertheless."""
    found = await answer(saying(tool_call("get_account")), last=saying(words("By the book.")), tool_choice="none")
    assert found == ("By the book.", [])


@pytest.mark.parametrize(
    "fault",
    [
        APIStatusError("you said marmalade", status_code=400, body={"message": "marmalade"}),
        APIConnectionError("broken at marmalade"),
    ],
    ids=["refused", "broken"],
)
async def test_what_a_provider_says_of_a_request_is_not_logged(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def says() -> AsyncIterator[llm.ChatChunk]:
        raise fault from ValueError("marmalade")
        yield words("")

    assert await answer(Scripted(says), last=saying(words("By the book."))) == ("By the book.", [])
    assert "switching to next" in caplog.text
    assert "marmalade" not in caplog.text


async def test_a_stream_cut_in_mid_sentence_is_followed_by_a_whole_one() -> None:
    cut = saying(words("I can see the "), then=APIConnectionError("cut"))
    assert await answer(cut, last=saying(words("By the book."))) == ("I can see the ... By the book.", [])


async def test_after_a_tool_call_nobody_else_is_asked_for_the_same_turn() -> None:
    playbook = saying(tool_call("process_refund"))
    cut = saying(tool_call("process_refund"), then=APIConnectionError("cut"))
    assert await answer(cut, last=playbook) == ("", ["process_refund"])
    assert playbook.asked == 0


def test_it_goes_by_the_name_of_the_model_it_watches() -> None:
    assert Answering(saying()).model == saying().model
