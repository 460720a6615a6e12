"""The durable state of the call that this agent holds: kept current in memory, written behind, leased while it speaks.

A caller never waits for Redis: turns and facts are noted at once and one task writes the newest state. When Redis is away the
agent goes on and the writes catch up; when the floor is lost (another agent has a higher epoch) ``on_floor_lost`` is called once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace

from handoff.call import Call, Ending, Fact, Floor, Intent, Role, Source, Turn
from handoff.errors import FloorLost, InvalidContext, StoreUnavailable, UnknownCall
from handoff.store import Store

log = logging.getLogger("voicemesh.checkpoint")

_RENEWALS_PER_LEASE = 3
_RETRY_SECONDS = 0.25


class Checkpoint:
    """The call as this agent knows it. Use from one event loop; ``close`` writes what is left."""

    def __init__(
        self, store: Store, call: Call, *, service: str, lease_seconds: float, on_floor_lost: Callable[[], None]
    ) -> None:
        self.call = call
        self.floor: Floor | None = None
        self._store = store
        self._service = service
        self._lease_seconds = lease_seconds
        self._on_floor_lost = on_floor_lost
        self._dirty = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()
        self._tasks: list[asyncio.Task[None]] = []

    # --- what is noted --------------------------------------------------------------------------------------------
    def note_turn(self, role: Role, text: str, *, was_interrupted: bool = False) -> None:
        """A turn was said (by the caller) or heard (by the caller). Empty ones are not turns."""
        if text.strip():
            turn = Turn(role, text.strip(), time.time(), self._service, was_interrupted)
            self._change(turns=(*self.call.turns, turn))

    def note_fact(self, name: str, value: str, *, source: Source, verified: bool = False) -> None:
        """Something became known; the same value from the same source is noted once."""
        known = self.call.fact(name)
        if known is None or (known.value, known.source, known.verified) != (value, source, verified):
            self._change(facts=(*self.call.facts, Fact(name, value, source, time.time(), verified)))

    def note_intent(self, intent: Intent) -> None:
        """What the caller wants, as far as this service understood."""
        self._change(intent=intent)

    def note_effect(self, effect: str) -> None:
        """A tool changed something: one line, e.g. ``process_refund RF-20417 49.99``."""
        if effect not in self.call.effects:
            self._change(effects=(*self.call.effects, effect))

    def note_handoff(self, handoff_id: str) -> None:
        """A handoff of this call was offered."""
        self._change(handoff_ids=(*self.call.handoff_ids, handoff_id))

    def note(self, **changes: object) -> None:
        """Any other field of the call."""
        self._change(**changes)

    def _change(self, **changes: object) -> None:
        self.call = replace(self.call, **changes)  # type: ignore[arg-type]
        self._written.clear()
        self._dirty.set()

    # --- the floor ------------------------------------------------------------------------------------------------
    def hold(self, floor: Floor) -> None:
        """The floor is ours: start renewing its lease and writing checkpoints."""
        self.floor = floor
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._renew()), asyncio.create_task(self._write())]

    @property
    def epoch(self) -> int:
        """Our epoch. Raises FloorLost when we hold no floor."""
        if self.floor is None:
            raise FloorLost("this agent holds no floor")
        return self.floor.epoch

    def let_go(self) -> None:
        """The floor is somebody else's now: nothing more is written or renewed."""
        self.floor = None
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self._written.set()

    async def flushed(self, timeout_seconds: float) -> bool:
        """Waits until all that was noted is stored; False when that took too long."""
        try:
            await asyncio.wait_for(self._written.wait(), timeout_seconds)
        except TimeoutError:
            return False
        return True

    async def end(self, ending: Ending, detail: str = "") -> None:
        """Writes the call's one ending. Does nothing when the floor is not ours to end with."""
        if self.floor is None:
            return
        epoch = self.epoch
        await self.flushed(1.0)
        self.let_go()
        try:
            self.call = await self._store.end_call(self.call.call_id, epoch=epoch, ending=ending, detail=detail)
        except FloorLost:
            log.info("the call went on with another agent", extra={"call_id": self.call.call_id})
        except (StoreUnavailable, UnknownCall) as e:
            log.error("the ending of the call is not stored: %s", e, extra={"call_id": self.call.call_id})

    def _lost(self) -> None:
        if self.floor is not None:
            self.let_go()
            self._on_floor_lost()

    async def _renew(self) -> None:
        while self.floor is not None:
            await asyncio.sleep(self._lease_seconds / _RENEWALS_PER_LEASE)
            try:
                self.floor = await self._store.renew_floor(
                    self.call.call_id, epoch=self.epoch, lease_seconds=self._lease_seconds
                )
            except FloorLost:
                self._lost()
            except (StoreUnavailable, UnknownCall) as e:
                log.warning("the lease could not be renewed: %s", e, extra={"call_id": self.call.call_id})

    async def _write(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            try:
                await self._store.checkpoint(self.call, epoch=self.epoch)
            except FloorLost:
                self._lost()
            except (StoreUnavailable, UnknownCall) as e:
                log.warning("the checkpoint is not stored yet: %s", e, extra={"call_id": self.call.call_id})
                await asyncio.sleep(_RETRY_SECONDS)
                self._dirty.set()
            except InvalidContext as e:
                # Too large or malformed: the record keeps the last good state, and later changes are tried again.
                log.error("the checkpoint cannot be stored: %s", e, extra={"call_id": self.call.call_id})
            else:
                if not self._dirty.is_set():
                    self._written.set()
