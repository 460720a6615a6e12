"""An agent in a call: what it notes before its brain answers, when it asks again, how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from handoff.call import Ending, Fact, Role, Source
from handoff.testing import START, make_call, make_fact
from livekit.agents import ChatMessage, ToolError, UserTranscriptionTimeoutEvent, function_tool
from livekit.agents.voice.events import ConversationItemAddedEvent, UserInputTranscribedEvent
from worker.agent import hearing
from worker.agent.call_agent import CallAgent
from worker.agent.session import CODE, PROMPT, SPELLING
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import PROMPTS, TextCall, paper_service, text_call
from worker.testing.told import Calls, ToldModel

UNSURE, SURE = 0.2, 0.9
Desk = Callable[..., AbstractAsyncContextManager[TextCall]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A call at a front desk whose model is told its answers."""

    def open_desk(brain: ToldModel, *, agent: type[CallAgent] = CallAgent, **given: Any) -> Any:
        return text_call(paper_service(tmp_path, agent), brain, **given)

    return open_desk


def turns(call: TextCall) -> list[tuple[Role, str]]:
    return [(turn.role, turn.text) for turn in call.call.turns]


# --- what is noted ----------------------------------------------------------------------------------------------------
@without_waiting
async def test_the_turn_its_facts_and_its_intent_are_noted_before_the_brain_is_asked(desk: Desk) -> None:
    brain = ToldModel("Let me see.")
    async with desk(brain) as call:
        noted: list[Any] = []
        brain.when_asked = lambda: noted.append(call.call)
        await call.caller("My account is AC4721 and I was charged twice for my March invoice.")
    (then,) = noted
    assert [turn.role for turn in then.turns] == [Role.CALLER]
    assert {fact.name: fact.value for fact in then.facts} == {"account_id": "AC4721", "date": "March"}
    assert {fact.source for fact in then.facts} == {Source.CALLER}
    assert then.intent.name == "billing"


@without_waiting
async def test_what_the_agent_says_is_a_turn_as_well(desk: Desk) -> None:
    async with desk(ToldModel("Good morning.")) as call:
        assert await call.caller("Hello.") == ["Good morning."]
        assert turns(call) == [(Role.CALLER, "Hello."), (Role.AGENT, "Good morning.")]


@without_waiting
async def test_words_that_were_cut_off_are_noted_as_such(desk: Desk) -> None:
    async with desk(ToldModel()) as call:
        cut = ChatMessage(role="assistant", content=["We are open from"], interrupted=True)
        call.session.emit("conversation_item_added", ConversationItemAddedEvent(item=cut))
        (turn,) = call.call.turns
    assert (turn.text, turn.was_interrupted) == ("We are open from", True)


@without_waiting
async def test_a_bare_number_is_understood_by_the_question_before_it(desk: Desk) -> None:
    async with desk(ToldModel("Could you tell me your account ID?", "Thank you.")) as call:
        await call.caller("Hello.")
        await call.caller("It's four seven two one.")
        assert call.agent.known() == {"account_id": "AC4721"}


@without_waiting
async def test_everything_noted_reaches_the_store(desk: Desk) -> None:
    async with desk(ToldModel("Good morning.")) as call:
        await call.caller("Hello.")
        assert await call.agent.brief.checkpoint.flushed(5)
        stored = await call.store.load_call(call.call.call_id)
    assert [turn.text for turn in stored.turns] == ["Hello.", "Good morning."]


@without_waiting
async def test_a_verified_fact_is_known_before_one_that_was_only_said(desk: Desk) -> None:
    verified = Fact("account_id", "AC4721", Source.TOOL, START, True, "triage")
    said = make_fact("account_id", "AC9999", learned_at=START + 1, service="triage")
    call_so_far = make_call(turns=(), facts=(verified, said))
    async with desk(ToldModel(), call=call_so_far) as call:
        assert call.agent.known() == {"account_id": "AC4721"}


