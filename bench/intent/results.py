"""The figures as a page of Markdown, which is also what is printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from worker.understanding.classifier import ANSWER, LABELS, OUT_OF_SCOPE
from worker.understanding.keywords import INTENTS

from bench.intent.measure import ASKED, ELSEWHERE, Figures

AIMS = {"written": 0.95, "as heard, phone band": 0.90}
"""Of in-scope sentences understood, by set."""
REFUSED_AIM = 0.85


def page(sets: Mapping[str, Figures], *, title: str, command: str, machine: Sequence[str]) -> str:
    """The whole page: aims, one column a set, a confusion table each, time and load."""
    parts = [f"# {title}", f"    {command}", _aims(sets), _figures(sets)]
    parts += [f"## {name}: label by outcome\n\n{_table(figures)}" for name, figures in sets.items()]
    return "\n\n".join([*(part for part in parts if part), *machine]) + "\n"


def _aims(sets: Mapping[str, Figures]) -> str:
    lines = []
    for name, figures in sets.items():
        if name in AIMS and figures.understood is not None:
            lines.append(f"- aim: {AIMS[name]:.0%} understood, {name}: {_met(figures.understood, AIMS[name])}")
        if name == "written" and figures.refused_at_kept is not None:
            lines.append(
                f"- aim: {REFUSED_AIM:.0%} of out-of-scope refused while 95 % of in-scope is kept: {_met(figures.refused_at_kept, REFUSED_AIM)}"
            )
    return "\n".join(lines)


def _figures(sets: Mapping[str, Figures]) -> str:
    rows: list[tuple[str, Callable[[Figures], str]]] = [
        ("in-scope sentences", lambda f: str(f.in_scope)),
        ("**understood** (likeliest intent is right)", lambda f: _percent(f.understood)),
        *((f"... {label}", _of(label)) for label in INTENTS),
        ("routed right (sure, and right)", lambda f: _percent(f.routed)),
        ("asked (not sure: a question)", lambda f: _percent(f.asked)),
        ("routed wrong", lambda f: _percent(f.misrouted)),
        ("several intents found in one", lambda f: _percent(f.several)),
        ("out-of-scope sentences", lambda f: str(f.out_of_scope)),
        ("**refused while 95 % of in-scope is kept**", lambda f: _percent(f.refused_at_kept)),
        ("... at a confidence of", lambda f: f"{f.confidence_at_kept:.2f}"),
        ("refused as shipped (confidence 0.5)", lambda f: _percent(f.refused)),
        ("recognised as out of scope", lambda f: _percent(f.recognised)),
        ("answers in a dialogue", lambda f: str(f.answers)),
        ("... taken for neither", lambda f: _percent(f.answers_left_alone)),
        ("ms a turn: min / median / p95", lambda f: " / ".join(f"{value:.1f}" for value in f.milliseconds)),
    ]
    head = f"| | {' | '.join(sets)} |\n|---|{'---:|' * len(sets)}"
    return "\n".join([head, *(f"| {name} | {' | '.join(value(f) for f in sets.values())} |" for name, value in rows)])


def _of(label: str) -> Callable[[Figures], str]:
    return lambda figures: _percent(figures.by_label.get(label))


def _table(figures: Figures) -> str:
    outcomes = (*INTENTS, ELSEWHERE, ASKED)
    labels = [label for label in LABELS if any(label == found for found, _ in figures.table)]
    head = f"| said | {' | '.join(outcomes)} |\n|---|{'---:|' * len(outcomes)}"
    rows = [f"| {label} | {' | '.join(_cell(figures, label, outcome) for outcome in outcomes)} |" for label in labels]
    return "\n".join([head, *rows])


def _cell(figures: Figures, label: str, outcome: str) -> str:
    times = figures.table.get((label, outcome), 0)
    right = outcome == {OUT_OF_SCOPE: ELSEWHERE, ANSWER: ASKED}.get(label, label)
    return f"**{times}**" if right else str(times) if times else ""


def _met(value: float, aim: float) -> str:
    return f"{'met' if value >= aim else 'MISSED'} ({value:.1%})"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
