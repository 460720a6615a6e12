"""`python -m bench.talking.breath [--calls 3] [--out DIR]`: how often an agent answers a caller who only breathes.

Callers say half a sentence, pause, and say the rest; who is answered before he has ended was cut off. Each pause is measured in what
he said, not what was planned. Run it before and after a change of patience or of hearing, on a quiet machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local.caller import CallRefused, Expect, Line, Recording, Script, SpeechUnavailable, new_access, place_call, render
from local.caller.ear import speech_of
from local.console import Console
from local.interruptible import run_interruptible
from local.supervisor.errors import MeshError
from local.supervisor.mesh import ROOT, Mesh
from local.supervisor.run_dir import RunDir

_HALVES = (
    ("Hi, I was charged twice", "for my March invoice."),
    ("I'd like to know how much", "my last invoice was."),
    ("The app keeps crashing", "when I open a file."),
    ("I would like to talk", "about a larger plan."),
)
_PAUSES_MS = (350, 450, 550, 650)
_EDGES_MS = 140
"""What a pause is longer than its line's ``after``: the silence that a rendered line keeps at its edges, and half a look at the clock."""
_SAME_WORD_MS = 200
_CALL_SECONDS = 60.0
_BREATH_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Row:
    """One call. ``pause_ms`` is None when the caller could not speak both halves, and ``failure`` says why."""

    channel: str
    planned_ms: int
    load: float
    pause_ms: int | None = None
    was_cut_off: bool = False
    failure: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every call could be measured, 1 when not, 128 + signal when interrupted."""
    options = _parser().parse_args(arguments)
    console = Console()
    return run_interruptible(_measured(options, console), on_first=lambda: None, on_second=lambda: None)


async def _measured(options: argparse.Namespace, console: Console) -> int:
    began_at, rows = datetime.now(UTC), list[Row]()
    plans = [
        (channel, pause_ms, halves)
        for _ in range(options.calls)
        for channel in options.channels.split(",")
        for pause_ms in _PAUSES_MS
        for halves in _HALVES
    ]
    try:
        with RunDir.claim(ROOT / ".run", "bench") as run_dir:
            async with Mesh(run_dir.path, services=("triage",), say=console.say) as mesh:
                for number, (channel, pause_ms, halves) in enumerate(plans, 1):
                    rows.append(await _call(mesh, channel, pause_ms, halves))
                    console.say(f"{number:>3}/{len(plans)} {_told(rows[-1])}")
                    await asyncio.sleep(_BREATH_SECONDS)
    except (MeshError, SpeechUnavailable) as error:
        console.complain(f"\n{error}")
        return 1
    text = page(rows, began_at)
    console.plain(f"\n{text}")
    if options.out is not None:
        (options.out / f"breath-{began_at:%Y-%m-%d}.md").write_text(text, "utf-8")
    return 1 if any(row.failure for row in rows) else 0


async def _call(mesh: Mesh, channel: str, pause_ms: int, halves: tuple[str, str]) -> Row:
    load = os.getloadavg()[0]
    lines = (
        Line(1, say=halves[0], after=re.compile("how can I help", re.IGNORECASE)),
        Line(2, say=halves[1], after=max(0, pause_ms - _EDGES_MS) / 1000, interrupt=True),
        Line(3, hang_up=True),
    )
    script = Script(Path(__file__), "breathes", channel, "heart", lines, Expect(), _CALL_SECONDS)
    voice = await render(script, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir)
    key, secret = mesh.livekit_api_key, mesh.livekit_api_secret
    access = new_access(mesh.livekit_url, api_key=key, api_secret=secret, channel=channel, service="triage")
    try:
        recording = await place_call(script, voice, access=access)
    except CallRefused as error:
        return Row(channel, pause_ms, load, failure=str(error))
    if recording.problems or len(recording.spoken) < 2:
        return Row(channel, pause_ms, load, failure="; ".join(recording.problems) or "the second half was not spoken")
    return Row(channel, pause_ms, load, pause_of(recording), was_cut_off(recording))


def pause_of(recording: Recording) -> int:
    """From the last audible frame of the caller's first half to the first one of his second, milliseconds."""
    begins = recording.spoken[1].start_ms
    heard = speech_of("caller", recording.said, closed_hole_ms=_SAME_WORD_MS)
    ended = max(speech.end_ms for speech in heard if speech.end_ms <= begins)
    return min(speech.start_ms for speech in heard if speech.start_ms >= begins) - ended


def was_cut_off(recording: Recording) -> bool:
    """Whether an agent began to speak after the caller's first half and before he had said the second."""
    first, second = recording.spoken[:2]
    return any(
        first.end_ms < speech.start_ms < second.end_ms
        for name, track in recording.agents.items()
        for speech in speech_of(name, track)
    )


def page(rows: Sequence[Row], began_at: datetime) -> str:
    """The result, in Markdown."""
    loads = [row.load for row in rows]
    lines = [
        f"# Breath, {began_at:%Y-%m-%d}",
        "",
        f"`{' '.join(['python -m bench.talking.breath', *sys.argv[1:]])}`, embedded voices and playbook, {os.cpu_count()} cores, "
        f"load {min(loads):.1f} to {max(loads):.1f}. Half a sentence, a pause, the rest of it.",
        "",
        "| channel | pause, ms | calls | cut off |",
        "| --- | --- | --- | --- |",
    ]
    for channel, planned in dict.fromkeys((row.channel, row.planned_ms) for row in rows):
        mine = [row for row in rows if (row.channel, row.planned_ms) == (channel, planned) and row.pause_ms is not None]
        pauses = [row.pause_ms for row in mine if row.pause_ms is not None]
        span = f"{min(pauses)} to {max(pauses)}" if pauses else f"{planned} planned"
        lines.append(f"| {channel} | {span} | {len(mine)} | {sum(row.was_cut_off for row in mine)} |")
    failed = [f"- {row.channel}, {row.planned_ms} ms: {row.failure}" for row in rows if row.failure]
    return "\n".join([*lines, *(["", "Not measured:", *failed] if failed else []), ""])


def _told(row: Row) -> str:
    outcome = row.failure or ("cut off" if row.was_cut_off else "heard out")
    return f"{row.channel}, a pause of {row.pause_ms or row.planned_ms} ms: {outcome} (load {row.load:.1f})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.talking.breath", description=__doc__)
    parser.add_argument("--calls", type=int, default=2, metavar="N", help="of each sentence, pause and channel")
    parser.add_argument("--channels", default="web,phone", help="web, phone, or web,phone")
    parser.add_argument("--out", type=Path, default=None, metavar="DIR", help="writes breath-<date>.md there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
