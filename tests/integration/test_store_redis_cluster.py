"""A Redis Cluster on its way: the mesh's slot moves to another node, a node dies that is none of ours, a seed hangs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from handoff.errors import StoreUnavailable
from handoff.keys import ONE_SLOT
from handoff.lifecycle import State
from handoff.redis_store import RedisStore
from handoff.testing import make_call
from redis.crc import key_slot
from store_steps import LEASE, opened, ready, stored_handoff, taken

from tests.integration.conftest import _free_port
from tests.integration.redis_farm import Cluster, Node, settled

SLOT = key_slot(ONE_SLOT.live.encode())


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster(tmp_path)
    try:
        await asyncio.to_thread(cluster.start)
        yield cluster
    finally:
        await asyncio.to_thread(cluster.close)


class Move:
    """The mesh's slot, from its master to another one."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self.source = cluster, cluster.master
        self.target = next(node for node in cluster.nodes if node is not self.source)
        self._ids = [str(node.ask("CLUSTER", "MYID")) for node in (self.source, self.target)]

    def begin(self) -> None:
        self.target.ask("CLUSTER", "SETSLOT", SLOT, "IMPORTING", self._ids[0])
        self.source.ask("CLUSTER", "SETSLOT", SLOT, "MIGRATING", self._ids[1])

    def carry(self, count: int) -> None:
        """Keys change places."""
        keys = self.source.ask("CLUSTER", "GETKEYSINSLOT", SLOT, count)
        assert isinstance(keys, list)
        if keys:
            self.source.ask("MIGRATE", "127.0.0.1", self.target.port, "", 0, 5000, "KEYS", *keys)

    def finish(self) -> None:
        self.carry(1000)
        for node in (self.target, self.source):
            node.ask("CLUSTER", "SETSLOT", SLOT, "NODE", self._ids[1])


async def test_a_slot_that_has_moved_is_followed_without_anybody_noticing(cluster: Cluster) -> None:
    store = RedisStore.connect(cluster.url)
    await opened(store)
    await asyncio.gather(*(store.load_call("call-1") for _ in range(8)))
    move = Move(cluster)
    move.begin()
    move.finish()
    floors = await asyncio.gather(*(store.renew_floor("call-1", epoch=1, lease_seconds=LEASE) for _ in range(8)))
    assert {floor.epoch for floor in floors} == {1}
    with move.target.look() as client:
        assert client.zrange(ONE_SLOT.live, 0, -1) == ["call-1"]
    await store.aclose()


@pytest.mark.parametrize("carried", [0, 1, 2, 3])
async def test_while_the_slot_moves_the_store_is_away_and_nothing_is_half_done(cluster: Cluster, carried: int) -> None:
    """Some of the three keys are here and some are there; calls go on without a store meanwhile."""
    store = RedisStore.connect(cluster.url)
    await opened(store)
    await ready(store)
    move = Move(cluster)
    move.begin()
    move.carry(carried)
    if carried:  # before that all that a step needs is in one place
        with pytest.raises(StoreUnavailable):
            await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)
    with pytest.raises(StoreUnavailable):
        await store.open_call(make_call("call-2"))
    move.finish()
    handoff, floor = await stored_handoff(store), await store.load_floor("call-1")
    assert (handoff.state, floor and floor.epoch) == (State.READY, 1)
    assert (await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)).epoch == 2
    assert await store.load_call("call-2") is None
    await store.aclose()


async def test_a_node_that_is_none_of_ours_may_die_when_full_coverage_is_not_required(cluster: Cluster) -> None:
    for node in cluster.nodes:
        node.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
    store = RedisStore.connect(cluster.url)
    await opened(store)
    next(node for node in cluster.nodes if node is not cluster.master).kill()
    await asyncio.to_thread(settled, lambda: "fail" in str(cluster.master.ask("CLUSTER NODES")).replace("pfail", ""))
    assert (await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)).epoch == 1
    newcomer = RedisStore.connect(cluster.url)
    assert await newcomer.live_calls() == ("call-1",)
    await newcomer.aclose()
    await store.aclose()


async def test_a_cluster_that_is_down_is_an_outage_and_serves_again(cluster: Cluster) -> None:
    """As it is by default as soon as any slot has no master."""
    store = RedisStore.connect(cluster.url)
    await opened(store)
    other = next(node for node in cluster.nodes if node is not cluster.master)
    other.kill()
    await asyncio.to_thread(settled, lambda: "'cluster_state': 'fail'" in str(cluster.master.ask("CLUSTER INFO")))
    with pytest.raises(StoreUnavailable):
        await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)
    other.start()
    await asyncio.to_thread(settled, lambda: "'cluster_state': 'ok'" in str(cluster.master.ask("CLUSTER INFO")))
    assert (await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)).epoch == 1
    await store.aclose()


async def test_one_node_that_is_named_is_enough_and_one_that_hangs_is_not_waited_for(cluster: Cluster) -> None:
    other = next(node for node in cluster.nodes if node is not cluster.master)
    with closing(socket.create_server(("127.0.0.1", 0))) as hangs:
        nobody, hanging = _free_port(), hangs.getsockname()[1]
        store = RedisStore.connect(f"redis+cluster://127.0.0.1:{nobody},127.0.0.1:{hanging},127.0.0.1:{other.port}")
        assert (await taken(store)).epoch == 2
        await store.aclose()


async def test_a_redis_that_is_no_cluster_is_told(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.start()
    store = RedisStore.connect(f"redis+cluster://127.0.0.1:{node.port}")
    with pytest.raises(StoreUnavailable, match="none of 1 nodes of the Cluster knows who serves slot"):
        await store.now()
    await store.aclose()
    node.kill()
