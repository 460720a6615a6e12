"""Every block of the skill runs: Python with its assertions, commands in a shell, files by whoever reads such files.

A block that wants what no test's machine has says so in its first line; then each of its commands is looked up, word by word.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.skill import commands, files
from tests.skill.fences import ROOT, SKILL, Fence, all_fences, fences

_PYTHON_SECONDS, _SHELL_SECONDS = 90, 240
_TO_ITS_END = "import os, runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__'); sys.stdout.flush(); os._exit(0)"
"""Runs a script that joins rooms. LiveKit's native threads abort, now and then, a Python that ends by itself (architecture.md tells how
often): what the script asserted is what counts."""
pytestmark = pytest.mark.timeout(300)


def named(fence: Fence) -> str:
    return fence.name


@pytest.mark.parametrize("fence", [one for one in all_fences("python") if not one.needs_livekit], ids=named)
def test_python_runs(fence: Fence) -> None:
    """Here, for each start of a Python that imports LiveKit takes seconds; its lines are those of the page."""
    code = compile("\n" * fence.line + fence.text, str(fence.page), "exec")
    exec(code, {"__name__": "__main__"})


@pytest.mark.parametrize("fence", [one for one in all_fences("python") if one.needs_livekit], ids=named)
def test_python_runs_with_a_livekit_server(fence: Fence, livekit: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "snippet.py"
    script.write_text(fence.text, encoding="utf-8")
    told = (f"{name}={value}" for name, value in livekit.items())
    done = _run(["env", *told, sys.executable, "-c", _TO_ITS_END, str(script)], _PYTHON_SECONDS)
    assert done.returncode == 0, f"{fence.name}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("fence", [one for one in all_fences("bash") if not one.reason], ids=named)
def test_commands_run(fence: Fence, programs: str, tmp_path: Path) -> None:
    if "kubectl " in fence.text and not commands.kubectl():
        pytest.skip("no kubectl on this machine, and none came with Helm")
    text = fence.text
    if "my-values.yaml" in text:
        text = text.replace("my-values.yaml", str(values_of(fence, tmp_path)))
    done = _run(["bash", "-euo", "pipefail", "-c", programs + text], _SHELL_SECONDS)
    assert done.returncode == 0, f"{fence.name}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"


def values_of(fence: Fence, folder: Path) -> Path:
    """The values that the page gives for ``my-values.yaml``, else those of the page about Kubernetes, as that file."""
    before = [one for one in fences(fence.page) if one.line < fence.line]
    (*_, given) = _values(before) or _values(fences(SKILL / "references" / "kubernetes.md"))
    (folder / "my-values.yaml").write_text(given.text, encoding="utf-8")
    return folder / "my-values.yaml"


def _values(given: list[Fence]) -> list[Fence]:
    return [one for one in given if one.text.startswith("# values of charts/\n")]


@pytest.mark.parametrize("fence", all_fences("bash"), ids=named)
def test_what_commands_name_is_there(fence: Fence) -> None:
    """Also where they ran: an `|| true` must not hide a target that is gone."""
    assert [said for words in commands.simple_commands(fence.text) for said in commands.complaints(words)] == []


@pytest.mark.parametrize("fence", all_fences("yaml"), ids=named)
def test_files_are_read_by_who_reads_such_files(fence: Fence, tmp_path: Path) -> None:
    said = files.reader_of(fence)(fence.text, tmp_path)
    assert not said, f"{fence.name}\n{said}"


@pytest.mark.parametrize("fence", all_fences("promql"), ids=named)
def test_prometheus_takes_every_expression(fence: Fence, tmp_path: Path) -> None:
    expressions = [line for line in fence.text.splitlines() if line.strip()]
    rules = [{"record": f"page:line_{at}:value", "expr": expression} for at, expression in enumerate(expressions)]
    assert files.prometheus_rules(yaml.safe_dump({"groups": [{"name": "page", "rules": rules}]}), tmp_path) == ""


def test_prometheus_itself_was_asked() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("no promtool on this machine: rules and expressions were only looked at, not parsed")


def _run(command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
