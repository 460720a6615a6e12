"""The command's options, and what each tier is started with."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from handoff.redis_store import RedisStore

from bench.load import mix as mixes
from bench.load.audio import Steps, climb
from bench.load.audio_report import audio_report
from bench.load.heard import HeardCall, callers
from bench.load.knee import Limits
from bench.load.lines import Lines
from bench.load.mix import BadMix, Dealer
from bench.load.report import Report, keep, machine, write
from bench.load.reread import reread
from bench.load.soak import Sampler, Soaked, soak
from bench.load.soak_report import soak_report
from bench.load.soundless.options import add_soundless
from bench.load.target import OWN, WHERE, Target, target
from local.caller import SpeechUnavailable
from local.console import Console
from local.interruptible import run_interruptible
from local.supervisor.errors import MeshError
from local.supervisor.mesh import ROOT, Mesh
from local.supervisor.run_dir import RunDir
from local.versions import versions

RUNS = ROOT / ".run" / "load"
RESULTS = ROOT / "bench" / "results"
TIERS = ("audio", "soundless", "soak")


class Run:
    """One invocation: what it says, the mesh that a second Ctrl-C has to kill, and when it began."""

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self.options, self.console = options, console
        self.began_at, self.load_before = datetime.now(UTC), os.getloadavg()[0]
        self._meshes: list[Mesh] = []

    @property
    def command(self) -> str:
        """As it was typed."""
        return " ".join(["python -m bench.load", *sys.argv[1:]])

    def on_mesh(self, mesh: Mesh) -> None:
        """One was made."""
        self._meshes.append(mesh)

    def kill_all(self) -> None:
        """Also before there is one."""
        for mesh in self._meshes:
            mesh.kill_all()

    def machine(self, **more: Any) -> dict[str, Any]:
        """For the report."""
        return machine(load_before=self.load_before, more=more)

    def written(self, report: Report, folder: Path) -> int:
        """Writes and tells it. 1 when something was that must not be."""
        page = write(report, folder)
        self.console.plain()
        for card in report.cards:
            self.console.plain(
                f"  {card.name:<22} {card.value}  ({card.small})" if card.small else f"  {card.name:<22} {card.value}"
            )
        for problem in report.problems:
            self.console.complain(f"  must not be: {problem}")
        self.console.plain(f"  the report: {page} (and .md, .json); keep it: python -m bench.load keep {report.tier}")
        return 1 if report.problems else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all was measured and nothing was that must not be, 1 when not, 2 for wrong options, 128 + signal when interrupted."""
    options = _parser().parse_args(arguments)
    console = Console()
    run = Run(options, console)

    def stopping() -> None:
        console.plain()
        console.say("stopping everything (once more to kill it)")

    return run_interruptible(_guarded(run), on_first=stopping, on_second=run.kill_all)


async def _guarded(run: Run) -> int:
    options = run.options
    try:
        if options.tier == "keep":
            for path in keep(RUNS, options.into, options.kept, suffix=options.suffix):
                run.console.plain(f"written: {path}")
            return 0
        if options.tier == "judge":
            soaked, about = reread(options.folder)
            about["machine"] = about["machine"] or run.machine()
            return run.written(soak_report(soaked, **about), options.folder)
        with RunDir.claim(RUNS, options.tier) as run_dir:
            if options.tier == "soundless":
                from bench.load.soundless.command import soundless  # its world takes a second to import

                return await soundless(run, run_dir.path)
            return await (_soak if options.tier == "soak" else _audio)(run, run_dir.path)
    except MeshError as error:
        run.console.complain(f"\n{error}")
    except SpeechUnavailable as error:
        run.console.complain(f"\nthe callers have no voice: {error}")
    except ValueError as error:  # what an address elsewhere lacks
        run.console.complain(f"\n{error}")
        return 2
    return 1


async def _audio(run: Run, folder: Path) -> int:
    options, say = run.options, run.console.say
    limits = Limits(options.most_response_ms, options.most_gap_ms, options.most_failed / 100)
    steps, about = Steps(), dict[str, Any]()
    try:
        async with target(options.on, folder, say=say, on_mesh=run.on_mesh) as at:
            about = {"target": at.described, **versions(at.version)}
            lines = await _lines(run, at)
            async with aclosing(lines.store):
                await climb(steps, lines, options.calls, minutes=options.minutes, limits=limits, say=say)
    except asyncio.CancelledError:
        steps.broken_off = True
        raise
    finally:
        code = 1
        if steps.levels:
            report = audio_report(
                steps,
                limits,
                mix=options.mix_text,
                command=run.command,
                began_at=run.began_at,
                machine=run.machine(**about),
            )
            code = run.written(report, folder)
    return code


