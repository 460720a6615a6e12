"""The next agent of the same service remembers what the one before it had in its brain's conversation."""

from __future__ import annotations

from pathlib import Path

import pytest
from handoff.call import Call, Role, ToolUse
from handoff.testing import START, make_call, make_turn
from worker.agent import briefing
from worker.playbook.llm import read
from worker.testing.text_call import PaperService, paper_service

ANNOUNCED = "I'm connecting you with our billing specialist. One moment please."


@pytest.fixture
def service(tmp_path: Path) -> PaperService:
    return paper_service(tmp_path)  # triage


def said(text: str, at: float, *, agent: bool = False, service: str = "triage", **changes: object):
    role = Role.AGENT if agent else Role.CALLER
    return make_turn(text, role=role, spoken_at=START + at, service=service, **changes)


def texts(service: PaperService, call: Call) -> list[str | None]:
    return [message.text_content for message in briefing.remembered(service, call).messages()]


def test_our_own_turns_are_remembered_as_they_were_said(service: PaperService) -> None:
    own = said("Write to sarah@example.com, please.", 1)
    assert texts(service, make_call(turns=(own,))) == ["Write to sarah@example.com, please."]


def test_another_service_s_turns_are_remembered_as_they_cross(service: PaperService) -> None:
    foreign = said("Write to sarah@example.com, please.", 1, service="billing")
    (text,) = texts(service, make_call(turns=(foreign,)))
    assert text is not None
    assert "sarah@example.com" not in text


def test_of_others_only_the_last_ten_turns_are_remembered_of_ours_all(service: PaperService) -> None:
    others = tuple(said(f"other {n}", n, service="billing") for n in range(15))
    ours = tuple(said(f"own {n}", 20 + n) for n in range(15))
    found = texts(service, make_call(turns=(*others, *ours)))
    assert found == [*(f"other {n}" for n in range(5, 15)), *(f"own {n}" for n in range(15))]


def test_a_tool_s_answer_stands_where_it_came(service: PaperService) -> None:
    turns = (said("Yes please.", 1), said("It is done.", 3, agent=True))
    use = ToolUse("process_refund", '{"charge_id": "CH-1"}', '{"reference": "RF-1"}', False, START + 2)
    items = read(briefing.remembered(service, make_call(turns=turns, tool_uses=(use,)))).items
    assert [type(item).__name__ for item in items] == ["Said", "ToolUse", "Said"]
    assert items[1].result == {"reference": "RF-1"}  # type: ignore[union-attr]


def test_a_sentence_that_was_cut_off_is_remembered_as_cut_off(service: PaperService) -> None:
    cut = said("I can see that", 1, agent=True, was_interrupted=True)
    (item,) = read(briefing.remembered(service, make_call(turns=(cut,)))).items
    assert item.was_interrupted  # type: ignore[union-attr]


def test_the_announcement_of_a_transfer_that_was_lost_does_not_hide_what_the_caller_wants(
    service: PaperService,
) -> None:
    turns = (said("I was charged twice.", 1), said(ANNOUNCED, 2, agent=True))
    assert texts(service, make_call(turns=turns)) == ["I was charged twice."]


def test_an_earlier_announcement_stays(service: PaperService) -> None:
    turns = (said(ANNOUNCED, 1, agent=True), said("Hello?", 2))
    assert texts(service, make_call(turns=turns)) == [ANNOUNCED, "Hello?"]
