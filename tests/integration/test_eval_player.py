"""Evals played through the real agents: what the player reports when a conversation goes otherwise than written, and that none
disturbs another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from handoff.call import Ending
from handoff.lifecycle import State

from local.eval.conversation import Conversation
from local.eval.evidence import Evidence
from local.eval.house import House
from local.eval.player import play
from local.eval.reader import load

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHARGED_TWICE = """
lines:
  - say: I was charged twice in March, my account is A C four seven two one.
  - say: nine seven two oh nine
  - say: yes please
  - say: no, that's all
expect: {}
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House(tmp_path_factory.mktemp("evals")) as house:
        yield house


def conversation(tmp_path: Path, text: str) -> Conversation:
    path = tmp_path / "eval.yaml"
    path.write_text(text, "utf-8")
    (found,) = load(path)
    return found


async def played(house: House, tmp_path: Path, text: str) -> Evidence:
    return await play(conversation(tmp_path, text), house)


async def test_a_whole_call_leaves_its_record_its_handoff_its_tools_and_its_rows(house: House, tmp_path: Path) -> None:
    evidence = await played(house, tmp_path, CHARGED_TWICE)
    assert evidence.problems == ()
    assert evidence.call is not None
    assert (evidence.call.services, evidence.call.ending) == (("triage", "billing"), Ending.RESOLVED)
    (handoff,) = evidence.handoffs
    assert handoff.state is State.SPOKEN
    assert (handoff.context,) == evidence.offered
    assert [call.name for call in evidence.tool_calls if call.service == "billing"][-2:] == [
        "process_refund",
        "end_call",
    ]
    assert len(evidence.changes["billing"]["refunds"].added) == 1


async def test_conversations_side_by_side_do_not_see_each_others_rows(house: House, tmp_path: Path) -> None:
    both = await asyncio.gather(*(played(house, tmp_path, CHARGED_TWICE) for _ in range(2)))
    assert [len(evidence.changes["billing"]["refunds"].added) for evidence in both] == [1, 1]


async def test_what_is_said_over_the_announcement_reaches_the_next_agent(house: House, tmp_path: Path) -> None:
    evidence = await played(
        house,
        tmp_path,
        """
lines:
  - say: I was charged twice in March.
  - say: my account is A C four seven two one
    while_connecting: true
  - say: nine seven two oh nine
    after: ZIP
expect: {}
""",
    )
    assert evidence.problems == ()
    assert not any(fact.name == "account_id" for fact in evidence.offered[0].facts), "it was not in the context"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("[{say: hello, after: no such words}]", "line 2: no agent had said 'no such words'"),
        ("[{say: What are your hours?}, {say: and, while_connecting: true}]", "no handoff followed"),
        ("[{say: 'no, goodbye'}, {say: goodbye}, {say: more}, {say: more}]", "the call was over before"),
    ],
)
async def test_a_conversation_that_cannot_go_on_says_where_and_why(
    house: House, tmp_path: Path, lines: str, problem: str
) -> None:
    evidence = await played(house, tmp_path, f"\nlines: {lines}\nexpect: {{}}\n")
    (found,) = evidence.problems
    assert problem in found
    assert found.startswith("line 2: ")


async def test_a_caller_with_no_more_lines_hangs_up(house: House, tmp_path: Path) -> None:
    evidence = await played(house, tmp_path, "lines: [{say: What are your opening hours?}]\nexpect: {}")
    assert evidence.call is not None and evidence.call.ending is Ending.CALLER_HUNG_UP


async def test_a_caller_who_says_nothing_is_asked_and_bidden_goodbye(house: House, tmp_path: Path) -> None:
    evidence = await played(house, tmp_path, "lines: [{stay_silent: true}]\nexpect: {}")
    assert evidence.problems == ()
    assert evidence.call is not None and evidence.call.ending is Ending.CALLER_HUNG_UP
    assert len(evidence.said) == 4


async def test_a_line_that_is_full_declines(house: House, tmp_path: Path) -> None:
    evidence = await played(
        house, tmp_path, "full: [billing, escalation]\nlines: [{say: I was charged twice}]\nexpect: {}"
    )
    assert evidence.call is not None and evidence.call.services == ("triage",)
    assert evidence.handoffs == ()
    assert "at_capacity" in evidence.tool_calls[0].output


async def test_an_office_that_is_away_has_no_tools(house: House, tmp_path: Path) -> None:
    evidence = await played(house, tmp_path, "away: [billing]\nstarts_at: billing\nlines: [{say: hi}]\nexpect: {}")
    assert evidence.call is not None
    assert evidence.tool_calls == ()
    assert evidence.changes == {}


async def test_a_conversation_that_takes_too_long_is_told(house: House, tmp_path: Path) -> None:
    slow = conversation(tmp_path, f"timeout_seconds: 1\n{CHARGED_TWICE}")
    evidence = await play(slow, house, ring=lambda table: asyncio.sleep(60))
    assert evidence.problems == ("not over after 1 s: the agents were still busy",)
    assert evidence.call is None
