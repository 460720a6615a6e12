"""The command: reads the file, asks LiveKit, prints the difference, and makes it none.

Exit codes: 0 done, or nothing to do, or a dry run; 1 the file, the settings or LiveKit are not usable, or something of another's stands in
the way; 2 `--dry-run --exit-code` found a difference.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import NoReturn

from gateway.phone.apply import apply
from gateway.phone.config import ConfigError, PhoneConfig
from gateway.phone.livekit import LiveKitTrouble, Sip, connect, explained, place_of
from gateway.phone.plan import Plan, ask, plan
from gateway.phone.printing import shown
from gateway.phone.reader import load
from gateway.settings import ENVIRONMENT, PhoneSettings, SettingsError, named_variable

DONE, FAILED, DIFFERS = 0, 1, 2
Connect = Callable[[PhoneSettings], AbstractAsyncContextManager[Sip]]


class Unusable(Exception):
    """The file or the settings, or both."""


def main(
    arguments: Sequence[str] | None = None, *, environ: Mapping[str, str] = ENVIRONMENT, connect: Connect = connect
) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    if options.exit_code and not options.dry_run:
        _parser().error("--exit-code goes with --dry-run")
    try:
        settings, config = _read(options.config, environ)
        return asyncio.run(_configure(settings, config, connect, options))
    except (Unusable, LiveKitTrouble) as error:
        print(error, file=sys.stderr)
        return FAILED


def _read(path: Path, environ: Mapping[str, str]) -> tuple[PhoneSettings, PhoneConfig]:
    """Both, so that one run tells all that is wrong. Raises Unusable."""
    wrong: list[str] = []
    settings, config = None, None
    try:
        settings = PhoneSettings.from_env(environ)
    except SettingsError as error:
        wrong.append(str(error))
    try:
        config = load(path, partial(named_variable, environ=environ))
    except ConfigError as error:
        wrong.append(str(error))
    if settings is None or config is None:
        raise Unusable("\n".join(wrong))
    return settings, config


async def _configure(
    settings: PhoneSettings, config: PhoneConfig, connect: Connect, options: argparse.Namespace
) -> int:
    explaining = partial(explained, settings.livekit_url, config.secrets | {settings.livekit_api_secret})
    async with connect(settings) as sip:
        with explaining():
            found = plan(config, await ask(sip))
        print(f"{options.config} -> LiveKit at {place_of(settings.livekit_url)}\n\n{shown(found)}")
        if found.conflicts:
            _complain(found)
            return FAILED
        if options.dry_run:
            return DIFFERS if options.exit_code and found.in_order else DONE
        if found.in_order:
            print()
            with explaining():
                await apply(found, sip, print)
        return DONE


def _complain(found: Plan) -> None:
    told = "\n".join(f"  - {conflict}" for conflict in found.conflicts)
    print(f"\nnothing was changed, something stands in the way:\n{told}", file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """1, for 2 is a difference."""
        self.print_usage(sys.stderr)
        self.exit(FAILED, f"{self.prog}: {message}\n")


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m gateway.phone",
        description="Makes LiveKit's trunks and dispatch rules what a phone.yaml says; a second run has nothing to do.",
        epilog="It needs LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET, and the variables that the file names.",
    )
    parser.add_argument(
        "config", nargs="?", type=Path, default=Path("phone.yaml"), help="the file (default: phone.yaml)"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would change, and change nothing")
    parser.add_argument("--exit-code", action="store_true", help="with --dry-run: 2 when something would change")
    return parser
