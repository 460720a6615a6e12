"""A worker of a mesh that stays up is restarted: who has its calls meanwhile, whatever fails. Processes of paper; no clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from worker.testing.jumping_time import everything_ran, without_waiting

from local.supervisor.errors import MeshError, StartFailed
from local.up import keeper
from local.up.keeper import Keeper

HANGS_SECONDS = 1000.0


class PaperProcess:
    """Ends some seconds after it was told to."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self._log, self.drains_seconds = name, log, 1.0
        self.ready_after_seconds: float | None = None
        self._gone, self._was_told = asyncio.Event(), False

    @property
    def is_alive(self) -> bool:
        return not self._gone.is_set()

    @property
    def pid(self) -> int:
        if not self.is_alive:
            raise RuntimeError(f"{self.name} was not started")
        return 7

    def send(self, number: int) -> None:
        self._log.append(f"{self.name} drains")
        self._was_told = True
        asyncio.get_running_loop().call_later(self.drains_seconds, self.ends)

    def ends(self) -> None:
        self._gone.set()

    async def wait_exit(self) -> int:
        await self._gone.wait()
        return 0

    async def died(self) -> str:
        await self._gone.wait()
        if self._was_told:
            await asyncio.Event().wait()
        return f"{self.name} ended by itself"

    async def stop(self) -> None:
        if self.is_alive:
            self._log.append(f"{self.name} is ended")
        self._was_told = True
        self.ends()


class PaperMesh:
    """billing, its spare, and a gateway. What is in ``fails`` does not come up; ``calls`` are a worker's."""

    started = ("redis", "billing", "billing.2", "gateway")
    workers = ("billing", "billing.2")

    def __init__(self) -> None:
        self.log: list[str] = []
        self.fails: set[str] = set()
        self.calls = {"billing": 0, "billing.2": 0}
        self.reasons: dict[str, str] = {}
        self.start_seconds = 1.0
        self._processes: dict[str, PaperProcess] = {}
        for name in ("redis", "billing", "gateway"):
            self._up(name).ready_after_seconds = 1.0

    @property
    def alive(self) -> list[str]:
        return [name for name in self.started if name in self._processes and self.process(name).is_alive]

    def process(self, name: str) -> PaperProcess:
        return self._processes[name]

    async def restart(self, name: str) -> None:
        if name in self._processes:
            await self.process(name).stop()
        self.log.append(f"{name} starts")
        process = self._up(name)
        await asyncio.sleep(self.start_seconds)
        if name in self.fails:
            raise StartFailed(f"{name} was not ready")
        process.ready_after_seconds = self.start_seconds

    def _up(self, name: str) -> PaperProcess:
        self._processes[name] = PaperProcess(name, self.log)
        return self._processes[name]


@pytest.fixture
def mesh(monkeypatch: pytest.MonkeyPatch) -> Callable[[], PaperMesh]:
    """Makes one; a process belongs to a test's event loop."""

    async def health(mesh: PaperMesh, worker: str) -> dict[str, object]:
        return {"active_sessions": mesh.calls[worker], "reason": mesh.reasons.get(worker, "")}

    monkeypatch.setattr(keeper, "health", health)
    return PaperMesh


def kept_by(mesh: PaperMesh) -> Keeper:
    made = Keeper(mesh, say=mesh.log.append)  # type: ignore[arg-type]
    for name in ("redis", "billing", "gateway"):
        made._watch(name)
    return made


@without_waiting
async def test_a_worker_drains_when_another_one_is_there_and_gets_its_calls_back(mesh: Callable[[], PaperMesh]) -> None:
    made = mesh()
    made.calls["billing.2"] = 1
    told = await kept_by(made).restart("billing")
    assert told == "billing was restarted; 1 call went on with another worker meanwhile"
    assert made.log == ["billing.2 starts", "billing drains", "billing starts", "billing.2 drains"]
    assert made.alive == ["redis", "billing", "gateway"]


@without_waiting
async def test_what_is_no_worker_is_stopped_and_started(mesh: Callable[[], PaperMesh]) -> None:
    made = mesh()
    assert await kept_by(made).restart("gateway") == "gateway was stopped and started again"
    assert made.log == ["gateway is ended", "gateway starts"]


async def test_a_process_that_is_not_there_is_told_of_without_a_process_id(mesh: Callable[[], PaperMesh]) -> None:
    made = mesh()
    keeps = kept_by(made)
    assert await keeps._status("gateway") == {"name": "gateway", "pid": 7, "state": "up"}
    made.process("gateway").ends()
    assert await keeps._status("gateway") == {"name": "gateway", "pid": "", "state": "down"}


