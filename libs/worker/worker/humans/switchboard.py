"""A switchboard calls a human of ours by telephone, tells him what it is about, and stands in for his page while he has the call.

It does for him what a browser and the gateway do for a human at the desk. It is noted as the offer's taker while it calls him, READY
when he has pressed the key, and SPOKEN when his microphone is open; it renews his lease, and ends the call when he hangs up. When it
dies his lease passes, as an agent's does, and customer care goes on with the caller.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Protocol

from handoff.call import Ending
from handoff.context import HandoffContext
from handoff.desk import DESK
from handoff.errors import FloorLost, HandoffError, IllegalMove, StoreUnavailable, UnknownHandoff
from handoff.lifecycle import State
from handoff.store import Store
from livekit.agents import APIError

from worker.checkpoint import Checkpoint
from worker.handover.passing import Failed, Watch
from worker.humans.consulting import GIVE_BACK, HUNG_UP, Telephone, Words, consult
from worker.humans.dialling import NotReached
from worker.humans.earpiece import Clip

log = logging.getLogger("voicemesh.switchboard")

NO_VOICE = "no_voice"
"""Nobody could say a word to him, so nobody was called."""
STOPPED = "stopped"
"""This job is over."""
_GIVEN_SECONDS = 30.0
"""From READY to the floor: his introduction, and a caller who talks over it."""
_TOO_LATE_SECONDS = 10.0
"""Longest that a human is told that nobody waits any more."""


class End(Enum):
    """How a human's time with the caller ends."""

    HUNG_UP = "ended by telephone"
    CALLER_LEFT = "the caller hung up"
    CUT_OFF = "cut off"
    """His line is gone, or our own way to the caller: the caller is customer care's again."""
    LOST = "floor lost"
    HANDED_BACK = "handed back"


