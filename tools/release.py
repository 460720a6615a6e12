"""One service's release: `python -m tools.release billing 0.2.0` builds its images and upgrades it alone; `--rollback` takes it back.

A service that has a Helm release of its own (charts/specialist) is upgraded there; else the release of the whole mesh is, and in it this
service alone: no other pod is touched. A release that does not get ready is taken back by Helm itself. With `--canary 10` the new version
takes ten per cent of the service's calls beside the old one; the same command without it makes it the version of all.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tools.house import ROOT, project, services
from tools.images import Builder, BuildFailed, image_name, targets

Ask = Callable[..., str]
"""Runs helm with these arguments and returns what it printed; raises ReleaseFailed."""
_MAX_CANARY = 50


class ReleaseFailed(Exception):
    """Why nothing was released, and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service runs: a Helm release, and where in its values the service's own are."""

    release: str
    chart: str
    prefix: str
    revision: int = 0
    """0: it is not there yet."""

    def own(self, values: dict[str, Any]) -> dict[str, Any]:
        """The service's part of a release's values."""
        part: dict[str, Any] = values.get(self.prefix.rstrip("."), {}) if self.prefix else values
        return part


def place_of(service: str, helm: Ask) -> Place:
    """The service's own release, or that of the whole mesh; where there is neither, one of its own is to be made."""
    found = json.loads(helm("list", "--output", "json") or "[]")
    for entry in found:
        if entry["name"] == service and entry["chart"].startswith("specialist-"):
            return Place(service, "charts/specialist", "", int(entry["revision"]))
    for entry in found:
        if entry["chart"].startswith("voice-mesh-"):
            return Place(entry["name"], "charts", f"{service}.", int(entry["revision"]))
    return Place(service, "charts/specialist", "")


def tag_of(place: Place, helm: Ask, *, revision: int) -> str:
    """Which version a revision ran; empty for the chart's own."""
    values = json.loads(helm("get", "values", place.release, "--revision", str(revision), "--output", "json")) or {}
    return str((place.own(values).get("image") or {}).get("tag") or "")


def has_canary(place: Place, helm: Ask) -> bool:
    """Whether one runs now."""
    values = json.loads(helm("get", "values", place.release, "--output", "json")) or {}
    return bool((place.own(values).get("canary") or {}).get("enabled"))


def version_before(place: Place, helm: Ask) -> str:
    """The version that ran before the one that runs. Raises ReleaseFailed when there was none."""
    now = tag_of(place, helm, revision=place.revision)
    history = json.loads(helm("history", place.release, "--output", "json"))
    for entry in sorted(history, key=lambda one: -int(one["revision"])):
        if int(entry["revision"]) < place.revision and entry["status"] in ("superseded", "deployed"):
            tag = tag_of(place, helm, revision=int(entry["revision"]))
            if tag != now:
                return tag
    raise ReleaseFailed(f"{place.release}: no other version of it is in its history, so there is nothing to go back to")


def upgrade(place: Place, service: str, settings: dict[str, str], *, registry: str, timeout: str) -> list[str]:
    """Arguments of helm: only what is named changes."""
    arguments = ["upgrade", "--install", place.release, str(ROOT / place.chart), "--reset-then-reuse-values"]
    if not place.prefix:
        arguments += ["--values", str(ROOT / "services" / service / "values.yaml")]
    for name, value in settings.items():
        kind = "--set" if value in ("true", "false") or name.endswith(("weight",)) else "--set-string"
        arguments += [kind, f"{place.prefix}{name}={value}"]
    if registry and not place.prefix:
        arguments += ["--set-string", f"global.image.registry={registry}"]
    # Helm 4's name for what was --atomic: a release whose pods do not get ready is taken back.
    return [*arguments, "--rollback-on-failure", "--wait", "--timeout", timeout]


def release_settings(version: str, *, canary: int) -> dict[str, str]:
    """The values of a version for all calls, or for a share of them."""
    if canary:
        return {"canary.enabled": "true", "canary.weight": str(canary), "canary.image.tag": version}
    return {"canary.enabled": "false", "image.tag": version}


def problems_of(service: str, version: str, changelog: str) -> list[str]:
    """What keeps a version from being released: a version is a line in two places. `0.2.0-rc1` is a try-out of 0.2.0 and needs the first."""
    if not re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", version):
        return [f"VERSION={version}: give three numbers, as 0.2.0, or 0.2.0-rc1 for a try-out"]
    found = []
    number, _, is_tried = version.partition("-")
    stated = project(ROOT / "services" / service)["version"]
    if stated != number:
        found.append(f'services/{service}/pyproject.toml says {stated}: set version = "{number}" there')
    if not is_tried and f"{service} {number}" not in changelog:
        found.append(f"CHANGELOG.md has no line for it: write what changed for callers after **{service} {number}**")
    return found


