"""Each answer's times are logged once, in numbers."""

from __future__ import annotations

from typing import Any

import pytest
from livekit import rtc
from livekit.agents import ChatMessage
from livekit.agents.voice.events import ConversationItemAddedEvent
from worker.agent.answer_times import AnswerTimes, times_ms

TURN = {"transcription_delay": 0.35, "end_of_turn_delay": 0.5, "on_user_turn_completed_delay": 0.012}
ANSWER = {"tts_node_ttfb": 0.0604, "e2e_latency": 0.62}
MS = {"heard": 350, "over": 500, "noted": 512, "spoken": 620, "voice": 60}


class Session(rtc.EventEmitter):
    """Tells of the turns that a test makes up."""

    def adds(self, role: Any, **metrics: Any) -> None:
        item = ChatMessage(role=role, content=["my account is A C four seven two one"], metrics=metrics)
        self.emit("conversation_item_added", ConversationItemAddedEvent(item=item))


@pytest.fixture
def session() -> Session:
    made = Session()
    AnswerTimes(made, "call-1")  # type: ignore[arg-type]
    return made


@pytest.fixture(autouse=True)
def _informed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="voicemesh.answer_times")


def test_where_an_answers_time_went_is_one_line_and_none_of_its_words(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    session.adds("user", **TURN)
    session.adds("assistant", **ANSWER)
    (line,) = caplog.records
    assert (line.getMessage(), line.call_id, line.answer_ms) == ("answered", "call-1", MS)


def test_only_the_first_sentence_after_a_turn_is_its_answer(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    session.adds("user", **TURN)
    session.adds("assistant", **ANSWER)
    session.adds("assistant", **(ANSWER | {"e2e_latency": 4.0}))
    assert len(caplog.records) == 1


def test_what_livekit_could_not_tell_is_not_told(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    session.adds("assistant", **ANSWER)
    session.adds("user")
    session.adds("assistant", **ANSWER)
    session.adds("user", **TURN)
    session.adds("assistant")
    assert caplog.records == []


def test_an_answer_that_no_voice_had_to_make_takes_no_time_to_make() -> None:
    assert times_ms(TURN, {"e2e_latency": 0.62}) == MS | {"voice": 0}
