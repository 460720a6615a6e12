"""The commands of a mesh that outlives its terminal, as words of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.console import Console
from local.supervisor.errors import MeshError
from local.supervisor.mesh import Mesh
from local.supervisor.run_dir import RunDir

FOLDER = "up"
"""Of the run folder: one mesh that stays up is enough for one machine."""
COMMANDS = ("up", "keep", "down", "status", "env", "logs", "call", "restart")


def add_to(commands: Any) -> list[argparse.ArgumentParser]:
    """Their parsers, added to ``commands`` (argparse's sub-parsers)."""
    up = commands.add_parser(
        "up",
        help="start the mesh and leave it up, with a page to call it from",
        description="Starts the whole mesh, prints where everything is, and leaves it running until `down`. What dies is started again.",
    )
    keep = commands.add_parser("keep", help=argparse.SUPPRESS, description="The process behind `up`.")
    for command in (up, keep):
        command.add_argument(
            "--port", type=_port, action="append", default=[], metavar="NAME=PORT",
            help="a fixed port instead of a free one, e.g. gateway=8088, livekit=7880, redis=6379; may be repeated",
        )  # fmt: skip
        command.add_argument(
            "--phone", action="store_true",
            help="LiveKit keeps telephone numbers, and livekit/sip answers them on this machine, if it is there",
        )  # fmt: skip
    down = commands.add_parser("down", help="stop it; nothing of it is left")
    status = commands.add_parser("status", help="a table of its processes: are they well, how many calls have they")
    env = commands.add_parser(
        "env",
        help="its LiveKit's address, key and secret, as lines for a shell",
        description='eval "$(python -m local env)"',
    )
    logs = commands.add_parser("logs", help="what a process of it printed")
    logs.add_argument("name", nargs="?", default="", help="billing, redis, livekit, gateway ...")
    logs.add_argument("--follow", action="store_true", help="and go on printing until Ctrl-C")
    call = commands.add_parser("call", help="a recorded caller calls it")
    call.add_argument(
        "call", type=Path, nargs="?", default=Path("duplicate_charge"), metavar="NAME", help="see `demo --list`"
    )
    call.add_argument("--channel", choices=("web", "phone"), help="instead of the script's own channel")
    restart = commands.add_parser(
        "restart", help="restart a process of it; a worker's calls move to another worker meanwhile"
    )
    restart.add_argument("name", help="billing, redis, livekit, gateway ...")
    return [up, keep, down, status, env, logs, call, restart]


async def run(options: argparse.Namespace, console: Console, *, folder: Path, on_mesh: Callable[[Mesh], None]) -> int:
    """One of them, for the mesh in ``folder``. Raises MeshError."""
    from local.up import command as commands

    match options.command:
        case "up":
            return await commands.up(console, folder, ports=dict(options.port), phone=options.phone)
        case "keep":
            return await _keep(options, console, folder, on_mesh)
        case "down":
            return await commands.down(console, folder)
        case "status":
            return await commands.status(console, folder)
        case "env":
            return commands.env(console, folder)
        case "restart":
            return await commands.restart(console, folder, options.name)
        case "logs":
            return commands.logs(folder, options.name, follow=options.follow)
    return await _call(options, console, folder)


async def _keep(options: argparse.Namespace, console: Console, folder: Path, on_mesh: Callable[[Mesh], None]) -> int:
    from local.up import command as commands

    claimed = RunDir.claim_exactly(folder)
    if claimed is None:
        raise MeshError(f"{folder} is in use by another run", advice="`make down` stops it")
    with claimed:
        return await commands.keep(
            console, claimed.path, ports=dict(options.port), phone=options.phone, on_mesh=on_mesh
        )


async def _call(options: argparse.Namespace, console: Console, folder: Path) -> int:
    # What plays and reports a call takes a second to import, and the other commands do not need it.
    from local.caller import CallRefused, ScriptError, SpeechUnavailable, load_script
    from local.caller.shipped import find
    from local.up.calling import call
    from local.up.running import needed

    running = needed(folder)
    try:
        return await call(console, running, folder, load_script(find(options.call), channel=options.channel))
    except ScriptError as error:
        console.complain(f"{error}\nwhat to do: `make demo LIST=1` lists the callers that ship")
        return 2
    except (CallRefused, SpeechUnavailable) as error:
        raise MeshError(str(error), advice=f"`make status`; the logs are in {folder / 'logs'}") from error


def _port(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not number.isdecimal() or not 0 < int(number) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PORT, such as livekit=7880")
    return name, int(number)
