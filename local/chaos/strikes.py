"""Strikes: what is done to a call's processes, and what an orchestrator would do about it afterwards.

Each strike takes the scene and returns what it did. Whatever has to be undone (a frozen process thawed, a dead one started again) goes
on in the scene's background, while the caller talks.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
from handoff.agent_ids import awaited_taker
from handoff.lifecycle import State

from local.chaos.model import Model
from local.chaos.preparing import WORKER, Prepared
from local.chaos.processes import NotThere, job_of, until, workers_of
from local.chaos.scene import MOMENT_SECONDS, Scene
from local.chaos.sound_cut import SoundCut

FROZEN_SECONDS = 4.0
"""How long a frozen process stays so: longer than a successor needs to speak."""
RESTART_SECONDS = 2.0
"""After which an orchestrator has noticed a dead process; starting it takes its own time."""


@dataclass(slots=True)
class Struck:
    """What was done. ``at`` is seconds since the epoch; ``agent_id`` the struck agent's identity in the room, when it was one."""

    what: str
    at: float
    agent_id: str = ""
    up_again_at: float = 0.0
    """When a process that was struck and started again was ready."""
    thawed_at: float = 0.0
    is_drain: bool = False
    moved_after_seconds: float | None = None
    """Of a drain: when another agent had the floor."""
    notes: list[str] = field(default_factory=list)


Strike = Callable[[Scene], Awaitable[Struck]]


# --- agents -------------------------------------------------------------------------------------------------------------
def kill_job(service: str = "", *, at: State | None = None) -> Strike:
    """SIGKILL to the process of the call's agent: the floor's owner, or that of ``service``. ``at``: the state of the handoff that is
    meant; it tells the one that was hit, and one that is meant to be READY and is not any more was missed."""

    async def strike(scene: Scene) -> Struck:
        service_, agent_id = await _agent(scene, service)
        _, job = await job_of(scene.mesh, service_)
        job.kill()
        struck = Struck(f"job of {service_} killed", time.time(), agent_id)
        if at is not None:
            state = await scene.handoff_state()
            if at is State.READY and state is not at:
                raise NotThere(f"the handoff was {state} when it was struck")
            struck.notes.append(f"the handoff was {state}")
        return struck

    return strike


def freeze_job(service: str = "") -> Strike:
    """SIGSTOP to it, and SIGCONT when a successor has long spoken."""

    async def strike(scene: Scene) -> Struck:
        service_, agent_id = await _agent(scene, service)
        _, job = await job_of(scene.mesh, service_)
        job.suspend()
        struck = Struck(f"job of {service_} frozen", time.time(), agent_id)
        scene.thaw_later(_thaw(job, struck))
        return struck

    return strike


async def _agent(scene: Scene, service: str) -> tuple[str, str]:
    """The service and the identity of the agent to strike: the floor's owner's, or a taker's that waits for it."""
    floor = await scene.floor()
    if service in ("", floor.service):
        return floor.service, floor.agent_id
    call = await scene.store.load_call(scene.caller.call_id)
    if call is not None and call.handoff_ids:
        handoff = await scene.store.load_handoff(call.handoff_ids[-1])
        if handoff is not None and handoff.to_service == service:
            return service, handoff.taker_id or awaited_taker(service, handoff.context.handoff_id)
        if handoff is not None and handoff.from_service == service:
            return service, ""  # a giver that has given the floor away already
    raise NotThere(f"no agent of {service} is in the call")


async def _thaw(job: psutil.Process, struck: Struck) -> None:
    await asyncio.sleep(FROZEN_SECONDS)
    with suppress(psutil.NoSuchProcess):  # its worker may have ended it meanwhile
        job.resume()
        struck.thawed_at = time.time()


# --- workers ------------------------------------------------------------------------------------------------------------
def kill_worker(service: str = "") -> Strike:
    """SIGKILL to the main process of the worker that has the call; its jobs die with it. It is started again."""

    async def strike(scene: Scene) -> Struck:
        service_, agent_id = await _agent(scene, service)
        worker, _ = await job_of(scene.mesh, service_)
        scene.mesh.process(worker).kill()
        struck = Struck(f"worker {worker} killed", time.time(), agent_id)
        scene.restart_later(_start_again(scene, worker, struck))
        return struck

    return strike


