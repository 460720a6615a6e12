"""`python -m local calls`: plays the shipped callers, tells how it goes, and prints a table of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from yaml_lines.nodes import Problem

from local.caller import Script, ScriptError, load_script
from local.caller.shipped import find, shipped
from local.console import Console
from local.shipped.calls import Played, ShippedCalls
from local.supervisor.mesh import Mesh


def scripts_of(names: Sequence[str], channels: Sequence[str]) -> list[Script]:
    """Each of ``names`` on each of ``channels``: callers that ship, or files; none means all that ship. Raises ScriptError."""
    paths = list(dict.fromkeys(find(Path(name)) for name in names)) or [script.path for script in shipped()]
    stems = [path.stem for path in paths]
    if twice := next((path for path in paths if stems.count(path.stem) > 1), None):
        raise ScriptError(
            (Problem(twice, 1, "another caller has this file name, and each has a folder of its name", "rename one"),)
        )
    return [load_script(path, channel=channel) for path in paths for channel in channels]


async def calls(
    console: Console, folder: Path, scripts: Sequence[Script], *, times: int, new_mesh: Callable[[], Mesh]
) -> int:
    """Plays all of ``scripts``, ``times`` times. 0 when every call went as its script expects, 1 when not."""
    played: list[Played] = []
    async with new_mesh() as mesh:
        console.say(
            f"the mesh is up ({mesh.ready_after_seconds:.1f} s); {len(scripts) * times} calls, about a minute each"
        )
        on_mesh = ShippedCalls(mesh, folder)
        for round_ in range(1, times + 1):
            for script in scripts:
                title = f"{script.path.stem}-{script.channel}-{round_}"
                played.append(await on_mesh.play(script, name=title))
                console.say(f"{len(played):>3}/{len(scripts) * times} {_line(played[-1], title)}")
                for failure in played[-1].failures:
                    console.complain(f"       {failure}")
    return _verdict(console, played, folder)


def _line(call: Played, title: str) -> str:
    gaps = f", handoffs {', '.join(map(str, call.gaps_ms))} ms" if call.gaps_ms else ""
    answers = f", answers {call.response_ms:.0f} ms" if call.response_ms is not None else ""
    return f"{'FAILED' if call.failures else 'ok    '} {title}{answers}{gaps}"


def _verdict(console: Console, played: Sequence[Played], folder: Path) -> int:
    failed = [call for call in played if call.failures]
    console.plain()
    console.plain(
        f"{len(played) - len(failed)} of {len(played)} calls went as their scripts expect; their reports are in {folder}"
    )
    return 1 if failed else 0
