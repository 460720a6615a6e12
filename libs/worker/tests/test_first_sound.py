"""An answer loses the silence before its first sound, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, USERDATA_TTS_STARTED_TIME
from worker.speech.first_sound import from_first_sound

RATE = 24000


def tone(seconds: float, dbfs: float = -12.0) -> np.ndarray:
    peak = 32767 * 10 ** (dbfs / 20)
    return (peak * np.sin(np.arange(int(RATE * seconds)) * 2 * np.pi * 400 / RATE)).astype(np.int16)


def silence(seconds: float) -> np.ndarray:
    return np.tile(np.array([1, 0, -1, 0], np.int16), int(RATE * seconds) // 4)


def frame(samples: np.ndarray, **noted: object) -> rtc.AudioFrame:
    return rtc.AudioFrame(samples.tobytes(), RATE, 1, samples.size, userdata=noted)


async def in_pieces(samples: np.ndarray, seconds: float) -> AsyncIterator[rtc.AudioFrame]:
    size = int(RATE * seconds)
    for at in range(0, samples.size, size):
        yield frame(samples[at : at + size])


async def heard(frames: AsyncIterator[rtc.AudioFrame]) -> np.ndarray:
    return np.concatenate([np.frombuffer(piece.data, np.int16) async for piece in from_first_sound(frames)])


@pytest.mark.parametrize("piece_seconds", [0.01, 0.013, 0.2, 2.0])
async def test_of_the_silence_before_the_first_sound_20_ms_stay(piece_seconds: float) -> None:
    said = np.concatenate([silence(0.13), tone(0.5), silence(0.3), tone(0.5), silence(0.2)])
    kept = await heard(in_pieces(said, piece_seconds))
    assert np.array_equal(kept, said[int(0.11 * RATE) :])


async def test_a_sentence_that_begins_at_once_stays_as_it_is() -> None:
    said = np.concatenate([silence(0.02), tone(0.5)])
    assert np.array_equal(await heard(in_pieces(said, 0.05)), said)


async def test_a_soft_first_sound_is_no_silence() -> None:
    said = np.concatenate([silence(0.1), tone(0.1, dbfs=-55), tone(0.5)])
    assert np.array_equal(await heard(in_pieces(said, 0.05)), said[int(0.08 * RATE) :])


async def test_a_long_silence_is_meant_and_stays() -> None:
    said = np.concatenate([silence(0.8), tone(0.5)])
    assert np.array_equal(await heard(in_pieces(said, 0.1)), said)


async def test_nothing_but_silence_stays_too_for_a_session_wants_a_frame() -> None:
    assert np.array_equal(await heard(in_pieces(silence(0.02), 0.02)), silence(0.02))
    assert [piece async for piece in from_first_sound(in_pieces(silence(0.0), 0.1))] == []


async def test_what_is_noted_on_a_silent_frame_is_kept() -> None:
    async def frames() -> AsyncIterator[rtc.AudioFrame]:
        yield frame(silence(0.05), **{USERDATA_TTS_STARTED_TIME: 1.0, USERDATA_TIMED_TRANSCRIPT: ["Thank "]})
        yield frame(tone(0.05), **{USERDATA_TTS_STARTED_TIME: 2.0, USERDATA_TIMED_TRANSCRIPT: ["you."]})

    (first,) = [piece async for piece in from_first_sound(frames())]
    assert first.userdata == {USERDATA_TTS_STARTED_TIME: 1.0, USERDATA_TIMED_TRANSCRIPT: ["Thank ", "you."]}


async def test_what_comes_after_the_first_sound_is_passed_on_at_once() -> None:
    pieces = in_pieces(np.concatenate([silence(0.1), tone(0.3)]), 0.1)
    lengths = [piece.samples_per_channel / RATE async for piece in from_first_sound(pieces)]
    assert lengths == pytest.approx([0.12, 0.1, 0.1], abs=1e-4)
