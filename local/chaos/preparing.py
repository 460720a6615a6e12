"""Surroundings that cannot be made while a call runs: they are there before it comes.

A worker that is started in them is alone when the call comes, so that the call is its own; its twin is started right after.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local.chaos.model import Model
from local.chaos.replica import Replica
from local.chaos.wire import Wire
from local.supervisor.mesh import Mesh

WORKER, TWIN = "billing", "billing.2"
AHEAD_SECONDS = 600
_CLOCK = '''"""Python's clocks of this process are ahead by {ahead} s as soon as {flag!r} is there."""
import datetime, os, time

_time, _real = time.time, datetime.datetime


def _ahead():
    return {ahead} if os.path.exists({flag!r}) else 0


class _Any(type):
    def __instancecheck__(cls, one):
        return isinstance(one, _real)


class _Moved(_real, metaclass=_Any):
    @classmethod
    def now(cls, tz=None):
        return _real.now(tz) + datetime.timedelta(seconds=_ahead())

    @classmethod
    def utcnow(cls):
        return _real.utcnow() + datetime.timedelta(seconds=_ahead())


time.time = lambda: _time() + _ahead()
datetime.datetime = _Moved
'''


@dataclass(slots=True)
class Prepared:
    """Special surroundings, most of them a worker's. ``undo`` makes them ordinary ones again."""

    mesh: Mesh
    wire: Wire | None = None
    clock_flag: Path | None = None
    model: Model | None = None
    replica: Replica | None = None
    """Of the Redis that all lean on: no worker is another one for it."""

    async def call_is_there(self) -> None:
        """The call is the worker's: its twin may come."""
        if self.replica is None:
            await self.mesh.restart(TWIN)

    async def undo(self) -> None:
        """The worker is started again as it was. What cannot be done here is healed as after any call."""
        if self.replica is not None:
            await self.replica.give_back()
            return
        if self.clock_flag is not None:
            self.clock_flag.unlink(missing_ok=True)
        if self.model is not None:
            await self.model.close()
        if self.wire is not None:
            self.wire.mend()
        await self.mesh.process(WORKER).stop()
        if self.wire is not None:
            await self.wire.close()
        with suppress(Exception):
            await self.mesh.restart(WORKER)


Prepare = Callable[[Mesh], Awaitable[Prepared]]


async def on_a_wire(mesh: Mesh) -> Prepared:
    """Its signalling goes through a wire that can be cut."""
    wire = await Wire.to(int(mesh.livekit_url.rpartition(":")[2]))
    await mesh.process(TWIN).stop()
    await mesh.restart(WORKER, env={"LIVEKIT_URL": f"ws://127.0.0.1:{wire.port}"})
    return Prepared(mesh, wire=wire)


async def with_a_clock_of_its_own(mesh: Mesh) -> Prepared:
    """Its clock can jump."""
    folder = mesh.run_dir / "clock"
    folder.mkdir(exist_ok=True)
    flag = folder / "ahead"
    flag.unlink(missing_ok=True)
    (folder / "sitecustomize.py").write_text(_CLOCK.format(ahead=AHEAD_SECONDS, flag=str(flag)), "utf-8")
    await mesh.process(TWIN).stop()
    await mesh.restart(WORKER, env={"PYTHONPATH": str(folder)})
    return Prepared(mesh, clock_flag=flag)


async def on_a_full_disk(mesh: Mesh) -> Prepared:
    """Whatever it logs cannot be written."""
    await mesh.process(TWIN).stop()
    await mesh.restart(WORKER, log_disk_is_full=True)
    return Prepared(mesh)


async def with_a_model(mesh: Mesh) -> Prepared:
    """A language model answers for it, one that can stall."""
    model = Model()
    await model.serve()
    await mesh.process(TWIN).stop()
    await mesh.restart(WORKER, env={"OPENAI_BASE_URL": model.base_url})
    return Prepared(mesh, model=model)


async def with_a_replica(mesh: Mesh) -> Prepared:
    """Redis has a replica that can take its place."""
    return Prepared(mesh, replica=await Replica.of(mesh))