_OVER = (End.HUNG_UP, End.CALLER_LEFT)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a switchboard was sent for."""

    call_id: str
    handoff_id: str
    human_id: str
    """The human's identity in the caller's room."""
    name: str
    """How the caller is told who takes over."""


class CallersRoom(Protocol):
    """The caller's room, for the human; see bridge.Bridge."""

    async def join(self, name: str) -> None: ...

    def open_microphone(self) -> None: ...

    def shut_microphone(self, shut: bool = True) -> None: ...

    async def close_call(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What it does its work with. ``dial`` returns when the telephone is answered, or raises NotReached; ``render`` raises APIError;
    ``hand_back`` tells whether an agent has the call."""

    telephone: Telephone
    callers_room: CallersRoom
    dial: Callable[[], Awaitable[None]]
    words: Callable[[HandoffContext], Words]
    render: Callable[[str], Awaitable[Clip]]
    hand_back: Callable[[Checkpoint], Awaitable[bool]]


class Switchboard:
    """One call of one human. ``work`` returns when it is over; ``ends`` may be called at any time."""

    def __init__(self, store: Store, sent: Sent, means: Means, *, lease_seconds: float) -> None:
        self._store = store
        self._sent = sent
        self._means = means
        self._lease_seconds = lease_seconds
        self._ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._clips: dict[str, asyncio.Task[Clip]] = {}
        self._is_answered = self._is_handing_back = False
        self._where = {"call_id": sent.call_id, "handoff_id": sent.handoff_id}

    def ends(self, end: End) -> None:
        """It is over, so or so; only the first word counts."""
        if not self._ended.done():
            self._ended.set_result(end)

    async def work(self) -> None:
        """Calls him; talks, when he has the call. Raises nothing that is a matter of one human or one caller."""
        context = await self._claimed()
        if context is None:
            log.info("nobody waits for this human", extra=self._where)
            return
        watch = Watch(self._store.watch(self._sent.handoff_id))
        try:
            await self._while_wanted(self._given(context, watch), watch)
        except NotReached as e:
            log.info("a human was not reached: %s", e, extra=self._where)
            await self._withdraw(str(e))
        except Failed as e:
            log.info("a human was called in vain: %s", e, extra=self._where)
            await self._withdraw(str(e))
            await self._say_that_it_is_too_late()
        else:
            await self._talk()
        finally:
            watch.stop()
            for rendering in self._clips.values():
                rendering.cancel()
            await asyncio.gather(*self._clips.values(), return_exceptions=True)

    # --- until he has the call ------------------------------------------------------------------------------------
    async def _claimed(self) -> HandoffContext | None:
        """What he may be told; None when the offer is not ours to take (any more)."""
        sent = self._sent
        try:
            offer = await self._store.move(sent.handoff_id, State.DISPATCHED, taker_id=sent.human_id)
        except (IllegalMove, UnknownHandoff, StoreUnavailable):
            return None
        is_ours = (offer.to_service, offer.context.call_id, offer.taker_id) == (DESK, sent.call_id, sent.human_id)
        return offer.context if is_ours else None

    async def _given(self, context: HandoffContext, watch: Watch) -> None:
        """Returns when the floor is his. Raises NotReached, or Failed when the agent does not give it."""
        means, telephone = self._means, self._means.telephone
        self._render(means.words(context))
        await self._clip("opening")  # nobody is called to whom nobody can speak; the rest is rendered while it rings
        await means.dial()
        self._is_answered = True
        await telephone.answered()
        await consult(telephone, self._clip)
        await asyncio.gather(telephone.say(await self._clip("connecting")), means.callers_room.join(self._sent.name))
        await self._store.move(self._sent.handoff_id, State.READY, taker_id=self._sent.human_id)
        await watch.until(State.TAKEN, _GIVEN_SECONDS, "not given")

    def _render(self, words: Words) -> None:
        before: asyncio.Task[Clip] | None = None
        for name, text in asdict(words).items():
            before = self._clips[name] = asyncio.create_task(self._rendered(text, before))

    async def _rendered(self, text: str, before: asyncio.Task[Clip] | None) -> Clip:
        if before is not None:  # one after the other: what is needed first is there first
            await asyncio.wait({before})
        return await self._means.render(text)

    async def _clip(self, name: str) -> Clip:
        try:
            return await self._clips[name]
        except APIError:
            raise NotReached(NO_VOICE) from None

    async def _while_wanted(self, doing: Coroutine[Any, Any, None], watch: Watch) -> None:
        """No longer than somebody waits for him and he is on the line. Raises NotReached, Failed."""
        task, lost = asyncio.ensure_future(doing), asyncio.ensure_future(watch.lost())
        gone = self._means.telephone.gone
        first: set[asyncio.Future[Any]] = {task, lost, gone, self._ended}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if lost.done():
                raise Failed("nobody waits any more")
            raise NotReached(HUNG_UP if gone.done() else STOPPED)
        except (IllegalMove, UnknownHandoff) as e:
            raise Failed(type(e).__name__) from None
        except StoreUnavailable as e:
            raise NotReached(type(e).__name__) from None
        finally:
            for each in (task, lost):
                each.cancel()
            await asyncio.gather(task, lost, return_exceptions=True)

    async def _withdraw(self, reason: str) -> None:
        """The agent asks the next one at once."""
        with suppress(HandoffError):
            await self._store.move(self._sent.handoff_id, State.WITHDRAWN, reason=reason)

    async def _say_that_it_is_too_late(self) -> None:
        if not self._is_answered or self._means.telephone.gone.done():
            return
        with suppress(NotReached, TimeoutError):
            async with asyncio.timeout(_TOO_LATE_SECONDS):
                await self._means.telephone.say(await self._clip("too_late"))

    # --- while he has it ------------------------------------------------------------------------------------------
    async def _talk(self) -> None:
        checkpoint = await self._held()
        if checkpoint is None:
            return
        log.info("a human has the call", extra=self._where)
        room, telephone = self._means.callers_room, self._means.telephone
        room.open_microphone()
        telephone.gone.add_done_callback(lambda gone: self._hung_up(gone.result()))
        handing_back = asyncio.create_task(self._hand_back_when_asked(checkpoint))
        try:
            await self._note_spoken()
            end = await self._ended
        finally:
            handing_back.cancel()
            await asyncio.gather(handing_back, return_exceptions=True)
            room.shut_microphone()
        log.info("a human's call is over: %s", end.value, extra=self._where)
        if end in _OVER:
            await self._end(checkpoint, end)
        elif end is End.CUT_OFF:
            await checkpoint.abandon()

    async def _held(self) -> Checkpoint | None:
        sent = self._sent
        try:
            floor, call = await self._store.load_floor(sent.call_id), await self._store.load_call(sent.call_id)
        except HandoffError:
            return None  # the agent takes the floor back, for nobody speaks
        if floor is None or call is None or floor.agent_id != sent.human_id:
            return None
        checkpoint = Checkpoint(
            self._store,
            call,
            service=DESK,
            lease_seconds=self._lease_seconds,
            on_floor_lost=lambda: self.ends(End.LOST),
        )
        checkpoint.hold(floor)
        return checkpoint

    def _hung_up(self, by_himself: bool) -> None:
        # Who hangs up after "give it back" has given it back: the caller shall not be cut off.
        self.ends(End.HUNG_UP if by_himself and not self._is_handing_back else End.CUT_OFF)

    async def _note_spoken(self) -> None:
        try:
            await self._store.move(self._sent.handoff_id, State.SPOKEN)
        except (IllegalMove, FloorLost):
            self.ends(End.LOST)
        except (StoreUnavailable, UnknownHandoff) as e:
            # He is heard. Should the agent have the floor again, our next renewal finds out.
            log.warning("not noted as spoken: %s", type(e).__name__, extra=self._where)

    async def _hand_back_when_asked(self, checkpoint: Checkpoint) -> None:
        telephone = self._means.telephone
        while True:
            if await telephone.keys.get() != GIVE_BACK:
                continue
            self._is_handing_back = True
            if await self._means.hand_back(checkpoint):
                self.ends(End.HANDED_BACK)
                return
            self._is_handing_back = False
            with suppress(NotReached):
                await telephone.say(await self._clip("kept"))

    async def _end(self, checkpoint: Checkpoint, end: End) -> None:
        await checkpoint.end(Ending.TRANSFERRED_TO_HUMAN, end.value)
        if checkpoint.has_ended is not False:  # else another agent has it
            await self._means.callers_room.close_call()
        await checkpoint.last_written()
