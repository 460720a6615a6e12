"""`python -m tools.doctor`: looks at a mesh, and says what is wrong with it, where, and how to mend it. Changes nothing.

Which mesh: NAMESPACE's release on Kubernetes (--namespace); that of a .env file (--env-file); else the one of `make up`, if it is up; else the
one whose variables this shell has. Exit code: 0 when nothing fails (warnings are not failures), 1 when something does, 2 for a wrong command.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.settings import ENVIRONMENT
from local.up.cli import FOLDER
from local.up.running import found
from tools.doctor.examination import Check, examine
from tools.doctor.kubectl import Cluster, kubectl
from tools.doctor.results import Result, Skipped, Verdict, exit_code_of, lines_of, summary_of
from tools.doctor.table import CHECKS, ON_KUBERNETES
from tools.doctor.target import Kind, Target, of_cluster, of_environment, of_files, of_make_up
from tools.house import ROOT


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    # Libraries complain of what is broken in their own words; ours follow.
    logging.disable(logging.NOTSET if options.debug else logging.CRITICAL)
    if options.list:
        print("\n".join(f"{check.name:<24}{check.why}" for check in (*CHECKS, *ON_KUBERNETES[:9])))
        return 0
    try:
        target = _target(options)
    except (OSError, ValueError, Skipped) as problem:
        print(problem, file=sys.stderr)
        return 2
    checks = [check for check in _all(target) if check.is_meant_by(options.only)]
    if not checks:
        print(f"no such check: {', '.join(options.only)}; --list names them", file=sys.stderr)
        return 2
    results = asyncio.run(examine(target, checks))
    print(json.dumps(_as_json(target, results), indent=1) if options.json else _as_text(target, results, options.quiet))
    return exit_code_of(results)


def _all(target: Target) -> Sequence[Check]:
    return ON_KUBERNETES if target.kind is Kind.KUBERNETES else CHECKS


def _as_text(target: Target, results: list[Result], is_quiet: bool) -> str:
    shown = [each for each in results if not is_quiet or each.verdict in (Verdict.WARN, Verdict.FAIL)]
    lines = [line for result in shown for line in lines_of(result)]
    return "\n".join([f"{target.kind}: {target.home}", "", *lines, "", summary_of(results)])


def _as_json(target: Target, results: list[Result]) -> dict[str, Any]:
    return {
        "mesh": target.home,
        "kind": str(target.kind),
        "is_well": not exit_code_of(results),
        "checks": [result.as_json() for result in results],
    }


def _target(options: argparse.Namespace) -> Target:
    more: dict[str, Any] = {
        "prometheus_url": options.prometheus.rstrip("/"),
        "redis_admin_url": options.redis_admin_url,
        "caller": options.call,
    }
    if options.namespace is not None:
        return of_cluster(Cluster(options.namespace, kubectl(options.namespace)), **more)
    if options.env_file:
        return of_files(dict(options.env_file), grace_seconds=options.grace, **more)
    running = found(options.run_dir or ROOT / ".run" / FOLDER)
    if running is not None and running.variables:
        return of_make_up(running, **more)
    if "REDIS_URL" in ENVIRONMENT and "LIVEKIT_URL" in ENVIRONMENT:
        return of_environment(grace_seconds=options.grace, **more)
    raise ValueError(
        "no mesh: `make up` starts one; or give --env-file FILE, or --namespace NAME, or set LIVEKIT_URL, REDIS_URL and so on"
    )


def _env_file(text: str) -> tuple[str, Path]:
    process, equals, path = text.partition("=")
    return (process, Path(path)) if equals else ("", Path(text))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", nargs="+", default=[], metavar="CHECK", help="these alone, or groups of them: redis, livekit.version")
    add("--list", action="store_true", help="only list the checks, each with the reason why it exists")
    add("--json", action="store_true", help="for programs")
    add("--quiet", action="store_true", help="only what is not ok")
    add(
        "--call",
        nargs="?",
        const="duplicate_charge",
        default="",
        metavar="CALLER",
        help="place a spoken call too (a minute or two)",
    )
    add(
        "--namespace",
        metavar="NAME",
        help="a release on Kubernetes, by kubectl's current context; '' for its current namespace",
    )
    add(
        "--env-file",
        action="append",
        type=_env_file,
        metavar="[PROCESS=]FILE",
        help="the mesh of this .env; may be repeated for processes with files of their own",
    )
    add("--run-dir", type=Path, metavar="DIR", help="the mesh of `make up` with this --run-dir")
    add(
        "--prometheus",
        default="",
        metavar="URL",
        help="who shall alert: its alerts and scrape targets are looked at too",
    )
    add("--redis-admin-url", default="", metavar="URL", help="a user of Redis who may ask INFO and CONFIG")
    add("--grace", type=float, metavar="SECONDS", help="how long whoever stops a worker waits before he kills it")
    add("--debug", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # gRPC's threads may take seconds to end after a peer that hangs.
    os._exit(code)
