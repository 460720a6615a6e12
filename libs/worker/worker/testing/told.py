"""Doubles for the tests of agents: a language model and a transfer that are told what to answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import APIConnectOptions
from livekit.agents import llm as lk_llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.utils import shortuuid

from worker.handover.transfer import Moved, Stayed


@dataclass(frozen=True, slots=True)
class Calls:
    """An answer that calls a tool, after some words if there are any."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""


class ToldModel(lk_llm.LLM[Any]):
    """Stands in for a language model: gives its answers in order. More questions than answers fail the test."""

    def __init__(self, *answers: str | Calls) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[lk_llm.ChatContext] = []
        """What it was shown, once for each time it was asked."""
        self.when_asked: Callable[[], None] = lambda: None
        """Happens before it answers."""

    @property
    def last_shown(self) -> lk_llm.ChatItem:
        """The newest item that it was shown."""
        return self.asked[-1].items[-1]

    def chat(
        self,
        *,
        chat_ctx: lk_llm.ChatContext,
        tools: list[lk_llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> lk_llm.LLMStream:
        """See livekit.agents.llm.LLM."""
        self.asked.append(chat_ctx.copy())
        self.when_asked()
        return _Told(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _Told(lk_llm.LLMStream):
    async def _run(self) -> None:
        assert isinstance(self._llm, ToldModel)
        assert self._llm.answers, "the model was asked once more than the test has answers"
        answer = self._llm.answers.pop(0)
        words, calls = answer if isinstance(answer, str) else answer.words, []
        if isinstance(answer, Calls):
            arguments = json.dumps(answer.arguments)
            calls = [lk_llm.FunctionToolCall(name=answer.tool, arguments=arguments, call_id=shortuuid("call_"))]
        delta = lk_llm.ChoiceDelta(role="assistant", content=words, tool_calls=calls)
        self._event_ch.send_nowait(lk_llm.ChatChunk(id=shortuuid("told_"), delta=delta))


class ToldTransfer:
    """Stands in for worker.handover.transfer.Transfer: announces as the real one does, then ends as it was told."""

    def __init__(self, ending: Moved | Stayed) -> None:
        self.ending = ending
        self.asked: list[dict[str, Any]] = []
        self.meanwhile: Callable[[], Awaitable[None] | None] = lambda: None
        """Happens after the announcement, while the taker gets ready."""

    async def to(
        self,
        service: str,
        *,
        announce: Callable[[], Awaitable[None]],
        caller_is_done: Callable[[], Awaitable[None]],
        fall_silent: Callable[[bool], None],
        **asked: Any,
    ) -> Moved | Stayed:
        """See worker.handover.transfer.Transfer.to."""
        self.asked.append({"service": service, **asked})
        await announce()
        if (happening := self.meanwhile()) is not None:
            await happening
        await caller_is_done()
        fall_silent(isinstance(self.ending, Moved))
        return self.ending
