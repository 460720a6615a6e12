"""Escalation's playbook while a human is on duty at the desk, and that nothing is different while none is."""

from __future__ import annotations

from typing import Any

import pytest
from escalation import wishes
from escalation.agent import SERVICE
from handoff.call import Role, Turn
from worker.playbook import playbook
from worker.playbook.conversation import Said, Speaker
from worker.playbook.story import Story
from worker.testing.playbook import Play, ToolFails

BOOK = playbook.load(SERVICE.folder / "playbook.yaml")
STORY = "you called about your March invoice, and you have spoken with our billing specialist"
SLOT = "A manager can call you today at four in the afternoon. Shall I book that?"
NOBODY = "Nobody took the call: human no_answer. The caller waited in line with music, and nobody became free."
NO_LONGER = "Nobody took the call: human no_answer. The caller does not want to wait any longer."


class Talk(Play):
    """A Play that reads wishes as the agent does."""

    def heard(self, text: str, *, confidence: float | None = None) -> None:
        """The caller's words, and what they wish for."""
        super().heard(text, confidence=confidence)
        said = [i for i in self.conversation.items if isinstance(i, Said)]
        turns = [Turn(Role.CALLER if i.speaker is Speaker.CALLER else Role.AGENT, i.text, 0.0) for i in said]
        self.facts |= {name: value for name, value in wishes.wishes(turns, ("escalation",)).items() if value}


@pytest.fixture
def talk(desk: Any) -> Talk:
    """A caller on escalation's own line; a human is on duty, and does not come."""

    def slots(**arguments: Any) -> Any:
        failed, answer = desk.call("find_callback_slots", **arguments)
        assert not failed
        return answer

    talk = Talk(BOOK, story=Story(services=("escalation",)))
    talk.tools = {"connect_person": lambda summary: NOBODY, "find_callback_slots": slots}
    talk.agent("Thanks for calling Acme Cloud customer care. What happened, and what would make it right for you?")
    return talk


@pytest.mark.parametrize(
    "words",
    [
        "I want to speak to your manager.",
        "Get me a real person, please.",
        "Can I talk to a human?",
        "A supervisor, now.",
    ],
)
def test_who_asks_for_a_person_is_connected_before_a_callback_is_spoken_of(talk: Talk, words: str) -> None:
    talk.caller(words)
    assert talk.calls[0][0] == "connect_person"


@pytest.mark.parametrize(
    "words",
    [
        "Please have a manager call me tomorrow at three.",
        "Can somebody call me back?",
        "The manager said I would get a refund.",
        "I want to cancel my account.",
    ],
)
def test_who_asks_for_no_person_on_the_line_waits_for_none(talk: Talk, words: str) -> None:
    talk.tools = dict(talk.tools) | {"find_account": lambda account_id: {}}
    talk.caller(words)
    assert talk.called("connect_person") == []


def test_the_story_is_told_before_the_caller_is_connected(talk: Talk) -> None:
    talk.heard("I want to speak to your manager.")
    talk.agent("Hello Sarah. I'm the customer care lead at Acme Cloud.")
    talk.facts |= {"story": STORY}
    assert talk.go_on().startswith(f"I have the whole story: {STORY}.")
    assert talk.calls[0][0] == "connect_person"


def test_when_nobody_comes_he_is_told_so_and_a_call_is_offered_as_ever(talk: Talk) -> None:
    said = talk.caller("I want to speak to your manager.")
    assert said == f"I'm sorry, none of my colleagues is free right now. {SLOT}"


def test_who_would_rather_not_wait_is_offered_the_call_at_once(talk: Talk) -> None:
    talk.tools = dict(talk.tools) | {"connect_person": lambda summary: NO_LONGER}
    assert talk.caller("I want to speak to your manager.") == f"All right, you needn't wait. {SLOT}"


def test_he_may_ask_once_more_and_no_third_time(talk: Talk) -> None:
    talk.caller("I want to speak to your manager.")
    said = talk.caller("No, I want to talk to a human.")
    assert said == ("I'm sorry, none of my colleagues is free right now. Shall I book a manager's call instead?")
    talk.caller("I want a manager!")
    assert len(talk.called("connect_person")) == 2


def test_without_a_calendar_he_is_told_so_all_the_same(talk: Talk) -> None:
    talk.tools = {"connect_person": lambda summary: NOBODY}
    assert talk.caller("I want to speak to your manager.").startswith("I'm sorry, none of my colleagues is free")


def test_a_tool_that_fails_keeps_nobody_waiting(talk: Talk) -> None:
    def fails(summary: str) -> None:
        raise ToolFails("internal error")

    talk.tools = dict(talk.tools) | {"connect_person": fails}
    assert talk.caller("I want to speak to your manager.").endswith(SLOT)


def test_while_nobody_is_on_duty_everything_is_as_it_always_was(talk: Talk) -> None:
    tools = dict(talk.tools)
    del tools["connect_person"]
    talk.tools = tools
    assert talk.caller("I want to speak to your manager.") == SLOT
