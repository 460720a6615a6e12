"""Moving a call to another worker of the same service while this one drains: the same handoff, and nothing to hear.

The worker asks by a data message, again and again until the job is gone. A taker is brought in beside us and gets READY; then, at a
turn boundary, it has the floor. Nobody took it, or there never was a boundary: the call stays and goes on, and the next message
tries anew. A call is never dropped for a drain.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections.abc import Callable

from handoff.agent_ids import awaited_taker
from handoff.call import Intent, Role
from handoff.context import build_context
from handoff.directory import DIRECTORY
from handoff.errors import FloorLost, HandoffError
from handoff.lifecycle import State
from handoff.store import Handoff, Store
from livekit import api, rtc
from telemetry import measure, tracing

from worker.agent.cast import Cast
from worker.handover.passing import LIVEKIT_AWAY, Failed, Passing, Watch
from worker.main_process.draining import MOVE_TOPIC
from worker.settings import Settings

log = logging.getLogger("voicemesh.moving")

SILENT = "silent"
"""The dispatch's attribute that tells a taker to go on without a first sentence."""
_LOOK_SECONDS = 0.05
_READY_SECONDS = 12.0
"""Longest wait for the taker. Nobody hears it: the conversation goes on here. A worker that gets five calls at once starts as many
processes at once; on two busy cores that takes longer than a handoff's caller would wait, and whoever gave up and asked again made it worse."""
_BOUNDARY_SECONDS = 120.0
"""Longest that a READY taker waits: a caller's story, or a tool, may take a minute."""
_UNDERSTOOD_SECONDS = 9.0
"""A voice of the caller that has led to nothing for so long (a cough, a car) is no turn, unless a lone speech to text is
still at its one try of 15 s: then the next worker has the rest of it."""


