"""What must never happen to a struck call is told of, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handoff.call import Ending
from handoff.ledger import LedgerLine
from handoff.testing import make_call

from local.caller import Caption, Recording
from local.caller.band import FRAME
from local.chaos.at_the_ear import Heard
from local.chaos.in_the_ledger import differences
from local.chaos.in_the_log import tools_that_failed
from local.chaos.verdict import (
    ASKED_AGAIN,
    DOUBLE_SPEAKER,
    ENDINGS,
    HEARD,
    NOT_MOVED,
    REPEATED_EFFECT,
    SILENT_DROP,
    WRONG_ENDING,
    Before,
    Expects,
    is_moved,
    judge,
)
from local.eval.evidence import TableDiff

WELL = Heard(voice_after_ms=400, longest_silence_ms=900, two_voices_ms=0, struck_heard_ms=0)
SILENT = np.zeros(FRAME, dtype=np.int16)
ENDED = make_call(ending=Ending.RESOLVED)
STRUCK_AT = 1_010.0


def recorded(*captions: Caption, problems: tuple[str, ...] = (), ended_by: str = "mesh") -> Recording:
    return Recording("call-1", "web", 1_000.0, SILENT, {}, (), captions, ended_by, problems)


def kinds(**changes: Any) -> list[str]:
    given: dict[str, Any] = {
        "heard": WELL,
        "recording": recorded(),
        "call": ENDED,
        "lines": [LedgerLine("call-1", Ending.RESOLVED, 1.0)],
        "changes": {},
        "before": Before(),
        "struck_at": STRUCK_AT,
        "expects": Expects(silence_ms=20_000),
    }
    return [problem.kind for problem in judge(**(given | changes))]


def test_a_call_that_was_struck_and_ended_well_has_no_problem() -> None:
    assert kinds() == []


@pytest.mark.parametrize(
    "change",
    [
        {"call": None},
        {"call": make_call()},
        {"heard": replace(WELL, voice_after_ms=None)},
        {"heard": replace(WELL, longest_silence_ms=20_010)},
        {"heard": replace(WELL, silent_end_ms=10_010)},
        {"recording": recorded(problems=("the caller gave up after 45 s of silence",))},
    ],
)
def test_a_silent_drop_is_no_ending_no_voice_a_long_silence_a_line_closed_in_silence_or_a_caller_who_gave_up(
    change: dict[str, Any],
) -> None:
    assert kinds(**change) == [SILENT_DROP]


def test_a_sentence_that_was_under_way_when_it_was_struck_is_no_voice_afterwards() -> None:
    assert kinds(heard=replace(WELL, begins_again=False)) == [SILENT_DROP]


@pytest.mark.parametrize("ending", [Ending.FAILED, Ending.CALLER_HUNG_UP])
def test_a_call_that_goes_on_to_its_end_ends_with_a_caller_who_was_helped(ending: Ending) -> None:
    assert kinds(call=make_call(ending=ending)) == [WRONG_ENDING]


def test_a_call_that_only_its_caller_ends_ends_so_and_a_ticket_that_he_has_counts_for_more() -> None:
    left = {"expects": Expects(finishes=False), "recording": recorded(ended_by="caller")}
    assert kinds(call=make_call(ending=Ending.CALLER_HUNG_UP), **left) == []
    assert kinds(call=make_call(ending=Ending.CALLBACK_BOOKED), **left) == []
    assert kinds(call=make_call(ending=Ending.FAILED), **left) == [WRONG_ENDING]


def test_a_caller_who_had_to_hang_up_himself_was_not_helped() -> None:
    assert kinds(recording=recorded(ended_by="caller")) == [WRONG_ENDING]


def test_a_handoff_that_must_come_to_be_has_its_service_in_the_record() -> None:
    assert kinds(expects=Expects(reaches="billing"), call=replace(ENDED, services=("triage",))) == [WRONG_ENDING]
    assert kinds(expects=Expects(reaches="billing"), call=replace(ENDED, services=("triage", "billing"))) == []


def test_what_a_caller_must_not_notice_needs_no_apology() -> None:
    sorry = Caption("billing", "billing-r2", "Sorry, we were cut off for a moment.", 12_000, 13_000)
    assert kinds(recording=recorded(sorry)) == []
    assert kinds(recording=recorded(sorry), expects=Expects(is_unheard=True)) == [HEARD]
    earlier = replace(sorry, start_ms=5_000, end_ms=6_000)
    assert kinds(recording=recorded(earlier), expects=Expects(is_unheard=True)) == []


def test_who_has_said_what_he_wants_is_not_greeted_as_if_he_were_new() -> None:
    greeting = Caption("triage", "triage-2", "Thanks for calling Acme Cloud. How can I help you today?", 12_000, 13_000)
    assert kinds(recording=recorded(greeting)) == [], "he had said nothing"
    assert kinds(recording=recorded(greeting), before=Before(has_spoken=True)) == [ASKED_AGAIN]


def test_two_voices_are_a_double_speaker_and_so_is_a_frozen_one_that_is_heard_again() -> None:
    assert kinds(heard=replace(WELL, two_voices_ms=10)) == [DOUBLE_SPEAKER]
    assert kinds(heard=replace(WELL, struck_heard_ms=10), expects=Expects(freezes=True)) == [DOUBLE_SPEAKER]
    assert kinds(heard=replace(WELL, struck_heard_ms=10)) == [], "who was killed may be heard out"


def test_one_refund_is_right_and_two_are_a_repeated_effect() -> None:
    one, two = TableDiff(added=({"reference": "RF-1"},)), TableDiff(added=({"reference": "1"}, {"reference": "2"}))
    assert kinds(changes={"billing": {"refunds": one}}) == []
    assert kinds(changes={"billing": {"refunds": two}}) == [REPEATED_EFFECT]
    assert kinds(call=replace(ENDED, effects=("refund RF-1", "refund RF-2"))) == [REPEATED_EFFECT]


def test_a_call_has_one_line_in_the_ledger() -> None:
    line = LedgerLine("call-1", Ending.RESOLVED, 1.0)
    assert kinds(lines=[]) == [ENDINGS]
    assert kinds(lines=[line, line]) == [ENDINGS]


def test_who_was_identified_is_not_asked_again_after_the_strike() -> None:
    before = Caption("billing", "billing-1", "Could you tell me your account ID, please?", 5_000, 6_000)
    after = replace(before, start_ms=12_000, end_ms=13_000)
    identified = Before(frozenset({"identity_capability"}))
    assert kinds(recording=recorded(before), before=identified) == []
    assert kinds(recording=recorded(after)) == [], "nobody knew him yet"
    assert kinds(recording=recorded(after), before=identified) == [ASKED_AGAIN]


@pytest.mark.parametrize(("seconds", "wrong"), [(1.8, []), (10.0, []), (10.1, [NOT_MOVED]), (None, [NOT_MOVED])])
def test_a_drained_workers_call_is_moved_in_ten_seconds(seconds: float | None, wrong: list[str]) -> None:
    assert [problem.kind for problem in is_moved(seconds)] == wrong


def test_the_ledger_has_the_ending_that_the_record_has() -> None:
    ended = {"call-1": "resolved", "call-2": "caller_hung_up", "call-3": "failed"}
    assert differences(ended, ended) == []
    assert differences({**ended, "call-2": "failed"}, ended) == [
        "the ledger has failed for call-2, which ended as caller_hung_up"
    ]
    assert differences({"call-1": "resolved", "call-2": "caller_hung_up"}, ended) == [
        "the ledger knows no ending of call-3, which ended as failed"
    ]


def test_a_tool_that_failed_in_a_call_is_found_in_the_workers_logs(tmp_path: Path) -> None:
    line = '{"at": 1.0, "level": "WARNING", "logger": "voicemesh.tools", "message": "%s", "call_id": "call-1"}\n'
    (tmp_path / "billing.log").write_text(line % "the back office did not answer find_account in time" + "no JSON\n")
    assert tools_that_failed(tmp_path, "call-1") == 1
    assert tools_that_failed(tmp_path, "call-2") == 0
