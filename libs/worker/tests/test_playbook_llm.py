"""The playbook in a language model's place: LiveKit's own session cannot tell the difference."""

from __future__ import annotations

import json
from pathlib import Path

from livekit.agents import Agent, AgentSession, ChatContext, ToolError, function_tool, llm
from worker.playbook.llm import PlaybookLLM, read
from worker.playbook.playbook import load

BOOK = """\
service: billing
facts: [account_id]
tools:
  account:
    call: get_account
    with: {account_id: "{account_id}"}
rules:
  - name: look
    when: {known: account_id, not_called: account}
    say: One moment. I am looking.
    call: account
  - name: failed
    when: {failed: account}
    say: I can't find {account.account_id:spelled}.
  - name: hello
    when: {done: account}
    say: Hello {account.name}.
  - name: ask
    when: {missing: account_id}
    ask: Which account?
  - name: last
    say: What else?
    repeat: true
"""


def brain(tmp_path: Path, facts: dict[str, str]) -> PlaybookLLM:
    (tmp_path / "playbook.yaml").write_text(BOOK)
    return PlaybookLLM(load(tmp_path / "playbook.yaml"), lambda: facts, "call-1")


@function_tool
async def get_account(account_id: str) -> str:
    """Looks an account up."""
    if account_id != "AC4721":
        raise ToolError("There is no account with that ID.")
    return json.dumps({"account_id": account_id, "name": "Sarah"})


async def test_a_stream_holds_text_and_then_the_call(tmp_path: Path) -> None:
    stream = brain(tmp_path, {"account_id": "AC4721"}).chat(chat_ctx=ChatContext.empty(), tools=[get_account])
    chunks = [chunk async for chunk in stream]
    deltas = [chunk.delta for chunk in chunks if chunk.delta is not None]
    assert "".join(delta.content or "" for delta in deltas) == "One moment. I am looking."
    (call,) = [call for delta in deltas for call in delta.tool_calls]
    assert (call.type, call.name, json.loads(call.arguments)) == ("function", "get_account", {"account_id": "AC4721"})
    assert call.call_id
    assert len({chunk.id for chunk in chunks}) == 1


async def test_the_collected_response_is_like_a_models(tmp_path: Path) -> None:
    response = (
        await brain(tmp_path, {"account_id": "AC4721"})
        .chat(chat_ctx=ChatContext.empty(), tools=[get_account])
        .collect()
    )
    assert response.text == "One moment. I am looking."
    assert [call.name for call in response.tool_calls] == ["get_account"]


async def test_without_tools_or_with_tool_choice_none_it_calls_nothing(tmp_path: Path) -> None:
    playbook = brain(tmp_path, {"account_id": "AC4721"})
    for stream in (
        playbook.chat(chat_ctx=ChatContext.empty(), tools=[]),
        playbook.chat(chat_ctx=ChatContext.empty(), tools=[get_account], tool_choice="none"),
    ):
        response = await stream.collect()
        assert (response.text, response.tool_calls) == ("What else?", [])


def test_instructions_before_the_first_word_are_no_part_of_the_conversation() -> None:
    chat = ChatContext.empty()
    chat.add_message(role="system", content="When nobody took the call, say so.")
    chat.add_message(role="assistant", content="Hello.")
    chat.add_message(role="developer", content="The handoff failed.")
    assert [item.text for item in read(chat).items if hasattr(item, "text")] == ["Hello.", "The handoff failed."]


def test_a_call_without_an_answer_has_not_happened() -> None:
    chat = ChatContext.empty()
    chat.items.append(llm.FunctionCall(call_id="1", name="get_account", arguments="{}"))
    assert read(chat).items == ()


async def test_a_session_plays_a_whole_dialogue_with_it(tmp_path: Path) -> None:
    facts: dict[str, str] = {}
    async with AgentSession(llm=brain(tmp_path, facts), vad=None, turn_handling={"turn_detection": None}) as session:
        await session.start(Agent(instructions="You are billing.", tools=[get_account]), record=False)
        first = await session.run(user_input="Hi.")
        first.expect.next_event().is_message(role="assistant")
        facts["account_id"] = "AC0000"
        await session.run(user_input="It's AC0000.")
        facts["account_id"] = "AC4721"
        await session.run(user_input="Sorry, AC4721.")
        said = [m.text_content for m in session.history.messages() if m.role == "assistant"]
    assert said == [
        "Which account?",
        "One moment. I am looking.",
        "I can't find A C, 0 0 0 0.",
        "Hello Sarah.",
    ]
