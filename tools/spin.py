"""SPIN, the model checker: from the PATH, from the cache, or unpacked from Debian's package; and one run of it.

SPIN writes a C program that searches every state of the model, so a C compiler is needed besides.
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.settings import LocalSettings
from local.supervisor.errors import NotFound

PACKAGE = "spin"
"""Its name in Debian and Ubuntu (and in Homebrew)."""
MEMORY_MB = 1_800
"""A search that needs more stops with an error."""
_ENDS = ("VIOLATED", "REACHED")
"""How the model begins the line that names a broken property, or tells that it is where it was to go."""
_FETCH_SECONDS = 180
_DEPTH = 400_000
_NOISE = (
    "ltl ",
    "spin: ",
    "  the model contains",
    "  only one claim",
    "  choose which",
    "  or use e.g.",
    "Never claim",
)
_COMPILERS = ("gcc", "cc", "clang")
_HOW = f"install it: apt-get install -y {PACKAGE} gcc (Debian, Ubuntu), or brew install {PACKAGE} (macOS)"


@dataclass(frozen=True, slots=True)
class Tools:
    """Paths of what a check needs."""

    spin: str
    compiler: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one search found. ``states`` and ``transitions`` are counts; ``memory_mb`` is what the search took, ``cpu_seconds`` with its making."""

    is_whole: bool
    """Every state was visited; with an error the search stops at the first one."""
    error: str
    """SPIN's words for the first violation; empty when there is none."""
    states: int
    transitions: int
    depth: int
    memory_mb: float
    cpu_seconds: float
    story: tuple[str, ...] = ()
    """The counterexample, one event a line."""


def find(settings: LocalSettings) -> Tools:
    """SPIN and a C compiler; fetches SPIN where apt is at hand. Raises NotFound, which says what to install."""
    compiler = next(filter(None, (shutil.which(name, path=settings.search_path) for name in _COMPILERS)), None)
    if compiler is None:
        raise NotFound(
            "the model check needs a C compiler, and there is none on the PATH",
            advice="install one: apt-get install -y gcc libc6-dev (Debian, Ubuntu), or xcode-select --install (macOS)",
        )
    if on_path := shutil.which("spin", path=settings.search_path):
        return Tools(on_path, compiler)
    cached = settings.binaries_dir / "spin"
    if not cached.is_file():
        _unpack_package(cached, settings)
    return Tools(str(cached), compiler)


def _unpack_package(binary: Path, settings: LocalSettings) -> None:
    """Debian's package into the cache: nothing is installed, and nobody has to be root. Raises NotFound."""
    apt, dpkg = (shutil.which(name, path=settings.search_path) for name in ("apt-get", "dpkg-deb"))
    if apt is None or dpkg is None:
        raise NotFound("SPIN is neither on the PATH nor in the cache, and there is no apt-get to fetch it", advice=_HOW)
    binary.parent.mkdir(parents=True, exist_ok=True)
    print(f"fetching SPIN ({PACKAGE}, by apt-get) into the cache, once", flush=True)
    # Beside the goal, so that the last step is a rename.
    with tempfile.TemporaryDirectory(prefix=".spin-", dir=binary.parent) as folder:
        work = Path(folder)
        _download(apt, work, settings.inherited)
        package = next(work.glob(f"{PACKAGE}_*.deb"))
        _command([dpkg, "--extract", str(package), str(work / "root")], work, settings.inherited)
        (work / "root" / "usr" / "bin" / "spin").replace(binary)


def _download(apt: str, work: Path, env: Mapping[str, str]) -> None:
    try:
        _command([apt, "download", PACKAGE], work, env)
        return
    except NotFound:
        pass  # the machine's package lists may be missing, as in most container images: then lists of our own
    for name in ("lists", "cache"):
        (work / name / "partial").mkdir(parents=True)
    (work / "cache" / "archives" / "partial").mkdir(parents=True)
    own = ["-o", f"Dir::State::Lists={work}/lists", "-o", f"Dir::Cache={work}/cache", "-o", "APT::Sandbox::User="]
    _command([apt, *own, "update"], work, env)
    _command([apt, *own, "download", PACKAGE], work, env)


