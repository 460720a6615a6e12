"""Builds the mesh's images: `python -m tools.images build [TARGET...] --version 0.1.0 --registry registry.example.com/team`.

The builder is docker, podman, or a command of your own that is called as `COMMAND IMAGE CONTEXT DOCKERFILE -- OPTION...` and prints the
path of an archive. Where no registry is, a loader brings the images to where they run: it is called with the archive, or with the image's
name when there is none (`--load "kind load docker-image"`).
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tools.house import ROOT

REPOSITORY = "voice-mesh"
DOCKERFILE = ROOT / "Dockerfile"


class BuildFailed(Exception):
    """What could not be built or brought there, and why."""


def targets() -> list[str]:
    """Everything that is deployed: the stages with an ENTRYPOINT, in the Dockerfile's order."""
    found, stage = [], ""
    for line in DOCKERFILE.read_text().splitlines():
        if match := re.match(r"FROM \S+ AS (\S+)$", line):
            stage = match[1]
        elif line.startswith("ENTRYPOINT"):
            found.append(stage)
    return found


def image_name(target: str, *, version: str, registry: str = "") -> str:
    """As the chart spells it."""
    return "/".join(filter(None, (registry.rstrip("/"), REPOSITORY, f"{target}:{version}")))


@dataclass(frozen=True, slots=True)
class Builder:
    """``build`` is docker, podman, or a command (see above); ``load`` a command, or empty; ``push`` needs a registry."""

    build: str
    load: str = ""
    push: bool = False

    @classmethod
    def found(cls, asked: str = "", *, load: str = "", push: bool = False) -> Builder:
        """Raises BuildFailed when nothing here can build an image."""
        build = asked or next((name for name in ("docker", "podman") if shutil.which(name)), "")
        if not build:
            raise BuildFailed("nothing here builds images: install docker or podman, or name a builder (BUILDER=...)")
        return cls(build, load, push)

    def make(self, target: str, image: str, *, version: str) -> None:
        """Builds the image and brings it where it is wanted. Raises BuildFailed."""
        labels = {"version": version, "revision": _revision(), "title": f"voice mesh: {target}"}
        options = ["--target", target]
        for name, value in labels.items():
            options += ["--label", f"org.opencontainers.image.{name}={value}"]
        words = shlex.split(self.build)
        if words[0].rpartition("/")[2] in ("docker", "podman"):
            _run([*words, "build", "--tag", image, *options, str(ROOT)])
            made = image
        else:
            printed = _run([*words, image, str(ROOT), str(DOCKERFILE), "--", *options], is_read=True)
            made = printed.strip().splitlines()[-1]
        if self.push:
            _run([words[0], "push", image])
        if self.load:
            _run([*shlex.split(self.load), made])


def _revision() -> str:
    """The commit, `-dirty` behind it when files were changed since."""
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip() or "unknown"


def _run(command: Sequence[str], *, is_read: bool = False) -> str:
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE if is_read else None, text=True)
    except OSError as error:
        raise BuildFailed(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise BuildFailed(f"{shlex.join(command)}: exit code {done.returncode}")
    return done.stdout or ""


def main(arguments: Sequence[str] | None = None) -> int:
    """0, 1 when something could not be built, 2 for a target that does not exist."""
    parser = argparse.ArgumentParser(prog="python -m tools.images", description=__doc__)
    parser.add_argument("command", choices=("build", "list"), help="build them, or print what there is")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="these only (default: all)")
    parser.add_argument("--version", default="dev", metavar="TAG", help="their tag (default: %(default)s)")
    parser.add_argument("--registry", default="", metavar="HOST/PATH", help="in front of their names")
    parser.add_argument("--push", action="store_true", help="to that registry")
    parser.add_argument(
        "--builder", default="", metavar="COMMAND", help="docker, podman, or a command (default: what is here)"
    )
    parser.add_argument(
        "--load", default="", metavar="COMMAND", help='how an image comes to where it runs: "kind load docker-image"'
    )
    options = parser.parse_args(arguments)
    known = targets()
    if unknown := sorted(set(options.targets) - set(known)):
        print(f"no such image: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    wanted = [target for target in known if target in options.targets or not options.targets]
    try:
        builder = (
            None if options.command == "list" else Builder.found(options.builder, load=options.load, push=options.push)
        )
        for number, target in enumerate(wanted, start=1):
            image = image_name(target, version=options.version, registry=options.registry)
            print(image if builder is None else f"[{number}/{len(wanted)}] {image}", flush=True)
            if builder is not None:
                builder.make(target, image, version=options.version)
    except BuildFailed as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
