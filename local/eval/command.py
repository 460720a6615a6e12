"""`python -m local eval`: plays the evals, tells how it goes, writes what came of it."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from local.caller.script import ScriptError
from local.console import Console
from local.eval.find import ROOT, find
from local.eval.results import Result, described, table, write
from local.eval.run import run
from local.eval.spoken import run_spoken
from local.supervisor.mesh import Mesh

_LIVEKIT_CHATTER = ("livekit", "handoff", "voicemesh", "backoffice", "mcp", "httpx", "httpx2", "alembic", "uvicorn")


async def evals(
    console: Console,
    folder: Path,
    *,
    files: Sequence[Path] = (),
    only: str = "",
    verbose: bool = False,
    spoken: Callable[[], Mesh] | None = None,
) -> int:
    """0 when every conversation passed, 1 when not, 2 when a file cannot be read or none was found.

    ``spoken`` makes the mesh on which those that are marked so are spoken; without it, all are played as text.
    """
    try:
        conversations = find(files, only=only, spoken=spoken is not None)
    except ScriptError as error:
        console.complain(f"{error}\nwhat to do: mend the files; local/eval/README.md tells what they may hold")
        return 2
    if not conversations:
        console.complain(
            f"there are no evals{f' of {only}' if only else ''}; local/eval/README.md tells how to write one"
        )
        return 2
    _be_quiet()
    began_at = time.monotonic()
    progress = _Progress(console, len(conversations), verbose=verbose)
    console.say(f"playing {len(conversations)} conversations")
    if spoken is None:
        results = await run(conversations, folder / "databases", on_result=progress.note)
        shutil.rmtree(folder / "databases", ignore_errors=True)
    else:
        async with spoken() as mesh:
            console.say(f"the mesh is up ({mesh.ready_after_seconds:.1f} s)")
            results = await run_spoken(conversations, folder, mesh=mesh, on_result=progress.note)
    seconds = time.monotonic() - began_at
    write(results, folder, seconds=seconds, root=ROOT)
    return _verdict(console, results, folder, seconds=seconds)


def _verdict(console: Console, results: Sequence[Result], folder: Path, *, seconds: float) -> int:
    console.plain()
    console.plain(table(results, seconds))
    failed = [result for result in results if not result.passed]
    for result in failed:
        console.plain()
        console.complain(described(result, root=ROOT))
    console.plain()
    console.plain(f"every word of it: {folder / 'eval.md'}")
    return 1 if failed else 0


class _Progress:
    """One line for each conversation as it ends."""

    def __init__(self, console: Console, total: int, *, verbose: bool) -> None:
        self._console = console
        self._total = total
        self._verbose = verbose
        self._done = 0

    def note(self, result: Result) -> None:
        self._done += 1
        verdict = "ok    " if result.passed else "FAILED"
        self._console.say(f"{self._done:>3}/{self._total} {verdict} {result.conversation.name}")
        if self._verbose:
            self._console.plain(described(result, root=ROOT))


def _be_quiet() -> None:
    """What a conversation is meant to provoke (an office that is away, a handoff that is declined) is logged as a fault."""
    for name in _LIVEKIT_CHATTER:
        logging.getLogger(name).setLevel(logging.CRITICAL)
