"""The commands of `python -m local`: demo, calls, up and down, place, eval, chaos, fetch."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path

from local.console import Console
from local.interruptible import run_interruptible
from local.settings import LocalSettings
from local.supervisor import livekit
from local.supervisor.errors import MeshError
from local.supervisor.mesh import Mesh
from local.supervisor.run_dir import RunDir
from local.up import cli as up

ROOT = Path(__file__).resolve().parents[1]
RUNS = Path(".run")
CHANNELS = ("web", "phone")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all went well, 1 when not, 2 for a wrong command or call script, 128 + signal when interrupted."""
    options = _parser().parse_args(arguments)
    console = Console()
    commands = {"demo": _demo, "calls": _calls, "eval": _eval, "chaos": _chaos, "fetch": _fetch, "place": _place}
    commands |= dict.fromkeys(up.COMMANDS, _stays_up)
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
    from local.caller.shipped import find, table
    from local.chaos.plan import NoSuchFault
    from local.demo import Demo

    try:
        if options.list:
            console.plain(f"Callers of local/callers; play one with `make demo CALL=NAME`:\n{table()}")
            return 0
        call = find(options.call) if options.call else None
        demo = Demo(console, call=call, channel=options.channel, chaos=options.chaos)
    except ScriptError as error:
        console.complain(f"{error}\nwhat to do: mend the script; local/callers/README.md tells what it may hold")
        return 2
    except NoSuchFault as error:
        console.complain(str(error))
        return 2
    with _claim(options.run_dir, "demo") as run_dir:
        running.mesh = demo.mesh(run_dir.path)
        return await demo.run(running.mesh)


async def _calls(options: argparse.Namespace, console: Console, running: Running) -> int:
    from local.caller import ScriptError
    from local.shipped.command import calls, scripts_of

    try:
        scripts = scripts_of(options.names, options.channels)
    except ScriptError as error:
        console.complain(f"{error}\nwhat to do: `make demo LIST=1` lists the callers that ship")
        return 2
    with _claim(options.run_dir, "calls") as run_dir:

        def mesh() -> Mesh:
            settings = LocalSettings.from_env()
            running.mesh = Mesh(run_dir.path, settings=settings, brain=settings.brain, say=console.say)
            return running.mesh

        return await calls(console, run_dir.path, scripts, times=options.times, new_mesh=mesh)


async def _stays_up(options: argparse.Namespace, console: Console, running: Running) -> int:
    def on_mesh(mesh: Mesh) -> None:
        running.mesh = mesh

    return await up.run(
        options, console, folder=(options.run_dir or ROOT / RUNS / up.FOLDER).resolve(), on_mesh=on_mesh
    )


async def _eval(options: argparse.Namespace, console: Console, running: Running) -> int:
    from local.eval.command import evals

    with _claim(options.run_dir, "eval") as run_dir:

        def mesh() -> Mesh:
            running.mesh = Mesh(run_dir.path, settings=LocalSettings.from_env(), say=console.say)
            return running.mesh

        return await evals(
            console,
            run_dir.path,
            files=options.files,
            only=options.only,
            verbose=options.verbose,
            spoken=mesh if options.spoken else None,
        )


async def _chaos(options: argparse.Namespace, console: Console, running: Running) -> int:
    from local.chaos.command import chaos, listed
    from local.chaos.plan import NoSuchFault

    if options.list:
        console.plain(f"Faults; strike with one by `make chaos ARGS='--faults NAME'`:\n{listed()}")
        return 0

    def on_mesh(mesh: Mesh) -> None:
        running.mesh = mesh

    command = " ".join(["python -m local", *sys.argv[1:]])
    with _claim(options.run_dir, "chaos") as run_dir:
        if options.soundless:
            from local.chaos.soundless.command import soundless

            return await soundless(
                console, run_dir.path, handoffs=options.calls, seed=options.seed, command=command, on_mesh=on_mesh
            )
        try:
            return await chaos(
                console,
                run_dir.path,
                faults=options.faults,
                seed=options.seed,
                calls=options.calls,
                minutes=options.minutes,
                command=command,
                on_mesh=on_mesh,
            )
        except NoSuchFault as error:
            console.complain(str(error))
            return 2


async def _place(options: argparse.Namespace, console: Console, running: Running) -> int:
    from local.caller import ScriptError, load_script
    from local.caller.shipped import find
    from local.place import place
    from local.settings import Elsewhere

    try:
        script, target = load_script(find(options.call), channel=options.channel), Elsewhere.from_env()
    except (ScriptError, ValueError) as error:
        console.complain(str(error))
        return 2
    with _claim(options.run_dir, "placed") as run_dir:
        return await place(console, target, script, folder=run_dir.path)


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


