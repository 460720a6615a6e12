"""A command is checked without being run: its program, module, target, chart, flags and files are there.

For what a test's machine cannot do (a cluster, a browser, an hour of calls). What can be run is run, see test_skill_snippets.py.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from tests.charts import rendering
from tests.skill.fences import ROOT

PROGRAMS = frozenset(
    {"make", "helm", "kubectl", "python", "promtool", "curl", "redis-cli", "kill", "grep", "kubernetes-validate"}
)
"""What a command of the skill may begin with, beside a shell's own words."""
SHELL = frozenset({"test", "printf", "openssl", "for", "do", "done", "secret", "secret()", "}", "!"})
_HELP_SECONDS = 120.0
_BREAKS = {"|", "||", "&&", ";", "&", "\n"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]+=.*")
_OWN_PATH = re.compile(r"(?:charts|services|docs|tests|libs|bench|local|skills|tools|proto|gateway)/[\w./-]*")


def simple_commands(text: str) -> list[list[str]]:
    """The commands of a shell text, each as its words: pipes and lists taken apart, comments and redirections left out."""
    found: list[list[str]] = [[]]
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        lexer.commenters = "#" if not re.search(r"\S#", line) else ""
        for word in lexer:
            if word in _BREAKS:
                found.append([])
            else:
                found[-1].append(word)
        found.append([])
    return [words for command in found if (words := _without_redirections(command))]


def _without_redirections(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in {">", ">>", "<", ">&"}:
            skip = True
        else:
            kept.append(word)
    while kept and _ASSIGNMENT.fullmatch(kept[0]):
        kept.pop(0)
    return kept


def complaints(words: Sequence[str]) -> list[str]:
    """What of a command is not there; empty when all of it is."""
    program = Path(words[0]).name if words[0].startswith(".venv/bin/") else words[0]
    if program in SHELL or program.startswith("$"):
        return _missing_files(words[1:])
    if program not in PROGRAMS:
        return [f"{program}: no program of this skill"]
    checks: dict[str, Callable[[Sequence[str]], list[str]]] = {
        "make": _make,
        "helm": _helm,
        "kubectl": _kubectl,
        "python": _python,
    }
    return [*checks.get(program, lambda _: [])(words[1:]), *_missing_files(words[1:])]


def _missing_files(words: Sequence[str]) -> list[str]:
    named = [word for word in words if _OWN_PATH.fullmatch(word)]
    return [f"{path}: no such file" for path in named if not (ROOT / path).exists()]


# --- make ---------------------------------------------------------------------------------------------------------------
@cache
def make_targets() -> dict[str, str]:
    """Target -> its rule as text."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    parts = re.split(r"^(?=[a-z][\w-]*:(?!=))", text, flags=re.MULTILINE)
    return {part.partition(":")[0]: part for part in parts if re.match(r"[a-z][\w-]*:(?!=)", part)}


def _make(words: Sequence[str]) -> list[str]:
    targets = [word for word in words if "=" not in word and not word.startswith("-")]
    variables = [word.partition("=")[0] for word in words if "=" in word and not word.startswith("-")]
    missing = [f"make {target}: no such target" for target in targets if target not in make_targets()]
    rules = "".join(make_targets().get(target, "") for target in targets)
    return missing + [
        f"make {' '.join(targets)}: {name} is not used there" for name in variables if f"$({name})" not in rules
    ]


# --- helm, kubectl ------------------------------------------------------------------------------------------------------
@cache
def kubectl() -> str:
    """The one on the PATH, else the one that came with Helm; empty when there is none."""
    return shutil.which("kubectl") or shutil.which("kubectl", path=str(Path(rendering.helm()).parent)) or ""


@cache
def _help(*command: str) -> str:
    done = subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr if done.returncode == 0 else ""


@cache
def _help_of_module(module: str, *subcommand: str) -> str:
    """As ``python -m module subcommand --help``, forked from a process that has imported LiveKit already: that alone takes seconds."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["livekit.agents", "livekit.api", "worker.agent.call_agent", "local.__main__"])
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as page:
        asked = processes.Process(target=_print_help, args=(page.name, module, *subcommand))
        asked.start()
        asked.join(_HELP_SECONDS)
        if asked.exitcode is None:
            asked.kill()
        return page.read() if asked.exitcode == 0 else ""


def _print_help(page: str, module: str, *subcommand: str) -> None:
    os.chdir(ROOT)
    sys.argv = [module, *subcommand, "--help"]
    with open(page, "w", encoding="utf-8") as out, contextlib.redirect_stdout(out):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        finally:
            out.flush()


def _flags(words: Sequence[str], told: str) -> list[str]:
    flags = [word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)]
    return [f"{flag}: no such flag" for flag in flags if not re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", told)]


def _helm(words: Sequence[str]) -> list[str]:
    told = _help(rendering.helm(), words[0])
    if f"helm {words[0]}" not in told:
        return [f"helm {words[0]}: no such command"]
    return _flags(words[1:], told)


def _kubectl(words: Sequence[str]) -> list[str]:
    if not kubectl():
        return []
    words = list(words)
    common = ["-n", "--namespace"]
    while words and words[0] in common:  # before the verb
        words = words[2:]
    words = words[: words.index("--")] if "--" in words else words
    for depth in (3, 2, 1):
        verb = [word for word in words[:depth] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
        told = _help(kubectl(), *verb) if len(verb) == depth else ""
        if told:
            return _flags([word for word in words if word not in common], told)
    return [f"kubectl {words[0]}: no such command"]


# --- python -------------------------------------------------------------------------------------------------------------
def _python(words: Sequence[str]) -> list[str]:
    if words[:1] != ["-m"]:
        return [] if words[:1] == ["-c"] or not words else [f"python {words[0]}: only modules are run"]
    module, rest = words[1], list(words[2:])
    if module == "pytest":
        return []
    # A word that is no subcommand makes argparse refuse before it comes to --help.
    subcommand = [word for word in rest[:1] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
    if told := _help_of_module(module, *subcommand):
        return _flags(rest, told)
    return [f"python -m {module} {rest[0] if rest else ''}: no such module, or no such subcommand of it"]
