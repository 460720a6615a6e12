"""What a call sounded like: the caller's mouth and ear on one time base, and each agent by itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from local.caller.band import RATE, Samples, through_the_phone


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line that the caller spoke, played or typed. ``text`` is empty unless he spoke; times are on the call's time line."""

    text: str
    played: str
    start_ms: int
    end_ms: int
    is_again: bool = False
    """Whether the mesh had asked to hear the line before once more."""


@dataclass(frozen=True, slots=True)
class Caption:
    """Words that the mesh published: its own, or what it understood of the caller.

    ``speaker`` is a service's name or ``caller``; ``identity`` the participant's identity in the room. Times are when the first
    and the last word came in.
    """

    speaker: str
    identity: str
    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Recording:
    """One call, 48 kHz mono int16, everything of the same length on the same time base."""

    call_id: str
    channel: str
    started_at: float
    """Seconds since the epoch at the time line's zero."""
    said: Samples
    """Exactly what was published."""
    agents: dict[str, Samples]
    """What arrived of each agent, by its identity in the room."""
    spoken: tuple[Spoken, ...]
    captions: tuple[Caption, ...]
    ended_by: str
    """``mesh`` (the room was closed), ``caller`` (hung up), ``timeout``."""
    problems: tuple[str, ...] = ()
    """Why the script could not be played to its end, in plain words."""

    @property
    def heard(self) -> Samples:
        """What the caller's ear had: all agents together, over the telephone when it was one."""
        mix = np.zeros(self.said.size, dtype=np.int32)
        for track in self.agents.values():
            mix += track
        heard = np.clip(mix, -32768, 32767).astype(np.int16)
        return through_the_phone(heard) if self.channel == "phone" else heard

    @property
    def duration_ms(self) -> int:
        """Length of the call."""
        return self.said.size * 1000 // RATE


def service_of(identity: str) -> str:
    """The service that an agent belongs to; agents are named ``<service>-<suffix>``."""
    return identity.split("-", 1)[0]


def save_audio(recording: Recording, folder: Path) -> tuple[Path, Path]:
    """Writes caller_heard.wav and caller_said.wav and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    heard, said = folder / "caller_heard.wav", folder / "caller_said.wav"
    soundfile.write(heard, recording.heard, RATE, subtype="PCM_16")
    soundfile.write(said, recording.said, RATE, subtype="PCM_16")
    return heard, said
