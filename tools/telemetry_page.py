"""Writes docs/telemetry.md from the catalog of libs/telemetry: `python -m tools.telemetry_page [--check]`

What people wrote stands in telemetry_introduction.md beside this.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from telemetry.catalog import ATTRIBUTES, FROM_CALLS, GATEWAY, LEDGER, OF_WORKERS, SCALE_DOWN, SPANS, Metric
from telemetry.log_events import ELSEWHERE, OF_CALLS, Event
from telemetry.log_events import OF_WORKERS as LINES_OF_WORKERS
from telemetry.spans import WRITTEN

from tools.house import ROOT

PAGE = ROOT / "docs" / "telemetry.md"
_INTRODUCTION = Path(__file__).with_name("telemetry_introduction.md")
_METRICS = (
    (
        "What calls tell, shown by workers",
        "Observed in a call's job, sent to its worker's main process, and shown there; a job that is killed loses none."
        " `service` is who observes, `to` and `from` are the handoff's; absent until the first observation.",
        FROM_CALLS,
    ),
    ("Workers themselves", "", OF_WORKERS),
    ("The ledger", "", LEDGER),
    ("The gateway", "", GATEWAY),
    ("Scale-down", "", SCALE_DOWN),
)
_LINES = (
    ("A call's job", "An agent's, or a switchboard's.", OF_CALLS),
    ("A worker's main process", "", LINES_OF_WORKERS),
    (
        "The protocol, back offices, ledger, gateway, scale-down",
        "`handoff.*` is in workers and gateways, `backoffice.*` in `*_mcp`.",
        ELSEWHERE,
    ),
)
_RUNBOOK = re.compile(r"\b[Rr]unbook (voice-mesh-[a-z-]+)")
_LIBRARY = re.compile(r"\blibs/(\w+)/README\.md")


def page() -> str:
    """The whole page."""
    parts = [_INTRODUCTION.read_text("utf-8").rstrip(), "", "## Metrics", ""]
    parts += [
        "`G` shows a number of the moment, `C` counts up, `H` is a histogram. *Rare*: an ordinary call leaves it untouched, and it may be absent."
    ]
    for title, words, metrics in _METRICS:
        parts += ["", f"### {title}", "", *([words, ""] if words else []), *_table_of_metrics(metrics)]
    parts += ["", "## Spans", "", *_table_of_spans(), "", "### Attributes", "", *_table_of_attributes()]
    parts += ["", "## Log lines", ""]
    parts += [
        "One JSON object a line: `at` (Unix seconds), `level`, `logger`, `message`, and `call_id`, `handoff_id`, `trace_id` where there is a call. Look a line up by its logger. Libraries"
        " (`livekit`, `redis`, `uvicorn`) have loggers of their own names, not listed here."
    ]
    for title, words, events in _LINES:
        parts += ["", f"### {title}", "", *([words, ""] if words else []), *_table_of_lines(events)]
    return "\n".join(parts) + "\n"


# --- tables -----------------------------------------------------------------------------------------------------------
def _table_of_metrics(metrics: Sequence[Metric]) -> list[str]:
    rows = [
        (
            f"`{m.name}`",
            m.kind.value[0].upper(),
            _labels(m),
            m.help + (" *(rare)*" if m.is_rare else ""),
            m.normal,
            m.do,
        )
        for m in metrics
    ]
    return _table(("metric", "", "labels", "means", "normal", "when it is not"), rows)


def _labels(metric: Metric) -> str:
    return "; ".join(
        f"`{label}`" + (f": {', '.join(values)}" if values else "") for label, values in metric.labels.items()
    )


def _table_of_spans() -> list[str]:
    rows = [
        (f"`{n}`", words, WRITTEN[n][0], f"`{WRITTEN[n][1]}`" if WRITTEN[n][1] else "") for n, words in SPANS.items()
    ]
    return _table(("span", "covers", "written by", "under"), rows)


def _table_of_attributes() -> list[str]:
    return _table(("attribute", "holds"), [(f"`{name}`", words) for name, words in ATTRIBUTES.items()])


def _table_of_lines(events: Iterable[Event]) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for logger, lines in groupby(events, key=lambda event: event.logger):
        shown = f"`{logger}`"
        for line in lines:
            rows.append((shown, line.level, _code(line.template), line.meaning, line.do))
            shown = ""
    return _table(("logger", "level", "message", "means", "do"), rows)


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return [re.sub(r" +\|", " |", f"| {' | '.join(cells)} |") for cells in lines]


def _cell(text: str) -> str:
    if text.startswith("`"):
        return text.replace("|", r"\|")
    text = _LIBRARY.sub(r"[libs/\1](../libs/\1/README.md)", text.replace("|", r"\|"))
    text = re.sub(r"\bdocs/((?:operations/)?[\w-]+\.md)", r"[\1](\1)", text)
    return _RUNBOOK.sub(r"[\1](operations/runbooks/\1.md)", text)


def main() -> int:
    """0 when the page is written, or is as it should be; 1 when ``--check`` found another one."""
    parser = argparse.ArgumentParser(prog="python -m tools.telemetry_page", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; say whether the page is up to date")
    if not parser.parse_args().check:
        PAGE.write_text(page(), "utf-8")
        return 0
    is_same = PAGE.is_file() and PAGE.read_text("utf-8") == page()
    print("docs/telemetry.md is up to date" if is_same else "docs/telemetry.md is old: python -m tools.telemetry_page")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())
