"""The Redis store's part for calls without a living owner: see ``Store``."""

from __future__ import annotations

import json

from handoff import scripts_recovery
from handoff.call import Call, Floor
from handoff.errors import StoreUnavailable
from handoff.record import check_restored
from handoff.redis_link import RedisLink
from handoff.rows import floor_of, overdue_of
from handoff.store import Overdue


class RedisRecovery(RedisLink):
    """Finding calls whose owner is dead, and giving them another."""

    async def overdue(self, *, limit: int = 100) -> tuple[Overdue, ...]:
        """See Store.overdue."""
        run_id, found = await self._asked(scripts_recovery.overdue(self._redis, limit=limit))
        known, self._run_id = self._run_id, run_id
        if known and run_id and run_id != known:
            # It may lack the latest renewals, and nobody need have noticed the change: connections that were closed are made anew.
            raise StoreUnavailable("another Redis answers: its leases may be older than they were")
        return tuple(overdue_of(values) for values in found)

    async def live_calls(self) -> tuple[str, ...]:
        """See Store.live_calls."""
        return tuple(await self._asked(scripts_recovery.live_calls(self._redis)))

    async def seize_floor(
        self,
        call_id: str,
        *,
        epoch: int,
        service: str,
        agent_id: str,
        lease_seconds: float,
        dead_agent_id: str = "",
    ) -> Floor:
        """See Store.seize_floor."""
        seized = scripts_recovery.seize_floor(
            self._redis,
            call_id=call_id,
            epoch=epoch,
            service=service,
            agent_id=agent_id,
            lease_seconds=lease_seconds,
            ttl_seconds=self._call_ttl_seconds,
            dead_agent_id=dead_agent_id,
        )
        return floor_of(call_id, await self._asked(seized))

    async def claim_floor(self, call_id: str, *, epoch: int, awaited_id: str, agent_id: str) -> Floor:
        """See Store.claim_floor."""
        claimed = scripts_recovery.claim_floor(
            self._redis, call_id=call_id, epoch=epoch, awaited_id=awaited_id, agent_id=agent_id
        )
        return floor_of(call_id, await self._asked(claimed))

    async def restore_call(self, call: Call, *, service: str, agent_id: str, epoch: int, lease_seconds: float) -> Floor:
        """See Store.restore_call."""
        record = check_restored(call, epoch=epoch)
        restored = scripts_recovery.restore_call(
            self._redis,
            call_id=call.call_id,
            epoch=epoch,
            service=service,
            agent_id=agent_id,
            lease_seconds=lease_seconds,
            ttl_seconds=self._call_ttl_seconds,
            record=record,
            services=json.dumps(call.services),
            handoff_ids=json.dumps(call.handoff_ids),
            started_at=call.started_at,
            channel=call.channel.value,
        )
        return floor_of(call.call_id, await self._asked(restored))
