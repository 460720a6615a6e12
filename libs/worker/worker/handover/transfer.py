"""The giver's side of a handoff: offer, dispatch, announce, wait for READY, pass the floor, make sure that the taker speaks.

The giver keeps the floor, and keeps talking to the caller, until the taker is READY in the room. Whatever fails on the way, the
call stays here and the answer says why; nothing is half done: a floor that was passed to an agent who never spoke is taken back.
While the store is away nobody can be offered anything: then the context travels sealed in the dispatch (by_word.py).
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from handoff.agent_ids import awaited_taker
from handoff.call import Intent
from handoff.canary import Canary
from handoff.context import HandoffContext, build_context
from handoff.directory import DIRECTORY
from handoff.errors import FloorLost, HandoffError
from handoff.giver import Giver
from handoff.lifecycle import State
from handoff.outcome import Accepted, Declined, Expired
from handoff.store import Store
from livekit import api, rtc
from opentelemetry.trace import get_current_span
from telemetry import tracing

from worker.checkpoint import Checkpoint
from worker.handover.by_word import Giving
from worker.handover.canary_share import CanaryShare
from worker.handover.passing import LIVEKIT_AWAY, Failed, Passing, Watch
from worker.handover.steps import Steps, told_of_handoff
from worker.settings import Settings

__all__ = ["LIVEKIT_AWAY", "Moved", "Stayed", "Transfer"]

log = logging.getLogger("voicemesh.transfer")

_GRACE_SECONDS = 1.0
"""A taker that is late may use the announcement, and this much silence after it."""
_ON_ITS_WAY_SECONDS = 0.1
"""From our last frame sent to the caller having heard it, as far as a taker's first frame is not as long on its way: the caller's
jitter buffer has grown for us and is new for it. With 0.07, 5 of 58 measured handoffs overlapped (10-40 ms, busy machine)."""
ByWord = Callable[[HandoffContext, str, Callable[[], HandoffContext]], Giving | None]
"""Begins a handoff of this context to this service without a store; the last one builds the context anew, from the call as it is
by then. None when the store is there, or no sealed handoff is possible."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The call is another agent's now; the giver may leave."""

    handoff_id: str


@dataclass(frozen=True, slots=True)
class Stayed:
    """The call is still here. ``reason``: a refusal, ``unreachable``, ``not_ready``, ``lost``, ``silent``, ``caller_left``,
    ``no_such_service``."""

    reason: str
    by_canary: bool = False
    """Whether it was the service's canary that did not take it: of its other workers this says nothing."""