@without_waiting
async def test_a_worker_that_does_not_end_its_drain_is_ended(mesh: Callable[[], PaperMesh]) -> None:
    made = mesh()
    made.process("billing").drains_seconds = HANGS_SECONDS
    await kept_by(made).restart("billing")
    assert made.log[:4] == ["billing.2 starts", "billing drains", "billing is ended", "billing starts"]


@without_waiting
async def test_when_nobody_could_take_its_calls_a_worker_keeps_them(mesh: Callable[[], PaperMesh]) -> None:
    made = mesh()
    made.fails = {"billing.2"}
    with pytest.raises(MeshError, match=r"billing\.2"):
        await kept_by(made).restart("billing")
    assert made.log == ["billing.2 starts", "billing.2 is ended"]
    assert made.alive == ["redis", "billing", "gateway"]


@without_waiting
async def test_when_a_worker_does_not_start_again_its_calls_stay_where_they_are_until_it_does(
    mesh: Callable[[], PaperMesh],
) -> None:
    made = mesh()
    made.fails = {"billing"}
    keeps = kept_by(made)
    with pytest.raises(MeshError, match="billing was not ready"):
        await keeps.restart("billing")
    await asyncio.sleep(10)
    assert made.process("billing.2").is_alive
    assert "billing.2 drains" not in made.log
    made.fails = set()
    await asyncio.sleep(10)
    assert made.alive == ["redis", "billing", "gateway"]
    assert made.log[-2:] == ["billing starts", "billing.2 drains"]


@without_waiting
async def test_a_spare_that_still_has_calls_is_not_started_anew(mesh: Callable[[], PaperMesh]) -> None:
    made = mesh()
    await made.restart("billing.2")
    made.reasons["billing.2"] = "at_capacity"
    made.log.clear()
    await kept_by(made).restart("billing")
    assert made.log == ["billing drains", "billing starts", "billing.2 drains"]


@without_waiting
async def test_a_spare_that_was_on_its_way_out_ends_in_order_before_it_is_wanted_again(
    mesh: Callable[[], PaperMesh],
) -> None:
    made = mesh()
    await made.restart("billing.2")
    made.reasons["billing.2"] = "draining"
    made.log.clear()
    await kept_by(made).restart("billing")
    assert made.log[:3] == ["billing.2 drains", "billing.2 starts", "billing drains"]


@without_waiting
async def test_a_worker_that_died_is_restarted_all_the_same(mesh: Callable[[], PaperMesh]) -> None:
    made = mesh()
    keeps = kept_by(made)
    await everything_ran()
    made.process("billing").ends()
    await everything_ran()
    await keeps.restart("billing")
    await asyncio.sleep(10)
    assert made.log == [
        "billing ended by itself; it is started again",
        "billing.2 starts",
        "billing starts",
        "billing.2 drains",
    ]
    assert made.alive == ["redis", "billing", "gateway"]


@without_waiting
async def test_two_restarts_of_one_worker_are_one_and_a_refusal_and_two_of_two_are_two(
    mesh: Callable[[], PaperMesh],
) -> None:
    keeps = kept_by(mesh())
    first = asyncio.create_task(keeps.restart("billing"))
    await everything_ran()
    with pytest.raises(MeshError, match="being restarted already"):
        await keeps.restart("billing")
    assert "gateway" in await keeps.restart("gateway")
    assert "billing" in await first
    assert "billing" in await keeps.restart("billing")


@without_waiting
async def test_a_name_that_is_wrong_is_told_with_those_that_are_right(mesh: Callable[[], PaperMesh]) -> None:
    keeps = kept_by(mesh())
    for wrong in ("biling", "billing.2", ""):
        with pytest.raises(MeshError, match=r"there are redis, billing, gateway$"):
            await keeps.restart(wrong)


@without_waiting
async def test_a_restart_that_is_under_way_when_everything_stops_starts_nothing_more(
    mesh: Callable[[], PaperMesh],
) -> None:
    made = mesh()
    made.start_seconds = 5.0
    keeps = kept_by(made)
    restarting = asyncio.create_task(keeps.restart("billing"))
    await everything_ran()
    await keeps.stop()
    await asyncio.gather(restarting, return_exceptions=True)
    await asyncio.sleep(100)
    assert made.log == ["billing.2 starts"]
