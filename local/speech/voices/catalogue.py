"""The voices by name: Kokoro's for callers, and OpenAI's names for agents, all spoken by Piper's Joe at different pitches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks: the engine, and how it is tuned."""

    name: str
    engine: Literal["piper", "kokoro"]
    language: str = "en-us"
    """espeak-ng's name of the accent."""
    style: str = ""
    """Kokoro's style table."""
    pitch: float = 1.0
    """Piper only: above 1 a smaller, higher speaker, at the same speed."""


_CALLERS = (
    Voice("heart", "kokoro", style="af_heart"),
    Voice("michael", "kokoro", style="am_michael"),
    Voice("emma", "kokoro", language="en-gb-x-rp", style="bf_emma"),
)
# Two agents of one call should not sound like one person; there is one Piper voice, so its pitch tells them apart.
_PITCHES = {
    "joe": 1.0, "alloy": 1.0, "echo": 0.97, "ash": 0.95, "onyx": 0.9, "verse": 0.93, "cedar": 0.91, "ballad": 0.98,
    "fable": 1.03, "sage": 1.06, "coral": 1.08, "marin": 1.09, "shimmer": 1.1, "nova": 1.12,
}  # fmt: skip

VOICES: Mapping[str, Voice] = MappingProxyType(
    {voice.name: voice for voice in _CALLERS}
    | {name: Voice(name, "piper", pitch=pitch) for name, pitch in _PITCHES.items()}
)
"""Every voice the server speaks with, by name."""
