"""A soak's verdict can fail: what grows, what is left over, what was started again, and calls that failed are each told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.load.heard import HeardCall
from bench.load.metrics import parse_tasks
from bench.load.redis_look import kind_of
from bench.load.report import Report, html, keep, markdown, write
from bench.load.reread import reread
from bench.load.soak import Soaked
from bench.load.soak_report import soak_report
from bench.load.verdict import judged, problems, warm_up_seconds
from local.supervisor.errors import MeshError

STILL = {
    "pid": 7,
    "rss_mib": 100.0,
    "open_files": 40,
    "threads": 9,
    "cpu_seconds": 1.0,
    "children": 3,
    "children_rss_mib": 300.0,
    "children_open_files": 90,
    "zombies": 0,
}
REDIS = {
    "memory_bytes": 2_000_000,
    "commands": 5,
    "clients": 12,
    "cpu_seconds": 1.0,
    "kinds": {"call": 3},
    "endless": {},
    "ledger_length": 3,
}


def a_soak(minutes: int = 60, *, calls: int = 60, failed: int = 0, **leaks: float) -> Soaked:
    """``leaks``: by what a worker holds, how much of it is added with each minute."""
    soaked = Soaked(float(minutes), 1)
    idle = {"seconds": 0.0, "load": 1.0, "tasks": {}, "ended": 0, "failed": 0, "live": 0}
    soaked.idle_before = idle | {"processes": {"billing": STILL}, "redis": REDIS}
    soaked.idle_after = idle | {
        "processes": {"billing": STILL},
        "redis": {**REDIS, "memory_bytes": 2_000_000 + calls * 9000},
    }
    for number in range(minutes * 4):
        more = {what: value + leaks.get(what, 0.0) * number / 4 for what, value in STILL.items() if what != "pid"}
        soaked.samples.append(
            {
                "seconds": number * 15.0,
                "load": 2.0,
                "processes": {"billing": {**more, "pid": 7}},
                "tasks": {"billing": 30 + int(leaks.get("tasks", 0) * number / 4)},
                "redis": {**REDIS, "endless": {"workers": 1 + int(leaks.get("keys", 0) * number / 4)}},
                "ended": min(number // 4, calls),
                "failed": 0,
                "live": 1,
            }
        )
    soaked.calls = [
        HeardCall(
            "billing",
            f"call-{n}",
            0.0,
            50.0,
            (900, 1100),
            (200,),
            ending="unfinished" if n < failed else "resolved",
            failures=("it went another way",) if n % 2 else (),
        )
        for n in range(calls)
    ]
    return soaked


def told(soaked: Soaked) -> list[str]:
    return problems(soaked, judged(soaked))


def test_a_mesh_at_work_that_holds_what_it_held_has_no_problem() -> None:
    assert told(a_soak()) == []


@pytest.mark.parametrize(
    ("what", "each_minute", "name"),
    [
        ("rss_mib", 0.5, "rss_mib"),
        ("open_files", 0.5, "open_files"),
        ("threads", 0.2, "threads"),
        ("children", 0.1, "children"),
        ("children_rss_mib", 3.0, "children_rss_mib"),
        ("children_open_files", 2.0, "children_open_files"),
        ("zombies", 0.1, "zombies"),
        ("tasks", 0.5, "tasks"),
        ("keys", 0.2, "endless keys"),
    ],
)
def test_whatever_leaks_is_named_with_its_process(what: str, each_minute: float, name: str) -> None:
    (problem,) = told(a_soak(**{what: each_minute}))
    assert f": {name} grows by" in problem
    assert problem.startswith(("billing", "redis"))


def test_pools_may_find_their_peak_and_a_connection_lost_with_every_other_call_is_a_leak() -> None:
    for each_minute, is_leak in ((0.15, False), (0.5, True)):
        soaked = a_soak()
        for number, sample in enumerate(soaked.samples):
            more = int(each_minute * number / 4)
            sample["redis"] = {**REDIS, "clients": 12 + more}
            sample["processes"]["redis"] = {**STILL, "open_files": 20 + more}
        assert len(told(soaked)) == (2 if is_leak else 0), "its own descriptors, and what it says of its clients"


def test_a_run_of_some_minutes_is_not_judged() -> None:
    soaked = a_soak(8, rss_mib=5.0)
    assert {one.trend.verdict for one in judged(soaked)} == {"too short to judge"}
    assert told(soaked) == []


def test_growth_of_the_load_generator_is_told_and_is_no_problem_of_the_mesh() -> None:
    soaked = a_soak(rss_mib=0.5)
    for sample in soaked.samples:
        sample["processes"] = {"callers": sample["processes"]["billing"]}
    assert told(soaked) == []
    assert "The load generator itself grows (rss_mib by 30.0 an hour)" in html(a_report(soaked))


def test_processes_that_are_left_when_all_calls_are_over_are_told() -> None:
    soaked = a_soak()
    soaked.idle_after["processes"]["billing"] = {**STILL, "children": 9}
    assert told(soaked) == ["billing: 9 processes below it when all calls are over, 3 before the first"]


def test_a_process_that_was_started_again_meanwhile_is_told() -> None:
    soaked = a_soak()
    soaked.samples[-1]["processes"]["billing"] = {**STILL, "pid": 8}
    assert told(soaked) == ["billing was started again: its process is another one"]


def test_a_soak_in_which_most_calls_failed_or_none_ended_has_soaked_nothing() -> None:
    assert told(a_soak(failed=20)) == []
    assert told(a_soak(failed=40)) == ["40 of 60 calls were not served: this says nothing about a mesh at work"]
    assert told(a_soak(calls=0)) == ["no call ended: nothing was soaked"]


def test_what_redis_keeps_of_each_call_is_bounded() -> None:
    soaked = a_soak()
    soaked.idle_after["redis"] = {**REDIS, "memory_bytes": 2_000_000 + 60 * 100 * 1024}
    assert told(soaked) == ["Redis keeps 100 KiB of each call (64 are allowed)"]


def test_the_warm_up_is_a_quarter_of_the_run_and_five_minutes_at_least() -> None:
    assert warm_up_seconds(60) == 900
    assert warm_up_seconds(10) == 300


def a_report(soaked: Soaked) -> Report:
    machine = {"nproc": 2, "memory_gib": 24.0, "load_before": 1.0, "load_after": 2.0}
    began_at = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)
    return soak_report(soaked, command="python -m bench.load soak", began_at=began_at, machine=machine)


def test_the_report_says_first_what_grows_and_is_one_file_that_needs_nothing_else() -> None:
    page = html(a_report(a_soak(open_files=0.5)))
    assert "1 grow" in page
    assert page.index("billing: open_files grows by") < page.index("<svg")
    assert "<script" not in page
    assert "http" not in page
    text = markdown(a_report(a_soak()))
    assert "| Verdict | **nothing grows**" in text
    assert "python -m bench.load soak" in text


def test_a_soak_that_was_broken_off_at_once_has_a_report_too() -> None:
    soaked = Soaked(60.0, 1, broken_off=True)
    assert "broken off" in html(a_report(soaked))


def test_a_run_is_kept_under_its_day_and_tier(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    results.mkdir()
    write(a_report(a_soak()), runs / "soak")
    names = [path.name for path in keep(runs, results, "soak")]
    assert names == [f"load-2026-12-01-soak.{kind}" for kind in ("json", "md", "html")]
    assert all((results / name).stat().st_size > 1000 for name in names)
    with pytest.raises(MeshError, match="no run of the audio tier"):
        keep(runs, results, "audio")


def test_a_soak_is_judged_again_from_its_folder_and_comes_out_the_same(tmp_path: Path) -> None:
    soaked = a_soak(open_files=0.5)
    report = a_report(soaked)
    write(report, tmp_path)
    with (tmp_path / "samples.jsonl").open("w") as file:
        for sample in (soaked.idle_before, *soaked.samples, soaked.idle_after):
            file.write(json.dumps(sample) + "\n")
    again, about = reread(tmp_path)
    assert len(again.samples) == len(soaked.samples)
    assert again.calls == soaked.calls
    assert soak_report(again, **about).problems == report.problems
    (tmp_path / "soak.json").unlink()
    killed, _ = reread(tmp_path)
    assert killed.broken_off
    assert "billing: open_files grows" in problems(killed, judged(killed))[0], (
        "without the first one's and the last one's report"
    )
    with pytest.raises(MeshError, match="no soak in"):
        reread(tmp_path / "nowhere")


def test_the_gauge_of_tasks_is_read_where_there_is_one() -> None:
    page = '# HELP voicemesh_tasks n\nvoicemesh_tasks{service="billing"} 31.0\nvoicemesh_tasks_other 7\n'
    assert parse_tasks(page) == 31
    assert parse_tasks('active_sessions{service="billing"} 2.0\n') is None


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("voicemesh:call:call-1f", "call"),
        ("voicemesh:handoff:0a1b", "handoff"),
        ("voicemesh:event:EV_nKkxuwwsmGGi", "event"),
        ("voicemesh:callbacks:due:CB-1:call-9", "callbacks:due"),
        ("voicemesh:callbacks", "callbacks"),
        ("voicemesh:callbacks:of:call-9", "callbacks:of"),
        ("voicemesh:line:billing:until", "line:billing:until"),
        ("voicemesh:live", "live"),
        ("{voicemesh}:call:call-1f", "call"),
        ("other", "(foreign)"),
    ],
)
def test_a_key_is_of_the_kind_that_its_spelling_says(key: str, kind: str) -> None:
    assert kind_of(key) == kind


def test_samples_are_data(tmp_path: Path) -> None:
    report = a_report(a_soak())
    data: Any = report.data
    assert {one["verdict"] for one in data["judged"]} == {"steady"}
    write(report, tmp_path)
    assert "NaN" not in (tmp_path / "soak.json").read_text()
