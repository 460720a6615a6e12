"""Real Redis processes that belong together: a Cluster, and a master with its replica and three Sentinels. They keep nothing on disk but
what they must know of each other."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import redis
from handoff.keys import ONE_SLOT
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from tests.integration.conftest import _answers, _free_port, _redis_server

_COMES_SECONDS = 30.0
"""Only bounds a test that hangs."""
NODE_TIMEOUT_MS = 1000
DOWN_AFTER_MS = 500
MASTER = "mymaster"


def settled(met: Callable[[], bool]) -> None:
    """Returns when it is so; what Redis answers in the meantime does not count."""
    until = time.monotonic() + _COMES_SECONDS
    while time.monotonic() < until:
        with suppress(redis.RedisError):
            if met():
                return
        time.sleep(0.02)
    raise TimeoutError("the servers did not settle")


class Node:
    """One server; ``options`` are as on its command line. It is started again where it was."""

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self._options = folder, _free_port(), options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        common = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        common += ["--dir", str(self.folder), "--repl-diskless-sync-delay", "0"]
        self._run([*common, *self._options])

    def _run(self, arguments: Sequence[str]) -> None:
        with (self.folder / "redis.log").open("ab") as log:
            command = [_redis_server(), *arguments]
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        assert _answers(self._process, self.port), (self.folder / "redis.log").read_text()[-2000:]

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Gone, with all that it held."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def look(self) -> redis.Redis:
        """Whoever calls closes it."""
        return redis.Redis(port=self.port, decode_responses=True, socket_timeout=5)

    def ask(self, *command: str | int) -> object:
        with self.look() as client:
            return client.execute_command(*command)

    @property
    def leads(self) -> bool:
        """Whether it is a master by its own account."""
        with self.look() as client:
            return bool(client.role()[0] == "master")

    def replicated(self) -> None:
        """Returns when its replica has all that was written so far."""
        settled(lambda: self.ask("WAIT", 1, 1000) == 1)

    def replicas(self) -> int:
        """How many have caught up with it."""
        with self.look() as client:
            told = client.info("replication")
        return sum(isinstance(each, dict) and each.get("state") == "online" for each in told.values())


class Cluster:
    """Masters, and replicas of the one that has the mesh's slot. ``close`` it."""

    def __init__(self, folder: Path, *, masters: int = 3, replicas: int = 0, options: Sequence[str] = ()) -> None:
        buses = [_free_port() for _ in range(masters + replicas)]
        self.nodes = [
            Node(
                folder / str(n),
                *("--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS)),
                *("--cluster-port", str(bus), "--cluster-config-file", "nodes.conf"),
                *("--cluster-replica-validity-factor", "0", *options),
            )
            for n, bus in enumerate(buses)
        ]
        self._masters, self._buses = self.nodes[:masters], buses
        slot = key_slot(ONE_SLOT.live.encode())
        share = REDIS_CLUSTER_HASH_SLOTS // masters
        self.owner = self._masters[min(slot // share, masters - 1)]
        """Who has the mesh's slot, at the beginning."""
        self.replicas = self.nodes[masters:]

    @property
    def master(self) -> Node:
        """Of the mesh, at the beginning."""
        return self.owner

    def has_failed_over(self) -> bool:
        """Whether another one is the master by its own account."""
        return any(node.leads for node in self.replicas)

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> None:
        """Returns when each node knows all others and serves."""
        for node in self.nodes:
            node.start()
        share = REDIS_CLUSTER_HASH_SLOTS // len(self._masters)
        for n, node in enumerate(self._masters):
            last = REDIS_CLUSTER_HASH_SLOTS if node is self._masters[-1] else (n + 1) * share
            node.ask("CLUSTER", "ADDSLOTSRANGE", n * share, last - 1)
        for n, node in enumerate(self.nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
        for node, bus in zip(self.nodes[1:], self._buses[1:], strict=True):
            self.nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        settled(lambda: all(self._says(node, known_nodes=str(len(self.nodes))) for node in self.nodes))
        owner_id = str(self.owner.ask("CLUSTER", "MYID"))
        for node in self.replicas:
            settled(lambda node=node: bool(node.ask("CLUSTER", "REPLICATE", owner_id)))  # type: ignore[misc]
        settled(lambda: all(self._says(node, state="ok") for node in self.nodes))
        settled(lambda: self.owner.replicas() == len(self.replicas))

    def _says(self, node: Node, **expected: str) -> bool:
        told = node.ask("CLUSTER INFO")
        assert isinstance(told, dict)
        return all(told[f"cluster_{name}"] == value for name, value in expected.items())

    def close(self) -> None:
        _end(self.nodes)


class Sentinel(Node):
    """It watches ``master``; any two of three decide."""

    def __init__(self, folder: Path, master: Node) -> None:
        super().__init__(folder)
        self._watched = master

    def start(self) -> None:
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self.folder}",
            f"sentinel monitor {MASTER} 127.0.0.1 {self._watched.port} 2",
            f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {MASTER} 4000",
        ]
        path = self.folder / "sentinel.conf"
        path.write_text("\n".join(lines) + "\n")
        self._run([str(path), "--sentinel"])

    def knows(self) -> tuple[int, int]:
        """How many replicas and other Sentinels."""
        with self.look() as client:
            state = client.sentinel_master(MASTER)
        return int(state["num-slaves"]), int(state["num-other-sentinels"])


class Watched:
    """A master, its replicas, three Sentinels; ``options`` are of the former. ``close`` it."""

    def __init__(self, folder: Path, *options: str, replicas: int = 1) -> None:
        self.master, *self.replicas = (Node(folder / str(n), *options) for n in range(1 + replicas))
        self.sentinels = [Sentinel(folder / f"sentinel{n}", self.master) for n in range(3)]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{MASTER}/0"

    def start(self) -> None:
        """Returns when everybody knows everybody, and the replicas have caught up."""
        self.master.start()
        for node in self.replicas:
            node.start()
            node.ask("REPLICAOF", "127.0.0.1", self.master.port)
        settled(lambda: self.master.replicas() == len(self.replicas))
        for sentinel in self.sentinels:
            sentinel.start()
        settled(lambda: all(sentinel.knows() == (len(self.replicas), 2) for sentinel in self.sentinels))

    def has_failed_over(self) -> bool:
        """Whether another one is the master by its own account."""
        return any(node.leads for node in self.replicas)

    def follow_another(self) -> bool:
        """Whether there is another master, and all other replicas are its own."""
        leaders = [node for node in self.replicas if node.leads]
        return bool(leaders) and leaders[0].replicas() == len(self.replicas) - 1

    def close(self) -> None:
        _end((*self.sentinels, self.master, *self.replicas))


Fleet = Cluster | Watched


def _end(nodes: Iterable[Node]) -> None:
    for node in nodes:
        with suppress(ProcessLookupError, AssertionError):
            node.signal(signal.SIGCONT)
        node.kill()
