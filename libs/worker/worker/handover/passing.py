"""How a floor leaves this agent: a taker is dispatched, gets READY, is given the floor, and must be heard from.

The same for a handoff to another service and for a move to another worker of our own. What fails on the way is a ``Failed`` with
its reason in the words of the protocol; a floor that was passed to an agent who never spoke is taken back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

import aiohttp
from handoff.agent_ids import came_as
from handoff.errors import FloorLost, HandoffError, IllegalMove, StoreUnavailable
from handoff.lifecycle import FINAL, State
from handoff.store import Store
from livekit import api, rtc
from telemetry import tracing

from worker.checkpoint import Checkpoint
from worker.handover.floor_word import FLOOR_METHOD
from worker.handover.steps import Steps
from worker.settings import Settings

log = logging.getLogger("voicemesh.passing")

_ACK_SECONDS = 1.0
"""Longest wait for the taker's answer. LiveKit itself waits 7 s for one that is gone, and the caller hears nobody meanwhile."""
_FLUSH_SECONDS = 0.3
_EVICT_SECONDS = 2.0
"""How long LiveKit is asked again to remove an agent; it takes 5 ms. Longer, and the caller's silence is worse than two voices."""
_EVICT_AGAIN_SECONDS = 0.1
REMOVAL_SECONDS = 1.0
"""Longest that one removal may take; LiveKit's client waits 300 s. It takes some milliseconds."""
_DISPATCH_SECONDS = 3.0
"""The same for a dispatch, which takes 210 ms."""
LIVEKIT_AWAY = (api.TwirpError, aiohttp.ClientError, OSError)
"""Refused, or not answered: LiveKit's client raises what its transport raised, TimeoutError (an OSError) among it."""
_T = TypeVar("_T")


class Failed(Exception):
    """Why this handoff cannot go on; the text is for the brain and the logs, in the words of the protocol."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a floor is given. ``is_told``: the taker has an ear for our word, and acknowledges it; else it learns of the floor from the
    store alone, as a human's page does. The rest in seconds."""

    is_told: bool
    lease_seconds: float
    """The taker's first lease."""
    spoken_seconds: float
    """How long it has until it is heard."""


class _Update(Protocol):
    @property
    def state(self) -> State: ...

    @property
    def taker_id(self) -> str: ...


