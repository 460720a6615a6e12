"""The knee, the charts, the pages of audio and soundless runs, and what the command refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.load.audio import Level, Steps, per_call
from bench.load.audio_report import audio_report
from bench.load.chart import Chart, Series, marked, number, svg, ticks
from bench.load.command import main
from bench.load.cost import Cost, beside
from bench.load.heard import HeardCall, failures
from bench.load.knee import Limits, is_reached, knee, why_not
from bench.load.mix import script_of
from bench.load.report import html, markdown
from bench.load.soundless.histogram import of
from bench.load.soundless.report import costs_a_call, soundless_report
from bench.load.soundless.steps import Level as SoundlessLevel
from bench.load.target import name_of
from local.caller import Recording, load_script

LIMITS = Limits(2500, 1000)
MACHINE = {"nproc": 2, "memory_gib": 24.0, "load_before": 1.0, "load_after": 2.0}
BEGAN = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)
NO_CALL = Cost(20.0, {"redis": 0.01, "billing": 0.05}, {"redis": 7.0, "billing": 600.0}, 0.01, 0.1)


def test_the_knee_is_the_last_level_before_the_first_that_is_not_carried() -> None:
    assert knee([(1, ""), (2, ""), (4, "slow"), (8, "")]) == 2
    assert knee([(1, "slow"), (2, "")]) == 0
    assert knee([(1, ""), (2, "")]) == 2
    assert not is_reached([(1, ""), (2, "")])
    assert knee([]) is None


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"calls": 50, "failed": 1, "response_p95": 2500, "gap_p95": 1000}, ""),
        ({"calls": 50, "failed": 2, "response_p95": 900, "gap_p95": 200}, "2 of 50 calls failed"),
        ({"calls": 50, "failed": 0, "response_p95": 2501, "gap_p95": None}, "answers take 2,501 ms at p95 (limit 2,500)"),
        ({"calls": 50, "failed": 0, "response_p95": None, "gap_p95": 1100}, "handoffs take 1,100 ms at p95 (limit 1,000)"),
        ({"calls": 0, "failed": 0, "response_p95": None, "gap_p95": None}, "no call ended"),
    ],
)  # fmt: skip
def test_a_level_is_carried_while_its_figures_are_within_the_limits(figures: dict[str, Any], reason: str) -> None:
    assert why_not(LIMITS, **figures) == reason


def test_a_chart_is_xml_with_its_curves_its_knee_and_its_limit() -> None:
    chart = Chart("Answers <p95>", "callers", [Series("p95", [(1, 900.0), (2, 1500.0), (4, 4000.0)])], "ms", limit=2500)
    tree = ElementTree.fromstring(svg(marked([chart], 2)[0]))
    assert len(tree.findall(".//circle")) == 3
    assert [line.get("class") for line in tree.findall(".//line") if line.get("class") != "grid"] == ["knee", "limit"]
    assert "limit 2,500" in [text.text for text in tree.findall(".//text")]


def test_a_limit_far_above_the_curve_does_not_press_it_flat() -> None:
    chart = Chart("Gaps", "callers", [Series("p95", [(1, 100.0), (2, 200.0)])], limit=1000)
    assert 'class="limit"' not in svg(chart)


def test_a_chart_of_nothing_and_one_of_a_single_point_can_be_drawn() -> None:
    assert "nothing was measured" in svg(Chart("Tasks", "minutes", [Series("billing", [])]))
    ElementTree.fromstring(svg(Chart("Calls", "minutes", [Series("one", [(5, 0.0)])])))


def test_ticks_are_round_and_hold_what_there_is() -> None:
    assert ticks(0, 4000) == [0, 1000, 2000, 3000, 4000]
    assert ticks(0, 0.37) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert ticks(93.2, 93.2)[0] <= 93.2 <= ticks(93.2, 93.2)[-1]
    assert [number(value) for value in (1200.4, 0.3512, 12.0)] == ["1,200", "0.351", "12"]


# --- audio ----------------------------------------------------------------------------------------------------------------
def a_level(lines: int, *, slow: int = 900, why: str = "", two_voices: int = 0) -> Level:
    call = HeardCall("billing", "call-1", 0.0, 50.0, (slow, slow + 100), (200,), 1500, two_voices, 0, "resolved")
    bad = HeardCall("sales", "call-2", 0.0, 40.0, failures=("it ended as failed, not as resolved",))
    cost = Cost(100.0, {"redis": 0.02, "billing": 0.5}, {"redis": 8.0, "billing": 700.0}, 0.15, 1.5)
    return Level(lines, (call, call) if not why else (call, bad), cost, 3.2, why)


def an_audio_report(*levels: Level) -> Any:
    return audio_report(
        Steps(NO_CALL, list(levels)), LIMITS, mix="billing=100", command="x", began_at=BEGAN, machine=MACHINE
    )


def test_the_audio_page_marks_the_knee_and_names_what_failed() -> None:
    report = an_audio_report(a_level(1), a_level(2, slow=4000, why="answers take 4,000 ms at p95 (limit 2,500)"))
    page, text = html(report), markdown(report)
    assert page.count('class="knee"') >= 6
    assert "| Knee | **1 at once** | at 2: answers take 4,000 ms" in text
    assert "it ended as failed, not as resolved" in text
    assert report.problems == []
    assert report.data["knee"] == 1


def test_two_voices_must_not_be_at_any_load() -> None:
    assert an_audio_report(a_level(1, two_voices=120)).problems == ["two voices for 120 ms in call-1"] * 2


def test_a_call_costs_what_the_mesh_uses_above_none() -> None:
    cores, mib = per_call(NO_CALL, a_level(1))
    assert cores == pytest.approx((0.52 - 0.06) / 1.0)
    assert mib == pytest.approx(101)


def test_a_machine_with_other_work_is_said_to_carry_more_by_itself() -> None:
    busy = [Cost(9.0, {"billing": 0.5}, {}, 0.25, machine) for machine in (0.9, 1.75)]
    (remark,) = beside(busy)
    assert "up to 1.0 of its" in remark
    assert beside(busy[:1]) == []
    assert beside([]) == []


def a_recording(*, heard: bool, problems: tuple[str, ...] = ()) -> Recording:
    loud = (np.sin(np.arange(48_000) / 20) * 12_000).astype(np.int16)
    track = loud if heard else np.zeros(48_000, np.int16)
    return Recording("call-1", "web", 0.0, loud, {"triage-1": track}, (), (), "mesh", problems)


def test_what_is_wrong_with_a_call_is_said_without_a_word_of_it() -> None:
    script = load_script(script_of("billing"))
    good = {"outcome": "resolved", "services": ["triage", "billing"]}
    assert failures(script, a_recording(heard=True), good, 0) == []
    bad = {"outcome": "unfinished", "services": ["triage"]}
    problems = ("/a/b/billing.yaml:10: the mesh said nothing within 30 s",)
    assert failures(script, a_recording(heard=False, problems=problems), bad, 40) == [
        "billing.yaml:10: the mesh said nothing within 30 s",
        "nobody was heard",
        "it ended as unfinished, not as resolved",
        "it went by triage, not by triage and billing",
        "two voices for 40 ms",
    ]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["/usr/bin/python", "-m", "billing"], "billing"),
        (["/usr/bin/python", "-m", "local.speech", "--port", "1"], "speech"),
        (["/usr/bin/redis-server", "127.0.0.1:1"], "redis"),
        (["/cache/bin/livekit-server-1.9", "--config", "x"], "livekit"),
        (["/bin/sleep", "3"], ""),
        ([], ""),
    ],
)
def test_processes_of_make_up_are_named_as_the_table_names_them(command: list[str], name: str) -> None:
    assert name_of(command) == name


# --- soundless --------------------------------------------------------------------------------------------------------------
def a_soundless_level(calls: int, why: str = "", **more: Any) -> SoundlessLevel:
    cost = Cost(45.0, {"redis": 0.11, "billing": 0.35}, {"redis": 9.0, "billing": 640.0}, 0.2, 1.0)
    figures = of([100.0, 200.0]).spread()
    level = {
        "calls": calls, "live": 100.0, "ended": 40, "failures": {}, "answers_ms": figures, "gaps_ms": figures,
        "steps_ms": {"accepted": figures}, "store_ms": {"renew_floor": figures}, "lag_ms": figures, "handoffs_a_second": 2.0,
        "stayed": {}, "successors_for_nothing": 0, "two_voices": 0, "cost": cost, "redis_commands_a_second": 900.0,
        "redis_cores": 0.1, "redis_bytes_a_call": 10_240.0, "load": 3.0, "why": why,
    }  # fmt: skip
    return SoundlessLevel(**(level | more))


class Held:
    """What a soundless run leaves behind."""

    base, cut_off, is_whole = NO_CALL, 0, True

    def __init__(self, *levels: SoundlessLevel) -> None:
        self.levels = list(levels)
        self.endings = {"calls": 40, "with one ending": 40}
        self.endings_wrong: list[str] = []


def a_soundless_report(held: Any) -> Any:
    return soundless_report(held, LIMITS, command="x", began_at=BEGAN, machine=MACHINE)


def test_the_soundless_page_says_what_a_call_adds_and_where_it_ends() -> None:
    report = a_soundless_report(
        Held(a_soundless_level(100), a_soundless_level(500, "only 300 of 500 calls were there"))
    )
    text = markdown(report)
    assert "| Knee | **100 at once** | at 500: only 300 of 500" in text
    assert report.problems == []
    assert costs_a_call(a_soundless_level(100), NO_CALL) == pytest.approx(
        {
            "worker_millicores_a_call": 3.0,
            "worker_kib_a_call": 409.6,
            "redis_millicores_a_call": 1.0,
            "redis_kib_a_call": 10.0,
            "caller_millicores_a_call": 2.0,
        }
    )
    ElementTree.fromstring(html(report).partition("<main>")[2].partition("</main>")[0].join(("<main>", "</main>")))


def test_a_run_that_was_broken_off_says_so_and_claims_no_endings() -> None:
    held = Held(a_soundless_level(100))
    held.is_whole = False
    text = markdown(a_soundless_report(held))
    assert "It was broken off" in text
    assert "| Endings |" not in text


def test_what_must_not_be_at_any_load_is_a_problem() -> None:
    held = Held(a_soundless_level(100, two_voices=2, broken=["billing-1"]))
    held.endings_wrong = ["call-7 has 2 endings"]
    assert a_soundless_report(held).problems == [
        "2 times two voices at once with 100 calls",
        "an agent broke with 100 calls: billing-1",
        "call-7 has 2 endings",
    ]


# --- the command ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["audio", "--mix", "billing=50"], "sums up to 50, not to 100"),
        (["soundless", "--mix", "shipping=100"], "no callers for 'shipping'"),
        (["audio", "--calls", "1,two"], "no list of numbers of calls"),
        (["audio", "--calls", "0"], "no list of numbers of calls"),
        (["soak", "--minutes", "0"], "no number above 0"),
        (["soundless", "--think", "9-3"], "no pair of seconds"),
        (["audio", "--on", "moon"], "invalid choice: 'moon'"),
        (["loud"], "invalid choice: 'loud'"),
        (["keep", "crash"], "invalid choice: 'crash'"),
    ],
)
def test_bad_input_is_refused_with_what_is_wrong(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
