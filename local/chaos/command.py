"""`python -m local chaos`: strikes calls for some minutes, prints the table, and says whether anything happened that must not."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from handoff.errors import HandoffError

from local.caller import CallRefused, SpeechUnavailable
from local.chaos.draining import drained
from local.chaos.faults import FAULTS, Fault
from local.chaos.in_the_ledger import differences, endings_in
from local.chaos.plan import FIRST, Planned, chosen, plan
from local.chaos.processes import NotThere
from local.chaos.run import Row, Stage, heal, struck_call
from local.chaos.soundless.command import on_a_redis_of_its_own
from local.chaos.table import Run, page, summary
from local.console import Console
from local.supervisor.errors import MeshError
from local.supervisor.mesh import Mesh
from local.supervisor.supervisor import Say

DEFAULT_MINUTES = 13.0
"""No call begins later than this; with the mesh's start and the last call the whole stays under 15."""
_SERVICES = ("triage", "billing", "escalation")
CHAOS_ENV = {"VOICEMESH_DRAIN_SECONDS": "30", "VOICEMESH_SILENCE_SECONDS": "120"}
"""Of every worker: without the first a mesh on one machine stops at once when it is told to; without the second the agents would ask
whether their callers are still there before the callers do."""
_SOUNDLESS_HANDOFFS = 600
"""Without audio, at the end of a run of everything: some 20 s. `--soundless` does 10,000."""
_GRACE_SECONDS = 45.0
"""So much later one of every kind may still begin, on a machine that is slow today: with it a run ends within 15 minutes, too."""
_LEDGER_SECONDS = 15.0
_MISSES = 1
"""How often a call that could not be struck is tried again."""


def mesh_for_chaos(run_dir: Path, *, say: Say) -> Mesh:
    """Two workers of billing, so that one may die; customer care stands in when both do."""
    return Mesh(
        run_dir,
        services=_SERVICES,
        replicas={"billing": 2},
        env_overrides=CHAOS_ENV,
        say=say,
    )


def listed() -> str:
    """Every fault, one line each."""
    width = max(len(fault.name) for fault in FAULTS)
    return "\n".join(f"  {fault.name:<{width}}  {fault.title}" for fault in FAULTS)


async def chaos(
    console: Console,
    run_dir: Path,
    *,
    faults: Sequence[str],
    seed: int | None,
    calls: int | None,
    minutes: float,
    command: str,
    on_mesh: Callable[[Mesh], None],
) -> int:
    """0 when nothing happened that must not, 1 when it did. Raises NoSuchFault, MeshError."""
    wanted = chosen(faults)
    musts = must_be_struck(wanted, are_named=bool(faults))
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    began, began_at, load = time.monotonic(), datetime.now(UTC), os.getloadavg()[0]
    console.plain(
        f"chaos with seed {seed}: {len(wanted)} faults, {calls or 'any number of'} calls, {minutes:g} minutes"
    )
    mesh = mesh_for_chaos(run_dir, say=console.say)
    on_mesh(mesh)
    rows, broken, ledger = list[Row](), "", list[str]()
    async with mesh:
        stage = Stage.on(mesh)
        try:
            await stage.learn_all()
            for planned in plan(wanted, seed=seed):
                so_far = time.monotonic() - began
                if is_over(planned, rows, seconds=so_far, minutes=minutes, calls=calls, musts=len(musts)):
                    break
                struck = await _struck(stage, planned)
                rows += struck
                for row in struck:
                    console.say(told(row))
            ledger = await _ledger_differs(mesh, rows)
        except SpeechUnavailable as error:  # before the first call: no caller has words
            broken = f"the callers' words could not be learnt: {error}"
            console.complain(broken)
        except (MeshError, NotThere) as error:
            broken = f"the mesh did not heal: {error}"
            console.complain(broken)
        finally:
            await stage.aclose()
    without_audio = None
    if not faults and calls is None and not broken:
        console.say(f"{_SOUNDLESS_HANDOFFS} handoffs without audio, a fault in every tenth")
        without_audio = await on_a_redis_of_its_own(
            run_dir / "soundless", handoffs=_SOUNDLESS_HANDOFFS, seed=seed, say=lambda _: None, on_mesh=on_mesh
        )
    run = Run(
        command,
        seed,
        began_at,
        time.monotonic() - began,
        (load, os.getloadavg()[0]),
        rows,
        broken=broken,
        wanted=() if calls is not None else must_be_struck(wanted, are_named=bool(faults), rows=rows),
        ledger=ledger,
        without_audio=without_audio,
    )
    await asyncio.to_thread(_write, run, run_dir)
    console.plain(f"\n{page(run)}\nwritten: chaos.md and chaos.json in {run_dir}")
    return 1 if run.failed else 0


