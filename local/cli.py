"""The commands of `python -m local`: demo, up, fetch."""

from __future__ import annotations

import argparse
from collections.abc import Coroutine, Sequence
from pathlib import Path

from local.console import Console
from local.interruptible import run_interruptible
from local.settings import LocalSettings
from local.supervisor import livekit
from local.supervisor.errors import MeshError
from local.supervisor.mesh import Mesh
from local.supervisor.run_dir import RunDir

ROOT = Path(__file__).resolve().parents[1]
RUNS = Path(".run")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all went well, 1 when not, 2 for a wrong command or call script, 128 + signal when interrupted."""
    options = _parser().parse_args(arguments)
    console = Console()
    commands = {"demo": _demo, "up": _up, "fetch": _fetch}
    running = Running()

    def stopping() -> None:
        console.plain()
        console.say("stopping everything (once more to kill it)")

    return run_interruptible(
        _guarded(commands[options.command](options, console, running), console),
        on_first=stopping,
        on_second=running.kill_all,
    )


class Running:
    """The mesh that a second Ctrl-C has to kill."""

    def __init__(self) -> None:
        self.mesh: Mesh | None = None

    def kill_all(self) -> None:
        """Also before there is one."""
        if self.mesh is not None:
            self.mesh.kill_all()


async def _guarded(command: Coroutine[None, None, int], console: Console) -> int:
    try:
        return await command
    except MeshError as error:
        console.complain(f"\n{error}")
        return 1


async def _demo(options: argparse.Namespace, console: Console, running: Running) -> int:
    # What plays and reports a call takes a second to import, and the other commands do not need it.
    from local.caller import ScriptError
    from local.demo import Demo

    try:
        demo = Demo(console, call=options.call, channel=options.channel)
    except ScriptError as error:
        console.complain(f"{error}\nwhat to do: mend the script; local/callers/README.md tells what it may hold")
        return 2
    with _claim(options.run_dir, "demo") as run_dir:
        running.mesh = demo.mesh(run_dir.path)
        return await demo.run(running.mesh)


async def _up(options: argparse.Namespace, console: Console, running: Running) -> int:
    settings = LocalSettings.from_env()
    with _claim(options.run_dir, "up") as run_dir:
        mesh = running.mesh = Mesh(
            run_dir.path, settings=settings, brain=settings.brain, ports=dict(options.port), say=console.say
        )
        async with mesh:
            console.say(f"the mesh is up ({mesh.ready_after_seconds:.1f} s)")
            for name, address in mesh.addresses().items():
                console.plain(f"  {name:<12} {address}")
            console.plain(f"  {'api key':<12} {mesh.livekit_api_key}")
            console.plain(f"  {'secret':<12} in {_short(run_dir.path / 'livekit.yaml')}")
            console.plain(f"  {'logs':<12} {_short(run_dir.path / 'logs')}")
            console.plain("Ctrl-C stops it.")
            raise await mesh.wait_for_death()


async def _fetch(options: argparse.Namespace, console: Console, running: Running) -> int:
    server = await livekit.find_server(LocalSettings.from_env(), say=console.say)
    console.say(f"LiveKit's server: {server.described}")
    return 0


def _claim(asked: Path | None, name: str) -> RunDir:
    if asked is None:
        return RunDir.claim(ROOT / RUNS, name)
    claimed = RunDir.claim_exactly(asked)
    if claimed is None:
        raise MeshError(f"{asked} is in use by another run", advice="name another folder, or leave --run-dir away")
    return claimed


def _short(path: Path) -> Path:
    """As seen from where the person stands, when it lies below."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path


def _port(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not number.isdecimal() or not 0 < int(number) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PORT, such as livekit=7880")
    return name, int(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local", description="The whole voice mesh on one machine, with no key."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser(
        "demo",
        help="one spoken call, start to end",
        description="Starts the mesh, places one call by a recorded caller, prints it as it goes, stops everything, and"
        " writes what was heard and a report. The exit code says whether the call met its expectations.",
    )
    demo.add_argument("--call", type=Path, metavar="FILE", help="the caller's script (default: the duplicate charge)")
    demo.add_argument("--channel", choices=("web", "phone"), help="instead of the script's own channel")

    up = commands.add_parser(
        "up",
        help="run the mesh until Ctrl-C and print its addresses",
        description="Starts the mesh, prints where everything is, and runs until Ctrl-C.",
    )
    up.add_argument(
        "--port", type=_port, action="append", default=[], metavar="NAME=PORT",
        help="a fixed port instead of a free one, e.g. livekit=7880, redis=6379, billing.health=8080; may be repeated",
    )  # fmt: skip

    commands.add_parser(
        "fetch",
        help="find LiveKit's server, or build it into the cache",
        description="Finds LiveKit's server as `demo` would, building it once when nothing else is at hand.",
    )
    for command in (demo, up):
        command.add_argument(
            "--run-dir",
            type=Path,
            metavar="DIR",
            help=f"instead of {RUNS}/{command.prog.split()[-1]}; it is emptied first",
        )
    return parser
