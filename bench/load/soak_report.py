"""A soak's report: what grows first, then the curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bench.handoff.results import spread
from bench.load.chart import Chart, Series
from bench.load.report import BAD, FAIR, GOOD, Card, Report, Table
from bench.load.soak import CALLERS, Soaked
from bench.load.trend import GROWS, STEADY, TOO_SHORT
from bench.load.verdict import UNITS, Judged, judged, problems, redis_kib_a_call, warm_up_seconds

_WORKERS = ("triage", "billing", "technical", "sales", "escalation")
_NOTES = (
    "Judged is growth, not latency: other work on the machine moves the second, and not the first.",
    "A series grows when its Theil-Sen slope after the warm-up exceeds its bound, the slope's interval does not hold 0, and the second half"
    " still grows by half the bound: one step, or a cache that fills up, is no leak.",
    "Jobs are processes that come and go with their calls: what would be left of them shows as children, as files and memory of the"
    " children, as zombies, and as processes that are still there when all calls are over.",
    "Redis keeps a call's record for its time to live and a ledger's line for days, so its memory grows with the calls by design: judged is"
    " how much a call leaves, and that no key is without an end.",
)


def soak_report(soaked: Soaked, *, command: str, began_at: datetime, machine: dict[str, Any]) -> Report:
    """Of a whole soak, or of one that was broken off."""
    found = judged(soaked)
    bad = problems(soaked, found)
    return Report(
        tier="soak",
        title=f"A soak of {soaked.minutes:g} minutes",
        command=command,
        began_at=began_at,
        machine=machine,
        cards=_cards(soaked, found, bad),
        charts=_charts(soaked, found),
        tables=[_judged_table(found), _calls_table(soaked), _keys_table(soaked)],
        notes=[*_remarks(soaked, found), *_NOTES],
        problems=bad,
        data=_data(soaked, found),
    )


def _remarks(soaked: Soaked, found: Sequence[Judged]) -> list[str]:
    out = ["It was broken off before its time."] if soaked.broken_off else []
    grown = [
        f"{one.what} by {one.trend.slope:.1f} an hour"
        for one in found
        if one.process == CALLERS and one.trend.verdict == GROWS
    ]
    return out + (
        [f"The load generator itself grows ({', '.join(grown)}): that is no process of the mesh."] if grown else []
    )


def _cards(soaked: Soaked, found: Sequence[Judged], bad: Sequence[str]) -> list[Card]:
    growing = [one for one in found if one.trend.verdict == GROWS and one.process != CALLERS]
    short = [one for one in found if one.trend.verdict == TOO_SHORT]
    verdict, mood = ("nothing grows", GOOD) if not growing else (f"{len(growing)} grow", BAD)
    if found and len(short) == len(found):
        verdict, mood = TOO_SHORT, FAIR
    elif bad and not growing:
        verdict, mood = "see below", BAD
    failed = sum(bool(call.failures) for call in soaked.calls)
    loads = [sample["load"] for sample in soaked.samples]
    workers = [
        one for one in found if one.process in _WORKERS and one.what == "rss_mib" and one.trend.verdict != TOO_SHORT
    ]
    cards = [
        Card("Verdict", verdict, f"{len(found) - len(short)} series judged after {warm_up_seconds(soaked.minutes) / 60:.0f} minutes", mood),
        Card("Calls", f"{len(soaked.calls)}", f"{failed} failed; {soaked.lines} at a time", FAIR if failed else ""),
    ]  # fmt: skip
    if workers:
        worst = max(workers, key=lambda one: one.trend.slope)
        small = f"the most of the five workers' main processes: {worst.process}'s, of {worst.trend.median:.0f} MiB"
        cards.append(Card("Memory of a worker", f"{worst.trend.slope:+.1f} MiB/h", small))
    if (kib := redis_kib_a_call(soaked)) is not None:
        cards.append(Card("Redis, of each call", f"{kib:.1f} KiB", "left when it is over, until its time to live ends"))
    if loads:
        cards.append(
            Card("Load average", f"{min(loads):.1f} to {max(loads):.1f}", "the machine's, other work included")
        )
    return cards


def _charts(soaked: Soaked, found: Sequence[Judged]) -> list[Chart]:
    def chart(title: str, what: str, names: Iterable[str], *, from_zero: bool = True) -> Chart:
        wanted = set(names)
        curves = [
            Series(one.process, _minutes(one.points)) for one in found if one.what == what and one.process in wanted
        ]
        return Chart(title, "minutes", curves, UNITS.get(what, ""), warm, "judged from here", from_zero=from_zero)  # fmt: skip

    warm = warm_up_seconds(soaked.minutes) / 60
    warm_or_none = warm if soaked.samples and soaked.samples[-1]["seconds"] / 60 > warm else None
    names = list(dict.fromkeys(one.process for one in found))
    others = [name for name in names if name not in _WORKERS and name != CALLERS]
    charts = [
        chart("Memory of the workers' main processes", "rss_mib", _WORKERS, from_zero=False),
        chart("Memory of everything else", "rss_mib", others),
        chart("Memory below each worker: template, waiting processes, jobs", "children_rss_mib", _WORKERS),
        chart("Processes below each worker", "children", _WORKERS),
        chart("Open files of the workers' main processes", "open_files", _WORKERS),
        chart("Open files of everything else", "open_files", others),
        chart("Threads", "threads", [*_WORKERS, *others]),
        chart("asyncio tasks of the workers' main processes", "tasks", _WORKERS),
        _redis_memory(soaked),
        _redis_keys(soaked),
        chart("The load generator itself: memory", "rss_mib", [CALLERS]),
        _calls(soaked),
    ]
    return [c if warm_or_none is not None else _without_knee(c) for c in charts]


def _without_knee(chart: Chart) -> Chart:
    return Chart(chart.title, chart.across, chart.series, chart.unit, from_zero=chart.from_zero)


def _minutes(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(at / 60, value) for at, value in points]


def _redis_memory(soaked: Soaked) -> Chart:
    points = [(s["seconds"] / 60, s["redis"]["memory_bytes"] / 1024**2) for s in soaked.samples if s["redis"]]
    return Chart("Memory of Redis", "minutes", [Series("used_memory", points)], "MiB")


def _redis_keys(soaked: Soaked) -> Chart:
    looks = [(s["seconds"] / 60, s["redis"]) for s in soaked.samples if s["redis"]]
    kinds = sorted(
        {kind for _, look in looks for kind in look["kinds"]}, key=lambda kind: -looks[-1][1]["kinds"].get(kind, 0)
    )
    curves = [Series(kind, [(at, float(look["kinds"].get(kind, 0))) for at, look in looks]) for kind in kinds[:5]]
    curves.append(Series("without an end", [(at, float(sum(look["endless"].values()))) for at, look in looks]))
    return Chart("Keys in Redis, by kind", "minutes", curves)


def _calls(soaked: Soaked) -> Chart:
    ended = [(s["seconds"] / 60, float(s["ended"])) for s in soaked.samples]
    failed = [(s["seconds"] / 60, float(s["failed"])) for s in soaked.samples]
    load = [(s["seconds"] / 60, float(s["load"])) for s in soaked.samples]
    return Chart("Calls, and the machine's load", "minutes", [Series("ended", ended), Series("failed", failed), Series("load average", load)])  # fmt: skip


def _judged_table(found: Sequence[Judged]) -> Table:
    order = {GROWS: 0, TOO_SHORT: 1, STEADY: 2}
    ranked = sorted(found, key=lambda one: (order[one.trend.verdict], -_part(one), one.process))
    rows = []
    for one in ranked:
        t = one.trend
        if t.verdict == TOO_SHORT:
            rows.append([one.process, one.what, t.n, "", "", "", "", "", t.verdict])
            continue
        between = f"{t.low:+.2f} .. {t.high:+.2f}"
        rows.append(
            [
                one.process,
                one.what,
                t.n,
                f"{t.median:.1f}",
                f"{t.slope:+.2f}",
                between,
                f"{t.late_slope:+.2f}",
                f"{t.bound:.1f}",
                t.verdict,
            ]
        )
    head = ["process", "what", "n", "median", "slope, an hour", "95 % interval", "second half", "bound", "verdict"]
    return Table("What was judged", head, rows, "Those nearest to their bound first.")


def _part(one: Judged) -> float:
    return one.trend.slope / one.trend.bound if one.trend.verdict != TOO_SHORT else 0.0


def _calls_table(soaked: Soaked) -> Table:
    rows: list[list[object]] = []
    for kind in sorted({call.kind for call in soaked.calls}):
        mine = [call for call in soaked.calls if call.kind == kind]
        answers = spread(ms for call in mine for ms in call.responses_ms)
        gaps = spread(gap for call in mine for gap in call.gaps_ms)
        failed = sum(bool(call.failures) for call in mine)
        rows.append([kind, len(mine), failed, *_three(answers), *_three(gaps)])
    head = ["caller", "calls", "failed", "answers: n", "median, ms", "p95", "gaps: n", "median, ms", "p95"]
    return Table("The calls, at the caller's ear", head, rows, "Not judged: see the load beside them.")


def _three(values: dict[str, float]) -> list[object]:
    return [values["n"], values["median"], values["p95"]] if values else [0, "", ""]


def _keys_table(soaked: Soaked) -> Table:
    before, after = soaked.idle_before.get("redis") or {}, soaked.idle_after.get("redis") or {}
    kinds = sorted({*before.get("kinds", {}), *after.get("kinds", {})})
    rows = [
        [kind, before["kinds"].get(kind, 0), after["kinds"].get(kind, 0), after["endless"].get(kind, 0)]
        for kind in kinds
        if before and after
    ]
    return Table("Keys in Redis", ["kind", "before the first call", "after the last", "of these without an end"], rows)


def _data(soaked: Soaked, found: Sequence[Judged]) -> dict[str, Any]:
    return {
        "minutes": soaked.minutes,
        "lines": soaked.lines,
        "broken_off": soaked.broken_off,
        "judged": [{"process": one.process, "what": one.what, **asdict(one.trend)} for one in found],
        "redis_kib_a_call": redis_kib_a_call(soaked),
        "calls": [asdict(call) for call in soaked.calls],
        "idle_before": soaked.idle_before,
        "idle_after": soaked.idle_after,
        "samples": f"{len(soaked.samples)}, in samples.jsonl of the run's folder",
    }
