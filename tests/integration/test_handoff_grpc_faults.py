"""Giver and taker over real gRPC when something is away: the store, the contract, the peer, its process."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
import pytest
from handoff.context import HandoffContext
from handoff.errors import PeerUnreachable, StoreUnavailable, WireMismatch
from handoff.giver import Giver
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.outcome import Accepted, Expired
from handoff.store import Handoff
from handoff.taker import Taker, serve
from handoff.testing import FakeClock, OutageStore, make_context

from tests.integration.billing_service import PATIENT_SECONDS, Billing, Places, billing_with


@pytest.fixture
async def billing() -> AsyncIterator[Billing]:
    clock = FakeClock()
    async with billing_with(MemoryStore(now=clock), clock) as running:
        yield running


# --- faults: the store, the contract, the peer --------------------------------------------------------------------------------


async def test_a_taker_without_its_store_answers_nothing_and_keeps_no_place() -> None:
    clock = FakeClock()
    store = OutageStore(now=clock)
    async with billing_with(store, clock) as billing:
        store.is_away = True
        assert isinstance(await billing.offer(make_context("h1")), Expired)
        with pytest.raises(StoreUnavailable):
            await anext(aiter(billing.giver.watch("h1", "billing")))
        await billing.giver.withdraw("h1", "billing", "caller_left")
        assert billing.places.kept == []
        store.is_away = False
        assert isinstance(await billing.offer(make_context("h1")), Accepted)


async def test_a_server_that_does_not_know_the_contract_is_a_mismatch() -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    giver = Giver({"billing": f"127.0.0.1:{port}"}, offer_timeout_seconds=PATIENT_SECONDS)
    with pytest.raises(WireMismatch):
        await giver.offer(make_context("h1"), "billing")
    await giver.aclose()
    await server.stop(None)


async def _finds_nobody(giver: Giver) -> None:
    """Everything a giver can ask, of a peer that is away."""
    assert isinstance(await giver.offer(make_context("h1"), "billing"), Expired)
    with pytest.raises(PeerUnreachable):
        await giver.pool("billing")
    await giver.withdraw("h1", "billing", "caller_left")
    await giver.aclose()


async def test_a_service_without_an_address_is_away() -> None:
    giver = Giver({})
    await _finds_nobody(giver)
    with pytest.raises(PeerUnreachable):
        await anext(aiter(giver.watch("h1", "billing")))


async def test_a_peer_that_is_not_running_is_away(unused_port: int) -> None:
    giver = Giver({"billing": f"127.0.0.1:{unused_port}"}, offer_timeout_seconds=PATIENT_SECONDS)
    with pytest.raises(PeerUnreachable):
        await anext(aiter(giver.watch("h1", "billing")))
    await _finds_nobody(giver)


async def test_a_host_that_does_not_exist_is_away() -> None:
    await _finds_nobody(Giver({"billing": "billing.invalid:50051"}))


async def test_a_peer_that_listens_and_never_answers_is_away_when_the_deadline_passes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as black_hole:
        await _finds_nobody(Giver({"billing": f"127.0.0.1:{black_hole.getsockname()[1]}"}, offer_timeout_seconds=0.2))


async def test_a_peer_that_comes_back_is_found_again(unused_port: int) -> None:
    clock = FakeClock()
    giver = Giver({"billing": f"127.0.0.1:{unused_port}"}, offer_timeout_seconds=PATIENT_SECONDS)
    assert isinstance(await giver.offer(make_context("h1"), "billing"), Expired)
    taker = Taker("billing", "1.2.3", store=MemoryStore(now=clock), admission=Places())
    listener = await serve(taker, host="127.0.0.1", port=unused_port)
    async with asyncio.timeout(PATIENT_SECONDS):
        while isinstance(await giver.offer(make_context("h1"), "billing"), Expired):
            await asyncio.sleep(0.02)
    await giver.aclose()
    await listener.stop()


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def test_an_offer_whose_deadline_passes_in_the_middle_is_finished_all_the_same(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    load = billing.store.load_handoff

    async def load_when_told(handoff_id: str) -> Handoff | None:
        await gate.wait()
        return await load(handoff_id)

    monkeypatch.setattr(billing.store, "load_handoff", load_when_told)
    hasty = Giver({"billing": f"127.0.0.1:{billing.listener.port}"}, offer_timeout_seconds=0.1)
    assert isinstance(await hasty.offer(make_context("h1"), "billing"), Expired)
    gate.set()
    # The next request for this handoff is served after the one that was cut off.
    assert isinstance(await billing.offer(make_context("h1")), Accepted)
    assert billing.places.kept == ["h1"]
    await hasty.aclose()


# --- processes that die ---------------------------------------------------------------------------------------------------


@dataclass
class Peer:
    pid: int
    address: str


@asynccontextmanager
async def peer_process(handoff_id: str) -> AsyncIterator[Peer]:
    script = Path(__file__).with_name("taker_process.py")
    process = await asyncio.create_subprocess_exec(sys.executable, script, handoff_id, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENT_SECONDS):
            port = int(await process.stdout.readline())
        yield Peer(process.pid, f"127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
async def test_a_peer_that_dies_or_freezes_during_a_watch_is_noticed(fate: signal.Signals) -> None:
    async with peer_process("h1") as peer:
        giver = Giver({"billing": peer.address}, offer_timeout_seconds=PATIENT_SECONDS)
        watch = giver.watch("h1", "billing")
        update = await anext(aiter(watch))
        assert update.state is State.OFFERED
        os.kill(peer.pid, fate)
        with pytest.raises(PeerUnreachable):
            async with asyncio.timeout(PATIENT_SECONDS):
                await anext(aiter(watch))
        await giver.aclose()


async def test_a_server_that_stops_ends_its_watches(billing: Billing) -> None:
    await billing.offer(make_context("h1"))
    watch = aiter(billing.giver.watch("h1", "billing"))
    await anext(watch)
    await billing.listener.stop()
    with pytest.raises(PeerUnreachable):
        async with asyncio.timeout(PATIENT_SECONDS):
            await anext(watch)


async def test_a_giver_that_closes_ends_its_own_watches(billing: Billing) -> None:
    await billing.offer(make_context("h1"))
    watch = aiter(billing.giver.watch("h1", "billing"))
    await anext(watch)
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    await billing.giver.aclose()
    with pytest.raises(PeerUnreachable):
        async with asyncio.timeout(PATIENT_SECONDS):
            await waiting


# --- a giver in a child process -----------------------------------------------------------------------------------------------


def _offer_in_child(giver: Giver, context: HandoffContext) -> None:
    outcome = asyncio.run(giver.offer(context, "billing"))
    os._exit(0 if isinstance(outcome, Accepted) else 1)


@contextmanager
def child(method: str, giver: Giver) -> Iterator[multiprocessing.process.BaseProcess]:
    processes = multiprocessing.get_context(method)
    if method == "forkserver":
        multiprocessing.set_forkserver_preload(["handoff.giver"])
    # The child's clock is this machine's, as the peer's is.
    context = make_context("h2", now=time.time())
    process = processes.Process(target=_offer_in_child, args=(giver, context))
    process.start()
    try:
        yield process
    finally:
        if process.is_alive():
            process.kill()
        process.join()


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
async def test_a_giver_made_here_works_in_a_child_process(method: str) -> None:
    async with peer_process("h1") as peer:
        giver = Giver({"billing": peer.address}, offer_timeout_seconds=PATIENT_SECONDS)
        with child(method, giver) as process:
            await asyncio.to_thread(process.join, PATIENT_SECONDS)
            assert process.exitcode == 0
