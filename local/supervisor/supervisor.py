"""Starts processes in the order they need, in parallel where it allows, and stops them in reverse.

Nothing outlives it: it stops each group by id, the kernel kills each process when its supervisor dies (launcher.py), and the
undertaker kills what those leave behind (undertaker.py).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from local.supervisor.errors import ProcessDied
from local.supervisor.process import Process, Spec

_UNDERTAKER = Path(__file__).with_name("undertaker.py")

Say = Callable[[str], None]
"""Takes one line for a person to read."""


def silent(_: str) -> None:
    """A Say that says nothing."""


class Supervisor:
    """The processes of one run. Not for reuse after ``stop``."""

    def __init__(self, log_dir: Path, *, cwd: Path, say: Say = silent) -> None:
        self._log_dir, self._cwd, self._say = log_dir, cwd, say
        self._processes: dict[str, Process] = {}
        self._undertaker: subprocess.Popen[bytes] | None = None
        self._began = time.monotonic()

    @property
    def processes(self) -> Mapping[str, Process]:
        """Those started so far, by name."""
        return self._processes

    async def start(self, specs: Iterable[Spec]) -> None:
        """Starts all and returns when all are ready. Raises StartFailed for the first that fails (the caller then stops the
        rest), ValueError for a table that cannot be started."""
        table = {spec.name: spec for spec in specs}
        _check_order(table)
        self._open_undertaker()
        ready = {name: asyncio.Event() for name in table}

        async def bring_up(spec: Spec) -> None:
            for name in spec.after:
                if name in ready:
                    await ready[name].wait()
            await self.start_one(spec)
            ready[spec.name].set()

        tasks = [asyncio.create_task(bring_up(spec)) for spec in table.values()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def start_one(self, spec: Spec) -> Process:
        """Starts one (again, when it had ended) and waits until it is ready."""
        self._open_undertaker()
        log_path = self._log_dir / f"{spec.name}.log"
        process = Process(spec, log_path=log_path, cwd=self._cwd, on_group=self._tell_undertaker)
        self._processes[spec.name] = process
        if spec.container:
            self._write(f"+{spec.container}")
        await process.start()
        await process.wait_ready()
        self._say(f"{spec.name} is ready ({process.ready_after_seconds:.1f} s)")
        return process

    async def wait_for_death(self) -> ProcessDied:
        """Returns when any process ends without having been told to."""
        waits = [asyncio.create_task(process.died()) for process in self._processes.values()]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in waits:
                task.cancel()

    async def stop(self) -> None:
        """Stops all, those first that need the others. A cancellation waits until all is stopped."""
        stopping = asyncio.ensure_future(self._stop())
        cancelled: asyncio.CancelledError | None = None
        while not stopping.done():
            try:
                await asyncio.shield(stopping)
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled
        stopping.result()

    def kill_all(self) -> None:
        """SIGKILL to every group, without waiting: for a person who presses Ctrl-C a second time."""
        for process in self._processes.values():
            process.kill_group()

    async def _stop(self) -> None:
        # Those that are being started have no dependants running yet, so the same order serves a half-started mesh.
        for layer in _layers({name: p.spec for name, p in self._processes.items()}):
            await asyncio.gather(*(self._processes[name].stop() for name in layer))
            for name in layer:
                if self._processes[name].spec.container:
                    self._write(f"-{self._processes[name].spec.container}")
        if self._undertaker is not None and self._undertaker.stdin is not None:
            self._undertaker.stdin.close()
            await asyncio.to_thread(self._undertaker.wait)
            self._undertaker = None

    # --- the undertaker -------------------------------------------------------------------------------------------------
    def _open_undertaker(self) -> None:
        if self._undertaker is None:
            command = (sys.executable, "-I", "-S", str(_UNDERTAKER))
            self._undertaker = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def _tell_undertaker(self, sign: str, group: int) -> None:
        self._write(f"{sign}{group}")

    def _write(self, line: str) -> None:
        if self._undertaker is not None and self._undertaker.stdin is not None:
            try:
                self._undertaker.stdin.write(f"{line}\n".encode())
                self._undertaker.stdin.flush()
            except BrokenPipeError:
                self._undertaker = None  # somebody killed it; the kernel's request on each process stays


def _check_order(table: Mapping[str, Spec]) -> None:
    if sum(len(layer) for layer in _layers(table)) != len(table):
        raise ValueError("the process table goes in a circle")


def _layers(table: Mapping[str, Spec]) -> list[list[str]]:
    """Names in the order to stop them: first those that nobody left needs."""
    left, layers = dict(table), []
    while left:
        needed = {name for spec in left.values() for name in spec.after}
        layer = [name for name in left if name not in needed]
        if not layer:
            break
        layers.append(layer)
        for name in layer:
            del left[name]
    return layers