async def _soak(run: Run, folder: Path) -> int:
    options, say = run.options, run.console.say
    soaked = Soaked(options.minutes, options.calls)
    about: dict[str, Any] = {}
    try:
        async with target(options.on, folder, say=say, on_mesh=run.on_mesh, with_gateway=True) as at:
            about = {"target": at.described, **versions(at.version)}
            lines, sampler = await _lines(run, at), Sampler(at, folder / "samples.jsonl")
            async with aclosing(lines.store), aclosing(sampler):
                await soak(
                    lines,
                    sampler,
                    minutes=options.minutes,
                    count=options.calls,
                    every_seconds=options.every,
                    say=say,
                    soaked=soaked,
                )
    except asyncio.CancelledError:
        soaked.broken_off = True
        raise
    finally:
        code = 1
        if soaked.samples:
            report = soak_report(soaked, command=run.command, began_at=run.began_at, machine=run.machine(**about))
            code = run.written(report, folder)
    return code


async def _lines(run: Run, at: Target) -> Lines:
    options = run.options
    voices = await callers(list(options.mix), at.speech_url)
    store = RedisStore.connect(at.redis_url)

    def told(heard: HeardCall) -> None:
        if heard.failures:
            run.console.say(f"a {heard.kind} call of {heard.seconds:.0f} s failed: {'; '.join(heard.failures)}")

    return Lines(at, store, voices, Dealer(options.mix), pause_seconds=options.pause, on_call=told)


# --- options ------------------------------------------------------------------------------------------------------------
def levels(text: str) -> list[int]:
    """``1,2,4``, rising. Raises argparse's error."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers of calls, such as 1,2,4")
    return sorted({int(part) for part in parts})


def positive(text: str) -> float:
    """Raises argparse's error."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value


class _Mix(argparse.Action):
    """Keeps the mix and its text."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        try:
            namespace.mix = mixes.parse(values)
        except BadMix as error:
            parser.error(str(error))
        namespace.mix_text = values


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.load",
        description="Synthetic callers against the mesh. Each run is bounded and stops by itself.",
    )
    tiers = parser.add_subparsers(dest="tier", required=True, metavar="TIER")
    audio = tiers.add_parser("audio", help="ever more spoken calls at once, until a level is not carried")
    audio.add_argument(
        "--calls",
        type=levels,
        default=[1, 2, 3, 4, 6, 8],
        metavar="N,N",
        help="callers at once, by level (1,2,3,4,6,8)",
    )
    audio.add_argument(
        "--minutes", type=positive, default=2.0, metavar="M", help="a level begins no call after so many (2)"
    )
    audio.add_argument(
        "--most-response-ms",
        type=positive,
        default=2500.0,
        metavar="MS",
        help="a level is carried while answers take no more at p95 (2500)",
    )
    audio.add_argument("--most-gap-ms", type=positive, default=1000.0, metavar="MS", help="and handoffs (1000)")
    audio.add_argument("--most-failed", type=float, default=2.0, metavar="PERCENT", help="and no more calls fail (2)")
    audio.add_argument(
        "--pause", type=positive, default=2.0, metavar="S", help="from a call's end to the next one of its line (2)"
    )

    soaking = tiers.add_parser("soak", help="a steady rate of spoken calls, and whether any process grows")
    soaking.add_argument(
        "--minutes", type=positive, default=60.0, metavar="M", help="how long (60); below 20 nothing can be judged"
    )
    soaking.add_argument("--calls", type=int, choices=range(1, 9), default=1, metavar="N", help="callers at once (1)")
    soaking.add_argument(
        "--pause", type=positive, default=8.0, metavar="S", help="from a call's end to the next one of its line (8)"
    )
    soaking.add_argument("--every", type=positive, default=15.0, metavar="S", help="from one sample to the next (15)")

    soundless = add_soundless(tiers, levels, positive)
    for tier in (audio, soaking):
        tier.add_argument(
            "--on",
            choices=WHERE,
            default=OWN,
            help="a mesh of its own, that of `make up`, or one elsewhere (LIVEKIT_URL, ...)",
        )
    for tier in (audio, soaking, soundless):
        tier.add_argument(
            "--mix",
            action=_Mix,
            default=mixes.parse(mixes.DEFAULT),
            metavar="KIND=%,...",
            help=f"who calls ({mixes.DEFAULT})",
        )
        tier.set_defaults(mix_text=mixes.DEFAULT)

    kept = tiers.add_parser(
        "keep", help="store a tier's last run in bench/results, as load-<date>-<tier>.json, .md and .html"
    )
    kept.add_argument("kept", choices=TIERS, metavar="TIER", help=", ".join(TIERS))
    kept.add_argument("--into", type=Path, default=RESULTS, metavar="DIR", help="another folder")
    kept.add_argument("--suffix", default="", metavar="WORD", help="added to the names of the files")

    again = tiers.add_parser(
        "judge", help="judge a soak again, or what one that was killed had sampled, and write its report anew"
    )
    again.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=RUNS / "soak",
        metavar="FOLDER",
        help="its run's folder (.run/load/soak)",
    )
    return parser
