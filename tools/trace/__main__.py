"""`python -m tools.trace .run/spans.jsonl`: lists the calls in it; with --call one of them, as text, and with --html as a page.

Exit codes: 0 drawn, 1 there is no such call in it, 2 the file cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.trace import page, text, words
from tools.trace.read import Trace, Unreadable, load


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        traces = load(options.file)
    except (Unreadable, OSError) as error:
        print(f"trace: {error}", file=sys.stderr)
        return 2
    if not options.call:
        for trace_id, one in traces.items():
            print(f"{trace_id}  {one.call_id or '(no call)':<32} {words.of_trace(one)}")
        return 0
    trace = _chosen(traces, options.call)
    if trace is None:
        print(f"trace: {options.file} has nothing of {options.call}: without --call it is listed", file=sys.stderr)
        return 1
    if options.html:
        options.html.write_text(page.drawn(trace))
        print(options.html)
    else:
        print(text.drawn(trace, brief=options.brief))
    return 0


def _chosen(traces: dict[str, Trace], wanted: str) -> Trace | None:
    if wanted == "last":
        calls = [trace for trace in traces.values() if trace.call_id]
        return calls[-1] if calls else None
    return traces.get(wanted) or next((trace for trace in traces.values() if trace.call_id == wanted), None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.trace", description="Draws calls out of a collector's file.")
    parser.add_argument("file", type=Path, help="OTLP as lines of JSON, e.g. .run/spans.jsonl")
    parser.add_argument("--call", default="", help="a call's id, a trace's, or last; left out: all are listed")
    parser.add_argument("--brief", action="store_true", help="as text without turns and tools")
    parser.add_argument("--html", type=Path, help="writes a page instead, of one file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
