"""`python -m local chaos --soundless`: the protocol under fire on a Redis of its own, and its verdict."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from local.chaos.soundless.run import Outcome, under_fire
from local.console import Console
from local.supervisor.mesh import Mesh
from local.supervisor.supervisor import Say

DEFAULT_HANDOFFS = 10_000


async def soundless(
    console: Console,
    run_dir: Path,
    *,
    handoffs: int | None,
    seed: int | None,
    command: str,
    on_mesh: Callable[[Mesh], None],
) -> int:
    """0 when all that must be true was, else 1. Raises MeshError."""
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    console.plain(f"the protocol under fire, without audio: seed {seed}, {handoffs or DEFAULT_HANDOFFS} handoffs")
    load, began_at = os.getloadavg()[0], datetime.now(UTC)
    outcome = await on_a_redis_of_its_own(
        run_dir, handoffs=handoffs or DEFAULT_HANDOFFS, seed=seed, say=console.say, on_mesh=on_mesh
    )
    text = page(outcome, command=command, began_at=began_at, load=(load, os.getloadavg()[0]))
    await asyncio.to_thread(_write, run_dir, text, outcome)
    console.plain(f"\n{text}\nwritten: soundless.md and soundless.json in {run_dir}")
    return 1 if outcome.problems else 0


async def on_a_redis_of_its_own(
    run_dir: Path, *, handoffs: int, seed: int, say: Say, on_mesh: Callable[[Mesh], None]
) -> Outcome:
    """Brings a Redis up, runs so many handoffs on it, and brings it down. Raises MeshError."""
    mesh = Mesh(run_dir, services=(), without=("speech", "livekit"), say=say)
    on_mesh(mesh)
    async with mesh:
        return await under_fire(mesh.redis_url, handoffs=handoffs, seed=seed, say=say)


def page(outcome: Outcome, *, command: str, began_at: datetime, load: tuple[float, float]) -> str:
    """The run as Markdown."""
    struck = sum(outcome.struck.values())
    silences = outcome.silences_ms
    heard = "-" if silences is None else "{median} / {p95} / {max}".format(**silences)
    lines = [
        f"# The protocol under fire, without audio, {began_at:%Y-%m-%d}",
        "",
        f"`{command}`: seed {outcome.seed}, {os.cpu_count()} cores, load {load[0]:.1f} before and {load[1]:.1f} after, Python"
        f" {platform.python_version()}. Real Redis and gRPC, the real giver, taker, checkpoint, guardian; made-up rooms.",
        "",
        "| what | figure |",
        "| --- | --- |",
        f"| handoffs | {outcome.handoffs} in {outcome.calls} calls, {outcome.seconds:.0f} s |",
        f"| struck | {struck} |",
        f"| successors brought | {outcome.recoveries} |",
        f"| from a strike to the next voice, ms: median / p95 / max | {heard} |",
        f"| endings | {_counted(outcome.endings)} |",
        f"| handoffs that did not happen | {_counted(outcome.stayed)} |",
        f"| wishes that were given up after three tries | {outcome.given_up_wishes} |",
        f"| **what must not be** | **{len(outcome.problems)}** |",
        "",
        *(f"- {problem}" for problem in outcome.problems[:40]),
        "",
        "| strike | times |",
        "| --- | --- |",
        *(f"| {name} | {times} |" for name, times in outcome.struck.items()),
    ]
    return "\n".join([*lines, ""])


def _counted(counts: object) -> str:
    assert isinstance(counts, dict)
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"


def _write(folder: Path, text: str, outcome: Outcome) -> None:
    (folder / "soundless.md").write_text(text, "utf-8")
    (folder / "soundless.json").write_text(json.dumps(asdict(outcome), indent=1) + "\n", "utf-8")
