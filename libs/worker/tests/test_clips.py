"""Sentences rendered ahead lose the silence at their edges, and nothing else."""

import numpy as np
from worker.speech import clips

RATE = 24000


def tone(seconds: float) -> np.ndarray:
    return (8000 * np.sin(np.arange(int(RATE * seconds)) * 2 * np.pi * 400 / RATE)).astype(np.int16)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(RATE * seconds), np.int16)


def test_silence_at_both_edges_is_cut_to_one_block() -> None:
    kept = clips.trimmed(np.concatenate([silence(0.3), tone(1.0), silence(0.4)]), RATE)
    assert len(kept) / RATE == 1.02


def test_a_pause_inside_the_sentence_stays() -> None:
    said = np.concatenate([tone(0.5), silence(0.5), tone(0.5)])
    assert np.array_equal(clips.trimmed(said, RATE), said)


def test_nothing_but_silence_becomes_nothing() -> None:
    assert len(clips.trimmed(silence(1.0), RATE)) == 0
    assert len(clips.trimmed(silence(0.0), RATE)) == 0


def test_frames_hold_every_sample_in_order() -> None:
    said = tone(0.333)
    parts = clips.frames(said, RATE)
    assert np.array_equal(np.concatenate([np.frombuffer(f.data, np.int16) for f in parts]), said)
    assert {f.samples_per_channel for f in parts[:-1]} == {RATE // 50}
