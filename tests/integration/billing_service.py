"""A billing service's end of the wire inside the test's own process, and a giver that knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import grpc.aio
from handoff import wire
from handoff.context import HandoffContext
from handoff.giver import Giver
from handoff.memory_store import MemoryStore
from handoff.outcome import Outcome, Refusal
from handoff.taker import Listener, Taker, serve
from handoff.testing import FakeClock

PATIENT_SECONDS = 30.0
"""Only bounds a test that hangs; nothing is measured."""


@dataclass
class Places:
    """An Admission that remembers what it was asked."""

    capacity: int = 2
    draining: bool = False
    kept: list[str] = field(default_factory=list)

    @property
    def taken(self) -> int:
        return len(self.kept)

    def try_admit(self, handoff_id: str) -> Refusal | None:
        if self.draining:
            return Refusal.DRAINING
        if len(self.kept) >= self.capacity:
            return Refusal.AT_CAPACITY
        self.kept.append(handoff_id)
        return None

    def release(self, handoff_id: str) -> None:
        if handoff_id in self.kept:
            self.kept.remove(handoff_id)


@dataclass
class Billing:
    """A billing service that serves, and a giver that knows it."""

    store: MemoryStore
    clock: FakeClock
    places: Places
    listener: Listener
    giver: Giver

    async def offer(self, context: HandoffContext, to_service: str = "billing") -> Outcome:
        return await self.giver.offer(context, to_service)

    async def offer_raw(self, request: wire.OfferRequest) -> wire.OfferResponse:
        """As a giver that does not check what it sends."""
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.listener.port}") as channel:
            response = await wire.HandoffServiceStub(channel).Offer(request, timeout=PATIENT_SECONDS)
            assert isinstance(response, wire.OfferResponse)
            return response


@asynccontextmanager
async def billing_with(store: MemoryStore, clock: FakeClock) -> AsyncIterator[Billing]:
    places = Places()
    listener = await serve(Taker("billing", "1.2.3", store=store, admission=places), host="127.0.0.1", port=0)
    address = f"127.0.0.1:{listener.port}"
    # Patient: a busy machine must not turn an answer into Expired.
    giver = Giver({"billing": address, "triage": address}, offer_timeout_seconds=PATIENT_SECONDS)
    try:
        yield Billing(store, clock, places, listener, giver)
    finally:
        await giver.aclose()
        await listener.stop()
        await store.aclose()
