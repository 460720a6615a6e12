"""The durable state of the call that this agent holds: kept current in memory, written behind, leased while it speaks.

A caller never waits for Redis: turns and facts are noted at once and one task writes the newest state. When Redis is away the
agent goes on and the writes catch up; when the floor is lost (another agent has a higher epoch) ``on_floor_lost`` is called once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from handoff.call import (
    MAX_MARKS,
    Attempt,
    Call,
    Ending,
    Fact,
    Floor,
    Intent,
    Mark,
    MarkKind,
    Role,
    Source,
    ToolUse,
    Turn,
)
from handoff.context import NEVER_CROSSES, SEVERAL, turns_without_cards, turns_without_proof
from handoff.directory import DIRECTORY
from handoff.errors import FloorLost, InvalidContext, StoreUnavailable, UnknownCall
from handoff.store import Store

log = logging.getLogger("voicemesh.checkpoint")

_RENEWALS_PER_LEASE = 3
_RETRY_SECONDS = 0.25
_FLUSH_SECONDS = 0.3
_LOOK_SECONDS = 0.1
_ENDING_SECONDS = 30.0
"""Longest that an ending waits for a store that is away."""
_MAX_TOOL_USES = 40
_MAX_TOOL_CHARS = 16_000
"""A longer answer is not kept: the tool is asked again by whoever goes on."""


class Checkpoint:
    """The call as this agent knows it. Use from one event loop; ``close`` writes what is left."""

    def __init__(
        self, store: Store, call: Call, *, service: str, lease_seconds: float, on_floor_lost: Callable[[], None]
    ) -> None:
        self.call = call
        self.floor: Floor | None = None
        self.has_ended: bool | None = None
        """After ``end``: whether the call is over for good. False: it goes on with another agent. None: the store does not tell."""
        self.is_out_of_reach = False
        """While this is true the lease is left to pass: the caller cannot hear us, and who can be heard may have the call. Nobody
        else may be there: then it is renewed, late, when this is false again."""
        self._store = store
        self.service = service
        """Whose agent keeps it."""
        self._lease_seconds = lease_seconds
        self._on_floor_lost = on_floor_lost
        self._dirty = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()
        self._tasks: list[asyncio.Task[None]] = []
        self._last_writes: set[asyncio.Task[None]] = set()

    # --- what is noted --------------------------------------------------------------------------------------------
    def note_turn(self, role: Role, text: str, *, was_interrupted: bool = False) -> None:
        """A turn was said (by the caller) or heard (by the caller). Empty ones are not turns, and a card's number is in none."""
        if text.strip():
            turn = Turn(role, text.strip(), time.time(), self.service, was_interrupted)
            self._change(turns=turns_without_cards((*self.call.turns, turn)))

    def note_fact(self, name: str, value: str, *, source: Source, verified: bool = False) -> None:
        """Something became known to this service; the same value from the same source is noted once."""
        fact = Fact(name, value, source, time.time(), verified, self.service)
        ours = [known for known in self.call.facts if (known.name, known.service) == (name, self.service)]
        newest = ours if name in SEVERAL else ours[-1:]
        if not any(replace(known, learned_at=fact.learned_at) == fact for known in newest):
            self._change(facts=(*self.call.facts, fact))

    def forget_fact(self, name: str) -> None:
        """It is not true any more."""
        self._change(facts=tuple(fact for fact in self.call.facts if fact.name != name))

    def note_intent(self, intent: Intent) -> None:
        """What the caller wants, as far as this service understood."""
        self._change(intent=intent)

    def note_effect(self, effect: str) -> None:
        """A tool changed something: one line, e.g. ``process_refund RF-20417 49.99``. The same line again is the last one then."""
        if self.call.effects[-1:] != (effect,):
            self._change(effects=(*(line for line in self.call.effects if line != effect), effect))

    def note_attempt(self, what: str, outcome: str, *, service: str = "") -> None:
        """Something was tried and did not come to be, e.g. ``process_refund``, ``refused``; by this service unless another is
        named. Neither text holds a caller's words."""
        attempt = Attempt(service or self.service, what, outcome, time.time())
        self._change(attempts=(*self.call.attempts, attempt))

    def note_handoff(self, handoff_id: str) -> None:
        """A handoff of this call was offered."""
        self._change(handoff_ids=(*self.call.handoff_ids, handoff_id))

    def note_tool_use(self, name: str, arguments: str, output: str, *, failed: bool) -> None:
        """A tool answered: kept as the brain had it, so that whoever goes on with the call after us need not ask again."""
        self._mark(Mark(MarkKind.TOOL, self.service, time.time(), name, failed))
        if len(arguments) + len(output) <= _MAX_TOOL_CHARS:
            use = ToolUse(name, arguments, output, failed, time.time())
            self._change(tool_uses=(*self.call.tool_uses, use)[-_MAX_TOOL_USES:])

    def mark_handoff(self, handoff_id: str, *, giver: str) -> None:
        """The call is ours now, by this handoff."""
        self._mark(Mark(MarkKind.HANDOFF, self.service, time.time(), giver, handoff_id=handoff_id))

    def mark_recovery(self) -> None:
        """The agent before us was lost, and the call is ours now."""
        self._mark(Mark(MarkKind.RECOVERY, self.service, time.time()))

    def _mark(self, mark: Mark) -> None:
        self._change(marks=(*self.call.marks, mark)[-MAX_MARKS:])

    def note(self, **changes: object) -> None:
        """Any other field of the call."""
        self._change(**changes)

    def take_over(self, call: Call, *, intent: Intent) -> None:
        """``call`` as its giver left it is this service's now; ``intent`` is what it was handed over for.

        What proved an identity stays behind, and what the caller wants of this service waits no longer.
        """
        entry = DIRECTORY.get(self.service)
        ours = {intent.name, *(entry.intents if entry else ())}
        self.call = call
        self._change(
            intent=intent,
            turns=turns_without_proof(call),
            pending_intents=tuple(later for later in call.pending_intents if later.name not in ours),
            facts=tuple(fact for fact in call.facts if fact.name not in NEVER_CROSSES),
            tool_uses=(),
        )

    def carry_on(self, call: Call) -> None:
        """``call`` as another agent of this same service left it is ours now, all of it."""
        self.call = call

    def _change(self, **changes: object) -> None:
        self.call = replace(self.call, **changes)  # type: ignore[arg-type]
        self._written.clear()
        self._dirty.set()

    # --- the floor ------------------------------------------------------------------------------------------------
    def hold(self, floor: Floor) -> None:
        """The floor is ours: renew its lease, from now on, and write checkpoints."""
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
            async with asyncio.timeout(timeout_seconds):
                await self._written.wait()
        except TimeoutError:
            return False
        return True

    async def end(self, ending: Ending, detail: str = "") -> None:
        """Writes the call's one ending; ``has_ended`` tells afterwards. Does nothing when the floor is not ours to end with.

        While the store is away this returns all the same, and the ending is written behind: see ``last_written``.
        """
        floor = self.floor
        if floor is None:
            return
        await self.flushed(1.0)
        self.let_go()
        try:
            await self._write_ending(floor, ending, detail)
        except StoreUnavailable as e:
            log.warning("the ending of the call is not stored yet: %s", e, extra={"call_id": self.call.call_id})
            self._last_writes.add(asyncio.create_task(self._write_ending_later(floor, ending, detail)))

    async def _write_ending(self, floor: Floor, ending: Ending, detail: str) -> None:
        try:
            self.call = await self._store.end_call(floor.call_id, epoch=floor.epoch, ending=ending, detail=detail)
            self.has_ended = True
        except FloorLost:
            await self._look_who_has_it()
        except (InvalidContext, UnknownCall) as e:
            log.error("the ending of the call is not stored: %s", e, extra={"call_id": floor.call_id})

    async def _look_who_has_it(self) -> None:
        found = await self._store.load_call(self.call.call_id)
        self.has_ended = found is not None and found.ending is not None
        log.info(
            "the call %s",
            "has ended" if self.has_ended else "goes on with another agent",
            extra={"call_id": self.call.call_id},
        )

    async def _write_ending_later(self, floor: Floor, ending: Ending, detail: str) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + _ENDING_SECONDS
        while self.has_ended is None and clock() < deadline:
            await asyncio.sleep(_RETRY_SECONDS)
            with suppress(StoreUnavailable, FloorLost, UnknownCall, InvalidContext):
                await self._store.checkpoint(self.call, epoch=floor.epoch)  # what was noted last
            with suppress(StoreUnavailable):
                await self._write_ending(floor, ending, detail)
                return
        log.error("the ending of the call could not be stored", extra={"call_id": self.call.call_id})

    async def last_written(self) -> None:
        """Returns when an ending that had to wait for the store is written, or given up after 30 s."""
        if self._last_writes:
            await asyncio.wait(self._last_writes)

    async def abandon(self) -> None:
        """We cannot go on, and the call is not over: its lease passes now, so that a guardian need not wait for it."""
        if self.floor is None:
            return
        epoch = self.epoch
        await self.flushed(_FLUSH_SECONDS)
        self.let_go()
        with suppress(FloorLost, UnknownCall, StoreUnavailable):
            await self._store.renew_floor(self.call.call_id, epoch=epoch, lease_seconds=0.0)

    def _lost(self) -> None:
        if self.floor is not None:
            self.let_go()
            self._on_floor_lost()

    async def _renew(self) -> None:
        while self.floor is not None:
            if self.is_out_of_reach:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            try:
                self.floor = await self._store.renew_floor(
                    self.call.call_id, epoch=self.epoch, lease_seconds=self._lease_seconds
                )
            except FloorLost:
                self._lost()
            except (StoreUnavailable, UnknownCall) as e:
                log.warning("the lease could not be renewed: %s", e, extra={"call_id": self.call.call_id})
            except Exception:  # whatever it is, a call whose lease nobody renews is another agent's in a moment
                log.exception("the lease could not be renewed", extra={"call_id": self.call.call_id})
            await asyncio.sleep(self._lease_seconds / _RENEWALS_PER_LEASE)

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
            except Exception:
                log.exception("the checkpoint is not stored", extra={"call_id": self.call.call_id})
                await asyncio.sleep(_RETRY_SECONDS)
                self._dirty.set()
            else:
                if not self._dirty.is_set():
                    self._written.set()
