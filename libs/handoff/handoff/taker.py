"""The taker's end of the wire: answers offers, and tells a giver where its handoff stands.

Runs in a worker's main process, in one event loop. An offer is examined in this order: meant for us, readable, fresh, not too far
travelled, not offered before, room for it. Only then is it stored; the giver hears "accepted" when the store has it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

import grpc
import grpc.aio
from telemetry import tracing

from handoff import wire
from handoff.context import HandoffContext, check_context, hops_exceeded
from handoff.directory import DIRECTORY, Entry
from handoff.errors import IllegalMove, InvalidContext, StoreUnavailable, UnknownHandoff, WireMismatch
from handoff.lifecycle import State
from handoff.listener import Listener, serve
from handoff.outcome import Accepted, Declined, Refusal
from handoff.store import Handoff, Store

__all__ = ["Admission", "Listener", "Taker", "serve"]

log = logging.getLogger("handoff.taker")

T = TypeVar("T")
Rpc = grpc.aio.ServicerContext[Any, Any]

_UNDER_WAY = frozenset({State.ACCEPTED, State.DISPATCHED, State.READY, State.TAKEN, State.SPOKEN})


class Admission(Protocol):
    """Counts places for calls. A place kept for an offer whose agent never comes must become free by itself."""

    @property
    def capacity(self) -> int:
        """Most calls at once."""
        ...

    @property
    def taken(self) -> int:
        """Calls that run now, and places kept for calls on their way."""
        ...

    @property
    def draining(self) -> bool:
        """True when no more calls are taken."""
        ...

    def try_admit(self, handoff_id: str) -> Refusal | None:
        """Keeps a place for a handoff, or says why not."""
        ...

    def release(self, handoff_id: str) -> None:
        """Frees the place, if one is kept."""
        ...


class Taker(wire.HandoffServiceServicer):
    """The HandoffService of one service. ``version`` is its release, ``agent_name`` what is to be dispatched: the service's own name
    unless these are its canaries."""

    def __init__(
        self,
        service: str,
        version: str,
        *,
        store: Store,
        admission: Admission,
        directory: Mapping[str, Entry] = DIRECTORY,
        agent_name: str = "",
    ) -> None:
        if service not in directory:
            raise ValueError(f"{service!r} is not in the directory")
        self._service = service
        self._version = version
        self._agent_name = agent_name or service
        self._store = store
        self._admission = admission
        self._directory = directory
        self._receives = directory[service].receives
        # One offer or withdrawal of a handoff at a time, or two copies of one offer would keep two places.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._steps: set[asyncio.Task[Any]] = set()

    # --- the service ------------------------------------------------------------------------------------------------

    async def Offer(self, request: wire.OfferRequest, rpc: Rpc) -> wire.OfferResponse:
        async with _faults_as_status(rpc):
            told = tracing.told(_metadata(rpc), request.context.session_id)
            outcome = await self._whole(self._answer(request, told))
        return wire.outcome_to_wire(outcome)

    async def Withdraw(self, request: wire.WithdrawRequest, rpc: Rpc) -> wire.WithdrawResponse:
        async with _faults_as_status(rpc):
            state = await self._whole(self._withdraw(request.handoff_id, request.reason))
        return wire.withdrawal_to_wire(request.handoff_id, state)

    async def Watch(self, request: wire.WatchRequest, rpc: Rpc) -> AsyncIterator[wire.WatchResponse]:
        async with _faults_as_status(rpc):
            updates = self._store.watch(request.handoff_id)
            try:
                async for handoff in updates:
                    yield wire.update_to_wire(handoff)
            finally:
                # A watcher that hangs up must not leave its subscription to the garbage collector.
                if isinstance(updates, AsyncGenerator):
                    await updates.aclose()

    async def Pool(self, request: wire.PoolRequest, rpc: Rpc) -> wire.PoolResponse:
        admission = self._admission
        status = wire.PoolStatus(
            service=self._service,
            capacity=admission.capacity,
            active=admission.taken,
            draining=admission.draining,
            version=self._version,
        )
        return wire.pool_to_wire(status)

    # --- an offer -----------------------------------------------------------------------------------------------------

    async def _whole(self, step: Coroutine[Any, Any, T]) -> T:
        """Runs a step to its end even when the giver's deadline passes in the middle: none is left half done."""
        task = asyncio.create_task(step)
        self._steps.add(task)
        task.add_done_callback(self._steps.discard)
        return await asyncio.shield(task)

    async def _answer(self, request: wire.OfferRequest, told: tracing.Parent) -> Accepted | Declined:
        handoff_id, call_id = request.context.handoff_id, request.context.session_id
        what = {
            "voicemesh.handoff_id": handoff_id,
            "voicemesh.from": self._giver_of(request),
            "voicemesh.to": self._service,
        }
        with tracing.span("handoff.answer", what, call_id=call_id, parent=told, kind=tracing.SERVER) as answering:
            async with self._turns.setdefault(handoff_id, asyncio.Lock()):
                outcome = await self._decide(request)
            answer = outcome.reason.value if isinstance(outcome, Declined) else "accepted"
            tracing.note(answering, {"voicemesh.outcome": answer})
        where = {"handoff_id": handoff_id, "call_id": call_id}
        if isinstance(outcome, Declined):
            log.info("offer declined: %s (%s)", outcome.reason, outcome.message, extra=where)
        else:
            log.info("offer accepted", extra=where)
        return outcome

    def _giver_of(self, request: wire.OfferRequest) -> str:
        """By name, if it is one of the mesh's: what stands in a context is another's word."""
        name = next(iter(reversed(request.context.services)), "")
        return name if name in self._directory else "other"

    async def _decide(self, request: wire.OfferRequest) -> Accepted | Declined:
        handoff_id = request.context.handoff_id
        if request.to_service != self._service:
            return Declined(handoff_id, Refusal.WRONG_SERVICE, f"this is {self._service}")
        try:
            context = self._only_what_we_may_have(wire.from_wire(request.context))
        except (InvalidContext, WireMismatch) as e:
            return Declined(handoff_id, Refusal.INVALID, str(e))
        if refused := _examine(context, self._service, await self._store.now()):
            return refused
        stored = await self._store.load_handoff(handoff_id)
        is_same = stored is None or context.may_be_kept_as(stored.context)
        if stored is None or (stored.state is State.OFFERED and is_same):
            return await self._take(context)
        if not is_same:
            return Declined(handoff_id, Refusal.INVALID, "another context was offered under this id")
        return self._again(stored)

    def _only_what_we_may_have(self, context: HandoffContext) -> HandoffContext:
        """The giver's builder drops the rest already; a giver that forgot must not make us store it."""
        return dataclasses.replace(
            context,
            facts=tuple(fact for fact in context.facts if fact.name in self._receives),
            display_name=context.display_name if "display_name" in self._receives else "",
        )

    async def _take(self, context: HandoffContext) -> Accepted | Declined:
        handoff_id = context.handoff_id
        if refusal := self._admission.try_admit(handoff_id):
            return Declined(handoff_id, refusal)
        ours = False
        try:
            offered = Handoff(context, context.services[-1], self._service, State.OFFERED)
            stored = await self._store.offer(offered)
            if stored.state is not State.OFFERED:  # another process of this service was asked too, and was faster
                return self._again(stored)
            await self._store.move(handoff_id, State.ACCEPTED)
            ours = True
        except InvalidContext as e:
            return Declined(handoff_id, Refusal.INVALID, str(e))
        except (IllegalMove, UnknownHandoff):
            return Declined(handoff_id, Refusal.STALE, "the offer was withdrawn or expired meanwhile")
        finally:
            if not ours:
                self._admission.release(handoff_id)
        return self._accepted(handoff_id)

    def _again(self, stored: Handoff) -> Accepted | Declined:
        handoff_id = stored.context.handoff_id
        if stored.state in _UNDER_WAY:
            return self._accepted(handoff_id)
        return Declined(handoff_id, Refusal.STALE, f"the handoff is {stored.state}")

    def _accepted(self, handoff_id: str) -> Accepted:
        return Accepted(handoff_id, agent_name=self._agent_name, version=self._version)

    async def _withdraw(self, handoff_id: str, reason: str) -> State:
        async with self._turns.setdefault(handoff_id, asyncio.Lock()):
            try:
                state = (await self._store.move(handoff_id, State.WITHDRAWN, reason=reason)).state
            except IllegalMove:
                stored = await self._store.load_handoff(handoff_id)
                if stored is None:
                    raise UnknownHandoff("the handoff expired meanwhile") from None
                state = stored.state
            if state not in _UNDER_WAY:
                self._admission.release(handoff_id)
        log.info("withdrawn by the giver: now %s", state, extra={"handoff_id": handoff_id})
        return state


def _metadata(rpc: Rpc | None) -> dict[str, str]:
    """What came beside the message, its texts alone; nothing where a test calls the method itself."""
    found = rpc.invocation_metadata() if rpc is not None else None
    return {key: value for key, value in found or () if isinstance(value, str)}


def _examine(context: HandoffContext, service: str, now: float) -> Declined | None:
    if context.expires_at <= now:
        return Declined(context.handoff_id, Refusal.STALE, f"expired {now - context.expires_at:.1f} s ago")
    if hops_exceeded(context, to_service=service):
        return Declined(context.handoff_id, Refusal.HOP_LIMIT, f"{len(context.services)} services had this call")
    try:
        check_context(context, call_id=context.call_id, now=now)
    except InvalidContext as e:
        return Declined(context.handoff_id, Refusal.INVALID, str(e))
    return None


@asynccontextmanager
async def _faults_as_status(rpc: Rpc) -> AsyncIterator[None]:
    """As the service's comment in the proto says."""
    try:
        yield
    except UnknownHandoff:
        await rpc.abort(grpc.StatusCode.NOT_FOUND, "no handoff of that id is stored")
    except StoreUnavailable:
        await rpc.abort(grpc.StatusCode.FAILED_PRECONDITION, "the store does not answer")
