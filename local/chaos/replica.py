"""A replica of the mesh's Redis that takes its place: once promoted, the old address leads to it, as a service's does that follows
its master. What the master had not told it by then is lost, as it is anywhere.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from redis.asyncio import Redis

from local.chaos.processes import NotThere
from local.chaos.wire import Wire
from local.supervisor import redis
from local.supervisor.mesh import Mesh
from local.supervisor.ports import HOST, Ports
from local.supervisor.process import Process

_CATCHES_UP_SECONDS = 20.0
_LOOK_SECONDS = 0.02


class Replica:
    """Beside a running mesh; ``give_back`` it."""

    def __init__(self, mesh: Mesh, process: Process, ports: Ports, port: int) -> None:
        self._mesh, self._process, self._ports = mesh, process, ports
        self._port, self._master_port = port, _port_of(mesh)
        self._address: Wire | None = None

    @classmethod
    async def of(cls, mesh: Mesh) -> Replica:
        """Returns when it has all that the mesh's Redis holds. Raises StartFailed, NotThere."""
        ports = Ports()
        port = ports.pick()
        server = redis.find_server(mesh.settings.search_path)
        spec = redis.spec(
            server=server, port=port, data_dir=mesh.run_dir / "redis-replica", env=mesh.settings.inherited
        )
        process = await mesh.start_beside(replace(spec, name="redis-replica"))
        await _follow(port, _port_of(mesh))
        return cls(mesh, process, ports, port)

    async def take_over(self) -> None:
        """It is the master, at the address of the one that is dead."""
        await _lead(self._port)
        self._address = await Wire.to(self._port, at=self._master_port)

    async def give_back(self) -> None:
        """The mesh has its own Redis again, with all that this one holds."""
        if self._address is not None:
            await self._address.close()
            await self._mesh.restart("redis")
            await _follow(self._master_port, self._port)
            await _lead(self._master_port)
        await self._process.stop()
        self._ports.release()


def _port_of(mesh: Mesh) -> int:
    return int(mesh.redis_url.rpartition(":")[2].partition("/")[0])


async def _lead(port: int) -> None:
    async with Redis(host=HOST, port=port) as client:
        await client.replicaof("NO", "ONE")


async def _follow(port: int, master: int) -> None:
    async with Redis(host=HOST, port=master) as client:
        await client.config_set("repl-diskless-sync-delay", "0")  # it need not wait for more replicas to come
    async with Redis(host=HOST, port=port, decode_responses=True) as client:
        await client.replicaof(HOST, str(master))
        try:
            async with asyncio.timeout(_CATCHES_UP_SECONDS):
                while (await client.info("replication"))["master_link_status"] != "up":
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise NotThere("a replica of Redis did not catch up") from None
