"""What a demo's call that was struck has to be, to have lived through it: ended by the mesh, with words that the caller heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from handoff.call import Ending
from handoff.testing import make_call

from local.caller import Recording
from local.caller.band import FRAME, Samples
from local.chaos.caller import Stayed
from local.chaos.in_demo import Survived
from local.chaos.strikes import Struck

STARTED_AT = 1_000.0
STRUCK = Struck("billing killed", STARTED_AT + 2.0)
ENDED = make_call(ending=Ending.RESOLVED)
LOUD = np.tile(np.array([8000, -8000], dtype=np.int16), FRAME // 2)
FRAMES = 1500


def track(start: int, end: int) -> Samples:
    sound = np.zeros((FRAMES, FRAME), dtype=np.int16)
    sound[start:end] = LOUD
    return sound.reshape(-1)


def survived(
    agents: Mapping[str, tuple[int, int]], *, ended_by: str = "mesh", problems: Sequence[str] = ()
) -> Survived:
    """``agents``: from which frame of 10 ms to which each of them spoke."""
    tracks = {agent: track(*stretch) for agent, stretch in agents.items()}
    recording = Recording("call-1", "web", STARTED_AT, track(0, 0), tracks, (), (), ended_by, tuple(problems))
    return Survived(Stayed(recording, (), ()), STRUCK)


def test_a_call_that_another_agent_talked_to_its_end_lived_through_it() -> None:
    assert survived({"billing-1": (0, 220), "billing-r2-ab": (300, 1400)}).failures(ENDED) == []


def test_the_last_words_of_the_one_that_was_killed_are_no_ending() -> None:
    assert survived({"billing-1": (0, 230)}).failures(ENDED) == [
        "nobody spoke to the caller after the strike",
        "the line was closed after 12.7 s of silence",
    ]


def test_a_line_that_is_closed_in_silence_is_no_ending() -> None:
    silent = survived({"billing-1": (0, 220), "billing-r2-ab": (300, 400)})
    assert silent.failures(ENDED) == ["the line was closed after 11.0 s of silence"]


def test_without_an_ending_in_the_record_or_with_two_voices_it_did_not_live_through_it() -> None:
    both = survived({"billing-1": (900, 1100), "billing-r2-ab": (1080, 1400)})
    assert both.failures(make_call()) == [
        "the call's record has no ending",
        "the caller heard two voices at once for 200 ms",
    ]


def test_a_caller_who_had_to_end_it_himself_is_told_of() -> None:
    left = survived({"billing-r2-ab": (300, 1400)}, ended_by="timeout", problems=["the caller gave up"])
    assert left.failures(ENDED) == ["the caller gave up", "the mesh did not end the call: the caller had to"]
