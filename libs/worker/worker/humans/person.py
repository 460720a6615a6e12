"""The way to a human of ours: a rung of its own, for a caller who asks for a person while one can be asked.

There are two ways, tried in this order: humans at the desk (at_the_desk.py), and their telephones (by_telephone.py). On either the
offer is our own, and accepted, as when a call moves to another worker: no gRPC reaches a human. The caller waits in line. One who
takes the call is noted as its taker (DISPATCHED), and is READY when his voice could be heard in the room; he is introduced, has the
floor, and is SPOKEN when his microphone is open. All of these moves are made for him: by the gateway for a browser, by a switchboard
for a telephone. Who does not come is followed by a new offer; when nobody comes the brain goes on, with a callback as ever.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any, Protocol

from handoff.call import Intent
from handoff.context import build_context
from handoff.desk import DESK, ENTRY
from handoff.errors import FloorLost, HandoffError, PeerUnreachable
from handoff.lifecycle import FINAL, State
from handoff.store import Handoff, Store
from livekit import api, rtc
from livekit.agents import RunContext, function_tool

from worker.agent.call_agent import CallAgent
from worker.checkpoint import Checkpoint
from worker.handover.hold import FRUSTRATED_PRIORITY, Hold, Waited
from worker.handover.ladder import Asked, Missed
from worker.handover.passing import LIVEKIT_AWAY, Failed, Manner, Passing, Watch
from worker.handover.transfer import Moved
from worker.humans.at_the_desk import AtTheDesk
from worker.humans.by_telephone import ByTelephone
from worker.settings import Settings

log = logging.getLogger("voicemesh.person")

OFF_DUTY = "off_duty"
"""Why nobody was asked: no human takes calls now."""
NOBODY_CAME = "no_answer"
_WAITS_ON = (Waited.TIMED_OUT, Waited.GONE)
"""Ends of a wait after which a caller may be made to wait for somebody else."""
_SEEN_SECONDS = 5.0
"""From the store's word that he is READY to our watch's, which takes milliseconds."""
_ENOUGH = 1000
"""A human who is in the room came for this very call, wherever it stands in line."""
_MAX_TRIES = 3
"""Humans who came and were lost again, each after an introduction: after so many the wait is over."""


class Way(Protocol):
    """A way to our humans."""

    @property
    def line(self) -> str:
        """Whose line the caller waits in."""

    @property
    def seconds(self) -> float:
        """His longest wait."""

    @property
    def manner(self) -> Manner:
        """How a human who comes by it is given the floor."""

    async def is_open(self) -> bool:
        """Whether anybody can be asked by it now."""

    async def begin(self) -> None:
        """A caller begins to wait."""

    async def may_be_taken(self, offer: Handoff | None) -> bool:
        """Whether the wait goes on as it is; else a new offer is made. ``offer``: the last one, not READY, if there was any. Raises
        PeerUnreachable when nobody is left who could be asked."""

    async def offered(self, handoff_id: str) -> None:
        """The new offer is made: whoever has to be told is told. Raises PeerUnreachable when nobody can be."""


class Person:
    """One per call. ``to`` climbs the rung."""

    def __init__(
        self, *, room: rtc.Room, lkapi: api.LiveKitAPI, store: Store, checkpoint: Checkpoint, settings: Settings
    ) -> None:
        self._room = room
        self._store = store
        self._checkpoint = checkpoint
        self._settings = settings
        self._ways: tuple[Way, ...] = (
            AtTheDesk(store, settings),
            ByTelephone(lkapi=lkapi, store=store, call_id=checkpoint.call.call_id, settings=settings),
        )
        self._passing = Passing(room=room, lkapi=lkapi, store=store, checkpoint=checkpoint, settings=settings)
        self._handoff_id = ""

    async def can_be_asked(self) -> bool:
        """Whether a human is on duty, or has a telephone."""
        for way in self._ways:
            if await way.is_open():
                return True
        return False

    async def to(self, asked: Asked) -> Moved | Missed:
        """Waits for a human with the caller and gives him the call; one way after the other, for as long as the caller waits."""
        result: Moved | Missed = Missed(OFF_DUTY)
        for way in self._ways:
            if await way.is_open():
                result = await self._by(way, asked)
                if isinstance(result, Moved) or result.waited not in _WAITS_ON:
                    break
        return result

    async def _by(self, way: Way, asked: Asked) -> Moved | Missed:
        self._handoff_id = ""
        await way.begin()
        try:
            result = await self._in_line(way, asked)
        except BaseException as e:  # this job ends, or its own agent failed: no human shall come for it
            if not self._passing.is_passed or self._passing.caller_left.is_set():
                await self._call_off("caller_left" if isinstance(e, asyncio.CancelledError) else type(e).__name__)
            raise
        if isinstance(result, Missed):
            log.info("no human took the call: %s", result.reason, extra={"call_id": self._checkpoint.call.call_id})
            self._checkpoint.note_attempt("handoff", result.reason, service=DESK)
        return result

    # --- the line -------------------------------------------------------------------------------------------------
    async def _in_line(self, way: Way, asked: Asked) -> Moved | Missed:
        hold = Hold(
            self._store,
            asked.host,
            asked.overheard,
            service=way.line,
            call_id=self._checkpoint.call.call_id,
            seconds=way.seconds,
            free=lambda: self._places(way, asked),
            priority=lambda: FRUSTRATED_PRIORITY if asked.is_frustrated() else 0,
            caller_is_done=asked.caller_is_done,
        )
        async with hold:
            for _ in range(_MAX_TRIES):
                waited = await hold.until_free()
                if waited is not Waited.FREE:
                    await self._call_off(str(waited))
                    return Missed(NOBODY_CAME, waited)
                try:
                    return await self._given(way, asked)
                except Failed as failed:
                    log.info("a human was lost: %s", failed, extra={"call_id": self._checkpoint.call.call_id})
                    if str(failed) == "caller_left":
                        return Missed("caller_left")
        return Missed(NOBODY_CAME, Waited.TIMED_OUT)

    async def _places(self, way: Way, asked: Asked) -> int:
        """Looks after the offer; more than enough once a human is in the room for it. Raises PeerUnreachable when none is left who
        could come."""
        try:
            stored = await self._store.load_handoff(self._handoff_id) if self._handoff_id else None
            if stored is not None and stored.state is State.READY:
                return _ENOUGH
            if not await way.may_be_taken(stored):
                await self._call_off("the human did not come")
                await self._offer(asked)
                await way.offered(self._handoff_id)
        except PeerUnreachable:
            raise
        except HandoffError as e:  # the store may be back at the next look
            log.warning("nobody can be asked: %s", type(e).__name__, extra={"call_id": self._room.name})
        return 0

    async def _offer(self, asked: Asked) -> None:
        checkpoint, handoff_id = self._checkpoint, f"d{uuid.uuid4().hex[:12]}"
        call = checkpoint.call
        context = build_context(
            call,
            entry=ENTRY,
            handoff_id=handoff_id,
            epoch=checkpoint.epoch,
            now=await self._store.now(),
            ttl_seconds=self._settings.handoff_ttl_seconds,
            intent=asked.intent,
            summary=asked.summary or None,
        )
        await self._store.offer(Handoff(context, call.services[-1], DESK, State.OFFERED))
        self._handoff_id = handoff_id
        checkpoint.note_handoff(handoff_id)
        await self._store.move(handoff_id, State.ACCEPTED)

    # --- the floor ------------------------------------------------------------------------------------------------
    async def _given(self, way: Way, asked: Asked) -> Moved:
        """Introduces the human who is READY and gives him the floor. Raises Failed when the call is still here."""
        handoff_id, passing = self._handoff_id, self._passing
        passing.is_passed = False
        watch = Watch(self._store.watch(handoff_id))
        try:
            taker_id = await watch.until(State.READY, _SEEN_SECONDS, "lost")
            await passing.meanwhile(asked.host.introduce(self._name_of(taker_id)), watch)
            await passing.meanwhile(asked.caller_is_done(), watch)
            await passing.flushed()
            self._name_of(taker_id)  # he may have gone meanwhile: nobody gives the floor to an empty chair
            await passing.give(handoff_id, taker_id, watch, asked.fall_silent, way.manner)
        except FloorLost:
            # Another agent holds the floor, or the call has ended: not a word from here.
            await passing.close(handoff_id, "floor_lost")
        except (Failed, HandoffError, *LIVEKIT_AWAY) as e:
            reason = str(e) if isinstance(e, Failed) else type(e).__name__
            await self._call_off(reason)
            asked.fall_silent(False)
            raise Failed(reason) from None
        finally:
            watch.stop()
        return Moved(handoff_id)

    def _name_of(self, taker_id: str) -> str:
        human = self._room.remote_participants.get(taker_id)
        if human is None:
            raise Failed("lost")
        return human.name or "A colleague"

    async def _call_off(self, reason: str) -> None:
        """Nobody shall come for this offer any more, and who came is put out."""
        handoff_id, self._handoff_id = self._handoff_id, ""
        if not handoff_id:
            return
        await self._passing.close(handoff_id, reason)
        try:
            stored = await self._store.load_handoff(handoff_id)
        except HandoffError:
            return  # his page is told that the call is gone when the store is back
        if stored is not None and stored.state in FINAL - {State.SPOKEN} and stored.taker_id:
            await self._passing.evict(stored.taker_id)


def tool(person: Person) -> Any:
    """``connect_person`` for the brain of one call."""

    @function_tool(name="connect_person", on_duplicate="reject")
    async def connect(context: RunContext[Any], summary: str = "") -> str:
        """Connect the caller with a person of our team: one can be asked now. For a caller who asks for a person, a human or a manager,
        and for whom you cannot make it right; before you look for a callback's slot. He is told that he waits, and hears music: do not
        announce it yourself. When you are told that nobody took the call, say so and offer a manager's call.

        Args:
            summary: two or three sentences for the person: what the caller wants and what was tried; made for you when empty
        """
        agent = context.session.current_agent
        assert isinstance(agent, CallAgent)
        call = agent.brief.checkpoint.call
        asked = agent.asked(call.intent or Intent("escalation", 0.5, "model"), summary)
        return await agent.give_away(context, DESK, lambda: person.to(asked))

    return connect
