"""A giver's connections: opened at first use, in the process that uses them, and made to prove who is at their other end.

A connection that must be made anew (the certificates were renewed, or the address is another service's by now) replaces the old
one at the next question; whatever still goes on over the old one is let end.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import grpc.aio

from handoff import wire
from handoff.errors import PeerUnreachable
from handoff.tls import Certificates, Pair, UnusableCertificates

_OPTIONS: list[tuple[str, int | str]] = [
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


@dataclass(eq=False, slots=True)
class _Line:
    """One channel. ``name`` and ``pair`` are what it was opened with; both nothing without TLS."""

    channel: grpc.aio.Channel
    name: str
    pair: Pair | None
    uses: int = 0


class Channels:
    """One per Giver. May be made before a fork; nothing of it is shared across one."""

    def __init__(self, certificates: Certificates | None) -> None:
        self._certificates = certificates
        self._lines: dict[str, _Line] = {}
        self._old: set[_Line] = set()
        self._pid = os.getpid()

    @asynccontextmanager
    async def to(self, address: str, name: str) -> AsyncIterator[wire.HandoffServiceStub]:
        """Whoever is at ``address``; under TLS only if he proves to be ``name``. Raises PeerUnreachable when we cannot prove who we
        are."""
        line = self._line(address, name)
        line.uses += 1
        try:
            await self._close_what_is_over()
            yield wire.HandoffServiceStub(line.channel)  # type: ignore[no-untyped-call]
        finally:
            line.uses -= 1
            await self._close_what_is_over()

    def _line(self, address: str, name: str) -> _Line:
        if self._pid != os.getpid():
            # Inherited through a fork: the connections are the parent's.
            self._pid, self._lines, self._old = os.getpid(), {}, set()
        pair = self._pair()
        name = name if pair is not None else ""
        line = self._lines.get(address)
        if line is not None and (line.name, line.pair) == (name, pair):
            return line
        if line is not None:
            self._old.add(line)
        new = self._lines[address] = _open(address, name, pair)
        return new

    def _pair(self) -> Pair | None:
        try:
            return self._certificates.pair() if self._certificates is not None else None
        except UnusableCertificates as e:
            raise PeerUnreachable(f"nobody is asked without certificates: {e}") from None

    async def forget(self, address: str) -> bool:
        """It is a worker's no more; unless something is still going on with it, as with one that drains: then False."""
        line = self._lines.get(address)
        if line is not None and line.channel.get_state() is grpc.ChannelConnectivity.READY:
            return False
        if line is not None and self._lines.pop(address, None) is not None:
            await line.channel.close(None)
        return True

    async def _close_what_is_over(self) -> None:
        over = {line for line in self._old if not line.uses}
        self._old -= over
        await asyncio.gather(*(line.channel.close(None) for line in over))

    async def aclose(self) -> None:
        """Closes them all; whoever still watches gets PeerUnreachable."""
        lines, self._lines, self._old = [*self._lines.values(), *self._old], {}, set()
        await asyncio.gather(*(line.channel.close(None) for line in lines))


def _open(address: str, name: str, pair: Pair | None) -> _Line:
    if pair is None:
        return _Line(grpc.aio.insecure_channel(address, options=_OPTIONS), name, pair)
    options = [*_OPTIONS, ("grpc.ssl_target_name_override", name)]
    return _Line(grpc.aio.secure_channel(address, pair.for_clients(), options=options), name, pair)
