"""`python -m bench.intent [--data FILE.jsonl] [--wrong] [--out DIR]`: how well callers are understood, and in how many milliseconds.

Without --data: on the held-out sentences, written and as the embedded recogniser heard them, and the page goes to bench/results/.
With --data: on any file of {"text": ..., "label": "billing|technical|sales|escalation|general|out_of_scope"} lines; nothing is written.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from worker.understanding.classifier import ANSWER, OUT_OF_SCOPE, preload

from bench.intent.measure import Judged, count, judge
from bench.intent.results import page
from bench.intent.sentences import HEARD, HELD_OUT, TUNING, BadData, Sentence, read

_OUT = Path(__file__).parents[1] / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when measured, 1 when a file cannot be used."""
    options = _parser().parse_args(arguments)
    before = _load()
    try:
        sets = {options.data.name: read(options.data)} if options.data else _own_sets()
    except (BadData, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    judged = {name: judge(sentences) for name, sentences in sets.items()}
    began_at = datetime.now(UTC)
    text = page(
        {name: count(rows) for name, rows in judged.items()},
        title=f"Callers understood, {began_at:%Y-%m-%d %H:%M} UTC",
        command=" ".join(["python -m bench.intent", *(arguments if arguments is not None else sys.argv[1:])]),
        machine=[_machine(before)],
    )
    print(text)
    if options.wrong:
        print(_wrong(judged))
    if not options.data:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"intent-{began_at:%Y-%m-%d}.md").write_text(text, "utf-8")
    return 0


def _own_sets() -> Mapping[str, list[Sentence]]:
    sets = {"written": read(HELD_OUT), "written, tuned on": read(TUNING)}
    if HEARD.is_file():
        bands = [json.loads(line)["band"] for line in HEARD.read_text("utf-8").splitlines()]
        heard = list(zip(bands, read(HEARD), strict=True))
        sets |= {f"as heard, {band} band": [s for b, s in heard if b == band] for band in ("wide", "phone")}
    return sets


def _wrong(judged: Mapping[str, list[Judged]]) -> str:
    lines = []
    for name, rows in judged.items():
        for row in rows:
            wanted = {OUT_OF_SCOPE: "elsewhere", ANSWER: "asked"}.get(row.sentence.label, row.sentence.label)
            if row.outcome != wanted:
                lines.append(
                    f"{name}: {row.sentence.label} -> {row.outcome} ({row.guess} {row.confidence}): {row.sentence.text}"
                )
    return "\n".join(lines)


def _machine(before: str) -> str:
    how = "keywords and classifier" if preload() else "keywords alone (the model's package is not installed)"
    return (
        f"Understood by {how}. Machine: {os.cpu_count()} cores; load average {before} before, {_load()} after. One turn at a "
        "time, one thread. What the sets are, and how far they flatter: bench/intent/README.md."
    )


def _load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.intent", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, metavar="FILE.jsonl", help="score this file instead of the held-out sentences"
    )
    parser.add_argument(
        "--wrong", action="store_true", help="also list every sentence that came out otherwise than labelled"
    )
    parser.add_argument("--out", type=Path, default=_OUT, metavar="DIR", help="where the page goes (bench/results)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
