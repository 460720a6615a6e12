"""`python -m bench.talking [--calls 5] [--out DIR]`: how soon an agent answers, and how soon it falls silent when it is interrupted.

Recorded callers ring a real mesh, one after the other: one who interrupts, and one who is handed to billing and asks for an invoice.
All figures are of what the caller said and heard, 10 ms frames; the load average stands beside each call, and above 2 on two cores the figures tell of that.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.talking import where
from local.caller import CallRefused, SpeechUnavailable, load_script, new_access, place_call, render, save_audio
from local.caller.band import FRAME, Samples
from local.caller.ear import FRAME_MS
from local.caller.recording import Recording
from local.console import Console
from local.interruptible import run_interruptible
from local.report import turns_of
from local.report.responses import interruptions, response_times_ms
from local.supervisor.errors import MeshError
from local.supervisor.mesh import ROOT, Mesh
from local.supervisor.run_dir import RunDir
from local.versions import versions

_OUT = Path(__file__).parents[1] / "results"
_CALLERS = ("local/callers/interrupts.yaml", "bench/talking/asks.yaml")
_BREATH_SECONDS = 1.5
"""Between two calls: the workers start a fresh job process for the one that was used."""


@dataclass(frozen=True, slots=True)
class Row:
    """One call. ``failure`` is empty when it could be played to its end."""

    caller: str
    channel: str
    load: float
    responses_ms: tuple[int, ...] = ()
    silences_ms: tuple[int, ...] = ()
    """From the caller's first sound to the agent's last, each time that he spoke over it for longer than an "uh-huh"."""
    failure: str = ""
    call_id: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every call could be measured, 1 when not, 128 + signal when interrupted."""
    options = _parser().parse_args(arguments)
    console = Console()
    return run_interruptible(_measured(options, console), on_first=lambda: None, on_second=lambda: None)


async def _measured(options: argparse.Namespace, console: Console) -> int:
    began_at, rows, livekit_version = datetime.now(UTC), list[Row](), ""
    try:
        with RunDir.claim(ROOT / ".run", "bench") as run_dir:
            async with Mesh(run_dir.path, services=("triage", "billing"), say=console.say) as mesh:
                livekit_version = mesh.livekit_version
                for number in range(1, options.calls + 1):
                    for channel in options.channels.split(","):
                        for name in options.callers.split(","):
                            rows.append(await _call(mesh, name, channel, verbose=options.verbose))
                            console.say(f"{number:>3}/{options.calls} {_told(rows[-1])}")
                            await asyncio.sleep(_BREATH_SECONDS)
            answered = where.answers(run_dir.path / "logs", {row.call_id for row in rows if not row.failure})
    except (MeshError, SpeechUnavailable) as error:
        console.complain(f"\n{error}")
        return 1
    text = _page(rows, began_at, livekit_version, answered)
    console.plain(f"\n{text}")
    if options.out is not None:
        (options.out / f"talking-{began_at:%Y-%m-%d}.md").write_text(text, "utf-8")
    return 1 if any(row.failure for row in rows) else 0


async def _call(mesh: Mesh, name: str, channel: str, *, verbose: bool) -> Row:
    load = os.getloadavg()[0]
    script = load_script(ROOT / name).on(channel)
    voice = await render(script, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir)
    access = new_access(
        mesh.livekit_url,
        api_key=mesh.livekit_api_key,
        api_secret=mesh.livekit_api_secret,
        channel=channel,
        service="triage",
    )
    try:
        recording = await place_call(script, voice, access=access)
    except CallRefused as error:
        return Row(name, channel, load, failure=str(error))
    if verbose:
        print(
            "\n".join(
                f"{t.start_ms / 1000:7.2f} {t.end_ms / 1000:7.2f} {t.speaker:>8}  {t.text}" for t in turns_of(recording)
            )
        )
    if recording.problems:
        save_audio(recording, mesh.run_dir / access.call_id)
    return Row(
        name,
        channel,
        load,
        tuple(response_times_ms(_without_listening(recording), recording.agents)),
        tuple(i.silent_after_ms for i in interruptions(_without_listening(recording), recording.agents)),
        "; ".join(recording.problems),
        access.call_id,
    )


def _without_listening(recording: Recording) -> Samples:
    """What the caller said, less each "uh-huh": nobody is to fall silent for it, or to answer it."""
    said = recording.said.copy()
    for line in recording.spoken:
        if line.text.startswith("Uh-huh"):
            said[line.start_ms // FRAME_MS * FRAME : line.end_ms // FRAME_MS * FRAME] = 0
    return said


def _told(row: Row) -> str:
    outcome = row.failure or f"answers after {list(row.responses_ms)} ms, silent after {list(row.silences_ms)} ms"
    return f"{Path(row.caller).stem} ({row.channel}): {outcome} (load {row.load:.1f})"


def _page(
    rows: Sequence[Row], began_at: datetime, livekit_version: str, answered: Sequence[where.Answered] = ()
) -> str:
    lines = [
        f"# Talking, {began_at:%Y-%m-%d}",
        "",
        f"`{' '.join(['python -m bench.talking', *sys.argv[1:]])}`, embedded voices and playbook, {os.cpu_count()} cores, "
        f"load {min(r.load for r in rows):.1f} to {max(r.load for r in rows):.1f}, Python {platform.python_version()}.",
        "",
        "| what | channel | n | min | median | p95 | max |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for channel in dict.fromkeys(row.channel for row in rows):
        mine = [row for row in rows if row.channel == channel]
        lines.append(
            _figures("silent after the caller's first sound, ms", channel, [t for r in mine for t in r.silences_ms])
        )
        lines.append(
            _figures("answer after the caller's last sound, ms", channel, [t for r in mine for t in r.responses_ms])
        )
    at_the_ear = [t for row in rows if not row.failure for t in row.responses_ms]
    lines += ["", *where.table(answered, at_the_ear)]
    lines += ["| call | answers, ms | silent, ms | load |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {Path(r.caller).stem} ({r.channel}){' FAILED' if r.failure else ''} | {_list(r.responses_ms)} | {_list(r.silences_ms)} | {r.load:.1f} |"
        for r in rows
    ]
    shown = ", ".join(f"{name} {version}" for name, version in versions(livekit_version).items())
    return "\n".join([*lines, "", f"Versions: {shown}.", ""])


def _figures(what: str, channel: str, times: list[int]) -> str:
    if not times:
        return f"| {what} | {channel} | 0 | | | | |"
    ranked = sorted(times)
    median, p95 = f"{statistics.median(ranked):.0f}", where.p95(ranked)
    return f"| {what} | {channel} | {len(ranked)} | {ranked[0]} | {median} | {p95} | {ranked[-1]} |"


def _list(times: Sequence[int]) -> str:
    return " ".join(map(str, times)) or "-"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.talking", description=__doc__)
    parser.add_argument("--calls", type=int, default=5, metavar="N", help="of each caller and channel")
    parser.add_argument("--callers", default=",".join(_CALLERS), help="scripts, with commas between")
    parser.add_argument("--channels", default="web", help="web, phone, or web,phone")
    parser.add_argument("--out", type=Path, default=None, metavar="DIR", help="writes talking-<date>.md there")
    parser.add_argument("--verbose", action="store_true", help="prints what was said")
    return parser


if __name__ == "__main__":
    sys.exit(main())