def _channels(text: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(text.split(",")))
    if unknown := set(wanted) - set(CHANNELS):
        raise argparse.ArgumentTypeError(
            f"no such line: {', '.join(sorted(unknown))}; there are {' and '.join(CHANNELS)}"
        )
    return wanted


def _times(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of times, such as 3")
    return int(text)


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
    demo.add_argument(
        "--call",
        type=Path,
        metavar="NAME",
        help="a caller's script: a file, or one of those that --list shows (default: duplicate_charge)",
    )
    demo.add_argument("--list", action="store_true", help="only list the callers that come with the mesh")
    demo.add_argument(
        "--chaos", default="", metavar="NAME",
        help="kill that process in the middle of the call (billing, triage, redis, livekit, mcp, speech) and start it again",
    )  # fmt: skip
    demo.add_argument("--channel", choices=("web", "phone"), help="instead of the script's own channel")

    calls = commands.add_parser(
        "calls",
        help="the shipped callers, all on one mesh, each judged by its script",
        description="Starts the mesh and plays the callers that ship with it, one after the other, each on a new database. The exit"
        " code is 0 when every call went as its script expects.",
    )
    calls.add_argument("names", nargs="*", metavar="NAME", help="these only (default: all that `demo --list` shows)")
    calls.add_argument(
        "--channels", type=_channels, default=CHANNELS, metavar="web,phone", help="on these lines (default: both)"
    )
    calls.add_argument("--times", type=_times, default=1, metavar="N", help="all of it so many times (default: 1)")

    staying = up.add_to(commands)

    evals = commands.add_parser(
        "eval",
        help="play the evals through the real agents and judge them",
        description="Plays conversations written in YAML (local/eval/README.md) through the real agents, tools and databases, as"
        " text, and judges what came of each. The exit code is 0 when all passed.",
    )
    evals.add_argument("files", type=Path, nargs="*", metavar="FILE", help="these only (default: all there are)")
    evals.add_argument(
        "--only", default="", metavar="SERVICE", help="those of this service, or in which it has the call"
    )
    evals.add_argument("--spoken", action="store_true", help="those marked so, over real LiveKit with real speech")
    evals.add_argument("--verbose", action="store_true", help="print every word")

    chaos = commands.add_parser(
        "chaos",
        help="strike live calls and see what the callers hear",
        description="Starts the mesh, places calls, and kills, freezes or stops its processes at chosen moments of each. Prints what"
        " the callers heard and how the calls ended. The exit code is 1 when a call was dropped in silence, when two agents were"
        " heard at once, when something was done twice, when a call has not one ending, or when a caller was asked again who he is. The"
        " same seed gives the same plan.",
    )
    chaos.add_argument(
        "--faults",
        type=lambda text: text.split(","),
        default=[],
        metavar="NAME,...",
        help="these only, e.g. job-*,drain",
    )
    chaos.add_argument("--list", action="store_true", help="only list the faults")
    chaos.add_argument(
        "--seed", type=int, metavar="N", help="the plan of another run (default: a new one, which is printed)"
    )
    chaos.add_argument(
        "--calls", type=int, metavar="N", help="stop after so many calls (with --soundless: handoffs, 10,000)"
    )
    chaos.add_argument(
        "--soundless",
        action="store_true",
        help="thousands of handoffs on real Redis and gRPC, in made-up rooms, without audio",
    )
    chaos.add_argument("--minutes", type=float, default=13.0, metavar="M", help="begin no call after so many (13)")

    placed = commands.add_parser(
        "place",
        help="a recorded caller calls a mesh that runs elsewhere",
        description="Calls the mesh of LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET and REDIS_URL, with the voice and the ear of"
        " VOICEMESH_SPEECH_URL (without it a speech server is started). The exit code says whether the call met its expectations.",
    )
    placed.add_argument(
        "call", type=Path, nargs="?", default=Path("duplicate_charge"), metavar="NAME", help="see `demo --list`"
    )
    placed.add_argument("--channel", choices=CHANNELS, help="instead of the script's own channel")

    commands.add_parser(
        "fetch",
        help="find LiveKit's server, or build it into the cache",
        description="Finds LiveKit's server as `demo` would, building it once when nothing else is at hand.",
    )
    for command in (demo, calls, *staying, placed, evals, chaos):
        command.add_argument(
            "--run-dir",
            type=Path,
            metavar="DIR",
            help=f"instead of {RUNS}/{command.prog.split()[-1]}; it is emptied first",
        )
    return parser