class Mover:
    """Listens from its making on; one move at a time."""

    def __init__(
        self,
        cast: Cast,
        *,
        room: rtc.Room,
        lkapi: api.LiveKitAPI,
        store: Store,
        settings: Settings,
        service: str,
        leave: Callable[[str], None],
        floor_lost: Callable[[], None],
    ) -> None:
        self._cast = cast
        self._store = store
        self._settings = settings
        self._service = service
        self._names = itertools.cycle(dict.fromkeys((service, settings.name_of(service))))
        """Whom the next try asks: a canary's calls go to the service's other workers, or else to another of the canary's."""
        self._leave = leave
        self._floor_lost = floor_lost
        self._passing = Passing(room=room, lkapi=lkapi, store=store, checkpoint=cast.checkpoint, settings=settings)
        self._moving: asyncio.Task[None] | None = None
        self._caller_spoke_at: float | None = None
        """When the caller was heard last without an answer since; on the loop's clock."""
        room.on("data_received", self._on_data)
        cast.session.on("user_state_changed", self._caller_changed)
        cast.session.on("agent_state_changed", self._agent_changed)

    def _on_data(self, packet: rtc.DataPacket) -> None:
        # From the server's own API only: a caller can send data too.
        if packet.topic == MOVE_TOPIC and packet.participant is None:
            self.ask()

    def ask(self) -> None:
        """Moves the call as soon as that can be done, unless that is under way."""
        if self._moving is None or self._moving.done():
            self._moving = asyncio.create_task(self._move())

    # --- when -----------------------------------------------------------------------------------------------------
    def _caller_changed(self, event: object) -> None:
        self._caller_spoke_at = asyncio.get_running_loop().time()

    def _agent_changed(self, event: object) -> None:
        if self._cast.session.agent_state == "speaking":
            self._caller_spoke_at = None

    def is_boundary(self) -> bool:
        """Nobody speaks or thinks, no tool runs, nothing that the caller said is without an answer."""
        cast, running = self._cast, self._cast.session
        turns = cast.checkpoint.call.turns
        if cast.checkpoint.floor is None or not turns or turns[-1].role is not Role.AGENT:
            return False
        if running.current_speech is not None or running.agent_state not in ("listening", "idle"):
            return False
        if cast.agent.is_busy:
            return False
        if running.user_state == "speaking":
            return False
        spoke_at = self._caller_spoke_at
        return spoke_at is None or asyncio.get_running_loop().time() - spoke_at > _UNDERSTOOD_SECONDS

    async def _boundary(self) -> None:
        while not self.is_boundary():
            await asyncio.sleep(_LOOK_SECONDS)

    # --- how ------------------------------------------------------------------------------------------------------
    async def _move(self) -> None:
        checkpoint = self._cast.checkpoint
        if checkpoint.floor is None or self._cast.agent.is_transferring:
            return  # it is on its way to another agent, or not ours yet
        handoff_id = f"m{uuid.uuid4().hex[:12]}"
        where = {"call_id": checkpoint.call.call_id, "handoff_id": handoff_id}
        ours = {"voicemesh.from": self._service, "voicemesh.to": self._service, "voicemesh.handoff_id": handoff_id}
        try:
            with tracing.span("handoff", ours, call_id=where["call_id"]):
                await self._through(handoff_id)
        except FloorLost:  # nobody is put out: the taker may have had the floor, and got it back from somebody else
            await self._passing.close(handoff_id, "floor_lost")
            self._floor_lost()
        except (Failed, HandoffError, *LIVEKIT_AWAY) as e:
            reason = str(e) if isinstance(e, Failed) else type(e).__name__
            await self._call_off(handoff_id, reason)
            measure.count("voicemesh_drain_moves_total", {"outcome": "stayed"}, call_id=where["call_id"])
            self._cast.gate.open()
            log.info("the call is not moved: %s", reason, extra=where)
        except asyncio.CancelledError:  # this job is over: nobody shall wait for its floor
            if not self._passing.is_passed or self._passing.caller_left.is_set():
                await self._call_off(handoff_id, "giver_left")
            raise  # else the taker has the floor and a caller: it stays
        else:
            log.info("the call is moved", extra=where)
            measure.count("voicemesh_drain_moves_total", {"outcome": "moved"}, call_id=where["call_id"])
            self._leave("moved")

    async def aclose(self) -> None:
        """Gives up a move that is under way: the job ends, its call has ended or is somebody else's."""
        if self._moving is not None:
            self._moving.cancel()
            await asyncio.gather(self._moving, return_exceptions=True)

    async def _through(self, handoff_id: str) -> None:
        passing, cast = self._passing, self._cast
        passing.is_passed = False
        await self._offer(handoff_id)
        watch = Watch(self._store.watch(handoff_id))
        try:
            await passing.dispatch(next(self._names), handoff_id, **{SILENT: "1"})
            patience = max(_READY_SECONDS, self._settings.ready_timeout_seconds)
            ready = watch.until(State.READY, patience, "not_ready")
            taker_id = await passing.meanwhile(ready, watch)
            try:
                async with asyncio.timeout(_BOUNDARY_SECONDS):
                    await passing.meanwhile(self._flushed_boundary(), watch)
            except TimeoutError:
                raise Failed("never quiet") from None
            await passing.give(handoff_id, taker_id, watch, lambda muted: cast.agent.mute(muted))
        finally:
            watch.stop()

    async def _flushed_boundary(self) -> None:
        """Returns in a moment of quiet in which the record holds everything."""
        while True:
            await self._boundary()
            if await self._passing.flushed() and self.is_boundary():
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _offer(self, handoff_id: str) -> None:
        """No worker is asked: LiveKit brings whoever has room. The offer is our own, and accepted."""
        checkpoint, entry = self._cast.checkpoint, DIRECTORY[self._service]
        call = checkpoint.call
        context = build_context(
            call,
            entry=entry,
            handoff_id=handoff_id,
            epoch=checkpoint.epoch,
            now=await self._store.now(),
            ttl_seconds=self._settings.handoff_ttl_seconds,
            intent=call.intent or Intent(min(entry.intents), 0.5, "moved"),
        )
        await self._store.offer(Handoff(context, self._service, self._service, State.OFFERED))
        await self._store.move(handoff_id, State.ACCEPTED)
        checkpoint.note_handoff(handoff_id)

    async def _call_off(self, handoff_id: str, reason: str) -> None:
        await self._passing.close(handoff_id, reason)
        await self._passing.evict_who_came(awaited_taker(self._service, handoff_id))
