"""The page of a run of conversations says what its rows say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.talking import where
from bench.talking.__main__ import Row, _page, _without_listening
from local.caller.band import FRAME
from local.caller.recording import Recording, Spoken

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)


def test_answers_and_silences_are_told_by_channel_with_the_load() -> None:
    rows = [
        Row("interrupts", "web", 0.5, (800, 900), (400,)),
        Row("interrupts", "web", 0.7, (1000,), (500,)),
        Row("interrupts", "phone", 0.9, (1100,), ()),
    ]
    page = _page(rows, BEGAN, "1.13.5")
    assert "| silent after the caller's first sound, ms | web | 2 | 400 | 450 | 500 | 500 |" in page
    assert "| answer after the caller's last sound, ms | web | 3 | 800 | 900 | 1000 | 1000 |" in page
    assert "| silent after the caller's first sound, ms | phone | 0 | | | | |" in page
    assert "load 0.5 to 0.9" in page


def test_a_call_that_failed_is_marked() -> None:
    assert "interrupts (web) FAILED" in _page([Row("interrupts", "web", 0.5, failure="no cue")], BEGAN, "1.13.5")


def logged(call_id: str, **ms: int) -> str:
    return json.dumps({"level": "INFO", "message": "answered", "call_id": call_id, "answer_ms": ms})


def test_where_an_answers_time_goes_is_read_from_the_workers_logs(tmp_path: Path) -> None:
    (tmp_path / "triage.log").write_text(
        f"speech is ready\n{logged('call-1', heard=300)}\n{logged('call-0', heard=1)}\n"
    )
    (tmp_path / "billing.log").write_text(f"{logged('call-1', heard=400)}\n{logged('call-1', heard=9)[:-4]}")
    found = where.answers(tmp_path, {"call-1"})
    assert sorted(answer.ms["heard"] for answer in found) == [300, 400]


def test_the_legs_of_an_answer_stand_beside_what_the_caller_heard() -> None:
    answered = [
        where.Answered("call-1", {"heard": heard, "over": 500, "noted": 510, "spoken": 620, "voice": 60})
        for heard in (300, 340, 380)
    ]
    rows = [Row("asks", "web", 0.5, (800, 900, 950), ()), Row("asks", "web", 0.5, (5000,), (), "no cue")]
    page = _page(rows, BEGAN, "1.13.5", answered)
    assert "| the words are there | 340 | 380 |" in page
    assert "| (of which the voice makes the first frame in) | 60 | 60 |" in page
    assert "| the caller hears it, after the last sound that he made | 900 | 950 |" in page
    assert "an answer's time goes" not in _page(rows, BEGAN, "1.13.5")


def test_a_listeners_sound_is_neither_an_interruption_nor_a_question() -> None:
    spoken = (Spoken("Stop.", "", 0, 20), Spoken("Uh-huh.", "", 40, 60))
    recording = Recording("call-1", "web", 0.0, np.full(8 * FRAME, 1000, np.int16), {}, spoken, (), "mesh", ())
    kept = _without_listening(recording).reshape(-1, FRAME)
    assert [bool(frame.any()) for frame in kept] == [True, True, True, True, False, False, True, True]
