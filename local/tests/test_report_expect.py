"""What a script expects, against what came of the call."""

import re

import pytest

from local.caller import Expect
from local.report import Note, failures

REPORT = {
    "outcome": "resolved",
    "services": ["triage", "billing"],
    "turns": [
        {"speaker": "triage", "text": "How can I help?", "start_ms": 0, "end_ms": 900},
        {"speaker": "caller", "text": "Purple.", "start_ms": 1000, "end_ms": 1900},
        {"speaker": "billing", "text": "I refunded $49.99. Silent words.", "start_ms": 2000, "end_ms": 2900},
    ],
    "handoffs": [
        {
            "from_service": "triage",
            "to_service": "billing",
            "gap_ms": 140,
            "overlap_ms": 0,
            "clipped_ms": None,
            "steps": {},
        }
    ],
    "facts": {"account_id": "AC4721"},
    "effects": ["process_refund RF-20417 49.99"],
    "versions": {},
}
NOTES = (
    Note("triage", "How can I help?", 0, 900),
    Note("billing", "I refunded forty nine dollars and ninety nine cents.", 2000, 2900),
)


def patterns(*texts):
    return tuple(re.compile(text, re.IGNORECASE) for text in texts)


def check(**expected):
    return failures(Expect(**expected), REPORT, NOTES)


def test_what_is_not_expected_is_not_checked():
    assert check() == []


def test_a_call_that_went_as_expected_has_no_failures():
    assert (
        check(
            services=("triage", "billing"),
            outcome="resolved",
            facts={"account_id": "ac 4721"},
            heard=patterns("49.99", "how can i help"),
            heard_once=patterns("refunded"),
            not_heard=patterns("your account"),
            effects=patterns("process_refund .*49.99"),
            handoffs_max=1,
            gap_ms_max=200,
            overlap_ms_max=0,
            clipped_ms_max=20,
        )
        == []
    )


def test_a_move_between_two_workers_of_one_service_is_no_handoff():
    move = {**REPORT["handoffs"][0], "from_service": "billing", "gap_ms": None}
    moved = {**REPORT, "handoffs": [*REPORT["handoffs"], move, {**move, "overlap_ms": 30}]}
    assert failures(Expect(handoffs_max=1, gap_ms_max=200), moved, NOTES) == []
    assert failures(Expect(overlap_ms_max=0), moved, NOTES) == [
        "the handoff from billing to billing had an overlap of 30 ms, expected at most 0 ms"
    ]


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"services": ("triage",)}, "the call went through triage, billing, expected triage"),
        ({"outcome": "failed"}, "the call's outcome is resolved, expected failed"),
        ({"facts": {"date": "March"}}, "the fact date is not known at the end, expected March"),
        ({"facts": {"account_id": "AC1"}}, "the fact account_id is AC4721, expected AC1"),
        ({"heard": patterns("goodbye")}, "a listener did not hear /goodbye/"),
        ({"heard_once": patterns("goodbye")}, "the mesh said /goodbye/ never, expected once"),
        ({"heard_once": patterns(r"\bI\b")}, "the mesh said /\\bI\\b/ twice, expected once"),
        ({"heard_once": patterns("silent|nine")}, "a listener heard /silent|nine/ 3 times, expected once"),
        ({"not_heard": patterns("refunded")}, "the mesh said /refunded/, which should not be heard"),
        ({"effects": patterns("cancel")}, "no tool had the effect /cancel/"),
        ({"handoffs_max": 0}, "there were 1 handoffs, expected at most 0"),
        ({"gap_ms_max": 100}, "the handoff from triage to billing had a gap of 140 ms, expected at most 100 ms"),
    ],
)
def test_each_difference_is_a_sentence(expected, told):
    assert told in check(**expected)


def test_words_only_in_the_captions_were_not_heard():
    assert check(heard=patterns("silent words")) == ["a listener did not hear /silent words/"]


def test_what_was_heard_the_second_time_counts_as_heard_and_not_as_heard_twice():
    again = (Note("billing", "Silent words. I refunded forty nine dollars and ninety nine cents.", 2000, 2900),)
    expected = Expect(heard=patterns("silent words"), heard_once=patterns("49.99"))
    assert failures(expected, REPORT, NOTES, again=again) == []


def test_words_that_a_listener_spelled_as_they_sound_were_heard():
    notes = (Note("billing", "I re funded it. Sigh lent words.", 2000, 2900),)
    assert failures(Expect(heard=patterns("silent words")), REPORT, notes) == []
    assert failures(Expect(heard=patterns("loud words")), REPORT, notes) == ["a listener did not hear /loud words/"]


def test_a_pattern_that_ends_within_a_word_is_compared_by_that_whole_word():
    notes = (Note("billing", "I refunded it. Sigh lent words.", 2000, 2900),)
    assert failures(Expect(heard=patterns("ilent wo")), REPORT, notes) == []
    assert failures(Expect(heard=patterns("oud wo")), REPORT, notes) == ["a listener did not hear /oud wo/"]


def test_words_only_in_the_captions_still_count_as_said_when_nobody_may_say_them():
    assert check(not_heard=patterns("silent words"))


def test_the_caller_s_own_words_are_not_the_mesh_s():
    assert check(not_heard=patterns("purple")) == []


def test_an_effect_that_nobody_expected_is_a_failure():
    assert check(effects=()) == ["a tool changed something that was not expected: process_refund RF-20417 49.99"]


def test_one_effect_does_not_serve_two_expectations():
    assert check(effects=patterns("refund", "refund")) == ["no tool had the effect /refund/"]


def test_a_measure_that_could_not_be_taken_breaks_no_limit():
    assert check(clipped_ms_max=0) == []
