"""Sentences that must be at hand when nothing else is: rendered once a machine, kept on disc, read in a millisecond.

All job processes of a worker, and its later ones, share them; whoever comes first renders. They lie in a folder that nobody but
this user may write to, or are not kept at all.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import time
import wave
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from livekit import rtc
from livekit.agents import tts

from worker import prompts
from worker.service import Service
from worker.settings import Settings
from worker.speech import clips
from worker.speech import providers as speech

log = logging.getLogger("voicemesh.clips")

CUT_OFF = "cut_off"
"""What an agent says first that goes on where another one was lost."""
APOLOGY = "apology"
"""The last sentence of a call that cannot go on."""
TECHNICAL_PROBLEM = "technical_problem"
"""The same when a callback was noted."""
_BEING_RENDERED_SECONDS = 30.0
"""A mark older than this is of a process that was lost while it rendered."""


class KeptClips:
    """The kept sentences of one service in one voice."""

    def __init__(self, settings: Settings, service: Service, *, folder: Path | None = None) -> None:
        """``folder``: by default that of the settings, else one among the machine's temporary files, which each user has for himself."""
        named = Path(settings.clips_dir) if settings.clips_dir else None
        self._folder = folder or named or Path(tempfile.gettempdir()) / f"voicemesh-clips-{os.getuid()}"
        self._service = service
        # A provider is known by its host: one that the local mesh starts has another port each time.
        provider = urlsplit(settings.speech_url or settings.openai_base_url).hostname or ""
        self._spoken_by = "|".join((provider, settings.tts_model, service.voice.name))

    def text(self, name: str) -> str:
        """What is said: the service's prompt of that name."""
        return prompts.spoken(prompts.load(self._service.folder, name), {})

    def find(self, text: str) -> tuple[rtc.AudioFrame, ...] | None:
        """The sentence when it is kept."""
        try:
            with wave.open(str(self._path(text)), "rb") as kept:
                samples = np.frombuffer(kept.readframes(kept.getnframes()), dtype=np.int16)
                return clips.frames(samples, kept.getframerate()) or None
        except (OSError, EOFError, wave.Error):
            return None

    async def get(self, name: str, voice: tts.TTS[Any]) -> tuple[rtc.AudioFrame, ...]:
        """The sentence of that name, kept from now on. Raises livekit.agents.APIError when it is not kept and the voice fails."""
        text = self.text(name)
        if (found := self.find(text)) is not None:
            return found
        rendered = await clips.render(voice, text)
        self._keep(text, rendered)
        return rendered

    def missing(self) -> list[str]:
        """Which sentences are not kept yet."""
        return [text for text in map(self.text, (CUT_OFF, APOLOGY, TECHNICAL_PROBLEM)) if self.find(text) is None]

    async def fill(self, voice: tts.TTS[Any]) -> None:
        """Renders what is not kept yet and what no other process is rendering now. Raises livekit.agents.APIError."""
        for text in self.missing():
            if self._mark(text):
                try:
                    self._keep(text, await clips.render(voice, text))
                finally:
                    with suppress(OSError):
                        self._path(text, ".part").unlink()

    def _path(self, text: str, suffix: str = ".wav") -> Path:
        key = hashlib.sha256(f"{self._spoken_by}|{text}".encode()).hexdigest()[:32]
        return self._folder / f"{key}{suffix}"

    def _is_ours(self) -> bool:
        """Whether the folder is there and nobody else can put a sentence of his own into it."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self._folder.lstat()
        except OSError:
            return False
        return found.st_uid == os.getuid() and not found.st_mode & 0o022 and not self._folder.is_symlink()

    def _mark(self, text: str) -> bool:
        """Whether it is ours to render. Without a folder nothing is kept, and nothing need be rendered ahead."""
        if not self._is_ours():
            return False
        part = self._path(text, ".part")
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > _BEING_RENDERED_SECONDS:
                part.unlink()
        try:
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError:
            return False
        return True

    def _keep(self, text: str, rendered: tuple[rtc.AudioFrame, ...]) -> None:
        if not rendered or not self._is_ours():
            return
        try:
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".new")
            with os.fdopen(handle, "wb") as file, wave.open(file, "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(rendered[0].sample_rate)
                out.writeframes(b"".join(bytes(frame.data.cast("b")) for frame in rendered))
            os.replace(name, self._path(text))  # whole, or not at all
        except OSError as e:  # a full disc: it is rendered when it is needed
            log.warning("a sentence could not be kept: %s", e.strerror)


async def fill(settings: Settings, service: Service) -> None:
    """In an idle process, ahead of every call; it is no fault when the voice is away: then it is rendered later."""
    try:
        kept = KeptClips(settings, service)
        if kept.missing():  # once a machine: the clients of a voice would be 4 MB in every idle process
            await _fill(kept, speech.Provider(settings, service))
    except Exception as e:  # noqa: BLE001 - whatever the provider's client raised: an idle process must not die of it
        log.info("the sentences for the worst case are not rendered yet: %s", type(e).__name__)


async def _fill(kept: KeptClips, provider: speech.Provider) -> None:
    try:
        await kept.fill(provider.voice())
    finally:
        await provider.aclose()
