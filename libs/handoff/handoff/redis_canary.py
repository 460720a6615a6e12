"""The Redis store's part for canaries: see ``Store``."""

from __future__ import annotations

from typing import Any

from handoff import scripts_canary
from handoff.canary import Canary, check_canary
from handoff.redis_link import RedisLink


class RedisCanaries(RedisLink):
    """Versions that are tried beside the others."""

    async def note_canary(self, service: str, *, version: str, weight: int, seconds: float) -> Canary:
        """See Store.note_canary."""
        check_canary(version, weight)
        noted = scripts_canary.note(self._redis, service=service, version=version, weight=weight, seconds=seconds)
        return _seen(service, await self._asked(noted))

    async def canary(self, service: str) -> Canary | None:
        """See Store.canary."""
        return _seen_if_any(service, await self._asked(scripts_canary.look(self._redis, service=service)))

    async def count_canary(self, service: str, *, version: str, is_spoken: bool) -> Canary | None:
        """See Store.count_canary."""
        outcome = "spoken" if is_spoken else "failed"
        counted = scripts_canary.count(self._redis, service=service, version=version, outcome=outcome)
        return _seen_if_any(service, await self._asked(counted))

    async def stop_canary(self, service: str, *, why: str) -> Canary | None:
        """See Store.stop_canary."""
        return _seen_if_any(service, await self._asked(scripts_canary.stop(self._redis, service=service, why=why)))

    async def reset_canary(self, service: str) -> Canary | None:
        """See Store.reset_canary."""
        return _seen_if_any(service, await self._asked(scripts_canary.reset(self._redis, service=service)))


def _seen_if_any(service: str, row: list[Any]) -> Canary | None:
    return _seen(service, row) if row else None


def _seen(service: str, row: list[Any]) -> Canary:
    version, weight, is_there, spoken, failed, recent, stopped_at, why = row
    return Canary(
        service, version, int(weight), bool(is_there), int(spoken), int(failed), recent, float(stopped_at), why
    )
