"""The giver's side of a handoff: offer, dispatch, announce, wait for READY, pass the floor, make sure that the taker speaks.

The giver keeps the floor, and keeps talking to the caller, until the taker is READY in the room. Whatever fails on the way, the
call stays here and the answer says why; nothing is half done: a floor that was passed to an agent who never spoke is taken back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from handoff.call import Attempt, Intent
from handoff.context import build_context
from handoff.directory import DIRECTORY
from handoff.errors import FloorLost, HandoffError, IllegalMove
from handoff.giver import Giver
from handoff.lifecycle import FINAL, State
from handoff.outcome import Accepted, Declined, Expired
from handoff.store import Store
from livekit import api, rtc

from worker.checkpoint import Checkpoint
from worker.floor_word import FLOOR_METHOD
from worker.settings import Settings

log = logging.getLogger("voicemesh.transfer")

_ACK_SECONDS = 1.0
"""Longest wait for the taker's answer. LiveKit itself waits 7 s for one that is gone, and the caller hears nobody meanwhile."""
_GRACE_SECONDS = 1.0
"""A taker that is late may use the announcement, and this much silence after it."""
_ON_ITS_WAY_SECONDS = 0.1
"""From our last frame sent to the caller having heard it, as far as a taker's first frame is not as long on its way: the caller's
jitter buffer has grown for us and is new for it. With 0.07, 5 of 58 measured handoffs overlapped (10-40 ms, busy machine)."""
LIVEKIT_AWAY = (api.TwirpError, aiohttp.ClientError, OSError)
"""Refused, or not answered: LiveKit's client raises what its transport raised, TimeoutError (an OSError) among it."""
_T = TypeVar("_T")


class _Failed(Exception):
    """Why this handoff cannot go on; the text is for the brain and the logs, in the words of the protocol."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The call is another agent's now; the giver may leave."""

    handoff_id: str


