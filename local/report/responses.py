"""How quick the mesh was: the pause before each answer, and how soon an agent fell silent when the caller spoke over it.

Both from the recorded audio, as the caller's own ear and mouth had it.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.caller.band import Samples
from local.caller.ear import Speech, speech_of
from local.caller.recording import Recording

_SAME_BREATH_MS = 700
"""A caller's pause up to this length is inside what he says: the answer is owed to its end."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """The caller spoke while an agent was speaking. ``silent_after_ms``: from his first sound to the agent's last one."""

    at_ms: int
    speaker: str
    silent_after_ms: int


def response_times_ms(said: Samples, agents: Mapping[str, Samples]) -> list[int]:
    """From the caller's last audible frame to the first of an agent's answer, for each time he stopped speaking.

    A place where an agent still speaks, or where nobody answers before the caller goes on, is not an answer and not counted.
    """
    callers = speech_of("caller", said, closed_hole_ms=_SAME_BREATH_MS)
    voices = _voices(agents)
    found = []
    for index, mine in enumerate(callers):
        until = callers[index + 1].start_ms if index + 1 < len(callers) else None
        if any(v.start_ms <= mine.end_ms < v.end_ms for v in voices):
            continue
        starts = [v.start_ms for v in voices if v.start_ms > mine.end_ms and (until is None or v.start_ms < until)]
        if starts:
            found.append(min(starts) - mine.end_ms)
    return found


def interruptions(said: Samples, agents: Mapping[str, Samples]) -> list[Interruption]:
    """Each time the caller began to speak over an agent, and how long that agent was still heard."""
    voices = _voices(agents)
    return [
        Interruption(mine.start_ms, voice.speaker, voice.end_ms - mine.start_ms)
        for mine in speech_of("caller", said, closed_hole_ms=_SAME_BREATH_MS)
        for voice in voices
        if voice.start_ms < mine.start_ms < voice.end_ms
    ]


def quickness(recording: Recording) -> dict[str, Any]:
    """The two parts of the report: ``response_ms`` (each, median, p95) and ``interruptions``."""
    times = response_times_ms(recording.said, recording.agents)
    return {
        "response_ms": {"each": times, "median": _median(times), "p95": _p95(times)},
        "interruptions": [
            {"at_ms": i.at_ms, "silent_after_ms": i.silent_after_ms}
            for i in interruptions(recording.said, recording.agents)
        ],
    }


def _voices(agents: Mapping[str, Samples]) -> list[Speech]:
    return sorted((s for name, track in agents.items() for s in speech_of(name, track)), key=lambda s: s.start)


def _median(times: Sequence[int]) -> int | None:
    return round(statistics.median(times)) if times else None


def _p95(times: Sequence[int]) -> int | None:
    """The smallest that at least 95 of 100 do not exceed (nearest rank)."""
    return sorted(times)[-(-95 * len(times) // 100) - 1] if times else None
