"""The workers behind a name: one DNS name may stand for many (a headless Service in Kubernetes, a scaled service in Compose).

Each of them has its own room and its own failures, so each is asked by its own address; gRPC's balancing would hide which one answered.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Sequence

log = logging.getLogger("handoff.resolver")

FRESH_SECONDS = 1.0
"""So long an answer is used again; a pod that has just come, or gone, is known after as much."""
LOOKUP_SECONDS = 0.3
"""A caller waits: a name that is not resolved by then leads to where it led before."""

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""IP addresses of a host; raises OSError."""


class Resolver:
    """``host:port`` becomes the ``ip:port`` of every worker behind the name; what is an IP address already stays as it is."""

    def __init__(self, *, lookup: Lookup | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._lookup = lookup or _by_dns
        self._now = now
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def all_of(self, addresses: Sequence[str]) -> tuple[str, ...]:
        """The workers behind all of these, each once, in order. A name that was never resolved stays a name: whoever connects to it
        is told what is wrong with it."""
        found = await asyncio.gather(*(self._behind(address) for address in addresses))
        return tuple(dict.fromkeys(address for behind in found for address in behind))

    async def _behind(self, address: str) -> tuple[str, ...]:
        host, colon, port = address.rpartition(":")
        if not colon or not port.isdecimal() or _is_ip(host):
            return (address,)
        asked_at, before = self._known.get(address, (float("-inf"), ()))
        if self._now() - asked_at < FRESH_SECONDS:
            return before
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                ips = await self._lookup(host, int(port))
        except (OSError, UnicodeError) as e:  # TimeoutError is an OSError
            log.warning("the name %s is not resolved: %s", host, type(e).__name__)
            return before or (address,)
        behind = tuple(f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}" for ip in ips) or (address,)
        self._known[address] = self._now(), behind
        return behind


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


async def _by_dns(host: str, port: int) -> Sequence[str]:
    """Of one family: a worker with an address in each is still one worker."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    v4 = [str(address[0]) for family, _, _, _, address in answers if family == socket.AF_INET]
    return v4 or [str(address[0]) for family, _, _, _, address in answers if family == socket.AF_INET6]
