"""Everything that is written after a call. The speech server's place is taken by sounds and words that are known."""

import importlib
import json
import re
from dataclasses import replace

import pytest
import soundfile

from local import report
from local.caller import Expect, Line, Script, SpeechUnavailable
from local.report import Note
from local.tests.made_calls import CALL, handoff, recording
from local.tests.voices import voice

# The module of that name; the package shows its function.
writing = importlib.import_module("local.report.write")


@pytest.fixture
def script(tmp_path):
    line = Line(at_line=2, say="I was charged twice.")
    return Script(tmp_path / "c.yaml", "Charged twice", "web", "heart", (line,), Expect(outcome="resolved"))


@pytest.fixture
def speech(monkeypatch):
    """Answers as billing's voice does: `onyx` says what was recorded, others say something else."""
    asked = []

    async def listen(recording, *, speech_url, again=False):
        return (Note("billing", "I refunded it. Goodbye." if again else "I refunded it. Good buy.", 0, 1),)

    async def speak(speech_url, text, *, voice, session):
        asked.append((voice, text))
        return BILLING if voice == "onyx" else OTHER

    monkeypatch.setattr(writing, "listen", listen)
    monkeypatch.setattr(writing, "speak", speak)
    return asked


BILLING, OTHER = voice(2.0, seed=2), voice(2.0, seed=2, pitch_hz=171)


async def write(tmp_path, script, **changed):
    return await report.write(
        recording(**changed),
        CALL,
        [handoff()],
        folder=tmp_path,
        script=script,
        speech_url="http://x/v1",
        versions={"a": "1"},
    )


async def test_a_listener_who_missed_something_listens_again(speech, tmp_path, script):
    for heard, wrong in (("goodbye", []), ("nothing of it", ["a listener did not hear /nothing of it/"])):
        expected = replace(script, expect=Expect(heard=(re.compile(heard, re.IGNORECASE),)))
        assert await write(tmp_path, expected) == wrong


async def test_four_files_are_written(speech, tmp_path, script):
    assert await write(tmp_path, script) == []
    assert {p.name for p in tmp_path.iterdir()} == {"caller_heard.wav", "caller_said.wav", "report.json", "report.html"}
    heard, said = (soundfile.info(tmp_path / name) for name in ("caller_heard.wav", "caller_said.wav"))
    assert (heard.samplerate, heard.channels, heard.frames) == (said.samplerate, said.channels, said.frames)
    assert heard.samplerate == 48_000
    assert json.loads((tmp_path / "report.json").read_text())["outcome"] == "resolved"
    assert "I refunded it." in (tmp_path / "report.html").read_text()


async def test_the_voice_that_fits_is_the_reference(speech, tmp_path, script):
    await write(tmp_path, script)
    assert json.loads((tmp_path / "report.json").read_text())["handoffs"][0]["clipped_ms"] == 0
    assert speech == [(v, "Hi there, I'm your billing specialist.") for v in ("alloy", "onyx")]


async def test_what_the_call_itself_could_not_do_comes_first(speech, tmp_path, script):
    problems = ("c.yaml:2: the mesh said nothing within 30 s",)
    assert await write(tmp_path, script, problems=problems) == list(problems)


async def test_without_a_listener_the_report_is_written_and_says_so(monkeypatch, tmp_path, script):
    async def listen(recording, *, speech_url):
        raise SpeechUnavailable("the speech server at http://x/v1 did not answer: ClientConnectorError")

    monkeypatch.setattr(writing, "listen", listen)
    (failure,) = await write(tmp_path, script)
    assert failure.startswith("nobody could listen to the recording: ")
    assert (tmp_path / "report.html").is_file()
