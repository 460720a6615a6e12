"""The store of one job, which goes on while Redis is away, and makes Redis agree with what was done when it is back.

What holds while Redis does not answer: an owner keeps its floor, for nobody else could take it; a caller who calls is greeted; a
handoff goes by the giver's word (by_word.py). A floor that Redis does not know of has ``lease_until`` 0. When Redis answers again,
whoever holds a floor compares epochs, and the higher one is right:

Redis has the call ...                 then
under our epoch, in our hands          the lease is renewed
not at all (it came back empty)        the call is put back as we know it, under our epoch
under a lower epoch                    it missed a handoff (or lost it in a failover): the floor is seized up to our epoch
under ours in other hands, or higher   the floor is lost: FloorLost
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar, cast

from handoff.call import Call, Floor
from handoff.canary import Canary
from handoff.errors import FloorLost, HandoffError, StoreUnavailable, UnknownCall
from handoff.lifecycle import FINAL, State
from handoff.store import Handoff, Store

from worker.handover.by_word import ByWord
from worker.store_clock import StoreClock

log = logging.getLogger("voicemesh.store")

_ASK_AGAIN_SECONDS = 0.5
"""A store that does not answer is not asked again for so long: each question may cost a second of a caller's time."""
_MAX_STEPS = 20
"""Most handoffs that can have been missed in one outage; the epoch rises by one with each."""
T = TypeVar("T")