@dataclass(frozen=True, slots=True)
class Stayed:
    """The call is still here. ``reason``: a refusal, ``unreachable``, ``not_ready``, ``lost``, ``silent``, ``caller_left``,
    ``no_such_service``."""

    reason: str


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
    ) -> None:
        self._room = room
        self._api = lkapi
        self._giver = giver
        self._store = store
        self._checkpoint = checkpoint
        self._settings = settings
        self._caller_left = asyncio.Event()
        self._is_passed = False
        room.on("participant_disconnected", self._somebody_left)

    def _somebody_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._checkpoint.call.caller_identity:
            self._caller_left.set()

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
        handoff_id = f"h{uuid.uuid4().hex[:12]}"
        try:
            await self._offer(handoff_id, service, intent, summary)
        except _Failed as failed:
            return self._stayed(service, str(failed))
        except asyncio.CancelledError:  # it may have been accepted all the same
            await self._call_off(handoff_id, service, "caller_left")
            raise
        watch = _Watch(self._giver, handoff_id, service)
        try:
            dispatch = asyncio.create_task(self._dispatch(handoff_id, service))
            deadline = time.monotonic() + self._settings.ready_timeout_seconds
            try:
                await self._meanwhile(_heard(announce()), watch)
                await dispatch
                ready = watch.until(State.READY, max(deadline - time.monotonic(), _GRACE_SECONDS), "not_ready")
                taker_id = await self._meanwhile(ready, watch)
                await self._meanwhile(caller_is_done(), watch)
                await self._pass(handoff_id, taker_id, watch, fall_silent)
            finally:
                dispatch.cancel()
        except FloorLost:
            # Another agent holds the floor, or the call has ended: not a word from here.
            await self._call_off(handoff_id, service, "floor_lost")
        except (_Failed, HandoffError, *LIVEKIT_AWAY) as e:
            reason = str(e) if isinstance(e, _Failed) else type(e).__name__
            await self._call_off(handoff_id, service, reason)
            fall_silent(False)
            return self._stayed(service, reason)
        except BaseException as e:  # this job ends, or its own agent failed: nothing is left half done
            if self._is_passed and not self._caller_left.is_set():
                raise  # the taker has the floor and a caller: it stays
            reason = "caller_left" if isinstance(e, asyncio.CancelledError) else type(e).__name__
            await self._call_off(handoff_id, service, reason)
            raise
        finally:
            watch.stop()
        return Moved(handoff_id)

    def _stayed(self, service: str, reason: str) -> Stayed:
        log.info("handoff to %s did not happen: %s", service, reason, extra={"call_id": self._checkpoint.call.call_id})
        attempt = Attempt(service, "handoff", reason, self._checkpoint.call.started_at)
        self._checkpoint.note(attempts=(*self._checkpoint.call.attempts, attempt))
        return Stayed(reason)

    async def _offer(self, handoff_id: str, service: str, intent: Intent, summary: str) -> None:
        call = self._checkpoint.call
        try:
            context = build_context(
                call,
                entry=DIRECTORY[service],
                handoff_id=handoff_id,
                epoch=self._checkpoint.epoch,
                now=await self._store.now(),
                ttl_seconds=self._settings.handoff_ttl_seconds,
                intent=intent,
                summary=summary or None,
            )
        except HandoffError as e:
            raise _Failed(type(e).__name__) from None
        try:
            answer = await self._giver.offer(context, service)
        except HandoffError as e:  # a peer that speaks another contract
            raise _Failed(type(e).__name__) from None
        match answer:
            case Accepted():
                self._checkpoint.note_handoff(handoff_id)
            case Declined(reason=reason):
                raise _Failed(reason.value)
            case Expired():
                # It may have accepted too late for us: let it forget the call.
                await self._giver.withdraw(handoff_id, service, "expired")
                raise _Failed("unreachable")

    async def _dispatch(self, handoff_id: str, service: str) -> None:
        await self._api.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(
                agent_name=service,
                room=self._room.name,
                restart_policy=api.JobRestartPolicy.JRP_NEVER,
                attributes={"handoff_id": handoff_id, "epoch": str(self._checkpoint.epoch)},
            )
        )
        with suppress(HandoffError):  # a fast taker may be READY before this is noted
            await self._store.move(handoff_id, State.DISPATCHED)

    async def _meanwhile(self, doing: Awaitable[_T], watch: _Watch) -> _T:
        """Awaits ``doing``, but no longer than the taker's service lives and the caller is on the line."""
        task = asyncio.ensure_future(doing)
        lost = asyncio.ensure_future(watch.lost())
        left = asyncio.ensure_future(self._caller_left.wait())
        try:
            await asyncio.wait({task, lost, left}, return_when=asyncio.FIRST_COMPLETED)
            if left.done():
                raise _Failed("caller_left")
            if not task.done():
                raise _Failed("lost")
            return task.result()
        finally:
            for waiting in (task, lost, left):
                waiting.cancel()

    async def _pass(self, handoff_id: str, taker_id: str, watch: _Watch, fall_silent: Callable[[bool], None]) -> None:
        await self._checkpoint.flushed(0.3)  # what the caller said last is in the record that the taker reads
        if self._caller_left.is_set():
            raise _Failed("caller_left")
        epoch, lease = self._checkpoint.epoch, self._settings.lease_seconds
        mine = self._checkpoint.floor
        assert mine is not None
        fall_silent(True)
        # Before the step, not after: what is renewed or written under the epoch we give away would look like a lost floor.
        self._checkpoint.let_go()
        try:
            floor = await self._store.pass_floor(handoff_id, epoch=epoch, lease_seconds=lease)
        except FloorLost:
            raise
        except BaseException:
            self._checkpoint.hold(mine)
            raise
        self._is_passed = True
        try:
            async with asyncio.timeout(_ACK_SECONDS):
                await self._room.local_participant.perform_rpc(
                    destination_identity=taker_id,
                    method=FLOOR_METHOD,
                    payload=json.dumps({"handoff_id": handoff_id, "epoch": floor.epoch}),
                )
            await watch.until(State.SPOKEN, self._settings.spoken_timeout_seconds, "silent")
        except (rtc.RpcError, TimeoutError, _Failed) as e:
            try:
                taken = await self._store.take_back(
                    handoff_id, giver_id=mine.agent_id, epoch=floor.epoch, lease_seconds=lease
                )
            except HandoffError as back:
                if isinstance(back, FloorLost):
                    raise
                # It did speak after all, in this very moment: the call is the taker's.
                log.warning("floor not taken back: %s", type(back).__name__)
                return
            self._is_passed = False
            self._checkpoint.hold(taken)
            await self._evict(taker_id)
            raise _Failed(str(e) if isinstance(e, _Failed) else "lost") from None

    async def _evict(self, agent_id: str) -> None:
        with suppress(*LIVEKIT_AWAY):
            await self._api.room.remove_participant(
                api.RoomParticipantIdentity(room=self._room.name, identity=agent_id)
            )

    async def _call_off(self, handoff_id: str, service: str, reason: str) -> None:
        with suppress(HandoffError):
            try:
                await self._store.move(handoff_id, State.WITHDRAWN, reason=reason)
            except IllegalMove:  # the floor was passed, and then the call ended before the taker spoke
                await self._store.move(handoff_id, State.SUPERSEDED, reason=reason)
        with suppress(HandoffError):
            await self._giver.withdraw(handoff_id, service, reason)
        await self._evict(f"{service}-{handoff_id}")


async def _heard(announced: Awaitable[None]) -> None:
    """Until the caller has heard it, not only until it was sent: two must never speak at once at the ear."""
    await announced
    await asyncio.sleep(_ON_ITS_WAY_SECONDS)


class _Watch:
    """Follows one handoff at the taker's service; knows at once when that service dies."""

    def __init__(self, giver: Giver, handoff_id: str, service: str) -> None:
        self._state: State | None = None
        self._taker_id = ""
        self._lost = False
        self._changed = asyncio.Condition()
        self._task = asyncio.create_task(self._follow(giver, handoff_id, service))

    async def _follow(self, giver: Giver, handoff_id: str, service: str) -> None:
        try:
            async for update in giver.watch(handoff_id, service):
                async with self._changed:
                    self._state, self._taker_id = update.state, update.taker_id or self._taker_id
                    self._changed.notify_all()
        except HandoffError:
            async with self._changed:
                self._lost = True
                self._changed.notify_all()

    async def until(self, wanted: State, timeout_seconds: float, otherwise: str) -> str:
        """The taker's identity once the handoff is in ``wanted`` (or past it); raises _Failed otherwise."""
        onward = {State.READY: {State.READY, State.TAKEN, State.SPOKEN}}.get(wanted, {wanted})

        def settled() -> bool:
            return self._lost or self._state in onward or self._state in FINAL

        try:
            async with self._changed:
                await asyncio.wait_for(self._changed.wait_for(settled), timeout_seconds)
        except TimeoutError:
            raise _Failed(otherwise) from None
        if self._state in onward:
            return self._taker_id
        raise _Failed("lost" if self._lost else otherwise)

    async def lost(self) -> None:
        """Returns when the taker's service is gone or has given the handoff up."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._lost or self._state in FINAL)

    def stop(self) -> None:
        self._task.cancel()