@without_waiting
async def test_after_a_question_for_a_code_the_caller_gets_more_time(desk: Desk) -> None:
    async with desk(ToldModel("Could you tell me your account ID?", "Thank you. What can I do for you?")) as call:
        patience = call.session.options.endpointing
        await call.caller("Hello.")
        assert (patience["min_delay"], patience["max_delay"]) == (SPELLING["min_delay"], SPELLING["max_delay"])
        await call.caller("AC4721.")
        assert (patience["min_delay"], patience["max_delay"]) == (PROMPT["min_delay"], PROMPT["max_delay"])


@without_waiting
async def test_a_whole_code_is_not_waited_out(desk: Desk) -> None:
    async with desk(ToldModel("Could you tell me your account ID?")) as call:
        await call.caller("Hello.")
        patience = call.session.options.endpointing
        hears(call, "It's A C four")
        assert patience["min_delay"] == SPELLING["min_delay"]
        hears(call, "seven two one.")
        assert patience["min_delay"] == CODE["min_delay"]


@without_waiting
async def test_words_are_understood_in_the_pause_in_which_they_may_still_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(ToldModel()) as call:
        understood: list[str] = []
        monkeypatch.setattr(hearing.understanding, "find_intents", understood.append)
        hears(call, "I was charged twice")
        hears(call, "for my March invoice.")
    assert understood == ["I was charged twice", "I was charged twice for my March invoice."]


def hears(call: TextCall, words: str) -> None:
    """Speech to text has made something of the caller's voice."""
    call.session.emit("user_input_transcribed", UserInputTranscribedEvent(transcript=words, is_final=True))


@pytest.mark.parametrize(
    ("agent", "text", "confidence", "listens"),
    [
        ("speaking", "Uh-huh.", SURE, True),
        ("speaking", "Aye.", UNSURE, True),
        ("speaking", "Stop.", SURE, False),
        ("speaking", "AC4721", UNSURE, False),
        ("listening", "Uh-huh.", SURE, False),
        ("listening", "Aye.", UNSURE, False),
    ],
)
@without_waiting
async def test_only_a_sound_over_the_agents_own_voice_can_be_a_listeners(
    desk: Desk, agent: str, text: str, confidence: float, listens: bool
) -> None:
    async with desk(ToldModel()) as call:
        call.session._update_agent_state(agent)
        call.session._update_user_state("speaking")
        await asyncio.sleep(0.8)
        call.session._update_user_state("listening")
        assert call.agent.is_listening(text, confidence) is listens


@without_waiting
async def test_a_long_turn_over_the_agents_voice_is_none_however_unclear(desk: Desk) -> None:
    async with desk(ToldModel()) as call:
        call.session._update_agent_state("speaking")
        call.session._update_user_state("speaking")
        await asyncio.sleep(2.5)
        call.session._update_user_state("listening")
        assert not call.agent.is_listening("mumble", UNSURE)


# --- an unsure hearing ------------------------------------------------------------------------------------------------
@without_waiting
async def test_an_unsure_hearing_leads_to_a_question_and_not_to_an_answer(desk: Desk) -> None:
    brain = ToldModel()
    async with desk(brain) as call:
        assert await call.caller("mumble", confidence=UNSURE) == [PROMPTS["clarify"]]
    assert brain.asked == []


@without_waiting
async def test_it_asks_twice_at_most_and_then_makes_do_with_what_it_heard(desk: Desk) -> None:
    brain = ToldModel("I think you said mumble.")
    async with desk(brain) as call:
        said = [await call.caller(f"mumble {n}", confidence=UNSURE) for n in range(3)]
    assert said == [[PROMPTS["clarify"]], [PROMPTS["clarify"]], ["I think you said mumble."]]
    assert brain.last_shown.text_content == "mumble 2"


@without_waiting
async def test_after_a_turn_that_was_understood_it_may_ask_twice_again(desk: Desk) -> None:
    async with desk(ToldModel("Good morning.")) as call:
        await call.caller("mumble", confidence=UNSURE)
        await call.caller("Hello.", confidence=SURE)
        said = [await call.caller("mumble", confidence=UNSURE) for _ in range(2)]
    assert said == [[PROMPTS["clarify"]]] * 2


