"""The giver's end of the wire: offers a call to another service, withdraws the offer, follows it, asks how much room there is.

Channels are opened at first use (channels.py), in the process that uses them: a Giver may be made before a fork, never shared across one.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import Any

import grpc
import grpc.aio
from telemetry import tracing

from handoff import wire
from handoff.agent_ids import service_of
from handoff.channels import Channels
from handoff.context import HandoffContext
from handoff.errors import HandoffError, InvalidContext, PeerUnreachable, StoreUnavailable, UnknownHandoff, WireMismatch
from handoff.outcome import BUSY, Declined, Expired, Outcome, Refusal
from handoff.resolver import Resolver
from handoff.tls import Certificates
from handoff.wire import HandoffUpdate, PoolStatus

__all__ = ["Giver", "HandoffUpdate", "PoolStatus", "has_room"]

SHUN_SECONDS = 10.0
"""How long a worker that failed is asked last: by then it is back, or the guardian has noticed that it is gone."""


def has_room(status: PoolStatus) -> bool:
    """Whether a service, or a worker, would take one more call."""
    return not status.draining and status.active < status.capacity


class Giver:
    """One per process. ``peers`` gives the ``host:port`` of each service's workers: one, or several (``a:1|b:1``, or a sequence), or a
    name that stands for all of them.

    Of several workers the one with most room is asked first, and the next one when it does not answer or is full.
    """

    def __init__(
        self,
        peers: Mapping[str, str | Sequence[str]],
        *,
        offer_timeout_seconds: float = 0.5,
        watch_timeout_seconds: float = 300.0,
        certificates: Certificates | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        """With ``certificates`` a worker has to prove the name in ``peers`` behind which it was found; where that is an IP address,
        its service's name."""
        self._peers = {name: tuple(at.split("|") if isinstance(at, str) else at) for name, at in peers.items()}
        self._offer_timeout_seconds = offer_timeout_seconds
        self._watch_timeout_seconds = watch_timeout_seconds
        self._resolver = resolver or Resolver()
        self._channels = Channels(certificates)
        self._found: dict[str, tuple[str, str]] = {}
        """Address -> the service that it is a worker's of, and the name behind which it was found."""
        self._asked: dict[str, str] = {}
        """Handoff id -> the address of the worker that was offered it."""
        self._asked_last: dict[str, str] = {}
        """Service -> the address that was offered a call last."""
        self._shunned: dict[str, float] = {}
        """Address -> until when (monotonic) it is the last that is asked."""

    async def offer(self, context: HandoffContext, to_service: str, *, among: str = "") -> Outcome:
        """Offers the call. May be repeated with the same context: the taker answers as before. ``among``: the name in ``peers`` of those
        of its workers that are asked (a canary's), when it is not the service's own.

        After Expired the taker may have accepted all the same: withdraw, unless the offer is repeated. A context that may not
        cross is Declined as invalid without asking. A worker that does not speak this contract, as one of another release may, is
        passed over; raises WireMismatch when there is no other.
        """
        started = time.monotonic()
        try:
            request = wire.OfferRequest(to_service=to_service, context=wire.to_wire(context))
        except InvalidContext as e:
            return Declined(context.handoff_id, Refusal.INVALID, str(e))
        outcome: Outcome = Expired(context.handoff_id, 0.0, f"no worker of {to_service} is known, or none answers")
        mismatch: WireMismatch | None = None
        for address in await self._by_room(among or to_service):
            self._asked[context.handoff_id] = self._asked_last[among or to_service] = address
            try:
                outcome, mismatch = await self._offer_at(address, request, to_service, started), None
            except WireMismatch as e:
                mismatch = e
                continue
            if not (isinstance(outcome, Expired) or (isinstance(outcome, Declined) and outcome.reason in BUSY)):
                break
            # The next worker: the store they share knows the handoff, should this one have accepted it unheard.
        if mismatch is not None:
            raise mismatch
        return outcome

    async def _offer_at(self, address: str, request: Any, to_service: str, started: float) -> Outcome:
        handoff_id = request.context.handoff_id
        try:
            with _faults(to_service):
                async with self._at(address, to_service) as peer:
                    told = tuple(tracing.to_tell().items())
                    response = await peer.Offer(request, timeout=self._offer_timeout_seconds, metadata=told)
        except (PeerUnreachable, StoreUnavailable) as e:
            return Expired(handoff_id, time.monotonic() - started, str(e))
        return wire.outcome_from_wire(response, handoff_id)

    async def withdraw(self, handoff_id: str, to_service: str, reason: str) -> None:
        """Takes an offer back, as well as that can be done: a peer that is away, or too late, is no error here.
        ``reason`` never holds a caller's words."""
        request = wire.WithdrawRequest(handoff_id=handoff_id, reason=reason)
        with suppress(HandoffError), _faults(to_service):
            async with self._at(self._address_of(handoff_id, to_service), to_service) as peer:
                await peer.Withdraw(request, timeout=self._offer_timeout_seconds)

    async def watch(self, handoff_id: str, to_service: str) -> AsyncIterator[HandoffUpdate]:
        """The handoff as it is now, then after each change, until a final state or its expiry.

        Raises PeerUnreachable the moment the taker's process dies, UnknownHandoff, StoreUnavailable (the taker's), WireMismatch.
        """
        request = wire.WatchRequest(handoff_id=handoff_id)
        async with self._at(self._address_of(handoff_id, to_service), to_service) as peer:
            stream = peer.Watch(request, timeout=self._watch_timeout_seconds)
            try:
                with _faults(to_service):
                    async for message in stream:
                        yield wire.update_from_wire(message)
            finally:
                stream.cancel()

    # --- how much room there is -----------------------------------------------------------------------------------
    async def pool(self, to_service: str) -> PoolStatus:
        """How much room the service has, all its workers that answer together; one that drains counts only when all of them
        do. Raises PeerUnreachable when none answers, WireMismatch."""
        pools = await self.pools(to_service)
        if not pools:
            raise PeerUnreachable(f"no worker of {to_service} answers")
        open_ones = [status for status in pools.values() if not status.draining] or list(pools.values())
        return PoolStatus(
            service=to_service,
            capacity=sum(status.capacity for status in open_ones),
            active=sum(status.active for status in open_ones),
            draining=all(status.draining for status in open_ones),
            version=open_ones[0].version,
        )

    async def pools(self, to_service: str) -> dict[str, PoolStatus]:
        """How much room each worker has that answers, by address. Raises WireMismatch when those that do speak another contract."""
        addresses = await self._addresses(to_service)
        asked = (self._pool_at(address, to_service) for address in addresses)
        answers = dict(zip(addresses, await asyncio.gather(*asked, return_exceptions=True), strict=True))
        pools = {address: answer for address, answer in answers.items() if isinstance(answer, PoolStatus)}
        for answer in answers.values():
            if isinstance(answer, BaseException) and not (pools and isinstance(answer, WireMismatch)):
                raise answer
        return pools

    async def _pool_at(self, address: str, service: str) -> PoolStatus | None:
        try:
            with _faults(service):
                async with self._at(address, service) as peer:
                    response = await peer.Pool(wire.PoolRequest(), timeout=self._offer_timeout_seconds)
        except PeerUnreachable:
            return None
        return wire.pool_from_wire(response)

    async def has_another(self, to_service: str) -> bool:
        """Whether another worker than the one that was offered a call last has room. If so, that one is the last to be asked for
        SHUN_SECONDS: it has just failed."""
        failed = self._asked_last.get(to_service, "")
        pools = await self.pools(to_service) if self._peers.get(to_service) else {}
        others = [at for at, status in pools.items() if at != failed and has_room(status)]
        if failed and others:
            self._shunned[failed] = time.monotonic() + SHUN_SECONDS
        return bool(others)

    async def _by_room(self, service: str) -> tuple[str, ...]:
        """The addresses that are worth an offer, the one with most room first; a service's only one is simply asked."""
        addresses = await self._addresses(service) if self._peers.get(service) else ()
        if len(addresses) < 2:
            return addresses
        pools = await self.pools(service)
        now = time.monotonic()

        def rank(address: str) -> tuple[bool, int]:
            status = pools[address]
            room = 0 if status.draining else status.capacity - status.active
            return self._shunned.get(address, 0.0) > now, -room

        return tuple(sorted(pools, key=rank))

    async def aclose(self) -> None:
        """Closes the channels; whoever still watches gets PeerUnreachable."""
        await self._channels.aclose()

    # --- addresses ------------------------------------------------------------------------------------------------
    def _configured(self, service: str) -> tuple[str, ...]:
        if not self._peers.get(service):
            raise PeerUnreachable(f"no address is set for {service}")
        return self._peers[service]

    async def _addresses(self, service: str) -> tuple[str, ...]:
        """One of each worker."""
        configured = self._configured(service)
        behind = await asyncio.gather(*(self._resolver.all_of((name,)) for name in configured))
        found = {at: name for name, all_ in zip(reversed(configured), reversed(behind), strict=True) for at in all_}
        gone = [at for at, (of, _) in self._found.items() if of == service and at not in found]
        await asyncio.gather(*(self._forget(address) for address in gone))
        self._found |= {address: (service, name) for address, name in found.items()}
        return tuple(dict.fromkeys(address for all_ in behind for address in all_))

    async def _forget(self, address: str) -> None:
        """A worker that is found no more; unless something is still going on with it, as with one that drains."""
        if await self._channels.forget(address):
            self._found.pop(address, None)  # two who look at once both find it gone

    def _address_of(self, handoff_id: str, service: str) -> str:
        """Where a handoff was offered; for one that another process offered, the service's first worker."""
        return self._asked.get(handoff_id) or self._configured(service)[0]

    def _at(self, address: str, service: str) -> AbstractAsyncContextManager[wire.HandoffServiceStub]:
        of, name = self._found.get(address, (service, address))
        return self._channels.to(address, _proof(of, name))


def _proof(service: str, name: str) -> str:
    """What a worker's certificate has to say when it was found behind this name. A canary is its service, and has the same one."""
    if service_of(service) != service:
        return service_of(service)
    host = name.rpartition(":")[0]
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host
    return service


@contextmanager
def _faults(service: str) -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as e:
        raise _fault(e, service) from None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled us: gRPC says so when the channel was closed under a running call.
        raise PeerUnreachable(f"the connection to {service} was closed") from None


def _fault(error: grpc.aio.AioRpcError, service: str) -> HandoffError:
    """The status as an error of ours. Its details are left out: they may quote what a peer sent."""
    match error.code():
        case grpc.StatusCode.NOT_FOUND:
            return UnknownHandoff(f"{service} has stored no handoff of that id")
        case grpc.StatusCode.FAILED_PRECONDITION:
            return StoreUnavailable(f"the store of {service} does not answer")
        case grpc.StatusCode.UNIMPLEMENTED:
            return WireMismatch(f"{service} does not speak this contract")
        case code:
            return PeerUnreachable(f"{service} did not answer: {code.name.lower()}")
