"""The playbook in a language model's place: the same interface, the same chunks; an agent cannot tell the difference."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from livekit.agents import APIConnectOptions, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.utils import shortuuid

from worker.playbook.conversation import Conversation, Said, Speaker, ToolUse
from worker.playbook.playbook import Decision, Playbook, decide
from worker.playbook.story import Story

_SPEAKERS = {"user": Speaker.CALLER, "assistant": Speaker.AGENT, "system": Speaker.NOTE, "developer": Speaker.NOTE}
_SENTENCE = re.compile(r"(?<=[.?!])\s+")


class PlaybookLLM(llm.LLM[Any]):
    """Answers by the playbook. ``facts`` gives what is known of the call at that moment, by name; ``story`` what became of it."""

    def __init__(
        self,
        playbook: Playbook,
        facts: Callable[[], Mapping[str, str]],
        call_id: str,
        *,
        story: Callable[[], Story] = Story,
    ) -> None:
        super().__init__()
        self._playbook = playbook
        self._facts = facts
        self._story = story
        self._call_id = call_id

    @property
    def model(self) -> str:
        """Shown in metrics where a model's name stands."""
        return f"playbook-{self._playbook.service}"

    @property
    def provider(self) -> str:
        """Shown in metrics where a provider stands."""
        return "voicemesh"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        """A stream with the playbook's decision. With ``tool_choice="none"`` it decides as if no tool were at hand."""
        return _Stream(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options, may_call=tool_choice != "none"
        )

    def decide(self, chat_ctx: llm.ChatContext, tools: frozenset[str]) -> Decision:
        """The decision for a chat context."""
        return decide(self._playbook, read(chat_ctx), self._facts(), tools, story=self._story(), call_id=self._call_id)


class _Stream(llm.LLMStream):
    def __init__(
        self,
        brain: PlaybookLLM,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        may_call: bool,
    ) -> None:
        self._brain = brain
        self._may_call = may_call
        super().__init__(brain, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)

    async def _run(self) -> None:
        names = frozenset(llm.ToolContext(self._tools).function_tools) if self._may_call else frozenset[str]()
        decision = self._brain.decide(self._chat_ctx, names)
        chunk_id = shortuuid("playbook_")
        sentences = _SENTENCE.split(decision.say) if decision.say else []
        for n, sentence in enumerate(sentences):
            text = sentence if n == len(sentences) - 1 else f"{sentence} "
            self._event_ch.send_nowait(
                llm.ChatChunk(id=chunk_id, delta=llm.ChoiceDelta(role="assistant", content=text))
            )
        if decision.call is not None:
            call = llm.FunctionToolCall(
                name=decision.call.name, arguments=json.dumps(decision.call.arguments), call_id=shortuuid("call_")
            )
            self._event_ch.send_nowait(
                llm.ChatChunk(id=chunk_id, delta=llm.ChoiceDelta(role="assistant", tool_calls=[call]))
            )


def read(chat_ctx: llm.ChatContext) -> Conversation:
    """What was said and done. Instructions that stand before the first word are not part of it; nor is a call without answer."""
    items: list[Said | ToolUse] = []
    calls = {item.call_id: item for item in chat_ctx.items if item.type == "function_call"}
    has_begun = False
    for item in chat_ctx.items:
        if item.type == "message":
            speaker, text = _SPEAKERS[item.role], (item.text_content or "").strip()
            has_begun = has_begun or speaker is not Speaker.NOTE
            if text and has_begun:
                items.append(Said(speaker, text, item.transcript_confidence, item.interrupted))
        elif item.type == "function_call_output" and item.call_id in calls:
            call = calls[item.call_id]
            items.append(ToolUse.of(call.name, call.arguments, item.output, failed=item.is_error))
    return Conversation(tuple(items))