@without_waiting
async def test_an_unsure_hearing_with_a_fact_in_it_is_accepted(desk: Desk) -> None:
    async with desk(ToldModel("Thank you.")) as call:
        assert await call.caller("mumble AC4721 mumble", confidence=UNSURE) == ["Thank you."]
        assert call.agent.known() == {"account_id": "AC4721"}


@pytest.mark.parametrize("confidence", [None, 0.5, 1.0], ids=["not told", "just enough", "sure"])
@without_waiting
async def test_a_hearing_that_is_sure_enough_is_answered(desk: Desk, confidence: float | None) -> None:
    async with desk(ToldModel("Good morning.")) as call:
        assert await call.caller("Hello.", confidence=confidence) == ["Good morning."]


@without_waiting
async def test_how_sure_is_sure_enough_is_a_setting(desk: Desk) -> None:
    async with desk(ToldModel("Good morning."), settings={"min_confidence": 0.1}) as call:
        assert await call.caller("Hello.", confidence=UNSURE) == ["Good morning."]


# --- a voice without words --------------------------------------------------------------------------------------------
async def nothing_understood(call: TextCall, seconds: float) -> list[str]:
    """The caller made a sound of so many seconds, and speech to text made nothing of it; what the agent says to that."""
    before = len(call.said)
    sound = UserTranscriptionTimeoutEvent(speech_duration=seconds, vad_speech_started_at=START)
    call.session.emit("user_transcription_timeout", sound)
    await call.quiet()
    return call.said[before:]


@without_waiting
async def test_a_voice_without_words_is_an_unsure_hearing_like_any_other(desk: Desk) -> None:
    async with desk(ToldModel()) as call:
        said = [await nothing_understood(call, 1.0), await call.caller("mumble", confidence=UNSURE)]
        assert said == [[PROMPTS["clarify"]]] * 2
        assert await nothing_understood(call, 1.0) == []


@without_waiting
async def test_a_cough_is_no_question(desk: Desk) -> None:
    async with desk(ToldModel()) as call:
        assert await nothing_understood(call, 0.1) == []


@without_waiting
async def test_a_voice_that_is_meant_for_another_agent_is_no_question(desk: Desk) -> None:
    async with desk(ToldModel()) as call:
        call.agent.floor_is_ours = False
        assert await nothing_understood(call, 1.0) == []


# --- whose turn it is -------------------------------------------------------------------------------------------------
@without_waiting
async def test_an_agent_without_the_floor_neither_thinks_nor_notes(desk: Desk) -> None:
    brain = ToldModel()
    async with desk(brain) as call:
        call.agent.floor_is_ours = False
        assert await call.caller("This is for the agent who speaks with me.") == []
        assert turns(call) == []
    assert brain.asked == []


@without_waiting
async def test_what_was_said_over_an_opening_sentence_is_answered_after_it(desk: Desk) -> None:
    brain = ToldModel("Let me look at that invoice.")
    async with desk(brain) as call:
        call.transcribed("My account", is_final=False)
        call.transcribed("My account is AC4721.")
        call.transcribed("It's about March.")
        await call.agent.answer_what_was_said_meanwhile()
        await call.quiet()
        assert turns(call)[0] == (Role.CALLER, "My account is AC4721. It's about March.")
        assert call.agent.known()["account_id"] == "AC4721"
    assert brain.last_shown.text_content == "My account is AC4721. It's about March."


@without_waiting
async def test_with_nothing_said_meanwhile_the_brain_goes_on_by_itself(desk: Desk) -> None:
    async with desk(ToldModel("Could you tell me your account ID?")) as call:
        await call.agent.answer_what_was_said_meanwhile()
        await call.quiet()
        assert turns(call) == [(Role.AGENT, "Could you tell me your account ID?")]


