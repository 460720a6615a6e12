"""The Store in one process's memory: for tests, and the plainest statement of the rules that scripts.py spells in Lua.

No method awaits between reading and writing, so each is atomic among the tasks of one event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import NoReturn

from handoff.call import Call, Ending, Floor
from handoff.errors import FloorLost, IllegalMove, InvalidContext, UnknownHandoff
from handoff.ledger import LedgerLine
from handoff.lifecycle import FINAL, State, check_move
from handoff.memory_callbacks import MemoryCallbacks
from handoff.memory_canary import MemoryCanaries
from handoff.memory_forgetting import MemoryForgetting
from handoff.memory_recovery import MemoryRecovery
from handoff.memory_rows import CallRow, HandoffRow
from handoff.memory_shared import MemoryShared
from handoff.record import MAX_DETAIL_CHARS, pack_call, pack_handoff
from handoff.store import Handoff


class MemoryStore(MemoryForgetting, MemoryRecovery, MemoryShared, MemoryCallbacks, MemoryCanaries):
    """See ``Store``. ``now`` is the clock, in seconds since the epoch; tests give ``testing.FakeClock``."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        call_ttl_seconds: float = 3600.0,
        handoff_ttl_seconds: float = 300.0,
        ledger_ttl_seconds: float = 7 * 86400.0,
        reread_seconds: float = 1.0,
    ) -> None:
        """``reread_seconds``: how often a watch looks for an expiry (real time, for the clock may be a fake)."""
        MemoryRecovery.__init__(
            self, now=now, call_ttl_seconds=call_ttl_seconds, handoff_ttl_seconds=handoff_ttl_seconds
        )
        MemoryShared.__init__(self, now=now, ledger_ttl_seconds=ledger_ttl_seconds)
        MemoryCallbacks.__init__(self, now=now, ledger_ttl_seconds=ledger_ttl_seconds)
        MemoryCanaries.__init__(self, now=now)
        self._reread_seconds = reread_seconds

    async def now(self) -> float:
        """See Store.now."""
        return self._now()

    # --- the call and its floor -----------------------------------------------------------------------------------
    async def open_call(self, call: Call, *, nobody_comes: bool = False) -> Call:
        """See Store.open_call. Raises InvalidContext when the call is malformed or too large."""
        pack_call(call)
        row = self._find_call(call.call_id)
        if row is None:
            row = self._calls[call.call_id] = CallRow(call, self._now(), nobody_comes=nobody_comes)
            self._renew(row)
        return row.call

    async def load_call(self, call_id: str) -> Call | None:
        """See Store.load_call."""
        row = self._find_call(call_id)
        return row.call if row else None

    async def checkpoint(self, call: Call, *, epoch: int) -> None:
        """See Store.checkpoint."""
        pack_call(call)
        row = self._fenced(call.call_id, epoch)
        known = row.call.handoff_ids
        row.call = replace(
            call,
            services=row.call.services,
            handoff_ids=known + tuple(new for new in dict.fromkeys(call.handoff_ids) if new not in known),
            ending=row.call.ending,
            ending_detail=row.call.ending_detail,
            ended_at=row.call.ended_at,
        )
        self._renew(row)

    async def end_call(self, call_id: str, *, epoch: int, ending: Ending, detail: str = "") -> Call:
        """See Store.end_call."""
        row = self._call_row(call_id)
        if row.call.ending is None:
            self._fenced(call_id, epoch)
            at = self._now()
            row.call = replace(row.call, ending=ending, ending_detail=detail[:MAX_DETAIL_CHARS], ended_at=at)
            self._renew(row)
            self._write_line(_ledger_line(row.call, ending, at))
        return row.call

    async def take_floor(self, call_id: str, *, service: str, agent_id: str, lease_seconds: float) -> Floor:
        """See Store.take_floor."""
        row = self._call_row(call_id)
        if row.call.ending is not None:
            raise FloorLost("the call has ended")
        if row.floor is not None and row.floor.lease_until > self._now():
            raise FloorLost("somebody holds the floor")
        return self._give(row, service=service, agent_id=agent_id, lease_seconds=lease_seconds)

    async def renew_floor(self, call_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """See Store.renew_floor."""
        return self._prolong(self._fenced(call_id, epoch), lease_seconds)

    async def load_floor(self, call_id: str) -> Floor | None:
        """See Store.load_floor."""
        row = self._find_call(call_id)
        return row.floor if row and row.call.ending is None else None

    # --- handoffs -------------------------------------------------------------------------------------------------
    async def offer(self, handoff: Handoff) -> Handoff:
        """See Store.offer."""
        now = self._now()
        pack_handoff(handoff, now=now)
        context = handoff.context
        known = self._find_handoff(context.handoff_id)
        if known is not None:
            if not known.handoff.is_same_offer(handoff):
                raise InvalidContext("a handoff of this id was offered before, with another content")
            return known.handoff
        self._check_offer_epoch(context.call_id, context.epoch)
        stored = replace(handoff, moved_at={State.OFFERED: now}, taker_id="", reason="")
        lives_until = min(now + self._handoff_ttl_seconds, context.expires_at)
        self._handoffs[context.handoff_id] = HandoffRow(stored, lives_until)
        row = self._find_call(context.call_id)
        if row is not None and context.handoff_id not in row.call.handoff_ids:
            row.call = replace(row.call, handoff_ids=(*row.call.handoff_ids, context.handoff_id))
        return stored

    async def load_handoff(self, handoff_id: str) -> Handoff | None:
        """See Store.load_handoff."""
        row = self._find_handoff(handoff_id)
        return row.handoff if row else None

    async def move(self, handoff_id: str, to: State, *, taker_id: str = "", reason: str = "") -> Handoff:
        """See Store.move."""
        row = self._handoff_row(handoff_id)
        old = row.handoff
        if taker_id and old.taker_id and old.taker_id != taker_id:
            raise IllegalMove("another agent is the taker of this handoff")
        if old.state is to:
            return old
        if to is State.TAKEN:
            _refuse(old.state, to)
        check_move(old.state, to)
        if to is State.READY and not (taker_id or old.taker_id):
            raise IllegalMove("ready needs a taker_id")
        if to is State.SPOKEN and self._epoch_of(old.context.call_id) != row.taken_epoch:
            raise FloorLost("the taker was overtaken before it spoke")
        self._enter(row, to, taker_id=taker_id, reason=reason)
        return row.handoff

    async def pass_floor(self, handoff_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """See Store.pass_floor."""
        row = self._handoff_row(handoff_id)
        call_id = row.handoff.context.call_id
        if row.handoff.state is State.TAKEN and row.taken_epoch == epoch + 1:
            repeated = await self.load_floor(call_id)
            if repeated is not None and repeated.epoch == epoch + 1:
                return repeated
        call_row = self._fenced(call_id, epoch)
        if row.handoff.state is not State.READY:
            _refuse(row.handoff.state, State.TAKEN)
        floor = self._give(
            call_row,
            service=row.handoff.to_service,
            agent_id=row.handoff.taker_id,
            lease_seconds=lease_seconds,
        )
        row.taken_epoch = floor.epoch
        self._enter(row, State.TAKEN)
        return floor

    async def take_back(self, handoff_id: str, *, giver_id: str, epoch: int, lease_seconds: float) -> Floor:
        """See Store.take_back."""
        row = self._handoff_row(handoff_id)
        call_id = row.handoff.context.call_id
        if row.back_epoch == epoch + 1:
            repeated = await self.load_floor(call_id)
            if repeated is not None and (repeated.epoch, repeated.agent_id) == (epoch + 1, giver_id):
                return repeated
        call_row = self._fenced(call_id, epoch)
        if row.handoff.state is not State.TAKEN:
            raise IllegalMove(f"a handoff cannot be taken back when it is {row.handoff.state}")
        if row.taken_epoch != epoch:
            raise FloorLost(f"this handoff gave epoch {row.taken_epoch}, not {epoch}")
        floor = self._give(call_row, service=row.handoff.from_service, agent_id=giver_id, lease_seconds=lease_seconds)
        row.back_epoch = floor.epoch
        self._enter(row, State.SUPERSEDED, reason="taken back by the giver")
        return floor

    async def watch(self, handoff_id: str) -> AsyncGenerator[Handoff, None]:
        """See Store.watch."""
        row = self._find_handoff(handoff_id)
        if row is None:
            raise UnknownHandoff("no such handoff to watch")
        seen = row.handoff
        yield seen
        while seen.state not in FINAL:
            if row.handoff is seen:
                await self._next_move(row)
            row = self._find_handoff(handoff_id)
            if row is None:
                return
            if row.handoff is not seen:
                seen = row.handoff
                yield seen

    async def aclose(self) -> None:
        """See Store.aclose."""

    # --- rules shared by the above ---------------------------------------------------------------------------------
    def _epoch_of(self, call_id: str) -> int:
        """0 before the first floor, and for a call that is not there."""
        row = self._find_call(call_id)
        return row.epoch if row else 0

    def _check_offer_epoch(self, call_id: str, epoch: int) -> None:
        row = self._find_call(call_id)
        if row is not None and row.call.ending is not None:
            raise InvalidContext("the call has ended")
        if row is not None and row.floor is not None and row.floor.epoch != epoch:
            raise InvalidContext(f"offered under epoch {epoch}, not {row.floor.epoch}")

    async def _next_move(self, row: HandoffRow) -> None:
        try:
            async with asyncio.timeout(self._reread_seconds):
                await row.moved.wait()
        except TimeoutError:
            # Nothing moved: the watcher looks whether the handoff has expired.
            return


def _refuse(old: State, new: State) -> NoReturn:
    raise IllegalMove(f"a handoff cannot go from {old} to {new}")


def _ledger_line(call: Call, ending: Ending, ended_at: float) -> LedgerLine:
    return LedgerLine(
        call.call_id,
        ending,
        ended_at,
        detail=call.ending_detail,
        services=call.services,
        handoff_ids=call.handoff_ids,
        started_at=call.started_at,
        channel=call.channel.value,
    )
