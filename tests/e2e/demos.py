"""`make demo` for the shipped callers, as a person runs it: each with a mesh of its own, one after the other, in the background.

A call lasts a minute and needs a quarter of a core, so they run while the other tests do; who wants a result waits for it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

SHIPPED = (("duplicate_charge", "web"), ("account_up_front", "phone"), ("general_question", "web"), ("mumbled", "web"))
"""Each on one channel; the others differ in the band of the audio alone."""
_STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Played:
    """How a demo ended, what it printed, and where its report is."""

    code: int
    printed: str
    folder: Path


@dataclass
class Demos:
    """Use as a context manager: leaving it stops the demo that runs, as Ctrl-C would."""

    root: Path
    cwd: Path
    _lane: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _played: dict[str, Future[Played]] = field(default_factory=dict)
    _running: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begins; returns at once."""
        self._played = {name: self._lane.submit(self._play, name, channel) for name, channel in SHIPPED}

    def played(self, name: str) -> Played:
        """Waits until that caller's demo is over."""
        return self._played[name].result()

    def _play(self, name: str, channel: str) -> Played:
        folder = self.root / name
        call = Path("local", "callers", f"{name}.yaml")
        options = ("--call", str(call), "--channel", channel, "--run-dir", str(folder))
        self._running = subprocess.Popen(
            (sys.executable, "-m", "local", "demo", *options),
            cwd=self.cwd,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        printed, _ = self._running.communicate()
        return Played(self._running.returncode, printed, folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lane.shutdown(wait=False, cancel_futures=True)
        if self._running is not None and self._running.poll() is None:
            self._running.send_signal(signal.SIGINT)
            try:
                self._running.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._running.kill()
