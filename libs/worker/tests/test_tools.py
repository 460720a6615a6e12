"""A back office that is slow or away costs an agent its tools, not the call; and the agent knows."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from livekit.agents import ToolError
from livekit.agents.llm import mcp
from mcp.types import CallToolResult
from worker import tools
from worker.capability import Identity
from worker.jumping_time import without_waiting
from worker.testing import make_settings
from worker.tools import BackOffice

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
    assert await tools.connect(make_settings(mcp_url=""), call_id="call-1") == ([], None, "")


@without_waiting
async def test_a_back_office_that_answers_gives_its_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools.mcp, "MCPToolset", Toolset)
    (toolset,), office, away = await tools.connect(THERE, call_id="call-1")
    assert isinstance(toolset, Toolset)
    assert toolset.given["mcp_server"] is office
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
    assert await tools.connect(THERE, call_id="call-1") == ([], None, why)


@without_waiting
async def test_a_job_that_ends_while_it_connects_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools.mcp, "MCPToolset", FrozenToolset)
    connecting = asyncio.create_task(tools.connect(THERE, call_id="call-1"))
    await asyncio.sleep(1)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting


# --- one call's client -----------------------------------------------------------------------------------------------
def text(words: str) -> Any:
    return SimpleNamespace(text=words)


def answered(*parts: Any, is_error: bool = False) -> CallToolResult:
    return CallToolResult.model_construct(content=list(parts), is_error=is_error)


class Session:
    """In the place of MCP's session: a tool answers, raises, or never comes back."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    async def call_tool(self, name: str, arguments: dict[str, Any], **_: Any) -> Any:
        """See mcp.ClientSession."""
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            await asyncio.Event().wait()
        return answer


def client(*answers: Any) -> BackOffice:
    """A client whose connection is open."""
    office = BackOffice("http://office.invalid/mcp", call_id="call-1", timeout_seconds=5.0)
    office._client = Session(*answers)  # type: ignore[assignment]
    return office


async def asked(office: BackOffice, tool: str = "get_account") -> Any:
    """What a brain is told when it calls the tool. Raises ToolError, as LiveKit shows it to the brain."""
    made = office._make_function_tool(tool, "", {}, None, options=mcp._resolve_tool_options())
    return await made(raw_arguments={"account_id": "AC4721"})


@without_waiting
async def test_the_brain_reads_the_tools_own_text_and_no_envelope() -> None:
    assert await asked(client(answered(text('{"name": "Sarah"}')))) == '{"name": "Sarah"}'


@without_waiting
async def test_several_texts_are_lines() -> None:
    assert await asked(client(answered(text("one"), text("two")))) == "one\ntwo"


@pytest.mark.parametrize("parts", [(), (text(""),), (SimpleNamespace(data="a picture"),)])
@without_waiting
async def test_an_answer_without_words_is_an_error_that_names_the_tool(parts: tuple[Any, ...]) -> None:
    with pytest.raises(ToolError, match="get_account"):
        await asked(client(answered(*parts)))


def test_every_request_says_which_call_it_is_for_and_shows_a_capability_once_there_is_one() -> None:
    office = client()
    assert office.headers == {"X-Voicemesh-Call-Id": "call-1"}
    office.show("a.b.c")
    assert office.headers == {"X-Voicemesh-Call-Id": "call-1", "Authorization": "Bearer a.b.c"}
    office.show("")
    assert office.headers == {"X-Voicemesh-Call-Id": "call-1"}


def test_a_header_that_is_set_later_reaches_the_connection_that_is_open() -> None:
    office = client()
    http = office._create_http_client()
    office.show("a.b.c")
    assert http.headers["Authorization"] == "Bearer a.b.c"


@without_waiting
async def test_the_capability_is_taken_out_of_the_answer_and_told_to_the_agent_alone() -> None:
    answer = {"verified": True, "account_id": "AC4721", "name": "Sarah Chen", "capability": "a.b.c"}
    office = client(answered(text(json.dumps(answer))))
    verified: list[Identity] = []
    office.on_verified = verified.append
    shown = json.loads(await asked(office, "verify_identity"))
    assert shown == {"verified": True, "account_id": "AC4721", "name": "Sarah Chen"}
    assert verified == [Identity("AC4721", "Sarah Chen", "a.b.c")]


@without_waiting
async def test_a_capability_in_another_tools_answer_is_taken_out_and_believed_by_nobody() -> None:
    answer = {"verified": True, "account_id": "AC4721", "capability": "a.b.c"}
    office = client(answered(text(json.dumps(answer))))
    office.on_verified = lambda identity: pytest.fail("only verify_identity verifies")
    assert "a.b.c" not in await asked(office, "get_account")


@without_waiting
async def test_a_capability_that_is_refused_is_told_and_the_refusal_goes_to_the_brain() -> None:
    refused: list[str] = []
    office = client(answered(text("Verify the caller's identity first."), is_error=True))
    office.on_refused = lambda: refused.append("refused")
    with pytest.raises(ToolError, match="identity first"):
        await asked(office)
    assert refused == ["refused"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [(None, "not known whether"), (httpx2.ConnectError("secret words"), "can't be reached right now")],
    ids=["slow", "away"],
)
@without_waiting
async def test_a_tool_without_an_answer_says_so_within_the_deadline_and_invents_nothing(
    answer: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    with pytest.raises(ToolError, match=words) as told:
        await asked(client(answer))
    assert "can't be reached right now" in told.value.message
    assert loop.time() - began_at <= 5.01
    assert "secret" not in caplog.text + told.value.message


@pytest.mark.parametrize("is_gone", [False, True], ids=["it did not answer", "it broke"])
@without_waiting
async def test_after_a_failure_the_connection_is_opened_anew_for_the_next_tool(
    is_gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = client(None)
    opened: list[str] = []

    async def initialize() -> None:
        opened.append("opened")
        office._client = Session(answered(text("{}")))  # type: ignore[assignment]

    monkeypatch.setattr(office, "initialize", initialize)
    with pytest.raises(ToolError):
        await asked(office)
    if is_gone:
        office._client = None
    assert await asked(office) == "{}"
    assert opened == ["opened"]
