"""The caller's lines as audio: evened, kept, and in the band of the channel. No speech server: its place is taken by a sound."""

import numpy as np
import pytest
import soundfile

from local.caller import load_script, render
from local.caller import voice as voices
from local.caller.band import RATE
from local.caller.ear import speech_of
from local.tests.voices import track, voice

TWO_LINES = "voice: emma\nlines:\n  - say: Hello\n  - say: Goodbye\n  - hang_up: true\n"


@pytest.fixture
def asked(monkeypatch):
    """What the speech server was asked to say; it answers with a voice between silences."""
    asked = []

    async def speak(speech_url, text, *, voice, session):
        asked.append((text, voice))
        return track(2.0, (0.7, voices_sound))

    voices_sound = voice(0.8, level=0.2)
    monkeypatch.setattr(voices, "speak", speak)
    return asked


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "caller.yaml"
    path.write_text(TWO_LINES)
    return load_script(path)


async def test_each_line_that_makes_a_sound_is_rendered_in_the_caller_s_voice(asked, script, tmp_path):
    rendered = await render(script, speech_url="http://x/v1", cache_dir=tmp_path)
    assert asked == [("Hello", "emma"), ("Goodbye", "emma")]
    assert sorted(rendered) == [0, 1]


async def test_lines_said_before_come_from_the_cache(asked, script, tmp_path):
    first = await render(script, speech_url="http://x/v1", cache_dir=tmp_path)
    second = await render(script, speech_url="http://x/v1", cache_dir=tmp_path)
    assert len(asked) == 2
    assert np.array_equal(first[0], second[0])


async def test_a_broken_file_in_the_cache_is_made_again(asked, script, tmp_path):
    await render(script, speech_url="http://x/v1", cache_dir=tmp_path)
    for kept in (tmp_path / "callers").iterdir():
        kept.write_bytes(b"half a file")
    await render(script, speech_url="http://x/v1", cache_dir=tmp_path)
    assert len(asked) == 4


async def test_nothing_half_written_is_left_in_the_cache(asked, script, tmp_path):
    await render(script, speech_url="http://x/v1", cache_dir=tmp_path)
    assert {p.suffix for p in (tmp_path / "callers").iterdir()} == {".flac"}


async def test_silence_around_the_words_is_cut_to_a_breath_and_the_loudness_is_evened(asked, script, tmp_path):
    rendered = await render(script, speech_url="http://x/v1", cache_dir=tmp_path)
    (spoken,) = speech_of("caller", rendered[0])
    assert (spoken.start_ms, spoken.end_ms) == (60, 860)
    assert np.abs(rendered[0].astype(int)).max() == pytest.approx(0.6 * 32768, rel=0.01)


async def test_a_phone_caller_s_lines_have_the_telephone_s_band(asked, script, tmp_path):
    web = await render(script, speech_url="http://x/v1", cache_dir=tmp_path)
    phone = await render(script.on("phone"), speech_url="http://x/v1", cache_dir=tmp_path)
    assert web[0].size == phone[0].size
    high = np.fft.rfftfreq(web[0].size, 1 / RATE) > 4500
    assert np.abs(np.fft.rfft(phone[0]))[high].sum() < 0.05 * np.abs(np.fft.rfft(web[0]))[high].sum()


async def test_a_recording_of_any_rate_is_played_as_it_is(asked, tmp_path):
    path = tmp_path / "caller.yaml"
    soundfile.write(tmp_path / "cough.wav", np.column_stack([voice(0.5)[::3], voice(0.5)[::3]]), 16_000)
    path.write_text("lines:\n  - play: cough.wav\n")
    rendered = await render(load_script(path), speech_url="http://x/v1", cache_dir=tmp_path)
    assert not asked
    assert rendered[0].size == pytest.approx(0.5 * RATE, abs=4)


async def test_progress_names_the_line_that_comes_next(asked, script, tmp_path):
    told = []
    await render(script, speech_url="http://x/v1", cache_dir=tmp_path, on_progress=lambda *step: told.append(step))
    assert told == [(0, 2, "Hello"), (1, 2, "Goodbye"), (2, 2, "")]
