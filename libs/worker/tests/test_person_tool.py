"""The brain's way to a human: at hand only while one is on duty, and what the brain is told when none came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from handoff.call import Role
from handoff.testing import make_call, memory_store
from livekit.agents import llm
from worker.agent import cast as casting
from worker.handover.hold import Waited
from worker.handover.ladder import Asked, Missed
from worker.handover.transfer import Moved
from worker.humans import person as persons
from worker.humans.person import Person
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import hold_call, make_settings, paper_service, text_call
from worker.testing.told import Calls, ToldModel

CONNECT = Calls("connect_person", {"summary": "Charged twice, wants a manager."})
PLAYBOOK = "service: triage\nfacts: []\nrules:\n  - {name: any, say: I am the playbook., repeat: true}\n"


class ToldPerson:
    """Stands in for worker.humans.person.Person: says a sentence, then ends as it was told."""

    def __init__(self, ending: Moved | Missed) -> None:
        self.ending = ending
        self.asked: list[Asked] = []

    async def to(self, asked: Asked) -> Moved | Missed:
        self.asked.append(asked)
        await asked.host.introduce("Anna")
        return self.ending


@without_waiting
async def test_a_call_that_a_human_has_taken_is_left_without_another_word(tmp_path: Path) -> None:
    told: Any = ToldPerson(Moved("d1"))
    async with text_call(paper_service(tmp_path), ToldModel(CONNECT), tools=[persons.tool(told)]) as call:
        said = await call.caller("I want a manager.")
        assert said == ["Anna from our team is here and knows what we've talked about."]
        assert call.left == ["handed over"]
        assert call.hung_up == []
    assert told.asked[0].summary == "Charged twice, wants a manager."


@pytest.mark.parametrize(
    ("missed", "words"),
    [
        (Missed("off_duty"), "Nobody took the call: human off_duty."),
        (Missed("no_answer", Waited.TIMED_OUT), "waited in line with music, and nobody became free"),
        (Missed("no_answer", Waited.NO_LONGER), "does not want to wait any longer"),
    ],
)
@without_waiting
async def test_when_none_came_the_brain_is_told_and_goes_on(tmp_path: Path, missed: Missed, words: str) -> None:
    told: Any = ToldPerson(missed)
    brain = ToldModel(CONNECT, "I'm sorry. Shall a manager call you?")
    async with text_call(paper_service(tmp_path), brain, tools=[persons.tool(told)]) as call:
        assert (await call.caller("I want a manager."))[-1] == "I'm sorry. Shall a manager call you?"
        assert call.left == []
        assert not call.agent.is_transferring
    assert words in brain.last_shown.output  # type: ignore[union-attr]
    heard = [item.text_content for item in brain.asked[1].items if item.type == "message" and item.role == "assistant"]
    assert heard == [], "what was said while he waited would stand after the answer"


async def tools_of(home: Path, *, on_duty: bool, has_way: bool = True) -> set[str]:
    """The tools of an agent that is seated now."""
    store, nobody = memory_store(), None
    checkpoint = await hold_call(store, make_call())
    if on_duty:
        await store.note_on_duty("anna", seconds=60)
    rooms: Any = type("Room", (), {"on": lambda *_: None})()
    person = Person(room=rooms, lkapi=rooms, store=store, checkpoint=checkpoint, settings=make_settings())
    service = paper_service(home)
    (home / "playbook.yaml").write_text(PLAYBOOK)
    around: Any = nobody
    stage = casting.Stage(
        service, make_settings(), checkpoint, around, [], around, around, person=person if has_way else None
    )
    agent, _ = await casting.make(stage, checkpoint.call, None)
    checkpoint.let_go()
    return set(llm.ToolContext(agent.tools).function_tools)


async def test_the_tool_is_at_hand_only_while_a_human_is_on_duty_and_only_where_there_is_a_way(tmp_path: Path) -> None:
    homes = [tmp_path / name for name in "abc"]
    for home in homes:
        home.mkdir()
    assert "connect_person" in await tools_of(homes[0], on_duty=True)
    assert "connect_person" not in await tools_of(homes[1], on_duty=False)
    assert "connect_person" not in await tools_of(homes[2], on_duty=True, has_way=False)


@without_waiting
async def test_what_the_caller_says_while_he_waits_is_in_the_record(tmp_path: Path) -> None:
    class Slow(ToldPerson):
        async def to(self, asked: Asked) -> Moved | Missed:
            call.transcribed("My account is AC4721.")
            return await super().to(asked)

    told: Any = Slow(Missed("no_answer", Waited.TIMED_OUT))
    brain = ToldModel(CONNECT, "I'm sorry.")
    async with text_call(paper_service(tmp_path), brain, tools=[persons.tool(told)]) as call:
        await call.caller("I want a manager.")
        assert "My account is AC4721." in [turn.text for turn in call.call.turns if turn.role is Role.CALLER]
    assert "My account is AC4721." in brain.last_shown.output  # type: ignore[union-attr]
