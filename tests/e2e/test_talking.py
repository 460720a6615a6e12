"""Talking as people do: interrupting, listening with an "uh-huh", asking again, having somebody wait, and saying goodbye.

How soon an agent falls silent and answers is printed, and measured by `python -m bench.talking`; here it counts that it does.
"""

from __future__ import annotations

import re
from dataclasses import replace

import aiohttp
import pytest
import pytest_asyncio
from handoff.call import Ending, Role, Turn

from local.caller.ear import audible
from local.caller.voice import speak
from local.report.responses import interruptions, response_times_ms
from local.supervisor.mesh import Mesh
from tests.e2e.calls import IS_DONE, Evidence, caller, ring, says

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLANS = "We have three plans: Cloud Pro for one person, Cloud Team for up to ten people, and Cloud Business for whole companies."
HOURS = (
    "We're open Monday to Friday, from eight in the morning to six in the evening, and on Saturday from nine to one."
)
OFFICE = "Our office is at twelve Harbor Street in Portland, Oregon."
ANYTHING_ELSE = "Is there anything else I can help you with?"
_SOFT_EDGES_MS = 100
"""What lies about the threshold of hearing, at a pause's edges too; a syllable lasts longer."""
HOLD_SECONDS = 12.0
"""Longer than an agent waits for a caller who has not asked it to."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def interrupted(playbook_mesh: Mesh) -> Evidence:
    """Interrupts an answer in its first second, and listens to the next one."""
    script = caller(
        says("What plans do you have?", after="how can I help"),
        says("Sorry, what are your opening hours?", after="we have three", interrupt=True),
        says("Uh-huh.", after="Monday to Friday", interrupt=True),
        says("No, that's all, thank you.", after="anything else"),
    )
    evidence = await ring(playbook_mesh, script)
    _print_how_quick(evidence)
    return evidence


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def patient(playbook_mesh: Mesh) -> Evidence:
    """Did not hear, has to look for something, goes on."""
    script = caller(
        says("Where is your office?", after="how can I help"),
        says("What did you say?", after="anything else"),
        says("Hold on a second.", after="anything else"),
        replace(says("What are your opening hours?", after=""), after=HOLD_SECONDS),
        IS_DONE,
    )
    evidence = await ring(playbook_mesh, script)
    _print_how_quick(evidence)
    return evidence


def _print_how_quick(evidence: Evidence) -> None:
    said, agents = evidence.recording.said, evidence.recording.agents
    over = [i.silent_after_ms for i in interruptions(said, agents)]
    print(
        f"agents silent after {over} ms of the caller's voice over theirs, answers after {response_times_ms(said, agents)} ms"
    )


def _turns(evidence: Evidence, role: Role) -> list[Turn]:
    return [turn for turn in evidence.call.turns if turn.role is role]


# --- interrupting -----------------------------------------------------------------------------------------------------
async def test_an_interrupted_agent_falls_silent_and_answers_what_was_said(interrupted: Evidence) -> None:
    (cut,) = [turn for turn in _turns(interrupted, Role.AGENT) if turn.was_interrupted]
    after = interrupted.call.turns[interrupted.call.turns.index(cut) + 1 :]
    assert "opening hours" in after[0].text
    assert after[1].text.startswith("We're open")


async def test_only_what_was_heard_is_recorded_as_said(interrupted: Evidence) -> None:
    (cut,) = [turn for turn in _turns(interrupted, Role.AGENT) if turn.was_interrupted]
    assert 0 < len(cut.text) < len(PLANS) - 40
    assert _words(PLANS)[: len(_words(cut.text)) - 1] == _words(cut.text)[:-1], (
        "its beginning, the last word perhaps cut"
    )
    heard = " ".join(note.text for note in await interrupted.heard())
    assert "companies" not in heard.lower()


# --- listening --------------------------------------------------------------------------------------------------------
async def test_a_listeners_uh_huh_stops_nobody(interrupted: Evidence) -> None:
    hours = next(turn for turn in _turns(interrupted, Role.AGENT) if turn.text.startswith("We're open"))
    assert not hours.was_interrupted
    assert hours.text == f"{HOURS} {ANYTHING_ELSE}"


async def test_the_sentence_is_heard_whole_and_nothing_is_asked(interrupted: Evidence) -> None:
    """It pauses for the sound, which could be a first word, and loses nothing by it."""
    begins, ends = interrupted.recording.spoken[1].end_ms // 10, interrupted.recording.spoken[-1].start_ms // 10
    (track,) = interrupted.recording.agents.values()
    heard_ms = int(audible(track)[begins:ends].sum()) * 10
    assert abs(heard_ms - await _spoken_ms(interrupted.mesh, HOURS, ANYTHING_ELSE)) <= _SOFT_EDGES_MS
    agents = [turn.text for turn in _turns(interrupted, Role.AGENT)]
    assert len(agents) == 4, "greeting, the plans, the hours, goodbye"
    assert len(_turns(interrupted, Role.CALLER)) == 3, "the sound is no turn"


async def _spoken_ms(mesh: Mesh, *sentences: str) -> int:
    """How much of these sentences, each asked for by itself as an agent does, is audible."""
    async with aiohttp.ClientSession() as session:
        voices = [await speak(mesh.speech_url, text, voice="alloy", session=session) for text in sentences]
    return sum(int(audible(voice).sum()) * 10 for voice in voices)


# --- asking again, waiting, goodbye -----------------------------------------------------------------------------------
async def test_what_did_you_say_is_answered_with_the_same_words(patient: Evidence) -> None:
    answers = [turn.text for turn in _turns(patient, Role.AGENT)]
    assert answers[1] == answers[2] == f"{OFFICE} {ANYTHING_ELSE}"


async def test_a_caller_who_asked_for_a_second_is_waited_for(patient: Evidence) -> None:
    answers = [turn.text for turn in _turns(patient, Role.AGENT)]
    assert "take your time" in answers[3]
    assert answers[4].startswith("We're open"), "and was not asked whether he is there"


@pytest.mark.parametrize("name", ["interrupted", "patient"])
async def test_both_calls_end_with_a_goodbye(name: str, request: pytest.FixtureRequest) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    assert evidence.ending is Ending.RESOLVED
    assert "goodbye" in _turns(evidence, Role.AGENT)[-1].text.lower()


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())
