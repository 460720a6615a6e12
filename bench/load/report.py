"""A run's report: the same content as a page to look at (HTML), as text for the results (Markdown), and as data (JSON)."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from bench.load.chart import Chart, number, svg
from local.supervisor.errors import MeshError

_CSS = Path(__file__).with_name("page.css")
GOOD, FAIR, BAD = "good", "fair", "bad"
_KINDS = ("json", "md", "html")


@dataclass(frozen=True, slots=True)
class Card:
    """One figure at the top, ``mood`` good, fair or bad (or none), and a line that says what it is."""

    name: str
    value: str
    small: str = ""
    mood: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """``rows`` of cells; numbers are written short."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """``tier`` names the files. ``data`` is everything that was measured; ``problems`` is what must not be."""

    tier: str
    title: str
    command: str
    began_at: datetime
    machine: Mapping[str, Any]
    cards: Sequence[Card]
    charts: Sequence[Chart]
    tables: Sequence[Table]
    notes: Sequence[str] = ()
    problems: Sequence[str] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def machine(*, load_before: float, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the run had: cores, memory, other work (load averages, before and now), versions."""
    return {
        "nproc": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3, 1),
        "load_before": round(load_before, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **(more or {}),
    }


def write(report: Report, folder: Path) -> Path:
    """All three, in ``folder``; the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {
        "tier": report.tier,
        "title": report.title,
        "command": report.command,
        "began_at": report.began_at.isoformat(timespec="seconds"),
        "machine": dict(report.machine),
        "figures": {card.name: card.value for card in report.cards},
        "problems": list(report.problems),
        **report.data,
    }
    (folder / f"{report.tier}.json").write_text(json.dumps(_plain(data), indent=1, allow_nan=False) + "\n", "utf-8")
    (folder / f"{report.tier}.md").write_text(markdown(report), "utf-8")
    page = folder / f"{report.tier}.html"
    page.write_text(html(report), "utf-8")
    return page


def _plain(value: Any) -> Any:
    """As JSON has it: what is not a number is nothing."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def keep(runs: Path, results: Path, tier: str, *, suffix: str = "") -> list[Path]:
    """Copies a tier's last run into ``results``, as ``load-<day it began>-<tier><suffix>.*``. Raises MeshError when there is none."""
    newest = max(runs.glob(f"{tier}*/{tier}.json"), key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise MeshError(f"no run of the {tier} tier in {runs}", advice=f"`make load TIER={tier}` makes one")
    day = datetime.fromisoformat(json.loads(newest.read_text())["began_at"]).astimezone(UTC)
    kept = [results / f"load-{day:%Y-%m-%d}-{tier}{suffix}.{kind}" for kind in _KINDS]
    for kind, path in zip(_KINDS, kept, strict=True):
        shutil.copyfile(newest.with_name(f"{tier}.{kind}"), path)
    return kept


# --- Markdown -----------------------------------------------------------------------------------------------------------
def markdown(report: Report) -> str:
    """For bench/results."""
    lines = [
        f"# {report.title}, {report.began_at:%Y-%m-%d}",
        "",
        f"`{report.command}`, {_surroundings(report)}.",
        "",
        "| what | figure | |",
        "| --- | --- | --- |",
        *(f"| {card.name} | **{card.value}** | {card.small} |" for card in report.cards),
        "",
    ]
    if report.problems:
        lines += ["What must not be:", "", *(f"- {problem}" for problem in report.problems), ""]
    for table in report.tables:
        head = "| " + " | ".join(table.head) + " |"
        lines += [f"## {table.title}", "", head, "|" + " --- |" * len(table.head)]
        lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in table.rows]
        lines += ["", *([table.note, ""] if table.note else [])]
    lines += [f"- {note}" for note in report.notes]
    return "\n".join(lines).rstrip() + "\n"


def _surroundings(report: Report) -> str:
    m = report.machine
    more = ", ".join(f"{name} {value}" for name, value in m.items() if name not in _IN_WORDS and value)
    return (
        f"begun {report.began_at:%H:%M} UTC; {m['nproc']} cores, {m['memory_gib']} GiB, load {m['load_before']} before and"
        f" {m['load_after']} after{f'; {more}' if more else ''}"
    )


_IN_WORDS = ("nproc", "memory_gib", "load_before", "load_after")


def _cell(value: object) -> str:
    if value is None:
        return ""
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


# --- HTML ---------------------------------------------------------------------------------------------------------------
def html(report: Report) -> str:
    """One file that needs nothing else."""
    cards = "".join(
        f'<div class="card"><h2>{escape(c.name)}</h2><p class="{c.mood}">{escape(c.value)}</p><small>{escape(c.small)}</small></div>'
        for c in report.cards
    )
    bad = "".join(f"<li>{escape(problem)}</li>" for problem in report.problems)
    problems = f'<section class="failures"><h2>What must not be</h2><ul>{bad}</ul></section>' if bad else ""
    listed = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    notes = f'<ul class="notes">{listed}</ul>' if listed else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(report.title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_CSS.read_text("utf-8")}</style></head>'
        f'<body><main><h1>{escape(report.title)}</h1><p class="sub"><code>{escape(report.command)}</code><br/>'
        f"{escape(_surroundings(report))}; {report.began_at:%Y-%m-%d}</p>"
        f'<div class="cards">{cards}</div>{problems}<div class="charts">{"".join(map(svg, report.charts))}</div>'
        f"{''.join(map(_html_table, report.tables))}{notes}</main></body></html>\n"
    )


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(_cell(cell))}</td>" for cell in row) + "</tr>" for row in table.rows)
    note = f'<p class="none">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<section class="table"><h2>{escape(table.title)}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{note}</section>"
    )