class Transfer:
    """Hands this job's call to another service. One at a time."""

    def __init__(
        self,
        *,
        room: rtc.Room,
        lkapi: api.LiveKitAPI,
        giver: Giver,
        store: Store,
        checkpoint: Checkpoint,
        settings: Settings,
        by_word: ByWord = lambda context, service, again: None,
    ) -> None:
        self.is_under_way = False
        """Whether a handoff is being tried at this moment."""
        self._giver = giver
        self._store = store
        self._checkpoint = checkpoint
        self._settings = settings
        self._by_word = by_word
        self._passing = Passing(room=room, lkapi=lkapi, store=store, checkpoint=checkpoint, settings=settings)
        self._canaries = CanaryShare(store, giver, checkpoint.call.call_id)

    async def to(
        self,
        service: str,
        *,
        intent: Intent,
        summary: str,
        announce: Callable[[], Awaitable[None]],
        caller_is_done: Callable[[], Awaitable[None]],
        fall_silent: Callable[[bool], None],
    ) -> Moved | Stayed:
        """Moves the call to ``service``.

        ``announce`` speaks the announcement and returns when its last word was played; ``caller_is_done`` returns when the
        caller is not in the middle of a sentence; ``fall_silent(True)`` closes this agent's mouth, ``(False)`` opens it again.
        """
        if service not in DIRECTORY:
            return Stayed("no_such_service")
        self.is_under_way = True
        call_id, ours, outcome = self._checkpoint.call.call_id, self._checkpoint.service, "error"
        try:
            with tracing.span("handoff", {"voicemesh.from": ours, "voicemesh.to": service}, call_id=call_id) as span:
                done = await self._to(service, intent, summary, announce, caller_is_done, fall_silent)
                outcome = "moved" if isinstance(done, Moved) else done.reason
                tracing.note(span, {"voicemesh.outcome": outcome})
                return done
        except asyncio.CancelledError:
            outcome = "caller_left"
            raise
        finally:
            self.is_under_way = False
            told_of_handoff(call_id, giver=ours, taker=service, outcome=outcome)

    async def _to(
        self,
        service: str,
        intent: Intent,
        summary: str,
        announce: Callable[[], Awaitable[None]],
        caller_is_done: Callable[[], Awaitable[None]],
        fall_silent: Callable[[bool], None],
    ) -> Moved | Stayed:
        handoff_id, passing = f"h{uuid.uuid4().hex[:12]}", self._passing
        passing.is_passed = False
        steps = passing.steps = Steps(self._checkpoint.call.call_id, service)
        tracing.note(get_current_span(), {"voicemesh.handoff_id": handoff_id})  # the handoff's
        try:
            with steps.step("offer"):
                giving, canary = await self._begin(handoff_id, service, intent, summary)
        except Failed as failed:
            return self._stayed(service, str(failed))
        except asyncio.CancelledError:  # it may have been accepted all the same
            await self._call_off(handoff_id, service, "caller_left")
            raise
        watch = Watch(giving.watch() if giving is not None else self._giver.watch(handoff_id, service))
        try:
            attributes = giving.attributes if giving is not None else {}
            agent_name = canary.agent_name if canary is not None else service
            dispatch = asyncio.create_task(passing.dispatch(agent_name, handoff_id, **attributes))
            steps.dispatched()
            deadline = time.monotonic() + self._settings.ready_timeout_seconds
            try:
                with steps.step("announce"):
                    await passing.meanwhile(_heard(announce()), watch)
                steps.nobody_speaks()
                await dispatch
                ready = watch.until(State.READY, max(deadline - time.monotonic(), _GRACE_SECONDS), "not_ready")
                taker_id = await passing.meanwhile(ready, watch)
                steps.ready(watch.reached_at(State.READY))
                with steps.caller_done():
                    await passing.meanwhile(caller_is_done(), watch)
                await passing.flushed()
                await passing.give(handoff_id, taker_id, watch, fall_silent)
                if canary is not None:
                    await self._canaries.spoken(canary)
            finally:
                dispatch.cancel()
        except FloorLost:
            # Another agent holds the floor, or the call has ended: not a word from here. Nobody is put out of the room either:
            # the taker may have had the floor, handed it on, and got it back.
            await self._withdraw(handoff_id, service, "floor_lost")
        except (Failed, HandoffError, *LIVEKIT_AWAY) as e:
            reason = str(e) if isinstance(e, Failed) else type(e).__name__
            await self._call_off(handoff_id, service, reason)
            fall_silent(False)
            if canary is not None:
                await self._canaries.failed(canary, reason)
            return self._stayed(service, reason, by_canary=canary is not None)
        except BaseException as e:  # this job ends, or its own agent failed: nothing is left half done
            if passing.is_passed and not passing.caller_left.is_set():
                raise  # the taker has the floor and a caller: it stays
            reason = "caller_left" if isinstance(e, asyncio.CancelledError) else type(e).__name__
            await self._call_off(handoff_id, service, reason)
            raise
        finally:
            watch.stop()
            steps.close()
            if giving is not None:
                giving.close()
        return Moved(handoff_id)

    def _stayed(self, service: str, reason: str, *, by_canary: bool = False) -> Stayed:
        log.info("handoff to %s did not happen: %s", service, reason, extra={"call_id": self._checkpoint.call.call_id})
        self._checkpoint.note_attempt("handoff", reason, service=service)
        return Stayed(reason, by_canary)

    async def _begin(
        self, handoff_id: str, service: str, intent: Intent, summary: str
    ) -> tuple[Giving | None, Canary | None]:
        """Somebody is expected to take it from now on: by an accepted offer (the canary's, when there is one here), or by our word
        alone. Raises Failed."""
        now, epoch = await self._now(), self._checkpoint.epoch

        def context() -> HandoffContext:
            return build_context(
                self._checkpoint.call,
                entry=DIRECTORY[service],
                handoff_id=handoff_id,
                epoch=epoch,
                now=now,
                ttl_seconds=self._settings.handoff_ttl_seconds,
                intent=intent,
                summary=summary or None,
            )

        canary: Canary | None = None
        try:
            crossing = context()
            giving = self._by_word(crossing, service, context)
            if giving is None:
                try:
                    canary = await self._offer(crossing, service)
                except Failed:  # if it is because the store went away in this moment
                    giving = self._by_word(crossing, service, context)
                    if giving is None:
                        raise
        except HandoffError as e:
            raise Failed(type(e).__name__) from None
        self._checkpoint.note_handoff(handoff_id)
        return giving, canary

    async def _now(self) -> float:
        try:
            return await self._store.now()
        except HandoffError as e:
            raise Failed(type(e).__name__) from None

    async def _offer(self, context: HandoffContext, service: str) -> Canary | None:
        """Returns when it is accepted; by whom, when that is the canary. Raises Failed; a HandoffError for a peer that speaks another
        contract."""
        if (canary := await self._canaries.accepts(context, service)) is not None:
            return canary
        match await self._giver.offer(context, service):
            case Accepted():
                return None
            case Declined(reason=reason):
                raise Failed(reason.value)
            case Expired():
                # It may have accepted too late for us: let it forget the call.
                await self._giver.withdraw(context.handoff_id, service, "expired")
                raise Failed("unreachable")

    async def _call_off(self, handoff_id: str, service: str, reason: str) -> None:
        await self._withdraw(handoff_id, service, reason)
        await self._passing.evict_who_came(awaited_taker(service, handoff_id))

    async def _withdraw(self, handoff_id: str, service: str, reason: str) -> None:
        await self._passing.close(handoff_id, reason)
        with suppress(HandoffError):
            await self._giver.withdraw(handoff_id, service, reason)


async def _heard(announced: Awaitable[None]) -> None:
    """Until the caller has heard it, not only until it was sent: two must never speak at once at the ear."""
    await announced
    await asyncio.sleep(_ON_ITS_WAY_SECONDS)
