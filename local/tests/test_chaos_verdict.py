"""What must never happen to a struck call is told of, and nothing else."""

from __future__ import annotations

from dataclasses import replace
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
from local.chaos.verdict import (
    ASKED_AGAIN,
    DOUBLE_SPEAKER,
    ENDINGS,
    NOT_MOVED,
    REPEATED_EFFECT,
    SILENT_DROP,
    is_moved,
    judge,
)
from local.eval.evidence import TableDiff

WELL = Heard(voice_after_ms=400, longest_silence_ms=900, two_voices_ms=0, struck_heard_ms=0)
SILENT = np.zeros(FRAME, dtype=np.int16)
ENDED = make_call(ending=Ending.RESOLVED)
STRUCK_AT = 1_010.0


def recorded(*captions: Caption, problems: tuple[str, ...] = ()) -> Recording:
    return Recording("call-1", "web", 1_000.0, SILENT, {}, (), captions, "mesh", problems)


def kinds(**changes: Any) -> list[str]:
    given: dict[str, Any] = {
        "heard": WELL,
        "recording": recorded(),
        "call": ENDED,
        "lines": [LedgerLine("call-1", Ending.RESOLVED, 1.0)],
        "changes": {},
        "known": frozenset(),
        "struck_at": STRUCK_AT,
        "silence_ms": 20_000,
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


def test_two_voices_are_a_double_speaker_and_so_is_a_frozen_one_that_is_heard_again() -> None:
    assert kinds(heard=replace(WELL, two_voices_ms=10)) == [DOUBLE_SPEAKER]
    assert kinds(heard=replace(WELL, struck_heard_ms=10), freezes=True) == [DOUBLE_SPEAKER]
    assert kinds(heard=replace(WELL, struck_heard_ms=10)) == [], "who was killed may be heard out"


def test_one_refund_is_right_and_two_are_a_repeated_effect() -> None:
    one, two = TableDiff(added=({"reference": "RF-1"},)), TableDiff(added=({"reference": "1"}, {"reference": "2"}))
    assert kinds(changes={"billing": {"refunds": one}}) == []
    assert kinds(changes={"billing": {"refunds": two}}) == [REPEATED_EFFECT]
    assert kinds(call=replace(ENDED, effects=("refund RF-1", "refund RF-1"))) == [REPEATED_EFFECT]


def test_a_call_has_one_line_in_the_ledger() -> None:
    line = LedgerLine("call-1", Ending.RESOLVED, 1.0)
    assert kinds(lines=[]) == [ENDINGS]
    assert kinds(lines=[line, line]) == [ENDINGS]


def test_who_was_identified_is_not_asked_again_after_the_strike() -> None:
    before = Caption("billing", "billing-1", "Could you tell me your account ID, please?", 5_000, 6_000)
    after = replace(before, start_ms=12_000, end_ms=13_000)
    identified = frozenset({"identity_capability"})
    assert kinds(recording=recorded(before), known=identified) == []
    assert kinds(recording=recorded(after)) == [], "nobody knew him yet"
    assert kinds(recording=recorded(after), known=identified) == [ASKED_AGAIN]


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
