"""The giver's end of the wire: offers a call to another service, withdraws the offer, follows it, asks how much room there is.

Channels are opened at first use, in the process that uses them: a Giver may be made before a fork, never shared across one.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress

import grpc
import grpc.aio

from handoff import wire
from handoff.context import HandoffContext
from handoff.errors import HandoffError, InvalidContext, PeerUnreachable, StoreUnavailable, UnknownHandoff, WireMismatch
from handoff.outcome import Declined, Expired, Outcome, Refusal
from handoff.wire import HandoffUpdate, PoolStatus

__all__ = ["Giver", "HandoffUpdate", "PoolStatus"]

_CHANNEL_OPTIONS: list[tuple[str, int]] = [
    # A caller waits: try again soon, and give up on an address that does not answer.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.min_reconnect_backoff_ms", 500),
    # While a call is open, a peer that stops answering (machine or network gone, process frozen) is noticed in about 3 s; one
    # that dies closes its connection and is noticed at once.
    ("grpc.keepalive_time_ms", 1_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.http2.ping_timeout_ms", 2_000),  # without it a frozen process has a minute to answer the ping
    ("grpc.http2.max_pings_without_data", 0),
    # Services of one mesh are never behind a web proxy.
    ("grpc.enable_http_proxy", 0),
]


class Giver:
    """One per process. ``peers`` gives each service's ``host:port``."""

    def __init__(
        self,
        peers: Mapping[str, str],
        *,
        offer_timeout_seconds: float = 0.5,
        watch_timeout_seconds: float = 300.0,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self._peers = dict(peers)
        self._offer_timeout_seconds = offer_timeout_seconds
        self._watch_timeout_seconds = watch_timeout_seconds
        self._credentials = credentials
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._pid = os.getpid()

    async def offer(self, context: HandoffContext, to_service: str) -> Outcome:
        """Offers the call. May be repeated with the same context: the taker answers as before.

        After Expired the taker may have accepted all the same: withdraw, unless the offer is repeated. A context that may not
        cross is Declined as invalid without asking. Raises WireMismatch when the peer does not speak this contract.
        """
        started = time.monotonic()
        try:
            request = wire.OfferRequest(to_service=to_service, context=wire.to_wire(context))
        except InvalidContext as e:
            return Declined(context.handoff_id, Refusal.INVALID, str(e))
        try:
            with _faults(to_service):
                response = await self._stub(to_service).Offer(request, timeout=self._offer_timeout_seconds)
        except (PeerUnreachable, StoreUnavailable) as e:
            return Expired(context.handoff_id, time.monotonic() - started, str(e))
        return wire.outcome_from_wire(response, context.handoff_id)

    async def withdraw(self, handoff_id: str, to_service: str, reason: str) -> None:
        """Takes an offer back, as well as that can be done: a peer that is away, or too late, is no error here.
        ``reason`` never holds a caller's words."""
        request = wire.WithdrawRequest(handoff_id=handoff_id, reason=reason)
        with suppress(HandoffError), _faults(to_service):
            await self._stub(to_service).Withdraw(request, timeout=self._offer_timeout_seconds)

    async def watch(self, handoff_id: str, to_service: str) -> AsyncIterator[HandoffUpdate]:
        """The handoff as it is now, then after each change, until a final state or its expiry.

        Raises PeerUnreachable the moment the taker's process dies, UnknownHandoff, StoreUnavailable (the taker's), WireMismatch.
        """
        request = wire.WatchRequest(handoff_id=handoff_id)
        stream = self._stub(to_service).Watch(request, timeout=self._watch_timeout_seconds)
        try:
            with _faults(to_service):
                async for message in stream:
                    yield wire.update_from_wire(message)
        finally:
            stream.cancel()

    async def pool(self, to_service: str) -> PoolStatus:
        """How much room the service has. Raises PeerUnreachable, WireMismatch."""
        with _faults(to_service):
            response = await self._stub(to_service).Pool(wire.PoolRequest(), timeout=self._offer_timeout_seconds)
        return wire.pool_from_wire(response)

    async def aclose(self) -> None:
        """Closes the channels; whoever still watches gets PeerUnreachable."""
        channels, self._channels = self._channels, {}
        await asyncio.gather(*(channel.close(None) for channel in channels.values()))

    def _stub(self, service: str) -> wire.HandoffServiceStub:
        if service not in self._peers:
            raise PeerUnreachable(f"no address is set for {service}")
        if self._pid != os.getpid():
            # Inherited through a fork: the connections are the parent's.
            self._pid, self._channels = os.getpid(), {}
        if service not in self._channels:
            self._channels[service] = self._open(self._peers[service])
        return wire.HandoffServiceStub(self._channels[service])  # type: ignore[no-untyped-call]

    def _open(self, address: str) -> grpc.aio.Channel:
        if self._credentials is None:
            return grpc.aio.insecure_channel(address, options=_CHANNEL_OPTIONS)
        return grpc.aio.secure_channel(address, self._credentials, options=_CHANNEL_OPTIONS)


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
