"""The audio tier's report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bench.load.audio import Level, Steps, per_call
from bench.load.chart import Chart, Series, marked
from bench.load.cost import Cost, beside
from bench.load.knee import Limits, is_reached, knee
from bench.load.report import BAD, FAIR, GOOD, Card, Report, Table

_NOTES = (
    "At the ear: from the caller's last sound to the agent's first (answers); from the giver's last frame to the taker's first (handoffs)."
    " Percentiles by nearest rank, of few values: n is beside them.",
    "Everything runs on these cores: LiveKit, the embedded speech (Whisper and two voices, most of the work), the workers, and the callers,"
    " whose recordings are kept and measured. The knee is this machine's. What one worker holds with remote speech: bench/results/density-*.md.",
    "Cost a call: what the mesh uses at a level above what it uses with no call, by the calls held. Memory is PSS, the most of a level.",
)


def audio_report(
    steps: Steps,
    limits: Limits,
    *,
    mix: str,
    command: str,
    began_at: datetime,
    machine: dict[str, Any],
) -> Report:
    """Of all levels that came to their end."""
    base, levels = steps.base, steps.levels
    judged = [(level.lines, level.why) for level in levels]
    at = knee(judged)
    return Report(
        tier="audio",
        title="Spoken calls, ever more at once",
        command=command,
        began_at=began_at,
        machine={**machine, "mix": mix},
        cards=_cards(base, levels, at, is_reached(judged)),
        charts=marked(_charts(base, levels, limits), at if is_reached(judged) else None),
        tables=[_table(base, levels), _cost_table(base, levels), _failed_table(levels)],
        notes=[*beside([level.cost for level in levels]), *(["It was broken off before its time."] if steps.broken_off else []), *_NOTES],
        problems=[f"two voices for {c.two_voices_ms} ms in {c.call_id}" for lv in levels for c in lv.calls if c.two_voices_ms],
        data={
            "knee": at,
            "knee_reached": is_reached(judged),
            "limits": asdict(limits),
            "without_a_call": asdict(base),
            "levels": [_level_data(base, level) for level in levels],
        },
    )  # fmt: skip


def _level_data(base: Cost, level: Level) -> dict[str, Any]:
    cores, mib = per_call(base, level)
    return {
        **asdict(level),
        "failed": level.failed,
        "held": round(level.held, 2),
        "responses_ms": level.responses_ms(),
        "gaps_ms": level.gaps_ms(),
        "cores_a_call": round(cores, 3),
        "mib_a_call": round(mib, 1),
    }


def _cards(base: Cost, levels: Sequence[Level], at: int | None, reached: bool) -> list[Card]:
    calls = sum(len(level.calls) for level in levels)
    failed = sum(level.failed for level in levels)
    first_bad = next((level for level in levels if level.why), None)
    small = f"at {first_bad.lines}: {first_bad.why}" if first_bad else "no level was found that is not carried"
    cards = [
        Card("Knee", f"{at or 0} at once" if reached else f"above {at or 0}", small, GOOD if at else BAD),
        Card("Calls", str(calls), f"{failed} failed, of all levels", FAIR if failed else GOOD),
    ]
    if carried := [level for level in levels if not level.why]:
        top = carried[-1]
        cores, mib = per_call(base, top)
        for name, figures in (("Answers", top.responses_ms()), ("Handoffs", top.gaps_ms())):
            if figures:
                cards.append(Card(name, f"{figures['median']:.0f} / {figures['p95']:.0f} ms", f"median / p95 at {top.lines} at once, n={figures['n']}"))  # fmt: skip
        if not math.isnan(cores):
            cards.append(
                Card(
                    "A call costs",
                    f"{cores:.2f} cores, {mib:.0f} MiB",
                    f"of the mesh, at {top.lines} at once; speech included",
                )
            )
    return cards


def _charts(base: Cost, levels: Sequence[Level], limits: Limits) -> list[Chart]:
    def curves(of: Any) -> list[Series]:
        found = [(level.lines, of(level)) for level in levels]
        return [
            Series(name, [(float(n), figures[key]) for n, figures in found if figures])
            for name, key in (("p95", "p95"), ("median", "median"))
        ]

    costs = [(float(level.lines), per_call(base, level)) for level in levels]
    return [
        Chart("Answers at the caller's ear", "callers at once", curves(Level.responses_ms), "ms", limit=limits.response_p95_ms),
        Chart("Handoff gap at the caller's ear", "callers at once", curves(Level.gaps_ms), "ms", limit=limits.gap_p95_ms),
        Chart(
            "Longest silence in a call, and calls that failed",
            "callers at once",
            [
                Series("longest silence, s", [(float(lv.lines), max(c.longest_silence_ms for c in lv.calls) / 1000) for lv in levels if lv.calls]),
                Series("failed calls", [(float(lv.lines), float(lv.failed)) for lv in levels]),
            ],
        ),
        Chart(
            "Cores",
            "callers at once",
            [
                Series("the mesh", [(0.0, base.system_cores), *((float(lv.lines), lv.cost.system_cores) for lv in levels)]),
                Series("of it: speech", [(0.0, base.cores.get("speech", 0.0)), *((float(lv.lines), lv.cost.cores.get("speech", 0.0)) for lv in levels)]),
                Series("the callers", [(0.0, base.caller_cores), *((float(lv.lines), lv.cost.caller_cores) for lv in levels)]),
                Series("other work", [(0.0, base.other_cores), *((float(lv.lines), lv.cost.other_cores) for lv in levels)]),
            ],
        ),
        Chart("Load average of the machine", "callers at once", [Series("load average", [(float(lv.lines), lv.load) for lv in levels])]),
        Chart("Cores that a call adds", "callers at once", [Series("the mesh", [(n, c) for n, (c, _) in costs if not math.isnan(c)])]),
        Chart("Memory that a call adds", "callers at once", [Series("the mesh", [(n, m) for n, (_, m) in costs if not math.isnan(m)])], "MiB"),
    ]  # fmt: skip


def _table(base: Cost, levels: Sequence[Level]) -> Table:
    head = ["at once", "calls", "failed", "answers: n", "min, ms", "median", "p95", "handoffs: n", "min, ms", "median", "p95",
            "longest silence, s", "two voices, ms", "said again", "load", "verdict"]  # fmt: skip
    rows = []
    for level in levels:
        longest = max((call.longest_silence_ms for call in level.calls), default=0) / 1000
        rows.append(
            [level.lines, len(level.calls), level.failed, *_four(level.responses_ms()), *_four(level.gaps_ms()), longest,
             sum(c.two_voices_ms for c in level.calls), sum(c.said_again for c in level.calls), f"{level.load:.1f}", level.why or "carried"]
        )  # fmt: skip
    return Table("At the caller's ear", head, rows)


def _four(figures: dict[str, float]) -> list[object]:
    return [figures[name] for name in ("n", "min", "median", "p95")] if figures else [0, "", "", ""]


def _cost_table(base: Cost, levels: Sequence[Level]) -> Table:
    names = list(dict.fromkeys([*base.cores, *(name for level in levels for name in level.cost.cores)]))
    rows: list[list[object]] = []
    for lines, held, cost in [(0, 0.0, base), *((level.lines, level.held, level.cost) for level in levels)]:
        cells = [f"{cost.cores.get(name, 0.0):.2f} / {cost.mib.get(name, 0.0):.0f}" for name in names]
        rows.append(
            [
                lines,
                f"{held:.1f}",
                f"{cost.machine_cores:.2f}",
                f"{cost.caller_cores:.2f}",
                f"{cost.other_cores:.2f}",
                *cells,
            ]
        )
    head = ["at once", "held, mean", "machine busy, cores", "the callers", "other work", *names]
    return Table(
        "What it costs: cores / MiB",
        head,
        rows,
        "Jobs are counted with their worker. The callers are no part of the mesh.",
    )


def _failed_table(levels: Sequence[Level]) -> Table:
    rows = [
        [level.lines, call.kind, "; ".join(call.failures)] for level in levels for call in level.calls if call.failures
    ]
    return Table("Calls that failed", ["at once", "caller", "why"], rows)
