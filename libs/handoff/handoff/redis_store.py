"""The Store over Redis: what the mesh runs on. Every write is one Lua script (scripts*.py); keys are in self.keys.py.

For one Redis, or one address that leads to the master (a managed one, a service or proxy that follows a failover); for a master that
Sentinels know of; for a Redis Cluster, of which it uses one slot. See redis_address.py, and docs/operations/redis.md.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any, Self

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from handoff import redis_client, scripts
from handoff.call import Call, Ending, Floor
from handoff.errors import InvalidContext, StoreUnavailable, UnknownHandoff
from handoff.keys import ONE_SLOT, PLAIN, Keys
from handoff.lifecycle import FINAL, State
from handoff.record import MAX_DETAIL_CHARS, pack_call, pack_handoff
from handoff.redis_address import Kind, RedisAddress
from handoff.redis_callbacks import RedisCallbacks
from handoff.redis_canary import RedisCanaries
from handoff.redis_forgetting import RedisForgetting
from handoff.redis_recovery import RedisRecovery
from handoff.redis_shared import RedisShared
from handoff.rows import accepted, call_of, fields_of, floor_of, handoff_of
from handoff.store import Handoff


class RedisStore(RedisRecovery, RedisShared, RedisCallbacks, RedisCanaries, RedisForgetting):
    """See ``Store``. Connects at the first use, so it may be made before a fork but must first be used after it."""

    def __init__(
        self,
        client: Redis,
        *,
        keys: Keys = PLAIN,
        call_ttl_seconds: float = 3600.0,
        handoff_ttl_seconds: float = 300.0,
        ledger_ttl_seconds: float = 7 * 86400.0,
        reread_seconds: float = 1.0,
        answer_timeout_seconds: float = 1.0,
    ) -> None:
        """``client`` must decode responses. ``reread_seconds``: how often a watch looks again without being told."""
        super().__init__(client, keys=keys, call_ttl_seconds=call_ttl_seconds, ledger_ttl_seconds=ledger_ttl_seconds)
        self._handoff_ttl_seconds = handoff_ttl_seconds
        self._reread_seconds = reread_seconds
        self._answer_timeout_seconds = answer_timeout_seconds

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        call_ttl_seconds: float = 3600.0,
        handoff_ttl_seconds: float = 300.0,
        ledger_ttl_seconds: float = 7 * 86400.0,
        reread_seconds: float = 1.0,
        connect_timeout_seconds: float = 1.0,
        answer_timeout_seconds: float = 1.0,
    ) -> Self:
        """A store on a REDIS_URL, as redis_address.py reads it. Nothing is sent yet: ``await store.now()`` says whether Redis is there.
        Raises ValueError for an URL that is none."""
        address = RedisAddress.of(url)
        keys = ONE_SLOT if address.kind is Kind.CLUSTER else PLAIN
        client = redis_client.connect(
            address,
            connect_timeout_seconds=connect_timeout_seconds,
            answer_timeout_seconds=answer_timeout_seconds,
            key=keys.live,
        )
        return cls(
            client,
            keys=keys,
            call_ttl_seconds=call_ttl_seconds,
            handoff_ttl_seconds=handoff_ttl_seconds,
            ledger_ttl_seconds=ledger_ttl_seconds,
            reread_seconds=reread_seconds,
            answer_timeout_seconds=answer_timeout_seconds,
        )

    async def now(self) -> float:
        """See Store.now."""
        async with self._served():
            seconds, micros = await self._client.time()
        return float(seconds) + float(micros) / 1e6

    async def open_call(self, call: Call, *, nobody_comes: bool = False) -> Call:
        """See Store.open_call. Raises InvalidContext when the call is malformed or too large."""
        record = pack_call(call)
        async with self._served():
            answer = await scripts.open_call(
                self._redis,
                call_id=call.call_id,
                record=record,
                services=json.dumps(call.services),
                handoff_ids=json.dumps(call.handoff_ids),
                started_at=call.started_at,
                channel=call.channel.value,
                ttl_seconds=self._call_ttl_seconds,
                nobody_comes=nobody_comes,
            )
        return call_of(fields_of(accepted(answer)[0]))

    async def load_call(self, call_id: str) -> Call | None:
        """See Store.load_call."""
        async with self._served():
            found: dict[Any, Any] = await self._client.hgetall(self.keys.call(call_id))
        return call_of(found) if found else None

    async def checkpoint(self, call: Call, *, epoch: int) -> None:
        """See Store.checkpoint."""
        record = pack_call(call)
        async with self._served():
            answer = await scripts.checkpoint(
                self._redis,
                call_id=call.call_id,
                epoch=epoch,
                record=record,
                handoff_ids=json.dumps(call.handoff_ids),
                ttl_seconds=self._call_ttl_seconds,
            )
        accepted(answer)

    async def end_call(self, call_id: str, *, epoch: int, ending: Ending, detail: str = "") -> Call:
        """See Store.end_call."""
        async with self._served():
            answer = await scripts.end_call(
                self._redis,
                call_id=call_id,
                epoch=epoch,
                ending=ending.value,
                detail=detail[:MAX_DETAIL_CHARS],
                ttl_seconds=self._call_ttl_seconds,
                ledger_ttl_seconds=self._ledger_ttl_seconds,
            )
        return call_of(fields_of(accepted(answer)[0]))

    async def take_floor(self, call_id: str, *, service: str, agent_id: str, lease_seconds: float) -> Floor:
        """See Store.take_floor."""
        async with self._served():
            answer = await scripts.take_floor(
                self._redis,
                call_id=call_id,
                service=service,
                agent_id=agent_id,
                lease_seconds=lease_seconds,
                ttl_seconds=self._call_ttl_seconds,
            )
        return floor_of(call_id, accepted(answer))

    async def renew_floor(self, call_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """See Store.renew_floor."""
        async with self._served():
            answer = await scripts.renew_floor(
                self._redis,
                call_id=call_id,
                epoch=epoch,
                lease_seconds=lease_seconds,
                ttl_seconds=self._call_ttl_seconds,
            )
        return floor_of(call_id, accepted(answer))

    async def load_floor(self, call_id: str) -> Floor | None:
        """See Store.load_floor."""
        wanted = ["service", "agent_id", "epoch", "lease_until"]
        async with self._served():
            found = await self._client.hmget(self.keys.call(call_id), wanted)
        return None if None in found else floor_of(call_id, found)

    async def offer(self, handoff: Handoff) -> Handoff:
        """See Store.offer."""
        context = handoff.context
        text = pack_handoff(handoff, now=await self.now())
        async with self._served():
            answer = await scripts.offer(
                self._redis,
                handoff_id=context.handoff_id,
                call_id=context.call_id,
                context=text,
                from_service=handoff.from_service,
                to_service=handoff.to_service,
                epoch=context.epoch,
                ttl_seconds=self._handoff_ttl_seconds,
                expires_at=context.expires_at,
            )
        known = answer[0] == "exists"
        stored = handoff_of(fields_of(answer[1] if known else accepted(answer)[0]))
        if known and not stored.is_same_offer(handoff):
            raise InvalidContext("a handoff of this id was offered before, with another content")
        return stored

    async def load_handoff(self, handoff_id: str) -> Handoff | None:
        """See Store.load_handoff."""
        async with self._served():
            found: dict[Any, Any] = await self._client.hgetall(self.keys.handoff(handoff_id))
        return handoff_of(found) if found else None

    async def move(self, handoff_id: str, to: State, *, taker_id: str = "", reason: str = "") -> Handoff:
        """See Store.move."""
        call_id = await self._call_id_of(handoff_id)
        async with self._served():
            answer = await scripts.move(
                self._redis, handoff_id=handoff_id, call_id=call_id, to=to, taker_id=taker_id, reason=reason
            )
        return handoff_of(fields_of(accepted(answer)[0]))

    async def pass_floor(self, handoff_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """See Store.pass_floor."""
        call_id = await self._call_id_of(handoff_id)
        async with self._served():
            answer = await scripts.pass_floor(
                self._redis,
                handoff_id=handoff_id,
                call_id=call_id,
                epoch=epoch,
                lease_seconds=lease_seconds,
                ttl_seconds=self._call_ttl_seconds,
            )
        return floor_of(call_id, accepted(answer))

    async def take_back(self, handoff_id: str, *, giver_id: str, epoch: int, lease_seconds: float) -> Floor:
        """See Store.take_back."""
        call_id = await self._call_id_of(handoff_id)
        async with self._served():
            answer = await scripts.take_back(
                self._redis,
                handoff_id=handoff_id,
                call_id=call_id,
                giver_id=giver_id,
                epoch=epoch,
                lease_seconds=lease_seconds,
                ttl_seconds=self._call_ttl_seconds,
            )
        return floor_of(call_id, accepted(answer))

    async def watch(self, handoff_id: str) -> AsyncGenerator[Handoff, None]:
        """See Store.watch."""
        channel = self._client.pubsub()
        try:
            await self._subscribe(channel, self.keys.moved(handoff_id))
            seen = await self.load_handoff(handoff_id)
            if seen is None:
                raise UnknownHandoff("no such handoff to watch")
            yield seen
            while seen.state not in FINAL:
                async with self._served():
                    await channel.get_message(ignore_subscribe_messages=True, timeout=self._reread_seconds)
                found = await self.load_handoff(handoff_id)
                if found is None:
                    return
                if found != seen:
                    seen = found
                    yield seen
        finally:
            await channel.aclose()  # type: ignore[no-untyped-call]

    async def aclose(self) -> None:
        """See Store.aclose."""
        await self._client.aclose()

    async def _subscribe(self, channel: PubSub, name: str) -> None:
        """Returns when Redis has confirmed: only then is whatever moves after our first read sure to be told."""
        async with self._served():
            await channel.subscribe(name)
            confirmed = await channel.get_message(timeout=self._answer_timeout_seconds)
        if confirmed is None:
            raise StoreUnavailable("Redis did not confirm a subscription in time")

    async def _call_id_of(self, handoff_id: str) -> str:
        """A handoff's call never changes, so reading it apart from the script that uses it is safe."""
        async with self._served():
            call_id = await self._client.hget(self.keys.handoff(handoff_id), "call_id")
        if call_id is None:
            raise UnknownHandoff("no such handoff (or its time to live has passed)")
        return str(call_id)
