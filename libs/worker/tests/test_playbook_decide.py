"""How a playbook decides: the first rule that fits, from the conversation alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from worker.playbook.conversation import Conversation, Said, Speaker, ToolUse
from worker.playbook.playbook import Playbook, decide, load
from worker.testing.playbook import Play, ToolFails

BOOK = """\
service: billing
facts: [account_id, date]
tools:
  account:
    call: get_account
    with: {account_id: "{account_id}"}
rules:
  - name: noted
    when: {told: handoff failed}
    say: I heard of it.
    repeat: true
  - name: later
    when: {turns_since: {ask: 3}, not_called: account}
    say: That was three turns ago.
  - name: look
    when: {known: account_id, not_called: account, available: account}
    say: One moment.
    call: account
  - name: away
    when: {known: account_id, unavailable: account}
    say: I can't look.
  - name: missing_account
    when: {failed: account, error: {account: no account}}
    say: There is no account {account.account_id:spelled}.
  - name: broken
    when: {failed: account}
    say: It does not work.
  - name: gold
    when: {result: {account.plan: [gold, platinum]}, any: [{heard: plan}, {heard: tariff}], none: [{heard_now: never}]}
    say: You have {account.plan}.
  - name: hello
    when: {done: account}
    say: Hello {account.name}.
  - name: ask
    when: {missing: account_id}
    ask: Which account?
    again: ["Which one?"]
  - name: last
    say: What else?
    repeat: true
"""


def book(tmp_path: Path) -> Playbook:
    (tmp_path / "playbook.yaml").write_text(BOOK)
    return load(tmp_path / "playbook.yaml")


def account(account_id: str) -> dict[str, Any]:
    if account_id == "AC0000":
        raise ToolFails("There is no account with that ID.")
    return {"account_id": account_id, "name": "Sarah", "plan": "Gold"}


def play(tmp_path: Path, **tools: Any) -> Play:
    return Play(book(tmp_path), tools or {"get_account": account})


def test_the_first_rule_that_fits_decides(tmp_path: Path) -> None:
    assert play(tmp_path).caller("Hi.") == "Which account?"


def test_words_and_a_call_come_in_one_decision_and_the_result_is_used(tmp_path: Path) -> None:
    dialogue = play(tmp_path)
    assert dialogue.caller("AC4721") == "One moment. Hello Sarah."
    assert dialogue.calls == [("get_account", {"account_id": "AC4721"})]


def test_a_result_and_alternatives_are_conditions(tmp_path: Path) -> None:
    assert play(tmp_path).caller("AC4721, which plan have I?") == "One moment. You have Gold."


def test_another_value_of_a_fact_is_another_call(tmp_path: Path) -> None:
    dialogue = play(tmp_path)
    assert "no account A C, 0 0 0 0" in dialogue.caller("AC0000")
    assert "Hello Sarah" in dialogue.caller("Sorry, AC4721.")
    assert len(dialogue.calls) == 2


def test_a_tool_that_is_not_at_hand_is_not_called(tmp_path: Path) -> None:
    assert play(tmp_path, other=account).caller("AC4721") == "I can't look."


def test_asking_stops_after_its_wordings_are_used_up(tmp_path: Path) -> None:
    dialogue = play(tmp_path)
    assert [dialogue.caller("Hm.") for _ in range(3)] == ["Which account?", "Which one?", "What else?"]


def test_turns_are_counted_since_a_rule_spoke(tmp_path: Path) -> None:
    dialogue = play(tmp_path)
    said = [dialogue.caller("Hm.") for _ in range(5)]
    assert said[4] == "That was three turns ago."


def test_notes_count_once_the_conversation_has_begun(tmp_path: Path) -> None:
    dialogue = play(tmp_path)
    dialogue.caller("Hi.")
    assert dialogue.note("The handoff failed.") == "I heard of it."
    assert dialogue.caller("Hm.") == "Which one?", "an old note is not told again"


def test_a_question_that_was_cut_off_is_asked_again_in_its_first_words(tmp_path: Path) -> None:
    (tmp_path / "playbook.yaml").write_text(
        BOOK.replace("Which account?", "Could you please tell me which account it is about?")
    )
    dialogue = Play(load(tmp_path / "playbook.yaml"), {"get_account": account})
    first = dialogue.caller("Hi.")
    dialogue.interrupted_after(4)
    assert dialogue.caller("What?") == first


def test_a_nested_result_is_never_read_out(tmp_path: Path) -> None:
    dialogue = play(tmp_path, get_account=lambda account_id: {"name": {"first": "Sarah"}, "plan": ["Gold"]})
    assert dialogue.caller("AC4721, which plan?") == "One moment. What else?"


_SAID = st.builds(
    Said,
    st.sampled_from(Speaker),
    st.sampled_from(
        ["Which account?", "One moment.", "Hello Sarah.", "Hi.", "AC4721", "yes", "no", "handoff failed", "What else?"]
    ),
    st.none() | st.floats(0, 1),
    st.booleans(),
)
_USE = st.builds(
    ToolUse.of,
    st.sampled_from(["get_account", "unknown"]),
    st.sampled_from(['{"account_id": "AC4721"}', "{}", "[]", "nonsense"]),
    st.sampled_from(
        ['{"account_id": "AC4721", "name": "Sarah", "plan": null}', "", "[1]", "no account", '{"name": {"a": 1}}']
    ),
    failed=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_SAID | _USE, max_size=12),
    st.fixed_dictionaries({}, optional={"account_id": st.just("AC4721")}),
    st.booleans(),
)
def test_whatever_was_said_and_done_there_is_something_to_say_or_do(
    tmp_path_factory: Any, items: list[Said | ToolUse], facts: dict[str, str], has_tool: bool
) -> None:
    playbook = _cached(tmp_path_factory)
    conversation, tools = Conversation(tuple(items)), ["get_account"] if has_tool else []
    decision = decide(playbook, conversation, facts, tools)
    assert decision.say or decision.call
    assert "{" not in decision.say
    assert decision == decide(playbook, conversation, facts, tools), "the same conversation, the same decision"


_BOOKS: list[Playbook] = []


def _cached(tmp_path_factory: Any) -> Playbook:
    if not _BOOKS:
        _BOOKS.append(book(tmp_path_factory.mktemp("book")))
    return _BOOKS[0]
