"""The sound side of the speech server: features, windows, files, styles, the mumble. No model is loaded."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from local.speech import sound_files
from local.speech.features import RATE, log_mel
from local.speech.kokoro import STYLE_ROWS, style_row
from local.speech.mumble import mumbled
from local.speech.voices.catalogue import VOICES
from local.speech.whisper import windows


def _tone(seconds: float, rate: int = RATE, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def test_features_have_the_shape_of_their_window_however_long_the_audio_is() -> None:
    for seconds in (0.0, 1.0, 20.0):
        assert log_mel(_tone(seconds), 1500).shape == (80, 1500)


@pytest.mark.parametrize("samples", [0, 1, 160, 200, 201, 48_123, 15 * RATE - 100])
def test_silence_that_is_not_computed_is_the_silence_that_would_be(samples: int) -> None:
    tone = _tone(15.0)[:samples]
    written_out = np.concatenate([tone, np.zeros(15 * RATE - samples, np.float32)])
    assert np.allclose(log_mel(tone, 1500), log_mel(written_out, 1500), atol=1e-6)


def test_a_tone_is_loudest_in_the_mel_band_of_its_pitch() -> None:
    low, high = (int(log_mel(_tone(2, hertz=hertz), 1500)[:, 100].argmax()) for hertz in (300.0, 3000.0))
    assert low < 20 < 40 < high


def test_long_audio_is_cut_where_it_is_silent_and_nothing_is_lost() -> None:
    samples = np.concatenate([_tone(27.0), np.zeros(RATE, np.float32), _tone(20.0)])
    pieces = windows(samples)
    assert np.array_equal(np.concatenate(pieces), samples)
    assert 27.0 <= pieces[0].size / RATE <= 28.0
    assert all(piece.size <= 30 * RATE for piece in pieces)


def test_short_audio_is_one_window() -> None:
    assert len(windows(_tone(30.0))) == 1
    assert len(windows(np.zeros(0, np.float32))) == 1


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "opus"])
def test_what_is_written_in_a_format_can_be_read(format: str) -> None:
    spoken = (_tone(1.0, 24_000) * 32767).astype(np.int16)
    heard = sound_files.read(sound_files.write(spoken, 24_000, format), seconds_max=10)
    assert heard.size == pytest.approx(RATE, abs=1600)
    assert np.abs(heard).max() == pytest.approx(0.5, abs=0.05)


def test_pcm_is_little_endian_and_has_no_header() -> None:
    assert sound_files.write(np.array([1, -2], np.int16), 24_000, "pcm") == b"\x01\x00\xfe\xff"


def test_stereo_becomes_mono() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([_tone(1.0), -_tone(1.0)], axis=1), RATE, format="WAV")
    assert np.abs(sound_files.read(buffer.getvalue(), seconds_max=10)).max() < 1e-3


@pytest.mark.parametrize("content", [b"", b"hello", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_not_audio_is_refused(content: bytes) -> None:
    with pytest.raises(sound_files.NotAudio):
        sound_files.read(content, seconds_max=10)


def test_audio_beyond_the_limit_is_refused() -> None:
    content = sound_files.write(np.zeros(24_000 * 3, np.int16), 24_000, "flac")
    with pytest.raises(sound_files.TooLong):
        sound_files.read(content, seconds_max=2)


def test_a_style_is_interpolated_between_the_kept_rows() -> None:
    full = np.linspace(0, 1, 510, dtype=np.float32)[:, None] * np.ones(256, np.float32)
    table = full[list(STYLE_ROWS)]
    for tokens in (1, 2, 11, 60, 137, 510):
        assert style_row(table, tokens) == pytest.approx(full[tokens - 1], abs=1e-5)


def test_a_style_has_an_end_on_both_sides() -> None:
    table = np.arange(len(STYLE_ROWS), dtype=np.float32)[:, None] * np.ones(256, np.float32)
    assert style_row(table, 0)[0] == 0
    assert style_row(table, 10_000)[0] == len(STYLE_ROWS) - 1


def test_every_callers_voice_has_its_table() -> None:
    from local.speech.kokoro import VOICES_DIR

    for voice in VOICES.values():
        if voice.engine == "kokoro":
            assert np.load(VOICES_DIR / f"{voice.style}.npy").shape == (len(STYLE_ROWS), 256)


def test_mumbling_is_the_same_every_time_and_keeps_its_length() -> None:
    once, again = (mumbled(_tone(1.0, 24_000), 24_000) for _ in range(2))
    assert np.array_equal(once, again)
    assert once.size == 24_000
    assert np.abs(once).max() == pytest.approx(0.6, abs=1e-3)


def test_mumbling_takes_the_high_notes_away() -> None:
    hard = mumbled(_tone(1.0, 24_000, 6_000.0) + _tone(1.0, 24_000, 400.0), 24_000)
    power = np.abs(np.fft.rfft(hard)) ** 2
    assert power[5_000:].sum() < 0.01 * power.sum()