def _command(command: Sequence[str], work: Path, env: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command, cwd=work, env=dict(env), capture_output=True, text=True, check=False, timeout=_FETCH_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise NotFound(f"SPIN cannot be fetched: no answer in {_FETCH_SECONDS} s", advice=_HOW) from None
    if done.returncode:
        raise NotFound("SPIN cannot be fetched", advice=_HOW, log_tail="\n".join(done.stderr.splitlines()[-4:]))


def search(
    tools: Tools, model: Path, defines: Mapping[str, int], *, claim: str = "", optimise: int = 0, is_short: bool = False
) -> Found:
    """Searches the states of ``model``: for broken assertions and blocked processes; with the name of a ``claim`` (an `ltl`
    of the model) for a fair run that never keeps it. ``optimise``: the compiler's level; it pays from a million states on.
    ``is_short`` finds the shortest counterexample, and takes longer. Raises RuntimeError when the model cannot be built.
    """
    began = _cpu_seconds()
    options = [f"-D{name}={value}" for name, value in defines.items()] + (["-DLIVE"] if claim else [])
    with tempfile.TemporaryDirectory(prefix="voicemesh-model-") as folder:
        work = Path(folder)
        shutil.copy(model, work / model.name)
        # NFAIR: room for weak fairness among up to 14 processes.
        kind = ["-DNFAIR=4"] if claim else ["-DSAFETY", "-DNOCLAIM", *(["-DBFS"] if is_short else [])]
        _build(tools, work, model.name, options, [f"-O{optimise}", *kind])
        # -a -f: acceptance cycles under weak fairness.
        flags = ["-a", "-f", "-N", claim] if claim else []
        said = _said(["./pan", f"-m{_DEPTH}", "-w22", "-n", *flags], work)
        story = _story(tools, work, model.name, options) if (work / f"{model.name}.trail").is_file() else ()
    return _found(said, _cpu_seconds() - began, story)


def _story(tools: Tools, work: Path, name: str, options: Sequence[str]) -> tuple[str, ...]:
    said = _said([tools.spin, "-t", "-T", *_preprocessed(tools), *options, name], work)
    told = said.partition("#processes")[0].splitlines()
    story = [line.strip() for line in told if line.strip() and not line.startswith(_NOISE)]
    # SPIN plays the step to its end; what is broken was broken before.
    end = next((number for number, line in enumerate(story, 1) if line.startswith(_ENDS)), len(story))
    return tuple(story[:end])


def _preprocessed(tools: Tools) -> tuple[str, ...]:
    return (f"-P{tools.compiler} -E -x c",)


def simulate(tools: Tools, model: Path, defines: Mapping[str, int], *, seed: int, steps: int = 5_000) -> list[str]:
    """What one random walk through the model prints, a line each. The same seed gives the same walk."""
    options = [f"-D{name}={value}" for name, value in defines.items()]
    with tempfile.TemporaryDirectory(prefix="voicemesh-model-") as folder:
        work = Path(folder)
        shutil.copy(model, work / model.name)
        flags = ["-T", f"-n{seed}", f"-u{steps}", *_preprocessed(tools)]
        return [line.strip() for line in _said([tools.spin, *flags, *options, model.name], work).splitlines()]


def _build(tools: Tools, work: Path, name: str, options: Sequence[str], kind: Sequence[str]) -> None:
    said = _said([tools.spin, "-a", *_preprocessed(tools), *options, name], work)
    if (work / "pan.c").is_file():
        common = ["-w", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MB}"]
        said += _said([tools.compiler, *common, *kind, "-o", "pan", "pan.c"], work)
    if not (work / "pan").is_file():
        raise RuntimeError(f"the model cannot be built:\n{said}")


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _said(command: Sequence[str], work: Path) -> str:
    done = subprocess.run(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout


def _found(said: str, cpu_seconds: float, story: tuple[str, ...]) -> Found:
    def number(pattern: str) -> float:
        match = re.search(pattern, said)
        return float(match[1]) if match else 0.0

    error = re.search(r"^pan:\d+: (.+)$", said, re.MULTILINE)
    return Found(
        is_whole="Search not completed" not in said
        and "errors: 0" in said
        and "max search depth too small" not in said,
        error=error[1] if error else "",
        states=int(number(r"([\d.e+]+) states, stored")),
        transitions=int(number(r"([\d.e+]+) transitions")),
        depth=int(number(r"depth reached (\d+)")),
        memory_mb=number(r"([\d.]+)\s+total actual memory"),
        cpu_seconds=cpu_seconds,
        story=story,
    )