def must_be_struck(chosen_ones: Sequence[Fault], *, are_named: bool, rows: Sequence[Row] = ()) -> tuple[str, ...]:
    """Names of the faults without which a run says too little: all that a person named; else one of every kind, but for those
    with which, as ``rows`` tell, this system lets nobody strike."""
    impossible = {row.fault for row in rows if row.is_impossible}
    one_of_each = set(FIRST) - impossible
    return tuple(fault.name for fault in chosen_ones if are_named or fault.name in one_of_each)


async def _ledger_differs(mesh: Mesh, rows: Sequence[Row]) -> list[str]:
    """The ledger reads Redis's stream by itself: it is given some seconds for the last call."""
    wanted = {row.call_id: row.ending for row in rows if row.call_id and row.ending}
    deadline = time.monotonic() + _LEDGER_SECONDS
    while True:
        endings = await asyncio.to_thread(endings_in, mesh.run_dir / "ledger.db")
        found = differences(endings, wanted)
        if not found or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.2)


def is_over(
    planned: Planned, rows: Sequence[Row], *, seconds: float, minutes: float, calls: int | None, musts: int
) -> bool:
    """Whether enough calls were placed, or the time is over, of which so many ``seconds`` have passed. The ``musts``, which come
    first, may begin a little later; a call behind them has to fit into what is left."""
    if calls is not None:
        return planned.number > calls
    if planned.number <= musts:
        return seconds > minutes * 60 + _GRACE_SECONDS
    return seconds + sum(row.seconds for row in rows) / max(1, len(rows)) > minutes * 60


async def _struck(stage: Stage, planned: Planned) -> list[Row]:
    fault, began = planned.fault, time.monotonic()
    if fault.calls > 1:
        try:
            rows, _ = await drained(stage, fault, calls=fault.calls)
        except (NotThere, CallRefused, HandoffError) as missed:
            await heal(stage.mesh)
            return [Row(fault.name, "", os.getloadavg()[0], 0.0, missed=str(missed))]
        each = (time.monotonic() - began) / len(rows)
        return [replace(row, seconds=round(each, 1)) for row in rows]
    rows = list[Row]()
    for again in range(_MISSES + 1):
        rows.append(await struck_call(stage, fault, seed=planned.seed + again))
        if not rows[-1].missed or rows[-1].is_impossible:
            break
    return rows


def told(row: Row) -> str:
    """One call in one line."""
    wrong = "; ".join(str(problem) for problem in row.problems)
    wrong = f"  WRONG: {wrong}" if wrong else ""
    if row.missed or row.heard is None:
        return f"{row.fault:<16} not struck: {row.missed}{wrong}"
    after = "never" if row.heard.voice_after_ms is None else f"after {row.heard.voice_after_ms} ms"
    voice = f"a voice again {after}, " if row.has_voice_again else ""
    silence = f"{row.heard.longest_silence_ms / 1000:.1f} s"
    notes = f" ({', '.join(row.notes)})" if row.notes else ""
    return (
        f"{row.fault:<16} {row.what}: {voice}longest silence {silence}, {row.ending or 'no ending'}"
        f"{notes} (load {row.load:.1f}, {row.seconds:.0f} s){wrong}"
    )


def _write(run: Run, folder: Path) -> None:
    (folder / "chaos.json").write_text(json.dumps(summary(run), indent=1) + "\n", "utf-8")
    (folder / "chaos.md").write_text(page(run), "utf-8")
