"""From a recording and a record to the report."""

import json
from dataclasses import replace

import numpy as np
import pytest
from handoff.lifecycle import State

from local.caller import Caption, Spoken
from local.report import build_report, turns_of
from local.report.write import first_sentence
from local.tests.made_calls import BILLING_WORDS, CALL, handoff, recording
from local.tests.voices import track, voice


def build(rec=None, call=CALL, handoffs=None, **more):
    return build_report(
        rec or recording(), call, [handoff()] if handoffs is None else handoffs, versions={"x": "1"}, **more
    )


def test_the_report_has_exactly_these_parts():
    report = build()
    assert list(report) == [
        "outcome",
        "services",
        "turns",
        "handoffs",
        "response_ms",
        "interruptions",
        "said_again",
        "facts",
        "effects",
        "versions",
    ]
    assert all(set(turn) == {"speaker", "text", "start_ms", "end_ms"} for turn in report["turns"])
    assert set(report["handoffs"][0]) == {"from_service", "to_service", "gap_ms", "overlap_ms", "clipped_ms", "steps"}


def test_the_report_is_plain_json():
    assert json.loads(json.dumps(build())) == build()


def test_outcome_services_facts_and_effects_come_from_the_record():
    report = build()
    assert report["outcome"] == "resolved"
    assert report["services"] == ["triage", "billing"]
    assert report["facts"] == {"account_id": "AC4721", "date": "March"}
    assert report["effects"] == ["process_refund RF-20417 49.99"]


def test_a_call_without_a_record_is_unfinished():
    report = build(call=None, handoffs=[])
    assert (report["outcome"], report["services"], report["facts"]) == ("unfinished", [], {})
    assert len(report["turns"]) == 5


def test_the_gap_comes_from_the_audio():
    (found,) = build()["handoffs"]
    assert (found["gap_ms"], found["overlap_ms"], found["clipped_ms"]) == (140, 0, None)


def test_clipping_is_measured_against_the_taker_s_first_sentence():
    asked = []

    def reference(words):
        asked.append(words)
        return voice(2.0, seed=2)

    (found,) = build(reference=reference)["handoffs"]
    assert found["clipped_ms"] == 0
    assert asked == [BILLING_WORDS]


def test_steps_are_milliseconds_since_the_offer():
    (found,) = build()["handoffs"]
    assert found["steps"] == {"offered": 0.0, "accepted": 12.0, "ready": 500.0, "taken": 2000.0, "spoken": 2150.0}


def test_a_handoff_whose_taker_was_never_heard_has_no_gap():
    withdrawn = handoff(
        state=State.WITHDRAWN, moved_at={State.OFFERED: 1004.0, State.WITHDRAWN: 1006.0}, taker_id="billing-h9"
    )
    (found,) = build(handoffs=[withdrawn])["handoffs"]
    assert (found["gap_ms"], found["overlap_ms"], found["clipped_ms"]) == (None, None, None)
    assert found["steps"] == {"offered": 0.0, "withdrawn": 2000.0}


def test_a_taker_without_a_noted_id_is_found_by_its_name():
    (found,) = build(handoffs=[handoff(taker_id="")])["handoffs"]
    assert found["gap_ms"] == 140


def test_turns_have_their_words_from_the_captions_and_their_times_from_the_audio():
    turns = [(t.speaker, t.text, t.start_ms, t.end_ms) for t in turns_of(recording())]
    assert turns == [
        ("triage", "How can I help you?", 500, 2500),
        ("caller", "I was charged twice.", 3000, 4000),
        ("triage", "I'm connecting you.", 4500, 6000),
        ("billing", BILLING_WORDS, 6140, 8140),
        ("billing", "What is your account ID?", 9000, 10000),
    ]


def test_a_long_pause_inside_a_turn_does_not_end_it():
    agents = {"triage-1": track(12.0, (0.5, voice(1.0)), (2.2, voice(1.0)))}
    captions = (Caption("triage", "triage-1", "One. Two.", 560, 3100),)
    turn = turns_of(recording(agents=agents, captions=captions))[0]
    assert (turn.start_ms, turn.end_ms) == (500, 3200)


def test_a_caption_without_a_voice_keeps_its_own_times():
    agents = {"triage-1": track(12.0)}
    captions = (Caption("triage", "triage-1", "Nobody heard this.", 560, 3100),)
    turn = turns_of(recording(agents=agents, captions=captions))[0]
    assert (turn.start_ms, turn.end_ms) == (560, 3100)


def test_a_played_recording_says_what_the_mesh_understood():
    spoken = (Spoken("", "mumble.flac", 3000, 4000),)
    assert next(t.text for t in turns_of(recording(spoken=spoken)) if t.speaker == "caller") == "I was charged wise."
    assert (
        next(t.text for t in turns_of(recording(spoken=spoken, captions=())) if t.speaker == "caller")
        == "(mumble.flac)"
    )


def test_the_ear_has_all_agents_at_once_and_never_wraps_round():
    loud = np.full(480, 30_000, dtype=np.int16)
    both = recording(said=np.zeros(480, dtype=np.int16), agents={"triage-1": loud, "billing-h1": loud})
    assert both.heard.max() == 32767


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (BILLING_WORDS, "Hi there, I'm your billing specialist."),
        ("Hi Sarah. I can see it here. More.", "Hi Sarah. I can see it here."),
        ("That is $49.99 in all, you see. Yes.", "That is $49.99 in all, you see."),
        ("Short", "Short"),
        ("", ""),
    ],
)
def test_the_first_sentence_is_long_enough_to_be_compared(words, first):
    assert first_sentence(words) == first


def test_a_move_to_another_worker_has_no_gap_for_the_conversation_pauses_anyway():
    moved = replace(handoff(taker_id="billing-m1"), from_service="billing")
    agents = {
        "billing-1": track(12.0, (0.5, voice(2.0))),
        "billing-m1": track(12.0, (6.0, voice(2.0, seed=2))),
    }
    captions = (
        Caption("billing", "billing-1", "How can I help you?", 560, 2300),
        Caption("billing", "billing-m1", BILLING_WORDS, 6060, 7900),
    )
    (found,) = build(recording(agents=agents, captions=captions), handoffs=[moved])["handoffs"]
    assert (found["gap_ms"], found["overlap_ms"]) == (None, 0)