def freeze_worker(service: str = "") -> Strike:
    """SIGSTOP to the worker's main process and all its children, as a machine that hangs; thawed later."""

    async def strike(scene: Scene) -> Struck:
        service_, agent_id = await _agent(scene, service)
        worker, _ = await job_of(scene.mesh, service_)
        main = psutil.Process(scene.mesh.process(worker).pid)
        family = [main, *main.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        struck = Struck(f"worker {worker} frozen", time.time(), agent_id)
        for process in family:
            scene.thaw_later(_thaw(process, struck))
        return struck

    return strike


def kill_all_workers(service: str) -> Strike:
    """SIGKILL to every worker of a service; none is started again while the call lasts."""

    async def strike(scene: Scene) -> Struck:
        floor = await scene.floor()
        workers = workers_of(scene.mesh, service)
        for worker in workers:
            scene.mesh.process(worker).kill()
        agent_id = floor.agent_id if floor.service == service else ""
        return Struck(f"{' and '.join(workers)} killed", time.time(), agent_id)

    return strike


def black_hole(service: str) -> Strike:
    """SIGSTOP to the main process of every worker of a service: offers are taken by the kernel and never answered."""

    async def strike(scene: Scene) -> Struck:
        workers = workers_of(scene.mesh, service)
        struck = Struck(f"{' and '.join(workers)} answer nothing", time.time())
        for worker in workers:
            scene.mesh.process(worker).send(signal.SIGSTOP)
            scene.thaw_later(_continue(scene, worker, struck, 12.0))
        return struck

    return strike


def drain_worker(service: str = "") -> Strike:
    """SIGTERM to the worker that has the call, as a deploy does; it is started again when it has ended."""

    async def strike(scene: Scene) -> Struck:
        floor = await scene.floor()
        worker, _ = await job_of(scene.mesh, service or floor.service)
        scene.mesh.process(worker).send(signal.SIGTERM)
        struck = Struck(f"worker {worker} told to stop", time.time(), is_drain=True)
        scene.restart_later(_drained(scene, worker, floor.agent_id, struck))
        return struck

    return strike


async def _drained(scene: Scene, worker: str, agent_id: str, struck: Struck) -> None:
    with suppress(NotThere):
        moved = await scene.floor(not_agent=agent_id)
        struck.moved_after_seconds = time.time() - struck.at
        struck.notes.append(f"moved to {moved.agent_id} after {struck.moved_after_seconds:.1f} s")
        struck.up_again_at = time.time()
    await scene.mesh.process(worker).wait_exit()
    await scene.mesh.restart(worker)


# --- surroundings -------------------------------------------------------------------------------------------------------
def cut_off(*, seconds: float) -> Strike:
    """The worker's signalling to LiveKit is cut; see `preparing.on_a_wire`."""

    async def strike(scene: Scene) -> Struck:
        wire = _prepared(scene).wire
        assert wire is not None
        wire.cut()
        struck = Struck(f"a worker is cut off from LiveKit for {seconds:g} s", time.time())

        async def mend() -> None:
            await asyncio.sleep(seconds)
            wire.mend()
            struck.up_again_at = time.time()

        scene.thaw_later(mend())
        return struck

    return strike


def partition(*, seconds: float) -> Strike:
    """The worker and its jobs are cut off from LiveKit altogether, sound and all; see `preparing.on_a_wire`."""

    async def strike(scene: Scene) -> Struck:
        wire = _prepared(scene).wire
        assert wire is not None
        floor = await scene.floor()
        ours, livekit = scene.mesh.process(WORKER).pid, scene.mesh.process("livekit").pid
        sound = await asyncio.to_thread(SoundCut.between, ours, livekit)
        wire.cut()
        struck = Struck(
            f"a worker is cut off from LiveKit, sound and all, for {seconds:g} s", time.time(), floor.agent_id
        )

        async def mend() -> None:
            try:
                await asyncio.sleep(seconds)
            finally:
                sound.mend()
                wire.mend()
            struck.up_again_at = struck.thawed_at = time.time()

        scene.thaw_later(mend())
        return struck

    return strike


async def clock_jumps(scene: Scene) -> Struck:
    """The worker's clock is ten minutes ahead from now on, and its job is killed; see `preparing.with_a_clock_of_its_own`."""
    flag = _prepared(scene).clock_flag
    assert flag is not None
    flag.touch()
    await asyncio.sleep(1.0)
    struck = await kill_job()(scene)
    return Struck(f"clock ten minutes ahead, {struck.what}", struck.at, struck.agent_id)


def stall(*, seconds: float) -> Strike:
    """The worker's language model takes what it is asked next and says nothing; see `preparing.with_a_model`."""

    async def strike(scene: Scene) -> Struck:
        model = _prepared(scene).model
        assert model is not None
        model.stall()

        async def is_asked() -> bool:
            return model.left_waiting > 0

        await until(is_asked, what="a question to the language model", seconds=MOMENT_SECONDS)
        struck = Struck(f"the language model stalls for {seconds:g} s", time.time())
        scene.thaw_later(_model_again(model, struck, seconds))
        return struck

    return strike


def fail(*, seconds: float) -> Strike:
    """The worker's language model answers what it is asked next with an error; see `preparing.with_a_model`."""

    async def strike(scene: Scene) -> Struck:
        model = _prepared(scene).model
        assert model is not None
        model.fail()

        async def is_asked() -> bool:
            return model.refused > 0

        await until(is_asked, what="a question to the language model", seconds=MOMENT_SECONDS)
        struck = Struck(f"the language model fails for {seconds:g} s", time.time())
        scene.thaw_later(_model_again(model, struck, seconds))
        return struck

    return strike


async def _model_again(model: Model, struck: Struck, seconds: float) -> None:
    await asyncio.sleep(seconds)
    model.go_on()
    struck.up_again_at = time.time()


def _prepared(scene: Scene) -> Prepared:
    if scene.prepared is None:
        raise NotThere("the surroundings that it takes were not made")
    return scene.prepared


# --- what all lean on ---------------------------------------------------------------------------------------------------
def kill(name: str, *, restarts_after: float = RESTART_SECONDS) -> Strike:
    """SIGKILL to a process of the mesh by its name; it is started again."""

    async def strike(scene: Scene) -> Struck:
        scene.mesh.process(name).kill()
        struck = Struck(f"{name} killed", time.time())
        scene.restart_later(_start_again(scene, name, struck, restarts_after))
        return struck

    return strike


def stop(name: str, *, restarts_after: float = 1.0) -> Strike:
    """Stopped in order, and started again."""

    async def strike(scene: Scene) -> Struck:
        struck = Struck(f"{name} stopped in order", time.time())

        async def again() -> None:
            await scene.mesh.process(name).stop()
            await _start_again(scene, name, struck, restarts_after)

        scene.restart_later(again())
        return struck

    return strike


def fail_over(*, after: float = RESTART_SECONDS) -> Strike:
    """SIGKILL to Redis; its replica is promoted and found at its address. See `preparing.with_a_replica`."""

    async def strike(scene: Scene) -> Struck:
        replica = _prepared(scene).replica
        assert replica is not None
        scene.mesh.process("redis").kill()
        struck = Struck("Redis killed, its replica promoted", time.time())

        async def take_over() -> None:
            await scene.mesh.process("redis").wait_exit()
            await asyncio.sleep(after)
            await replica.take_over()
            struck.up_again_at = time.time()

        scene.restart_later(take_over())
        return struck

    return strike


def freeze(name: str, *, seconds: float) -> Strike:
    """SIGSTOP to a process of the mesh by its name: it takes what is sent and answers nothing, for ``seconds``."""

    async def strike(scene: Scene) -> Struck:
        scene.mesh.process(name).send(signal.SIGSTOP)
        struck = Struck(f"{name} frozen for {seconds:g} s", time.time())
        scene.thaw_later(_continue(scene, name, struck, seconds))
        return struck

    return strike


async def _continue(scene: Scene, name: str, struck: Struck, seconds: float) -> None:
    await asyncio.sleep(seconds)
    scene.mesh.process(name).send(signal.SIGCONT)
    struck.up_again_at = struck.thawed_at = time.time()


async def _start_again(scene: Scene, name: str, struck: Struck, after_seconds: float = RESTART_SECONDS) -> None:
    await scene.mesh.process(name).wait_exit()
    await asyncio.sleep(after_seconds)
    await scene.mesh.restart(name)
    struck.up_again_at = time.time()
