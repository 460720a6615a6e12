"""`python -m local` as a person uses it: help, a clear error, and nothing left after Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from local.supervisor.run_dir import RunDir

# A command that starts what `up` starts, as far as this needs no models.
UP = """
    import sys
    from pathlib import Path
    from local.console import Console
    from local.interruptible import run_interruptible
    from local.supervisor.mesh import Mesh

    console = Console()
    mesh = Mesh(Path(sys.argv[1]), services=(), without=("speech",), say=console.plain)

    async def work():
        async with mesh:
            console.plain("up " + " ".join(str(mesh.process(name).pid) for name in ("redis", "livekit")))
            raise await mesh.wait_for_death()

    sys.exit(run_interruptible(work(), on_first=lambda: console.plain("stopping"), on_second=mesh.kill_all))
"""


def local(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "local", *arguments)
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("command", ["", "demo", "calls", "up", "eval", "chaos", "fetch"])
def test_every_command_has_help(command: str, repo_root: Path) -> None:
    answer = local(*filter(None, [command]), "--help", cwd=repo_root)
    assert answer.returncode == 0
    assert "usage: python -m local" in answer.stdout


def test_a_script_that_is_not_there_is_named_and_nothing_is_started(repo_root: Path, tmp_path: Path) -> None:
    answer = local("demo", "--call", "no/such.yaml", "--run-dir", str(tmp_path / "run"), cwd=repo_root)
    assert answer.returncode == 2
    assert "no/such.yaml" in answer.stderr
    assert "what to do" in answer.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("nobody_of_that_name",), "nobody_of_that_name"),
        (("--channels", "fax"), "there are web and phone"),
        (("--times", "0"), "not a number of times"),
    ],
)
def test_calls_that_cannot_be_played_are_told_and_nothing_is_started(
    repo_root: Path, tmp_path: Path, wrong: tuple[str, ...], told: str
) -> None:
    answer = local("calls", *wrong, "--run-dir", str(tmp_path / "run"), cwd=repo_root)
    assert answer.returncode == 2
    assert told in answer.stderr
    assert not (tmp_path / "run").exists()


def test_a_bad_port_says_what_would_be_right(repo_root: Path) -> None:
    answer = local("up", "--port", "livekit", cwd=repo_root)
    assert answer.returncode == 2
    assert "livekit=7880" in answer.stderr


def test_a_run_folder_in_use_is_refused(repo_root: Path, tmp_path: Path) -> None:
    with RunDir.claim(tmp_path, "mine") as held:
        answer = local("up", "--run-dir", str(held.path), cwd=repo_root)
    assert answer.returncode == 1
    assert "in use by another run" in answer.stderr


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_everything_and_shows_in_the_exit_code(
    sent: signal.Signals, code: int, repo_root: Path, tmp_path: Path
) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", textwrap.dedent(UP), str(tmp_path)), cwd=repo_root, stdout=subprocess.PIPE, text=True
    ) as up:
        assert up.stdout is not None
        pids = next([int(p) for p in line.split()[1:]] for line in up.stdout if line.startswith("up "))
        everything = {up.pid, *pids, *(child.pid for child in psutil.Process(up.pid).children(recursive=True))}
        up.send_signal(sent)
        rest = up.stdout.read()
    assert up.returncode == code
    assert "stopping" in rest
    assert not any(lives(pid) for pid in everything)


def test_a_terminal_that_is_gone_does_not_keep_the_mesh_from_stopping(repo_root: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", textwrap.dedent(UP), str(tmp_path)),
        cwd=repo_root,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as up:
        assert up.stdout is not None
        pids = next([int(p) for p in line.split()[1:]] for line in up.stdout if line.startswith("up "))
        up.stdout.close()  # whatever it prints from now on fails
        up.send_signal(signal.SIGHUP)
        up.wait(30)
    assert not any(lives(pid) for pid in pids)


def test_a_process_to_kill_that_does_not_exist_is_told_and_nothing_is_started(repo_root: Path, tmp_path: Path) -> None:
    answer = local("demo", "--chaos", "biling", "--run-dir", str(tmp_path / "run"), cwd=repo_root)
    assert answer.returncode == 2
    assert "'biling'" in answer.stderr
    assert "mcp, redis, livekit" in answer.stderr
    assert not (tmp_path / "run").exists()


def test_a_process_that_dies_ends_the_run_and_is_named(repo_root: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", textwrap.dedent(UP), str(tmp_path)),
        cwd=repo_root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as up:
        assert up.stdout is not None
        redis, livekit = next([int(p) for p in line.split()[1:]] for line in up.stdout if line.startswith("up "))
        psutil.Process(redis).kill()
        _, complaint = up.communicate(timeout=30)
    assert "redis ended by itself (killed by SIGKILL)" in complaint
    assert not lives(livekit)