class Watch:
    """Follows one handoff; ``updates`` raises a HandoffError the moment that the other side is gone."""

    def __init__(self, updates: AsyncIterator[_Update]) -> None:
        self._state: State | None = None
        self._taker_id = ""
        self._lost = False
        self._reached: dict[State, float] = {}
        self._changed = asyncio.Condition()
        self._task = asyncio.create_task(self._follow(updates))

    async def _follow(self, updates: AsyncIterator[_Update]) -> None:
        try:
            async for update in updates:
                async with self._changed:
                    self._reached.setdefault(update.state, time.monotonic())
                    self._state, self._taker_id = update.state, update.taker_id or self._taker_id
                    self._changed.notify_all()
        except HandoffError:
            async with self._changed:
                self._lost = True
                self._changed.notify_all()

    async def until(self, wanted: State, timeout_seconds: float, otherwise: str) -> str:
        """The taker's identity once the handoff is in ``wanted`` (or past it); raises Failed otherwise."""
        onward = {State.READY: {State.READY, State.TAKEN, State.SPOKEN}}.get(wanted, {wanted})

        def settled() -> bool:
            return self._lost or self._state in onward or self._state in FINAL

        try:
            async with self._changed:
                async with asyncio.timeout(timeout_seconds):
                    await self._changed.wait_for(settled)
        except TimeoutError:
            raise Failed(otherwise) from None
        if self._state in onward:
            return self._taker_id
        raise Failed("lost" if self._lost else otherwise)

    def reached_at(self, state: State) -> float:
        """When it was first seen in ``state``, by the monotonic clock; now, when it was past it at the first look."""
        return self._reached.get(state, time.monotonic())

    async def lost(self) -> None:
        """Returns when the other side is gone or has given the handoff up."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._lost or self._state in FINAL)

    def stop(self) -> None:
        """Follows no longer."""
        self._task.cancel()


class Passing:
    """The floor of this job's call, on its way to somebody else. One handoff at a time."""

    def __init__(
        self, *, room: rtc.Room, lkapi: api.LiveKitAPI, store: Store, checkpoint: Checkpoint, settings: Settings
    ) -> None:
        self.is_passed = False
        """Whether the floor has been given away in this handoff."""
        self.steps = Steps(checkpoint.call.call_id, "")
        """Of the handoff that goes on."""
        self._taker_id = ""
        """To whom the floor was to be given last."""
        self.caller_left = asyncio.Event()
        """Whether the caller is out of the room. He may come back: his network has changed, or ours."""
        self._room = room
        self._api = lkapi
        self._store = store
        self._checkpoint = checkpoint
        self._settings = settings
        room.on("participant_disconnected", self._somebody_left)
        room.on("participant_connected", self._somebody_came)

    def _somebody_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._checkpoint.call.caller_identity:
            self.caller_left.set()

    def _somebody_came(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._checkpoint.call.caller_identity:
            self.caller_left.clear()

    async def dispatch(self, service: str, handoff_id: str, **attributes: str) -> None:
        """Sends an agent of the service into the room. Raises LIVEKIT_AWAY."""
        request = api.CreateAgentDispatchRequest(
            agent_name=service,
            room=self._room.name,
            restart_policy=api.JobRestartPolicy.JRP_NEVER,
            attributes={"handoff_id": handoff_id, "epoch": str(self._checkpoint.epoch)}
            | attributes
            | tracing.to_tell(),
        )
        async with asyncio.timeout(_DISPATCH_SECONDS):
            await self._api.agent_dispatch.create_dispatch(request)
        with suppress(HandoffError):  # a fast taker may be READY before this is noted
            await self._store.move(handoff_id, State.DISPATCHED)

    async def meanwhile(self, doing: Awaitable[_T], watch: Watch) -> _T:
        """Awaits ``doing``, but no longer than the taker's service lives and the caller is on the line. Raises Failed."""
        task = asyncio.ensure_future(doing)
        lost = asyncio.ensure_future(watch.lost())
        left = asyncio.ensure_future(self.caller_left.wait())
        try:
            await asyncio.wait({task, lost, left}, return_when=asyncio.FIRST_COMPLETED)
            if left.done():
                raise Failed("caller_left")
            if not task.done():
                raise Failed("lost")
            return task.result()
        finally:
            for waiting in (task, lost, left):
                waiting.cancel()

    async def flushed(self) -> bool:
        """What the caller said last is in the record that the taker reads; False when the store takes too long."""
        return await self._checkpoint.flushed(_FLUSH_SECONDS)

    async def give(
        self,
        handoff_id: str,
        taker_id: str,
        watch: Watch,
        fall_silent: Callable[[bool], None],
        manner: Manner | None = None,
    ) -> None:
        """The step itself. ``fall_silent(True)`` closes this agent's mouth before it. ``manner``: an agent's when left out.

        Raises Failed when the call is here again, FloorLost when it is a third agent's, and what the store raises.
        """
        if self.caller_left.is_set():
            raise Failed("caller_left")
        self._taker_id = taker_id
        epoch, lease = self._checkpoint.epoch, self._settings.lease_seconds
        manner = manner or Manner(True, lease, self._settings.spoken_timeout_seconds)
        mine = self._checkpoint.floor
        assert mine is not None
        fall_silent(True)
        # Before the step, not after: what is renewed or written under the epoch we give away would look like a lost floor.
        self._checkpoint.let_go()
        try:
            with self.steps.step("pass"):
                floor = await self._store.pass_floor(handoff_id, epoch=epoch, lease_seconds=manner.lease_seconds)
        except FloorLost:
            raise
        except BaseException:
            self._checkpoint.hold(mine)
            raise
        self.is_passed, is_told = True, False
        try:
            with self.steps.step("first_word"):
                if manner.is_told:
                    await self._tell(handoff_id, taker_id, floor.epoch)
                    is_told = True
                await watch.until(State.SPOKEN, manner.spoken_seconds, "silent")
            self.steps.heard()
        except (rtc.RpcError, TimeoutError, Failed) as e:
            try:
                taken = await self._store.take_back(
                    handoff_id, giver_id=mine.agent_id, epoch=floor.epoch, lease_seconds=lease
                )
            except StoreUnavailable:
                if is_told and taker_id in self._room.remote_participants:
                    return  # it is there, and has our word: the call is the taker's
                # Nobody else is there to speak, and nobody can be asked. When the store is back it says that the floor is not ours,
                # and a guardian brings a successor; until then the caller is not alone.
                taken = mine
            except HandoffError as back:
                if isinstance(back, FloorLost):
                    raise
                # It did speak after all, in this very moment: the call is the taker's.
                log.warning("floor not taken back: %s", type(back).__name__)
                return
            self.is_passed = False
            self._checkpoint.hold(taken)
            await self.evict(taker_id)
            raise Failed(str(e) if isinstance(e, Failed) else "lost") from None

    async def _tell(self, handoff_id: str, taker_id: str, epoch: int) -> None:
        async with asyncio.timeout(_ACK_SECONDS):
            await self._room.local_participant.perform_rpc(
                destination_identity=taker_id,
                method=FLOOR_METHOD,
                payload=json.dumps({"handoff_id": handoff_id, "epoch": epoch}),
            )

    async def evict(self, agent_id: str) -> None:
        """Removes an agent from the room; asks again until LiveKit has done so, for _EVICT_SECONDS at most: whoever speaks next
        must not speak over it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _EVICT_SECONDS
        while True:
            try:
                async with asyncio.timeout(REMOVAL_SECONDS):
                    await self._api.room.remove_participant(
                        api.RoomParticipantIdentity(room=self._room.name, identity=agent_id)
                    )
                return
            except LIVEKIT_AWAY as e:
                if isinstance(e, api.TwirpError) and e.code == api.TwirpErrorCode.NOT_FOUND:
                    return
                if loop.time() > deadline:
                    log.error("an agent could not be removed: %s", type(e).__name__, extra={"call_id": self._room.name})
                    return
            await asyncio.sleep(_EVICT_AGAIN_SECONDS)

    async def evict_who_came(self, awaited_id: str) -> None:
        """Removes the taker, and every other agent that is in the room under the awaited name. One that is still on its way finds its
        handoff over."""
        seen = {self._taker_id, *self._room.remote_participants}
        came = [identity for identity in seen if came_as(identity, awaited_id)]
        await asyncio.gather(*(self.evict(identity) for identity in came))

    async def close(self, handoff_id: str, reason: str) -> None:
        """Nobody shall take it any more, as far as the store can be told: an agent that waits for it leaves."""
        with suppress(HandoffError):
            try:
                await self._store.move(handoff_id, State.WITHDRAWN, reason=reason)
            except IllegalMove:  # the floor was passed, and then the call ended before the taker spoke
                await self._store.move(handoff_id, State.SUPERSEDED, reason=reason)