class SteadyStore:
    """See above. What is not spelled here goes to the store as it is; ``as_store`` gives it the Store's type."""

    def __init__(
        self,
        store: Store,
        *,
        service: str,
        agent_id: Callable[[], str],
        lease_seconds: float,
        clock: StoreClock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``agent_id``: our identity in the room, asked when it is needed."""
        self.clock = clock
        self.is_away = False
        self._store = store
        self._service = service
        self._agent_id = agent_id
        self._lease_seconds = lease_seconds
        self._monotonic = monotonic
        self._ask_again_at = 0.0
        self._call: Call | None = None
        self._is_new = False
        self._by_word: ByWord | None = None
        self._agreeing = asyncio.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @property
    def as_store(self) -> Store:
        """The same object, for whoever wants a Store."""
        return cast(Store, self)

    def goes_by(self, word: ByWord, call: Call | None = None) -> None:
        """A handoff is under way that no store keeps; ``call`` is what a taker knows of the call."""
        self._by_word = word
        self._call = call or self._call

    async def _ask(self, question: Callable[[], Awaitable[T]], *, writes: bool = False) -> T:
        """Raises StoreUnavailable at once when the store did not answer a moment ago. ``writes``: what is asked is always a write.
        Only its success shows that the store is back: one that refuses writes goes on answering questions."""
        if self.is_away and self._monotonic() < self._ask_again_at:
            raise StoreUnavailable("the store did not answer a moment ago")
        try:
            answer = await question()
        except StoreUnavailable as e:
            self._ask_again_at = self._monotonic() + _ASK_AGAIN_SECONDS
            if not self.is_away:
                self.is_away = True
                log.warning("the store is away, the call goes on: %s", e, extra=self._where)
            raise
        if writes:
            self._answers()
        return answer

    def _answers(self) -> None:
        if self.is_away:
            self.is_away = False
            log.info("the store answers again", extra=self._where)

    @property
    def _where(self) -> dict[str, str]:
        return {"call_id": self._call.call_id} if self._call else {}

    # --- what a giver asks of others ---------------------------------------------------------------------------------------
    async def line(self, service: str) -> tuple[str, ...]:
        """See Store.line."""
        return await self._ask(lambda: self._store.line(service))

    async def breaker_load(self, service: str) -> dict[str, str]:
        """See Store.breaker_load."""
        return await self._ask(lambda: self._store.breaker_load(service))

    async def canary(self, service: str) -> Canary | None:
        """See Store.canary."""
        return await self._ask(lambda: self._store.canary(service))

    # --- the call and its floor -----------------------------------------------------------------------------------
    async def now(self) -> float:
        """The store's clock, or as it would be by now. Never raises StoreUnavailable."""
        try:
            self.clock.heard(await self._ask(self._store.now))
        except StoreUnavailable:
            pass
        return self.clock()

    async def open_call(self, call: Call) -> Call:
        """See Store.open_call; while the store is away the call is opened here, and stored later."""
        try:
            self._call = await self._ask(lambda: self._store.open_call(call))
        except StoreUnavailable:
            self._call = call
        self._is_new = self._call == call
        return self._call

    async def load_call(self, call_id: str) -> Call | None:
        """See Store.load_call. A taker by word asks its giver."""
        word = self._by_word
        if word is not None and word.is_ours and word.context.call_id == call_id:
            return await word.latest() or self._call
        found = await self._ask(lambda: self._store.load_call(call_id))
        if found is not None and found.ending is None:
            self._call = found
        return found

    async def take_floor(self, call_id: str, *, service: str, agent_id: str, lease_seconds: float) -> Floor:
        """See Store.take_floor; the first floor of a call that began here is ours also while the store is away."""
        try:
            return await self._ask(
                lambda: self._store.take_floor(
                    call_id, service=service, agent_id=agent_id, lease_seconds=lease_seconds
                ),
                writes=True,
            )
        except StoreUnavailable:
            if not self._is_new:
                raise
            return Floor(call_id, service, agent_id, 1, 0.0)

    async def load_floor(self, call_id: str) -> Floor | None:
        """See Store.load_floor. To a taker by word a store that does not know of the handoff yet is a store that is away."""
        found = await self._ask(lambda: self._store.load_floor(call_id))
        word = self._by_word
        if word is not None and word.is_ours and (found is None or found.epoch <= word.context.epoch):
            raise StoreUnavailable("the store does not know of this handoff yet")
        return found

    async def renew_floor(self, call_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """See Store.renew_floor. While the store is away the floor stays ours; afterwards the store is made to agree.
        Raises FloorLost, UnknownCall (we do not know the call either)."""
        try:
            floor = await self._ask(
                lambda: self._store.renew_floor(call_id, epoch=epoch, lease_seconds=lease_seconds), writes=True
            )
        except StoreUnavailable:
            return self._ours(call_id, epoch)
        except (FloorLost, UnknownCall) as e:
            return await self._agree(call_id, epoch, e)
        if floor.agent_id != self._agent_id():
            raise FloorLost("another agent holds the floor under this epoch")
        self.clock.heard(floor.lease_until - lease_seconds)
        return floor

    async def claim_floor(self, call_id: str, *, epoch: int, awaited_id: str, agent_id: str) -> Floor:
        """See Store.claim_floor."""
        return await self._ask(
            lambda: self._store.claim_floor(call_id, epoch=epoch, awaited_id=awaited_id, agent_id=agent_id), writes=True
        )

    async def checkpoint(self, call: Call, *, epoch: int) -> None:
        """See Store.checkpoint."""
        self._call = call
        try:
            await self._ask(lambda: self._store.checkpoint(call, epoch=epoch), writes=True)
        except (FloorLost, UnknownCall) as e:
            await self._agree(call.call_id, epoch, e)
            await self._ask(lambda: self._store.checkpoint(call, epoch=epoch), writes=True)

    async def end_call(self, call_id: str, *, epoch: int, **ending: Any) -> Call:
        """See Store.end_call. A call that the store does not know, or only as it was, is put right first."""
        try:
            return await self._ask(lambda: self._store.end_call(call_id, epoch=epoch, **ending))
        except (FloorLost, UnknownCall) as e:
            await self._agree(call_id, epoch, e)
            return await self._ask(lambda: self._store.end_call(call_id, epoch=epoch, **ending))

    def _ours(self, call_id: str, epoch: int) -> Floor:
        return Floor(call_id, self._service, self._agent_id(), epoch, 0.0)

    async def _agree(self, call_id: str, epoch: int, refusal: HandoffError) -> Floor:
        """Makes the store know that we hold the floor under ``epoch``. Raises FloorLost, StoreUnavailable, or ``refusal`` when
        we do not know the call either."""
        mine = self._agent_id()
        async with self._agreeing:
            for _ in range(_MAX_STEPS):
                stored = await self._ask(lambda: self._store.load_floor(call_id))
                if stored is None:
                    await self._put_back(call_id, epoch, refusal)
                elif stored.epoch == epoch and stored.agent_id == mine:
                    return stored
                elif stored.epoch >= epoch:
                    raise FloorLost(f"epoch {epoch} is overtaken: {stored.epoch}")
                else:
                    await self._seize(stored)
        raise FloorLost("the store's epoch is too far behind")

    async def _seize(self, stored: Floor) -> None:
        """Whoever holds a lower epoch gave the floor away, or lost it, on its way to us."""
        await self._ask(
            lambda: self._store.seize_floor(
                stored.call_id,
                epoch=stored.epoch,
                service=self._service,
                agent_id=self._agent_id(),
                lease_seconds=self._lease_seconds,
                dead_agent_id=stored.agent_id,
            )
        )
        log.info("the store learns of a floor that was passed without it", extra=self._where)

    async def _put_back(self, call_id: str, epoch: int, refusal: HandoffError) -> None:
        """The store has no floor for this call: it has forgotten the call, never heard of its first floor, or it has ended."""
        stored = await self._ask(lambda: self._store.load_call(call_id))
        call = self._call
        if call is None or call.call_id != call_id:
            raise refusal
        held = {"service": self._service, "agent_id": self._agent_id(), "lease_seconds": self._lease_seconds}
        if stored is not None:
            await self._ask(lambda: self._store.take_floor(call_id, **held), writes=True)  # type: ignore[arg-type]
            return
        await self._ask(lambda: self._store.restore_call(call, epoch=epoch, **held), writes=True)  # type: ignore[arg-type]
        log.info("the store had lost the call: it is back", extra=self._where)

    # --- a handoff by word ----------------------------------------------------------------------------------------
    def _word(self, handoff_id: str) -> ByWord | None:
        word = self._by_word
        return word if word is not None and word.context.handoff_id == handoff_id else None

    async def move(self, handoff_id: str, to: State, *, taker_id: str = "", reason: str = "") -> Handoff:
        """See Store.move. By word, the other side is told instead."""
        if (word := self._word(handoff_id)) is not None:
            moved = await word.move(to, taker_id=taker_id, reason=reason)
            if to in FINAL:
                self._by_word = None
            return moved
        return await self._ask(lambda: self._store.move(handoff_id, to, taker_id=taker_id, reason=reason))

    async def pass_floor(self, handoff_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """See Store.pass_floor. By word, the taker has it when it is told so."""
        if (word := self._word(handoff_id)) is None:
            return await self._ask(lambda: self._store.pass_floor(handoff_id, epoch=epoch, lease_seconds=lease_seconds))
        await word.move(State.TAKEN)
        return Floor(word.context.call_id, word.to_service, word.taker_id, epoch + 1, 0.0)

    async def take_back(self, handoff_id: str, *, giver_id: str, epoch: int, lease_seconds: float) -> Floor:
        """See Store.take_back. By word, the floor is ours again under the next epoch: it is the higher one."""
        if (word := self._word(handoff_id)) is None:
            return await self._ask(
                lambda: self._store.take_back(handoff_id, giver_id=giver_id, epoch=epoch, lease_seconds=lease_seconds)
            )
        await word.move(State.SUPERSEDED)
        return replace(self._ours(word.context.call_id, epoch + 1), agent_id=giver_id)

    async def watch(self, handoff_id: str) -> AsyncGenerator[Handoff, None]:
        """See Store.watch. By word there is nothing to see in the store: only the giver's word counts, for a while."""
        if (word := self._word(handoff_id)) is not None:
            async for told in word.told():
                yield told
            return
        async for stored in self._store.watch(handoff_id):
            yield stored

    async def load_handoff(self, handoff_id: str) -> Handoff | None:
        """See Store.load_handoff."""
        return await self._ask(lambda: self._store.load_handoff(handoff_id))
