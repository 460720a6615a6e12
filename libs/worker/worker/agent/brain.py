"""The brain of an agent: a language model, its stand-in, and the playbook behind both; or the playbook alone.

A caller notices at most a pause when a provider stalls, refuses, breaks off, says nothing or writes what is no speech: the next in
line answers the same turn, and the playbook, which needs no network, is always the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, APITimeoutError, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from telemetry import measure

from worker.playbook.llm import PlaybookLLM

_NO_SPEECH = ("{", "[", "<", "`")
"""An answer that begins so is a tool call or a document, written where words should be."""
_BROKEN_OFF = "... "
"""Said after half a sentence, so that the next one begins anew."""


def build(models: Sequence[llm.LLM[Any]], playbook: PlaybookLLM, *, timeout_seconds: float) -> llm.LLM[Any]:
    """``models`` in the order in which they are asked; each may be silent for ``timeout_seconds`` before the next is."""
    if not models:
        return playbook
    return llm.FallbackAdapter(
        [*(Answering(model) for model in models), playbook],
        attempt_timeout=timeout_seconds,
        max_retry_per_llm=0,
        # Half a sentence was said: the caller hears the next one whole, instead of silence.
        retry_on_chunk_sent=True,
    )


class Answering(llm.LLM[Any]):
    """A model that answers or fails, so that the next in line can: an empty answer (a refusal, a filter) is a failure here.

    When it breaks off after a tool call, the call stands: asking another model for the same turn could do the deed twice.
    """

    def __init__(self, model: llm.LLM[Any]) -> None:
        super().__init__()
        self._model = model
        model.on("metrics_collected", self._pass_on)

    @property
    def model(self) -> str:
        """The wrapped model's name."""
        return self._model.model

    @property
    def provider(self) -> str:
        """The wrapped model's provider."""
        return self._model.provider

    def _pass_on(self, *args: Any, **kwargs: Any) -> None:
        self.emit("metrics_collected", *args, **kwargs)

    def prewarm(self, **options: Any) -> None:
        """Opens the connection ahead of the first turn."""
        self._model.prewarm(**options)

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
        """The model's stream, watched."""
        asked = self._model.chat(
            chat_ctx=chat_ctx,
            tools=tools,
            conn_options=conn_options,
            parallel_tool_calls=parallel_tool_calls,
            tool_choice=tool_choice,
            extra_kwargs=extra_kwargs,
        )
        return _Watched(
            self, asked, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options, may_call=tool_choice != "none"
        )


class _Watched(llm.LLMStream):
    # The wrapped stream records its own request.
    _genai_operation_name = None

    def __init__(
        self,
        brain: Answering,
        asked: llm.LLMStream,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        may_call: bool,
    ) -> None:
        self._asked = asked
        self._may_call = may_call
        self._words = ""
        self._has_called = False
        super().__init__(brain, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)

    async def _run(self) -> None:
        try:
            async with self._asked as stream:
                while (chunk := await self._next(stream)) is not None:
                    self._pass_on(chunk)
        except APIError as e:
            if self._has_called:
                return
            measure.count("voicemesh_fallbacks_total", {"kind": "model"})
            if self._words:
                self._event_ch.send_nowait(llm.ChatChunk(id="", delta=llm.ChoiceDelta(content=_BROKEN_OFF)))
            raise _wordless(e) from None
        if not self._words and not self._has_called:
            measure.count("voicemesh_fallbacks_total", {"kind": "model"})
            raise APIConnectionError("the model said nothing", retryable=False)

    def _pass_on(self, chunk: llm.ChatChunk) -> None:
        if (delta := chunk.delta) is not None:
            if not self._may_call:  # LiveKit would ignore it, and the caller would hear nothing
                delta.tool_calls = []
            self._has_called = self._has_called or bool(delta.tool_calls)
            if not self._words and (words := (delta.content or "").lstrip()):
                if words.startswith(_NO_SPEECH):
                    raise APIConnectionError("the model wrote what is no speech", retryable=False)
                self._words = words
        self._event_ch.send_nowait(chunk)

    async def _next(self, stream: llm.LLMStream) -> llm.ChatChunk | None:
        """The next chunk, None at the end. A provider that keeps the line open and sends nothing is away."""
        try:
            async with asyncio.timeout(self._conn_options.timeout):
                return await anext(stream, None)
        except TimeoutError:
            raise APITimeoutError(retryable=False) from None

    async def _metrics_monitor_task(self, event_aiter: Any) -> None:
        async for _ in event_aiter:
            pass  # the wrapped stream's metrics are passed on


def _wordless(error: APIError) -> APIError:
    """The same error without the provider's words: they may quote what the caller said, and errors are logged."""
    if isinstance(error, APIStatusError):
        return APIStatusError("the model refused", status_code=error.status_code, request_id=error.request_id)
    if isinstance(error, APITimeoutError):
        return APITimeoutError(retryable=False)
    if error.__cause__ is None and isinstance(error, APIConnectionError):
        return error
    return APIConnectionError("the model broke off or cannot be reached", retryable=False)
