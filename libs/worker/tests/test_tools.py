"""A back office that is slow or away costs an agent its tools, not the call; and the agent knows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from livekit.agents import ToolError
from livekit.agents.llm import mcp
from mcp.types import CallToolResult
from worker.agent import tools
from worker.agent.capability import Identity
from worker.agent.tools import BackOffice
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import make_settings

THERE = make_settings(mcp_url="http://office.invalid/mcp", tool_timeout_seconds=5.0)


Setup = Callable[[Any], Awaitable[None]]


async def connects(toolset: Any) -> None:
    """At once."""
    toolset._initialized = True


async def is_away(toolset: Any) -> None:
    raise httpx2.ConnectError("all connection attempts failed")


async def is_broken(toolset: Any) -> None:
    raise ExceptionGroup("unhandled errors in a TaskGroup", [httpx2.ReadError("broken")])


async def is_given_up(toolset: Any) -> None:
    raise asyncio.CancelledError  # by the transport, not by the job


async def hangs(toolset: Any) -> None:
    await asyncio.Event().wait()


@pytest.fixture
def becomes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What LiveKit's toolset meets at each try, the last one for ever."""

    def set_to(*tries: Setup) -> None:
        left = list(tries)

        async def setup(toolset: Any, **_: Any) -> None:
            await (left.pop(0) if len(left) > 1 else left[0])(toolset)

        async def open_anew(office: Any) -> None: ...

        async def aclose(toolset: Any) -> None: ...

        monkeypatch.setattr(tools.mcp.MCPToolset, "setup", setup)
        monkeypatch.setattr(tools.mcp.MCPToolset, "aclose", aclose)
        monkeypatch.setattr(BackOffice, "open_anew", open_anew)

    return set_to


@without_waiting
async def test_a_service_without_a_back_office_has_no_tools_and_misses_none() -> None:
    assert await tools.connect(make_settings(mcp_url=""), call_id="call-1") == ([], None, "")


@without_waiting
async def test_a_back_office_that_answers_gives_its_tools(becomes: Any) -> None:
    becomes(connects)
    (toolset,), office, away = await tools.connect(THERE, call_id="call-1")
    assert toolset._mcp_server is office
    assert away == ""
    assert asyncio.get_running_loop().time() == 0


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (is_away, "ConnectError"),
        (is_broken, "ExceptionGroup"),
        (is_given_up, "CancelledError"),
        (hangs, "TimeoutError"),
    ],
)
@without_waiting
async def test_a_back_office_that_is_away_is_named_as_such_and_keeps_no_caller_waiting(
    state: Setup, why: str, becomes: Any
) -> None:
    becomes(state)
    (toolset,), _, away = await tools.connect(THERE, call_id="call-1")
    assert away == why
    assert asyncio.get_running_loop().time() <= 1.01
    await toolset.setup()  # LiveKit's, when the session starts
    assert asyncio.get_running_loop().time() <= 1.01
    await toolset.aclose()


@pytest.mark.parametrize("tries", [(is_away, is_away, connects), (hangs, connects), (is_given_up, connects)])
@without_waiting
async def test_tools_that_were_away_come_when_the_back_office_is_back(tries: tuple[Setup, ...], becomes: Any) -> None:
    becomes(*tries)
    (toolset,), _, _ = await tools.connect(THERE, call_id="call-1")
    back = asyncio.Event()

    async def on_back() -> None:
        back.set()

    toolset.on_back = on_back
    async with asyncio.timeout(10):
        await back.wait()
    await toolset.aclose()


@without_waiting
async def test_a_back_office_that_is_only_slow_is_not_given_up_for_it(becomes: Any) -> None:
    async def is_slow(toolset: Any) -> None:
        await asyncio.sleep(3)

    becomes(is_slow, is_away)
    (toolset,), _, away = await tools.connect(THERE, call_id="call-1")
    came: list[float] = []

    async def on_back() -> None:
        came.append(asyncio.get_running_loop().time())

    toolset.on_back = on_back
    await asyncio.sleep(5)
    assert away
    assert came == [pytest.approx(3)]


@without_waiting
async def test_what_is_said_of_the_tools_waits_for_the_first_try_and_no_longer(becomes: Any) -> None:
    async def is_slow(toolset: Any) -> None:
        await asyncio.sleep(3)
        await connects(toolset)

    for tries, settled_at in (((is_slow,), 3), ((hangs,), 5), ((is_away,), 0), ((connects,), 0)):
        becomes(*tries)
        began = asyncio.get_running_loop().time()
        (toolset,), _, _ = await tools.connect(THERE, call_id="call-1")
        await toolset.settled()
        assert asyncio.get_running_loop().time() - began == pytest.approx(settled_at, abs=0.1)
        await toolset.aclose()


@without_waiting
async def test_when_the_session_ends_a_back_office_that_is_away_is_not_tried_any_more(becomes: Any) -> None:
    tried: list[float] = []

    async def counts(toolset: Any) -> None:
        tried.append(asyncio.get_running_loop().time())
        raise httpx2.ConnectError("no")

    becomes(counts)
    (toolset,), _, _ = await tools.connect(THERE, call_id="call-1")
    await toolset.aclose()
    await asyncio.sleep(60)
    assert len(tried) == 1


@without_waiting
async def test_a_job_that_ends_while_it_connects_ends(becomes: Any) -> None:
    becomes(hangs)
    connecting = asyncio.create_task(tools.connect(THERE, call_id="call-1"))
    await asyncio.sleep(0.5)
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
async def test_a_tool_that_takes_its_time_is_told_of_once_and_a_quick_one_never() -> None:
    office, told = client(answered(text("at once")), None), list[str]()
    office.on_slow = lambda: told.append("slow")
    await asked(office)
    await asyncio.sleep(60)
    assert told == []
    with pytest.raises(ToolError, match="No answer in time"):
        await asked(office)
    assert told == ["slow"]


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
