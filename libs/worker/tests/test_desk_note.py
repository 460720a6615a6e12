"""What a human of the desk has written for a service: facts are read out of it, and nothing is believed that a tool knows better."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from handoff.call import Fact, Role, Source
from handoff.context import HandoffContext, build_context
from handoff.directory import DIRECTORY
from handoff.testing import START, make_call, make_intent, make_turn
from worker.agent import cast
from worker.humans import desk_note
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import paper_service, text_call
from worker.testing.told import ToldModel

NOTE = (
    "Note from Anna at the desk: please look at the March invoice of account AC4729, the dashboard says error code 502."
)


def context_of(
    *, services: tuple[str, ...] = ("triage", "escalation", "human"), facts: tuple[Fact, ...] = ()
) -> HandoffContext:
    turns = (make_turn("I want a manager."), make_turn(NOTE, role=Role.AGENT, service="human"))
    return build_context(
        make_call(turns=turns, facts=facts, services=services),
        entry=DIRECTORY["billing"],
        handoff_id="d1",
        epoch=3,
        now=START,
        intent=make_intent("billing"),
    )


def test_the_facts_in_a_note_are_the_services_own_to_use() -> None:
    known = {fact.name: fact.value for fact in desk_note.read(context_of(), "billing").facts}
    assert known == {"account_id": "AC4729", "date": "March"}, "no error message: billing may not be told one"
    assert not any(fact.verified for fact in desk_note.read(context_of(), "billing").facts)


def test_a_note_changes_nothing_that_a_tool_has_verified() -> None:
    verified = Fact("account_id", "AC4721", Source.TOOL, START, True, "billing")
    context = desk_note.read(context_of(facts=(verified,)), "billing")
    assert [fact.value for fact in context.facts if fact.name == "account_id"] == ["AC4721"]


def test_a_note_of_an_earlier_visit_to_the_desk_is_no_news() -> None:
    context = context_of(services=("escalation", "human", "sales"))
    assert desk_note.read(context, "billing") is context


def test_a_note_that_was_read_on_another_visit_is_not_read_again() -> None:
    context = context_of()
    later = replace(context, turns=(*context.turns, make_turn("Let me have a person again.")))
    assert desk_note.read(later, "billing") is later


@without_waiting
async def test_a_taker_knows_what_the_note_says_as_if_it_had_heard_it(tmp_path: Path) -> None:
    context = context_of()
    billing = replace(paper_service(tmp_path), name="billing")
    async with text_call(billing, ToldModel(), context=context, call=make_call(facts=())) as call:
        await cast.catch_up(call.agent, None, context)
        assert call.agent.known() == {"account_id": "AC4729", "date": "March"}
        assert [mark.handoff_id for mark in call.call.marks] == [context.handoff_id], "for who looks at the call later"
        assert NOTE in [message.text_content for message in call.agent.chat_ctx.messages()]
