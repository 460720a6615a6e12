"""What a fault sounded like, measured in made-up recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from local.caller import Recording
from local.caller.band import FRAME, Samples
from local.chaos.at_the_ear import measure, two_voices_ms

STARTED_AT = 1_000.0
LOUD = np.tile(np.array([8000, -8000], dtype=np.int16), FRAME // 2)
Stretch = tuple[int, int]


def track(stretches: Sequence[Stretch], frames: int) -> Samples:
    sound = np.zeros((frames, FRAME), dtype=np.int16)
    for start, end in stretches:
        sound[start:end] = LOUD
    return sound.reshape(-1)


def recorded(
    agents: Mapping[str, Sequence[Stretch]], *, said: Sequence[Stretch] = (), frames: int = 1000, ended_by: str = "mesh"
) -> Recording:
    tracks = {agent: track(stretches, frames) for agent, stretches in agents.items()}
    return Recording("call-1", "web", STARTED_AT, track(said, frames), tracks, (), (), ended_by)


def test_the_voice_that_comes_back_is_another_agents() -> None:
    recording = recorded({"billing-1": [(0, 210)], "billing-r3-ab": [(260, 300)]})
    heard = measure(recording, struck_at=STARTED_AT + 2.0, struck_id="billing-1")
    assert heard.voice_after_ms == 600
    assert heard.longest_silence_ms == 500


def test_a_voice_that_goes_on_comes_back_at_once() -> None:
    heard = measure(recorded({"triage-1": [(0, 500)]}), struck_at=STARTED_AT + 2.0)
    assert heard.voice_after_ms == 0
    assert heard.longest_silence_ms == 0


def test_a_voice_that_never_comes_back_is_none_and_the_silence_lasts_to_the_end() -> None:
    heard = measure(recorded({"triage-1": [(0, 210)]}), struck_at=STARTED_AT + 2.0, struck_id="triage-1")
    assert heard.voice_after_ms is None
    assert heard.longest_silence_ms == 0, "the struck one's last words are the last voice, and the mesh ended the call"
    assert heard.silent_end_ms == 7900
    left = measure(recorded({"triage-1": [(0, 210)]}, ended_by="timeout"), struck_at=STARTED_AT + 2.0)
    assert left.longest_silence_ms == 7900


def test_the_caller_answering_is_no_silence_but_his_hello_is() -> None:
    agents = {"triage-1": [(0, 210)], "triage-r2-ab": [(900, 950)]}
    answering = recorded(agents, said=[(300, 800)])
    assert measure(answering, struck_at=STARTED_AT + 2.0).longest_silence_ms == 1000
    hello = measure(answering, struck_at=STARTED_AT + 2.0, hellos_ms=[(3000, 8000)])
    assert hello.longest_silence_ms == 6900


def test_the_silence_before_the_mesh_closes_the_line_counts_from_the_last_voice_whatever_the_caller_says() -> None:
    agents, said = {"triage-1": [(0, 300)]}, [(400, 500), (700, 800)]
    closed = measure(recorded(agents, said=said), struck_at=STARTED_AT + 2.0, hellos_ms=[(7000, 8000)])
    assert closed.silent_end_ms == 7000
    hung_up = measure(recorded(agents, said=said, ended_by="caller"), struck_at=STARTED_AT + 2.0)
    assert hung_up.silent_end_ms == 0


def test_a_frozen_agent_that_is_heard_after_all_shows() -> None:
    recording = recorded({"billing-1": [(0, 220), (500, 530)], "billing-r3-ab": [(260, 300)]})
    assert measure(recording, struck_at=STARTED_AT + 2.0, struck_id="billing-1").struck_heard_ms == 300


def test_a_sentence_that_goes_on_has_not_begun_and_one_behind_a_pause_has() -> None:
    under_way = recorded({"triage-1": [(0, 300), (320, 400)]})
    assert not measure(under_way, struck_at=STARTED_AT + 2.0).begins_again, "a pause within a sentence"
    another = recorded({"triage-1": [(0, 300), (400, 500)]})
    assert measure(another, struck_at=STARTED_AT + 2.0).begins_again
    assert measure(recorded({"triage-1": [(250, 300)]}), struck_at=STARTED_AT + 2.0).begins_again, "nobody spoke"
    assert not measure(recorded({"triage-1": [(0, 190)]}), struck_at=STARTED_AT + 2.0).begins_again
    # A taker is killed at its first word: the giver's last one was heard just before, the successor's comes at once.
    at_once = recorded({"triage-1": [(0, 180)], "billing-1": [(195, 215)], "billing-r3-ab": [(230, 400)]})
    assert measure(at_once, struck_at=STARTED_AT + 2.0, struck_id="billing-1").begins_again


def test_two_voices_at_once_are_counted_over_the_whole_call() -> None:
    assert two_voices_ms(recorded({"a-1": [(0, 100)], "b-1": [(90, 120)]})) == 100
    assert two_voices_ms(recorded({})) == 0


def test_time_can_be_counted_from_the_moment_that_a_server_is_up_again() -> None:
    recording = recorded({"triage-1": [(0, 210), (700, 800)]})
    heard = measure(recording, struck_at=STARTED_AT + 2.0, counted_from=STARTED_AT + 5.0)
    assert heard.voice_after_ms == 2000