@without_waiting
async def test_a_caller_who_still_speaks_is_not_answered_before_he_is_done(desk: Desk) -> None:
    brain = ToldModel()
    async with desk(brain) as call:
        call.transcribed("My account is")
        call.caller_speaks(True)
        await call.agent.answer_what_was_said_meanwhile()
        await call.quiet()
        assert turns(call) == []
    assert brain.asked == []


@without_waiting
async def test_a_turn_that_was_answered_is_not_answered_again(desk: Desk) -> None:
    brain = ToldModel("Good morning.", "Anything else?")
    async with desk(brain) as call:
        call.transcribed("Hello.")
        await call.caller("Hello.")
        await call.agent.answer_what_was_said_meanwhile()
        await call.quiet()
        assert [text for role, text in turns(call) if role is Role.CALLER] == ["Hello."]


# --- tools ------------------------------------------------------------------------------------------------------------
class Learner(CallAgent):
    """Writes down what its tools taught it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lessons: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = []

    def learned(self, tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        self.lessons.append((tool, arguments, result))


@function_tool
async def look_up(account_id: str) -> str:
    """Answers with JSON, as a tool of a back office does."""
    if account_id == "away":
        raise ToolError('{"name": "nobody: the records do not answer"}')
    if account_id == "plain":
        return "No such account."
    return json.dumps([account_id] if account_id == "list" else {"name": "Sarah"})


@without_waiting
async def test_a_tools_result_is_learned_with_what_was_asked(desk: Desk) -> None:
    brain = ToldModel(Calls("look_up", {"account_id": "AC4721"}), "Hello Sarah.")
    async with desk(brain, agent=Learner, tools=[look_up]) as call:
        assert await call.caller("AC4721.") == ["Hello Sarah."]
        assert call.agent.lessons == [("look_up", {"account_id": "AC4721"}, {"name": "Sarah"})]


@pytest.mark.parametrize("answer", ["away", "plain", "list"])
@without_waiting
async def test_an_error_or_a_plain_sentence_teaches_nothing(desk: Desk, answer: str) -> None:
    brain = ToldModel(Calls("look_up", {"account_id": answer}), "I'm sorry.")
    async with desk(brain, agent=Learner, tools=[look_up]) as call:
        await call.caller("Hello.")
        assert call.agent.lessons == []


# --- silence ----------------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_silent_caller_is_asked_twice_and_then_bidden_goodbye(desk: Desk) -> None:
    async with desk(ToldModel(), settings={"silence_seconds": 8.0}) as call:
        heard = []
        for _ in range(3):
            await asyncio.sleep(8.1)
            await call.quiet()
            heard.append(call.said[-1])
        assert heard == [PROMPTS["silence"], PROMPTS["silence"], PROMPTS["silence_goodbye"]]
        stored = await call.store.load_call(call.call.call_id)
        assert (stored.ending, stored.ending_detail) == (Ending.CALLER_HUNG_UP, "silent")
        assert call.hung_up == ["hung up"]
        await asyncio.sleep(60)
        assert len(call.said) == 3


# --- the end ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "ending"),
    [
        ({}, Ending.RESOLVED),
        ({"outcome": "resolved"}, Ending.RESOLVED),
        ({"outcome": "failed"}, Ending.FAILED),
        ({"outcome": "callback_booked"}, Ending.CALLBACK_BOOKED),
        ({"outcome": "Transferred_to_human "}, Ending.TRANSFERRED_TO_HUMAN),
        ({"outcome": "caller_hung_up"}, Ending.RESOLVED),
        ({"outcome": "invented"}, Ending.RESOLVED),
    ],
)
@without_waiting
async def test_the_end_comes_after_the_goodbye_and_once(desk: Desk, arguments: dict[str, str], ending: Ending) -> None:
    brain = ToldModel(Calls("end_call", arguments, words="Goodbye."))
    async with desk(brain) as call:
        assert await call.caller("That's all.") == ["Goodbye."]
        assert (await call.store.load_call(call.call.call_id)).ending is ending
        assert call.hung_up == ["hung up"]
        assert await call.caller("Oh, one more thing.") == []
        assert call.hung_up == ["hung up"]
