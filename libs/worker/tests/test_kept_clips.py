"""The sentences for the worst case are rendered once, and read by whoever needs them."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from worker.speech import clips, kept_clips
from worker.speech.kept_clips import APOLOGY, CUT_OFF, TECHNICAL_PROBLEM, KeptClips
from worker.testing.text_call import PaperService, make_settings, paper_service

RATE = 24000


class Voice:
    """A voice that says everything as half a second of a tone; or that is away."""

    sample_rate = RATE

    def __init__(self) -> None:
        self.rendered: list[str] = []
        self.fails = False

    def synthesize(self, text: str) -> Any:
        self.rendered.append(text)
        if self.fails:
            raise ConnectionError("the voice is away")
        tone = (8000 * np.sin(np.arange(RATE // 2) * 2 * np.pi * 400 / RATE)).astype(np.int16)
        return _Stream(clips.frames(tone, RATE))


class _Stream:
    def __init__(self, frames: tuple[rtc.AudioFrame, ...]) -> None:
        self._frames = frames

    async def __aenter__(self) -> _Stream:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def __aiter__(self) -> Any:
        for frame in self._frames:
            yield SimpleNamespace(frame=frame)


@pytest.fixture
def service(tmp_path: Path) -> PaperService:
    (tmp_path / "triage").mkdir()
    return paper_service(
        tmp_path / "triage", cut_off="Sorry, we were cut off.", technical_problem="We will call you back."
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "clips"


def samples(clip: tuple[rtc.AudioFrame, ...]) -> bytes:
    return b"".join(bytes(frame.data.cast("b")) for frame in clip)


async def test_the_settings_name_the_folder_and_a_provider_is_the_same_at_another_port(
    service: PaperService, folder: Path
) -> None:
    voice: Any = Voice()
    for url in ("http://127.0.0.1:21362/v1", "http://127.0.0.1:9/v1", "http://elsewhere.example/v1"):
        await KeptClips(make_settings(speech_url=url, clips_dir=str(folder)), service).get(CUT_OFF, voice)
    assert len(voice.rendered) == len(list(folder.iterdir())) == 2


async def test_a_sentence_is_rendered_once_and_the_same_for_every_process(service: PaperService, folder: Path) -> None:
    voice: Any = Voice()
    first = await KeptClips(make_settings(), service, folder=folder).get(CUT_OFF, voice)
    again = await KeptClips(make_settings(), service, folder=folder).get(CUT_OFF, voice)
    assert voice.rendered == ["Sorry, we were cut off."]
    assert samples(again) == samples(first)
    assert again[0].sample_rate == RATE


async def test_filling_renders_every_sentence_and_then_nothing_more(service: PaperService, folder: Path) -> None:
    voice: Any = Voice()
    kept = KeptClips(make_settings(), service, folder=folder)
    await kept.fill(voice)
    await kept.fill(voice)
    assert voice.rendered == [kept.text(CUT_OFF), kept.text(APOLOGY), kept.text(TECHNICAL_PROBLEM)]


async def test_where_all_is_kept_no_voice_is_opened(
    service: PaperService, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, voice = make_settings(clips_dir=str(folder)), Voice()
    await KeptClips(settings, service).fill(voice)  # type: ignore[arg-type]
    opened: list[object] = []
    monkeypatch.setattr(kept_clips.speech, "Provider", lambda *given: opened.append(given))
    await kept_clips.fill(settings, service)
    assert opened == []


async def test_what_another_process_is_rendering_is_left_to_it(service: PaperService, folder: Path) -> None:
    voice: Any = Voice()
    kept = KeptClips(make_settings(), service, folder=folder)
    assert kept._mark(kept.text(CUT_OFF))
    await kept.fill(voice)
    assert voice.rendered == [kept.text(APOLOGY), kept.text(TECHNICAL_PROBLEM)]


async def test_the_mark_of_a_process_that_was_lost_is_not_believed_for_ever(
    service: PaperService, folder: Path
) -> None:
    voice: Any = Voice()
    kept = KeptClips(make_settings(), service, folder=folder)
    assert kept._mark(kept.text(CUT_OFF))
    os.utime(kept._path(kept.text(CUT_OFF), ".part"), (1, 1))
    await kept.fill(voice)
    assert voice.rendered == [kept.text(CUT_OFF), kept.text(APOLOGY), kept.text(TECHNICAL_PROBLEM)]


async def test_a_voice_that_fails_leaves_no_mark_behind(service: PaperService, folder: Path) -> None:
    voice: Any = Voice()
    voice.fails = True
    kept = KeptClips(make_settings(), service, folder=folder)
    with pytest.raises(ConnectionError):
        await kept.fill(voice)
    voice.fails = False
    assert samples(await kept.get(CUT_OFF, voice))
    await kept.fill(voice)
    assert voice.rendered[-1] == kept.text(TECHNICAL_PROBLEM)


async def test_a_folder_that_others_may_write_to_is_not_used(service: PaperService, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    voice: Any = Voice()
    kept = KeptClips(make_settings(), service, folder=folder)
    assert samples(await kept.get(CUT_OFF, voice))
    assert list(folder.iterdir()) == []


async def test_a_broken_file_is_rendered_anew(service: PaperService, folder: Path) -> None:
    voice: Any = Voice()
    kept = KeptClips(make_settings(), service, folder=folder)
    whole = await kept.get(CUT_OFF, voice)
    kept._path(kept.text(CUT_OFF)).write_bytes(b"RIFF")
    assert kept.find(kept.text(CUT_OFF)) is None
    assert samples(await kept.get(CUT_OFF, voice)) == samples(whole)


def test_another_voice_or_another_text_is_another_file(service: PaperService, folder: Path) -> None:
    mine = KeptClips(make_settings(), service, folder=folder)
    other = KeptClips(make_settings(tts_model="another"), service, folder=folder)
    assert len({mine._path("a"), mine._path("b"), other._path("a")}) == 3
