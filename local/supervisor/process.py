"""One process of the mesh: what it is (Spec), and the running thing with its log, its readiness and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from local.supervisor.errors import ProcessDied, StartFailed
from local.supervisor.probes import Probe

_LAUNCHER = Path(__file__).with_name("launcher.py")
_FIRST_ASK_SECONDS, _LAST_ASK_SECONDS = 0.03, 0.25
"""How often a starting process is asked: often at first, for those that take milliseconds, then less."""
_KILL_SECONDS = 5.0
"""How long the kernel may take to end what was killed; only a process stuck in the kernel needs it."""
_TAIL_LINES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """How to run one process of the mesh."""

    name: str
    command: tuple[str, ...]
    probe: Probe
    env: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    """Names of those that must be ready before this one starts."""
    ready_seconds: float = 30.0
    """How long it may take from start to ready."""
    stop_seconds: float = 6.0
    """How long SIGTERM may take before SIGKILL."""
    hurries_on_second_signal: bool = False
    """Send SIGTERM twice: the first asks it to drain, the second to stop now."""
    advice: str = ""
    """What a person can do when it does not start."""
    container: str = ""
    """Name of the container behind it, as ``docker NAME``: to be removed when the process is killed."""


class Process:
    """A started process. It leads a process group of its own, so Ctrl-C in a terminal reaches the supervisor alone."""

    def __init__(self, spec: Spec, *, log_path: Path, cwd: Path, on_group: Callable[[str, int], None]) -> None:
        self.spec = spec
        self.log_path = log_path
        self.ready_after_seconds: float | None = None
        self._cwd = cwd
        self._on_group = on_group
        self._child: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def name(self) -> str:
        """As in the process table."""
        return self.spec.name

    @property
    def pid(self) -> int:
        """Its process id, which is also its group's. Raises RuntimeError before it was started."""
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._child.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs (its children are not asked)."""
        return self._child is not None and self._child.returncode is None

    @property
    def returncode(self) -> int | None:
        """As subprocess has it: None while it runs, negative for a signal."""
        return None if self._child is None else self._child.returncode

    async def start(self) -> None:
        """Starts it; returns at once, see ``wait_ready``. Its output is added to its log."""
        launch = (sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *self.spec.command)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._stopping = False
        with self.log_path.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                *launch,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.spec.env),
                cwd=self._cwd,
                start_new_session=True,
            )
        self._on_group("+", self._child.pid)

    async def wait_ready(self) -> None:
        """Asks until it is ready. Raises StartFailed when it ends, or when ``ready_seconds`` have passed."""
        began, pause, answer = time.monotonic(), _FIRST_ASK_SECONDS, "it was not asked"
        while (waited := time.monotonic() - began) < self.spec.ready_seconds:
            if not self.is_alive:
                raise self._failure(f"{self.name} ended while it started ({_how_it_ended(self.returncode)})")
            answer = await self.spec.probe()
            # Asked after the answer as well: another process on its port could have answered for it.
            if not answer and self.is_alive:
                self.ready_after_seconds = time.monotonic() - began
                return
            await self._ends_within(pause)
            pause = min(pause * 1.5, _LAST_ASK_SECONDS)
        raise self._failure(f"{self.name} was not ready after {waited:.0f} s: {answer or 'it ended'}")

    async def wait_exit(self) -> int:
        """Waits until it ends; its return code."""
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        return await self._child.wait()

    async def died(self) -> ProcessDied:
        """Returns when it ends without having been told to; never when it was told to."""
        await self.wait_exit()
        if self._stopping:
            await asyncio.Event().wait()
        what = f"{self.name} ended by itself ({_how_it_ended(self.returncode)})"
        return ProcessDied(what, log_tail=self.log_tail(), advice=f"read {self.log_path}")

    def kill(self) -> None:
        """SIGKILL to the process alone, as a crash would be; its children are left to notice."""
        self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """A signal to the process alone; SIGTERM, SIGKILL and SIGINT count as being told to stop."""
        if number in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
            self._stopping = True
        if self.is_alive:
            # It may have ended just now, with our loop not told yet.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def stop(self) -> None:
        """SIGTERM, a bounded wait, then SIGKILL to its group; nothing of the group is left afterwards."""
        self._stopping = True
        if self._child is None:
            return
        if self.is_alive:
            self.send(signal.SIGCONT)  # a stopped process would not hear SIGTERM
            self.send(signal.SIGTERM)
            if self.spec.hurries_on_second_signal and not await self._ends_within(0.1):
                self.send(signal.SIGTERM)
            await self._ends_within(self.spec.stop_seconds)
        await self._end_group()
        if self.spec.container:
            await asyncio.to_thread(remove_container, self.spec.container)

    def kill_group(self) -> None:
        """SIGKILL to the process and all its children, without waiting."""
        self._stopping = True
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def log_tail(self, lines: int = _TAIL_LINES) -> str:
        """The last lines that it printed."""
        try:
            text = self.log_path.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    async def _end_group(self) -> None:
        """A leader that ended in order may have left children: they get a moment, then SIGKILL."""
        if self.is_alive or not await _is_gone_within(0.5, self.pid):
            self.kill_group()
            await _is_gone_within(_KILL_SECONDS, self.pid)
        await self._ends_within(_KILL_SECONDS)
        self._on_group("-", self.pid)

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.wait_exit()
        except TimeoutError:
            return False
        return True

    def _failure(self, what: str) -> StartFailed:
        advice = self.spec.advice or "the log has more"
        return StartFailed(what, log_tail=self.log_tail(), advice=f"{advice} (its log: {self.log_path})")


async def _is_gone_within(seconds: float, group: int) -> bool:
    until = time.monotonic() + seconds
    while _group_lives(group):  # only children can be awaited, and these are children's children
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.02)
    return True


def _group_lives(group: int) -> bool:
    """Whether a process of the group runs; one that ended and was not yet collected by its parent does not count."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # gone, or the number belongs to somebody else by now
        return False
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
        except (ProcessLookupError, psutil.Error):
            continue
    return False


def remove_container(container: str) -> None:
    """Removes ``docker NAME`` by force; quiet when it is gone already."""
    kind, _, name = container.rpartition(" ")
    subprocess.run(
        [kind, "rm", "-f", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=30
    )


def _how_it_ended(returncode: int | None) -> str:
    if returncode is None:
        return "still running"
    if returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    # LiveKit's server prints what is wrong and exits 0, so that is no success here either.
    return f"exit code {returncode}"
