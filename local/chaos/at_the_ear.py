"""What a fault sounded like, from the recorded audio alone: how soon there was a voice again, the longest silence, two voices at once.

Frames of 10 ms. A silence is time in which no agent is heard and the caller is not answering; his hello into a silence is part of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from handoff.agent_ids import came_as

from local.caller.band import FRAME
from local.caller.ear import FRAME_MS, audible
from local.caller.recording import Recording

Frames = npt.NDArray[np.bool_]

PAUSE_MS = 700
"""Longer than the pauses within a sentence: whoever speaks after it has begun anew."""
BUFFERED_MS = 400
"""What a dead agent had sent is still played out: 110 to 240 ms were measured."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One strike at the ear. Milliseconds."""

    voice_after_ms: int | None
    """From the strike (or the moment counted from) to the first voice that is not the struck agent's; None: never again."""
    longest_silence_ms: int
    """The longest silence from the strike until the last voice, or until the call's end when it ended without one."""
    two_voices_ms: int
    """How long two agents were heard at once, in the whole call."""
    struck_heard_ms: int
    """How long the struck agent was heard after all that was on its way had been played."""
    silent_end_ms: int = 0
    """How long the caller had heard no agent when the mesh closed the line; 0 when he hung up himself."""
    begins_again: bool = True
    """Whether an agent began to speak after the strike. A sentence that was under way then proves nothing."""


def measure(
    recording: Recording,
    *,
    struck_at: float,
    counted_from: float = 0.0,
    struck_id: str = "",
    until: float = float("inf"),
    hellos_ms: Sequence[tuple[int, int]] = (),
) -> Heard:
    """``struck_at``, ``counted_from`` (default: the strike) and ``until`` (of a window) are seconds since the epoch; ``struck_id``
    is the room identity of the agent that was struck, or the name under which it was awaited; empty when no agent was."""
    start = _frame(recording, struck_at)
    end = min(_frame(recording, until), recording.said.size // FRAME) if until < float("inf") else None
    voices = {agent: audible(track) for agent, track in recording.agents.items()}
    anybody = _any(list(voices.values()), recording)
    sounding = _sounding(recording, anybody, hellos_ms)
    others = _any([frames for agent, frames in voices.items() if not came_as(agent, struck_id)], recording)
    struck = _any([frames for agent, frames in voices.items() if came_as(agent, struck_id)], recording)
    return Heard(
        voice_after_ms=_first(others, _frame(recording, counted_from or struck_at)),
        longest_silence_ms=_longest_silence(recording, anybody[start:], sounding[start:end]),
        two_voices_ms=two_voices_ms(recording),
        struck_heard_ms=int(struck[start + BUFFERED_MS // FRAME_MS :].sum()) * FRAME_MS,
        silent_end_ms=_silent_end(anybody[start:]) if recording.ended_by == "mesh" else 0,
        begins_again=any(_begins(frames, start) for agent, frames in voices.items() if not came_as(agent, struck_id)),
    )


def two_voices_ms(recording: Recording) -> int:
    """How long the caller heard more than one agent, in milliseconds."""
    tracks = [audible(track) for track in recording.agents.values()]
    return int((np.sum(tracks, axis=0) > 1).sum()) * FRAME_MS if tracks else 0


def longest_silence_ms(
    recording: Recording, *, since: float, hellos_ms: Sequence[tuple[int, int]] = (), until: float = float("inf")
) -> int:
    """Of the call from ``since`` on (seconds since the epoch)."""
    heard = measure(recording, struck_at=since, until=until, hellos_ms=hellos_ms)
    return heard.longest_silence_ms


def _frame(recording: Recording, moment: float) -> int:
    if moment == float("inf"):
        return recording.said.size // FRAME
    return max(0, round((moment - recording.started_at) * 1000 / FRAME_MS))


def _any(tracks: Collection[Frames], recording: Recording) -> Frames:
    nobody = np.zeros(recording.said.size // FRAME, dtype=np.bool_)
    return np.asarray(np.logical_or.reduce([nobody, *(track[: nobody.size] for track in tracks)]))


def _first(frames: Frames, start: int) -> int | None:
    found = np.flatnonzero(frames[start:])
    return int(found[0]) * FRAME_MS if found.size else None


def _sounding(recording: Recording, voice: Frames, hellos_ms: Sequence[tuple[int, int]]) -> Frames:
    """Frames that are no silence: a voice, or the caller answering."""
    answering = audible(recording.said)[: voice.size].copy()
    for from_ms, to_ms in hellos_ms:
        answering[from_ms // FRAME_MS : to_ms // FRAME_MS] = False
    return np.asarray(voice | answering)


def _longest_silence(recording: Recording, voice: Frames, sounding: Frames) -> int:
    """Both from the strike on. Silence ends with a voice. What follows the last voice counts as well when the caller gave up."""
    last_voices = np.flatnonzero(voice)
    if last_voices.size and recording.ended_by != "timeout":
        sounding = sounding[: int(last_voices[-1]) + 1]
    longest = current = 0
    for is_sound in sounding.tolist():
        current = 0 if is_sound else current + 1
        longest = max(longest, current)
    return longest * FRAME_MS


def _begins(voice: Frames, start: int) -> bool:
    """Whether one agent's voice is heard after ``start`` that was not there before: behind a pause of its own of PAUSE_MS at least."""
    pause = PAUSE_MS // FRAME_MS
    quiet = 0 if start and voice[max(0, start - pause) : start].any() else pause
    for is_voice in voice[start:].tolist():
        if is_voice and quiet >= pause:
            return True
        quiet = 0 if is_voice else quiet + 1
    return False


def _silent_end(sounding: Frames) -> int:
    sounds = np.flatnonzero(sounding)
    return (sounding.size - (int(sounds[-1]) + 1 if sounds.size else 0)) * FRAME_MS
