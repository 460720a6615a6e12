"""The soundless tier's report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bench.load.chart import Chart, Series, marked
from bench.load.cost import Cost, beside
from bench.load.knee import Limits, is_reached, knee
from bench.load.report import BAD, FAIR, GOOD, Card, Report, Table
from bench.load.soundless.steps import Level, Steps

_STEPS = {
    "accepted": "offer",
    "dispatched": "dispatch",
    "ready": "ready",
    "taken": "announce and pass",
    "spoken": "first word",
}
_STORE = {
    "renew_floor": "a lease renewed",
    "checkpoint": "a record written",
    "overdue": "a guardian's look",
    "live_calls": "a round's list of live calls",
    "offer": "a handoff offered",
    "pass_floor": "a floor passed",
}
_NOTES = (
    "Real: Redis, gRPC, giver, taker, checkpoint, lease, guardian and rounds, with each worker's main process and its jobs in one process."
    " Made up: LiveKit, its rooms and the callers, in the load generator's process. No speech, no model, no sound.",
    "An agent here needs no time to think: 'answers' is what the mesh, its busy loops and the socket add. 'Gap' is from one service's last"
    " sound to the next one's first.",
    "In a deployment each call has a process and a connection to Redis of its own, and its loop is late alone; here all calls of a worker"
    " share one loop, so a worker's end comes sooner in calls, and its cost a call is less, than a real one's: see the audio tier and"
    " bench/results/density-*.md for that.",
    "'Other work' is what used these cores and belongs to neither.",
)


def soundless_report(
    steps: Steps, limits: Limits, *, command: str, began_at: datetime, machine: Mapping[str, Any]
) -> Report:
    """Of all levels that were held."""
    levels, judged = steps.levels, [(level.calls, level.why) for level in steps.levels]
    at = knee(judged)
    return Report(
        tier="soundless",
        title="Calls without sound, ever more at once",
        command=command,
        began_at=began_at,
        machine=machine,
        cards=_cards(steps, at, is_reached(judged)),
        charts=marked(_charts(levels, steps.base, limits), at if is_reached(judged) else None),
        tables=[_table(levels), _steps_table(levels), _store_table(levels), _cost_table(levels, steps.base), _failed_table(levels)],
        notes=[
            *([] if steps.is_whole else ["It was broken off before its end: its calls' endings were not counted."]),
            *beside([level.cost for level in levels]),
            *_NOTES,
        ],
        problems=_problems(steps),
        data={
            "knee": at,
            "knee_reached": is_reached(judged),
            "limits": asdict(limits),
            "without_a_call": asdict(steps.base),
            "endings": dict(steps.endings),
            "cut_off": steps.cut_off,
            "levels": [asdict(level) | costs_a_call(level, steps.base) for level in levels],
        },
    )  # fmt: skip


def costs_a_call(level: Level, base: Cost) -> dict[str, float]:
    """What a call adds to the workers, in thousandths of a core and KiB, and to Redis."""
    live = max(1.0, level.live)

    def workers(of: Mapping[str, float]) -> float:
        return sum(value for name, value in of.items() if name != "redis")

    return {
        "worker_millicores_a_call": (workers(level.cost.cores) - workers(base.cores)) / live * 1000,
        "worker_kib_a_call": (workers(level.cost.mib) - workers(base.mib)) / live * 1024,
        "redis_millicores_a_call": level.redis_cores / live * 1000,
        "redis_kib_a_call": level.redis_bytes_a_call / 1024,
        "caller_millicores_a_call": level.cost.caller_cores / live * 1000,
    }


def _problems(steps: Steps) -> list[str]:
    """What must not be, whatever the load."""
    found = [
        f"{level.two_voices} times two voices at once with {level.calls} calls"
        for level in steps.levels
        if level.two_voices
    ]
    found += [f"an agent broke with {level.calls} calls: {agent}" for level in steps.levels for agent in level.broken]
    found += steps.endings_wrong[:20]
    return found


def _cards(steps: Steps, at: int | None, reached: bool) -> list[Card]:
    levels = steps.levels
    bad = next((level for level in levels if level.why), None)
    small = f"at {bad.calls:,}: {bad.why}" if bad else "every level was carried"
    failed = sum(sum(level.failures.values()) for level in levels)
    ended = sum(level.ended for level in levels)
    ends = [
        Card("Calls", f"{steps.endings['calls']:,}", f"{failed} of {ended} failed in the windows; {steps.cut_off} cut off at the end", FAIR if failed else GOOD),
        Card("Endings", f"{steps.endings['with one ending']:,}", "calls that were served, each with exactly one", BAD if steps.endings_wrong else GOOD),
    ]  # fmt: skip
    cards = [
        Card("Knee", f"{at or 0:,} at once" if reached else f"above {at or 0:,}", small, GOOD if at else BAD),
        *(ends if steps.is_whole else []),
    ]  # fmt: skip
    if carried := [level for level in levels if not level.why]:
        top = carried[-1]
        cost = costs_a_call(top, steps.base)
        for name, figures in (
            ("Answers, added", top.answers_ms),
            ("Gap of a handoff", top.gaps_ms),
            ("A lease renewed", top.store_ms.get("renew_floor", {})),
        ):
            if figures:
                cards.append(Card(name, f"{figures['median']:.0f} / {figures['p95']:.0f} ms", f"median / p95 with {top.calls:,}, n={figures['n']:,}"))  # fmt: skip
        small = (
            f"of Redis {cost['redis_millicores_a_call']:.2f} thousandths of a core, {cost['redis_kib_a_call']:.0f} KiB"
        )
        workers = f"{cost['worker_millicores_a_call']:.2f}/1000 core, {cost['worker_kib_a_call']:.0f} KiB"
        cards.append(Card("A call's share of a worker", workers, f"with {top.calls:,}; {small}"))
    return cards


def _charts(levels: Sequence[Level], base: Cost, limits: Limits) -> list[Chart]:
    def curves(of: Any) -> list[Series]:
        found = [(float(level.calls), of(level)) for level in levels]
        return [Series(key, [(n, figures[key]) for n, figures in found if figures]) for key in ("p95", "median")]

    def one(name: str, of: Any, **more: Any) -> Series:
        return Series(name, [(float(level.calls), float(of(level))) for level in levels], **more)

    def named(kind: str, names: Mapping[str, str]) -> list[Series]:
        return [
            Series(
                words,
                [(float(lv.calls), getattr(lv, kind)[name]["p95"]) for lv in levels if getattr(lv, kind).get(name)],
            )
            for name, words in names.items()
        ]

    across = "calls at once"
    costs = [(float(level.calls), costs_a_call(level, base)) for level in levels]
    return [
        Chart("What the mesh adds to an answer", across, curves(lambda lv: lv.answers_ms), "ms", limit=limits.response_p95_ms),
        Chart("Gap of a handoff", across, curves(lambda lv: lv.gaps_ms), "ms", limit=limits.gap_p95_ms),
        Chart("Steps of a handoff, p95", across, named("steps_ms", {n: w for n, w in _STEPS.items() if n != "taken"}), "ms"),
        Chart("The store's answers, p95", across, named("store_ms", _STORE), "ms"),
        Chart("How late the workers' loops are", across, curves(lambda lv: lv.lag_ms), "ms"),
        Chart(
            "Cores",
            across,
            [
                one("workers", lambda lv: lv.cost.system_cores - lv.cost.cores.get("redis", 0.0)),
                one("Redis", lambda lv: lv.redis_cores),
                one("callers and rooms (load generator)", lambda lv: lv.cost.caller_cores),
                one("other work", lambda lv: lv.cost.other_cores),
            ],
        ),
        Chart("CPU of a call", across, [Series(words, [(n, c[name]) for n, c in costs]) for name, words in (
            ("worker_millicores_a_call", "workers"), ("redis_millicores_a_call", "Redis"))], "thousandths of a core"),
        Chart("Memory of a call", across, [Series(words, [(n, c[name]) for n, c in costs]) for name, words in (
            ("worker_kib_a_call", "workers"), ("redis_kib_a_call", "Redis"))], "KiB"),
        Chart("Load average of the machine", across, [one("load average", lambda lv: lv.load)]),
        Chart("Commands in Redis", across, [one("a second", lambda lv: lv.redis_commands_a_second)]),
        Chart("What went wrong", across, [
            one("failed calls", lambda lv: sum(lv.failures.values())),
            one("seized from the living", lambda lv: lv.successors_for_nothing),
            one("handoffs that did not happen", lambda lv: sum(lv.stayed.values()))]),
    ]  # fmt: skip


def _p(figures: Mapping[str, float]) -> list[object]:
    return [f"{figures[key]:.1f}" if figures else "" for key in ("min", "median", "p95")]


def _table(levels: Sequence[Level]) -> Table:
    head = ["at once", "live, mean", "ended", "failed", "answers: n", "min, ms", "median", "p95", "gaps: n", "min, ms", "median", "p95", "handoffs a second",
            "did not happen", "killed: calls struck", "voice again, median ms", "p95", "load", "verdict"]  # fmt: skip
    rows: list[list[object]] = []
    for lv in levels:
        rows.append(
            [lv.calls, lv.live, lv.ended, sum(lv.failures.values()), lv.answers_ms.get("n", 0), *_p(lv.answers_ms), lv.gaps_ms.get("n", 0), *_p(lv.gaps_ms),
             f"{lv.handoffs_a_second:.1f}", _counted(lv.stayed), lv.struck_calls, *_p(lv.silences_ms)[1:], f"{lv.load:.1f}", lv.why or "carried"]
        )  # fmt: skip
    return Table("At the callers' ears", head, rows)


def _steps_table(levels: Sequence[Level]) -> Table:
    rows = [
        [lv.calls, words, figures["n"], *_p(figures), f"{figures['max']:.0f}"]
        for lv in levels
        for name, words in _STEPS.items()
        if (figures := lv.steps_ms.get(name))
    ]
    note = "From the record's own times, by Redis's clock. 'Announce and pass' holds the giver's announcement, a whole sentence."
    return Table("Steps of a handoff, ms", ["at once", "step", "n", "min", "median", "p95", "max"], rows, note)


def _store_table(levels: Sequence[Level]) -> Table:
    rows = []
    for lv in levels:
        named = [(words, lv.store_ms.get(name)) for name, words in _STORE.items()]
        for words, figures in [*named, ("a worker's loop is late", lv.lag_ms)]:
            if figures:
                rows.append(
                    [
                        lv.calls,
                        words,
                        figures["n"],
                        f"{figures['n'] / lv.cost.seconds:.0f}",
                        *_p(figures),
                        f"{figures['max']:.0f}",
                    ]
                )
    head = ["at once", "question", "n", "a second", "min", "median", "p95", "max"]
    return Table("What a worker waits for the store, ms", head, rows, "Its own busy loop is in it.")


def _cost_table(levels: Sequence[Level], base: Cost) -> Table:
    head = ["at once", "workers, cores", "Redis", "load generator", "other work", "machine busy", "workers, MiB", "Redis, MiB", "a call: workers, 1/1000 core",
            "KiB", "Redis, 1/1000 core", "KiB", "commands in Redis a second"]  # fmt: skip

    def row(calls: int, cost: Cost) -> list[object]:
        redis, mib = cost.cores.get("redis", 0.0), cost.mib.get("redis", 0.0)
        cores = [cost.system_cores - redis, redis, cost.caller_cores, cost.other_cores, cost.machine_cores]
        return [calls, *(f"{value:.2f}" for value in cores), f"{cost.system_mib - mib:.0f}", f"{mib:.0f}"]

    rows = [[*row(0, base), *[""] * 5]]
    for lv in levels:
        c = costs_a_call(lv, base)
        names = ("worker_millicores_a_call", "worker_kib_a_call", "redis_millicores_a_call", "redis_kib_a_call")
        rows.append(
            [*row(lv.calls, lv.cost), *(f"{c[name]:.2f}" for name in names), f"{lv.redis_commands_a_second:.0f}"]
        )
    note = "Redis's memory of a call holds its share of what is left of calls that ended, until their time to live is over."
    return Table("What it costs", head, rows, note)


def _failed_table(levels: Sequence[Level]) -> Table:
    rows = [[lv.calls, words, count] for lv in levels for words, count in sorted(lv.failures.items())]
    return Table("Calls that failed", ["at once", "why", "calls"], rows)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(counts).most_common(4)) or "0"