def _helm(namespace: str) -> Ask:
    found = subprocess.run([str(ROOT / "tools/helm")], stdout=subprocess.PIPE, text=True)
    if found.returncode:
        raise ReleaseFailed("helm is not here")
    where = ["--namespace", namespace] if namespace else []

    def ask(*arguments: str, is_shown: bool = False) -> str:
        command = [found.stdout.strip(), *arguments, *where]
        done = subprocess.run(command, stdout=None if is_shown else subprocess.PIPE, text=True)
        if done.returncode:
            raise ReleaseFailed(f"helm {arguments[0]} failed; what runs is what ran before")
        return done.stdout or ""

    return ask


def _release(options: argparse.Namespace) -> None:
    service, version = options.service, options.version
    if problems := problems_of(service, version, (ROOT / "CHANGELOG.md").read_text()):
        raise ReleaseFailed("\n".join(problems))
    helm = _helm(options.namespace)
    place = place_of(service, helm)
    if not options.no_build:
        builder = Builder.found(options.builder, load=options.load, push=bool(options.registry) and not options.load)
        for target in (name for name in targets() if name in (service, f"{service}-mcp")):
            builder.make(target, image_name(target, version=version, registry=options.registry), version=version)
    if options.canary and not place.revision:
        raise ReleaseFailed(
            f"{service} is not installed yet: a canary is a share of what runs; release it without CANARY"
        )
    settings = release_settings(version, canary=options.canary)
    helm(*upgrade(place, service, settings, registry=options.registry, timeout=options.timeout), is_shown=True)
    share = f"{options.canary} % of its calls" if options.canary else "all its calls"
    print(
        f"{service} {version} takes {share} (Helm release {place.release}); back again: make rollback SERVICE={service}"
    )


def _rollback(options: argparse.Namespace) -> None:
    helm = _helm(options.namespace)
    place = place_of(options.service, helm)
    if not place.revision:
        raise ReleaseFailed(f"{options.service} is not installed here: nothing to take back (NAMESPACE=...?)")
    if has_canary(place, helm):
        settings, told = {"canary.enabled": "false"}, "its canary is gone"
    else:
        before = version_before(place, helm)
        settings, told = release_settings(before, canary=0), f"it is {before or 'the version of its chart'} again"
    helm(*upgrade(place, options.service, settings, registry="", timeout=options.timeout), is_shown=True)
    print(f"{options.service}: {told}")


def main(arguments: Sequence[str] | None = None) -> int:
    """0, 1 when it failed, 2 for a service that does not exist."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("service", help="billing, technical, ...")
    parser.add_argument(
        "version", nargs="?", default="", help="0.2.0, as in its pyproject.toml; 0.2.0-rc1 for a try-out"
    )
    parser.add_argument(
        "--rollback", action="store_true", help="back to the version before; of a running canary: end it"
    )
    parser.add_argument("--canary", type=int, default=0, metavar="PERCENT", help="so much of its calls only (1 to 50)")
    parser.add_argument("--namespace", default="", help="(default: kubectl's current one)")
    parser.add_argument(
        "--registry", default="", metavar="HOST/PATH", help="where its images are pushed to and pulled from"
    )
    parser.add_argument("--no-build", action="store_true", help="the images are there already")
    parser.add_argument(
        "--builder", default="", metavar="COMMAND", help="docker, podman, or a command (tools/images.py)"
    )
    parser.add_argument("--load", default="", metavar="COMMAND", help='without a registry: "kind load docker-image"')
    parser.add_argument(
        "--timeout", default="15m", help="how long its pods may take to get ready, and to drain (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    if options.service not in services():
        print(f"no such service: {options.service}; there are {', '.join(services())}", file=sys.stderr)
        return 2
    if not options.rollback and not options.version:
        print("give a VERSION, as 0.2.0", file=sys.stderr)
        return 2
    if not 0 <= options.canary <= _MAX_CANARY:
        print(f"CANARY={options.canary}: give 1 to {_MAX_CANARY} per cent", file=sys.stderr)
        return 2
    try:
        (_rollback if options.rollback else _release)(options)
    except (ReleaseFailed, BuildFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
