"""Everybody around a giver, for the tests of Transfer: the taker's service and agent, LiveKit, the room, the caller.

One ``Stage`` holds them over one MemoryStore and writes a ``journal`` of what happened, in order. Each taker is named for what it
does; all of them but WillingTaker fail in one way. Use with ``worker.testing.jumping_time.without_waiting``: the waits below cost nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

from handoff.agent_ids import service_of
from handoff.call import Call, Floor
from handoff.context import HandoffContext
from handoff.errors import HandoffError, PeerUnreachable
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.outcome import Accepted, Declined, Expired, Outcome, Refusal
from handoff.store import Handoff
from handoff.testing import FakeClock, make_call, make_intent
from handoff.wire import HandoffUpdate
from livekit import api, rtc

from worker.checkpoint import Checkpoint
from worker.handover.floor_word import FLOOR_METHOD
from worker.handover.transfer import Moved, Stayed, Transfer
from worker.testing.text_call import hold_call, make_settings

ANNOUNCEMENT_SECONDS = 4.0
JOIN_SECONDS = 1.0
"""From the dispatch to a READY taker."""


class JournalStore(MemoryStore):
    """A MemoryStore that writes down when the floor changes hands."""

    def __init__(self, journal: list[str]) -> None:
        super().__init__(now=FakeClock())
        self.journal = journal

    async def pass_floor(self, handoff_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """See Store.pass_floor."""
        floor = await super().pass_floor(handoff_id, epoch=epoch, lease_seconds=lease_seconds)
        self.journal.append("floor passed")
        return floor

    async def take_back(self, handoff_id: str, *, giver_id: str, epoch: int, lease_seconds: float) -> Floor:
        """See Store.take_back."""
        floor = await super().take_back(handoff_id, giver_id=giver_id, epoch=epoch, lease_seconds=lease_seconds)
        self.journal.append("floor taken back")
        return floor


class WillingTaker:
    """A taker's service (what Giver asks) and its agent (who joins, gets ready, is told, speaks)."""

    def __init__(self) -> None:
        self.stage: Stage
        self._streams: list[asyncio.Queue[Any]] = []

    # --- the service ----------------------------------------------------------------------------------------------
    async def offer(self, context: HandoffContext, to_service: str, *, among: str = "") -> Outcome:
        """See Giver.offer."""
        self.stage.journal.append(f"offered to {among}" if among else "offered")
        self.stage.context = context
        return await self.answer(context, to_service)

    async def answer(self, context: HandoffContext, to_service: str) -> Outcome:
        """Accepts: stored, and a place kept."""
        await self.stage.store.offer(Handoff(context, "triage", to_service, State.OFFERED))
        await self.stage.store.move(context.handoff_id, State.ACCEPTED)
        return Accepted(context.handoff_id, to_service, "1")

    async def withdraw(self, handoff_id: str, to_service: str, reason: str) -> None:
        """See Giver.withdraw."""
        self.stage.journal.append(f"withdrawn: {reason}")

    async def watch(self, handoff_id: str, to_service: str) -> AsyncIterator[HandoffUpdate]:
        """See Giver.watch. The stream breaks the moment that the service dies."""
        stream: asyncio.Queue[HandoffUpdate | HandoffError | None] = asyncio.Queue()
        self._streams.append(stream)
        following = asyncio.ensure_future(self._follow(handoff_id, stream))
        try:
            while (update := await stream.get()) is not None:
                if isinstance(update, HandoffError):
                    raise update
                yield update
        finally:
            following.cancel()

    async def _follow(self, handoff_id: str, stream: asyncio.Queue[Any]) -> None:
        async with aclosing(self.stage.store.watch(handoff_id)) as states:
            async for stored in states:
                stream.put_nowait(
                    HandoffUpdate(handoff_id, stored.state, stored.moved_at, stored.taker_id, stored.reason)
                )
        stream.put_nowait(None)

    def die(self) -> None:
        """The service's process is gone: every stream breaks at once."""
        self.stage.journal.append("taker dies")
        for stream in self._streams:
            stream.put_nowait(PeerUnreachable("the connection broke"))

    # --- the agent ------------------------------------------------------------------------------------------------
    async def join(self, handoff_id: str, agent_id: str) -> None:
        """The dispatched agent: in the room, briefed, its first sentence rendered."""
        await asyncio.sleep(JOIN_SECONDS)
        self.stage.remote_participants[agent_id] = "an agent"
        await self.stage.store.move(handoff_id, State.READY, taker_id=agent_id)
        self.stage.journal.append("ready")

    async def told(self, handoff_id: str) -> str:
        """The giver's word that the floor is ours; the answer is the acknowledgement."""
        self.stage.happens_later(self.speak(handoff_id))
        return "taken"

    async def speak(self, handoff_id: str) -> None:
        """The first word is heard."""
        await self.stage.store.move(handoff_id, State.SPOKEN)
        self.stage.journal.append("taker speaks")


class DecliningTaker(WillingTaker):
    """Is well, and says no."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self.refusal = refusal

    async def answer(self, context: HandoffContext, to_service: str) -> Outcome:
        return Declined(context.handoff_id, self.refusal)


class DeafTaker(WillingTaker):
    """Its service does not answer an offer."""

    async def answer(self, context: HandoffContext, to_service: str) -> Outcome:
        return Expired(context.handoff_id, 0.5)


class ForeignTaker(WillingTaker):
    """Its service answers with a fault, e.g. because it speaks another contract."""

    def __init__(self, fault: HandoffError) -> None:
        super().__init__()
        self.fault = fault

    async def answer(self, context: HandoffContext, to_service: str) -> Outcome:
        raise self.fault


class UndecidedTaker(WillingTaker):
    """Accepts, and takes its time to say so."""

    async def answer(self, context: HandoffContext, to_service: str) -> Outcome:
        accepted = await super().answer(context, to_service)
        await asyncio.sleep(0.3)
        return accepted


class SlowTaker(WillingTaker):
    """Is READY half a second after the announcement."""

    async def join(self, handoff_id: str, agent_id: str) -> None:
        await asyncio.sleep(ANNOUNCEMENT_SECONDS + 0.5 - JOIN_SECONDS)
        await super().join(handoff_id, agent_id)


class AbsentTaker(WillingTaker):
    """Its service accepted; its agent never comes."""

    async def join(self, handoff_id: str, agent_id: str) -> None:
        """Nobody does."""


class RetractingTaker(WillingTaker):
    """Accepts, then gives the handoff up (a drain, a failed start)."""

    async def join(self, handoff_id: str, agent_id: str) -> None:
        await self.stage.store.move(handoff_id, State.WITHDRAWN, reason="the taker cannot")


class DyingTaker(WillingTaker):
    """Its service dies so many seconds after the dispatch: under JOIN_SECONDS before it is READY, above it afterwards."""

    def __init__(self, dies_after_seconds: float) -> None:
        super().__init__()
        self.dies_after_seconds = dies_after_seconds

    async def join(self, handoff_id: str, agent_id: str) -> None:
        async def die() -> None:
            await asyncio.sleep(self.dies_after_seconds)
            self.die()

        self.stage.happens_later(die())
        if self.dies_after_seconds > JOIN_SECONDS:
            await super().join(handoff_id, agent_id)


class VanishedTaker(WillingTaker):
    """Was READY, and is no longer in the room when it is told."""

    async def told(self, handoff_id: str) -> str:
        self.stage.remote_participants.clear()
        raise rtc.RpcError(rtc.RpcError.ErrorCode.RECIPIENT_NOT_FOUND, "Recipient not found")


class FrozenTaker(WillingTaker):
    """Is in the room and answers nothing."""

    async def told(self, handoff_id: str) -> str:
        await asyncio.Event().wait()
        raise AssertionError("nobody wakes it")


class SilentTaker(WillingTaker):
    """Acknowledges the floor and never says a word."""

    async def speak(self, handoff_id: str) -> None:
        """Not a word."""


class TakerWithCanary(WillingTaker):
    """A service that takes every call, and its canary, which behaves as its own class says."""

    def __init__(self, canary: WillingTaker) -> None:
        super().__init__()
        self._canary = canary
        self._of_canary: set[str] = set()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "stage":
            self._canary.stage = value

    def _who(self, handoff_id: str) -> WillingTaker:
        return self._canary if handoff_id in self._of_canary else super()  # type: ignore[return-value]

    async def offer(self, context: HandoffContext, to_service: str, *, among: str = "") -> Outcome:
        """See Giver.offer."""
        self._of_canary.discard(context.handoff_id)
        if among:
            self._of_canary.add(context.handoff_id)
            return await self._canary.offer(context, to_service, among=among)
        return await super().offer(context, to_service)

    async def watch(self, handoff_id: str, to_service: str) -> AsyncIterator[HandoffUpdate]:
        """See Giver.watch."""
        async for update in self._who(handoff_id).watch(handoff_id, to_service):
            yield update

    async def join(self, handoff_id: str, agent_id: str) -> None:
        """See WillingTaker."""
        await self._who(handoff_id).join(handoff_id, agent_id)

    async def told(self, handoff_id: str) -> str:
        """See WillingTaker."""
        return await self._who(handoff_id).told(handoff_id)


class Stage:
    """A call at triage, a taker that behaves as its class says, and everything between them."""

    def __init__(self, taker: WillingTaker, *, call: Call | None = None) -> None:
        self.journal: list[str] = []
        self.store = JournalStore(self.journal)
        self.taker = taker
        taker.stage = self
        self.context: HandoffContext | None = None
        """What crossed, once it was offered."""
        self.checkpoint: Checkpoint
        self.floor_lost: list[str] = []
        self.livekit_fails: Exception | None = None
        """What every request to LiveKit's API ends with."""
        self.livekit_hangs = False
        """Whether LiveKit's API takes requests and answers none."""
        self.remote_participants: dict[str, str] = {}
        self.call = call or make_call(turns=(), facts=())
        self.name = self.call.call_id
        self.local_participant = self.agent_dispatch = self.room = self
        self._listeners: dict[str, list[Callable[[rtc.RemoteParticipant], None]]] = {}
        self._later: set[asyncio.Task[None]] = set()

    async def opened(self) -> Transfer:
        """Triage holds the floor; the giver's side, ready to move the call."""
        lost = self.floor_lost
        self.checkpoint = await hold_call(self.store, self.call, on_floor_lost=lambda: lost.append("floor lost"))
        everything: Any = self
        taker: Any = self.taker
        return Transfer(
            room=everything,
            lkapi=everything,
            giver=taker,
            store=self.store,
            checkpoint=self.checkpoint,
            settings=make_settings(),
        )

    async def hand_over(self, service: str = "billing") -> Moved | Stayed:
        """The whole handoff."""
        transfer = await self.opened()
        return await self.move(transfer, service)

    async def move(self, transfer: Transfer, service: str = "billing") -> Moved | Stayed:
        """The whole handoff, on a stage that is open."""
        return await transfer.to(
            service,
            intent=make_intent(),
            summary="Charged twice in March.",
            announce=self.announce,
            caller_is_done=self.caller_is_done,
            fall_silent=lambda silent: self.journal.append("giver falls silent" if silent else "giver may speak"),
        )

    def happens_later(self, event: Any) -> None:
        """Something that somebody else does meanwhile."""
        task = asyncio.ensure_future(event)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    # --- the giver's agent ----------------------------------------------------------------------------------------
    async def announce(self) -> None:
        """Takes as long as a spoken sentence."""
        self.journal.append("announcement begins")
        await asyncio.sleep(ANNOUNCEMENT_SECONDS)
        self.journal.append("announcement ends")

    async def caller_is_done(self) -> None:
        """The caller says nothing."""
        self.journal.append("caller is done")

    # --- the room -------------------------------------------------------------------------------------------------
    def on(self, event: str, listener: Callable[[rtc.RemoteParticipant], None]) -> None:
        """See rtc.Room.on."""
        assert event in ("participant_connected", "participant_disconnected")
        self._listeners.setdefault(event, []).append(listener)

    def leaves(self, identity: str) -> None:
        """Somebody disconnects from the room."""
        self._tell("participant_disconnected", identity)

    def _tell(self, event: str, identity: str) -> None:
        somebody: Any = SimpleNamespace(identity=identity)
        for listener in self._listeners[event]:
            listener(somebody)

    def caller_leaves(self) -> None:
        """The caller hangs up."""
        self.leaves(self.call.caller_identity)

    def caller_comes_back(self) -> None:
        """His network has changed, and his page has joined again."""
        self._tell("participant_connected", self.call.caller_identity)

    async def perform_rpc(self, *, destination_identity: str, method: str, payload: str) -> str:
        """See rtc.LocalParticipant.perform_rpc."""
        assert method == FLOOR_METHOD
        word = json.loads(payload)
        self.journal.append(f"told {destination_identity}: epoch {word['epoch']}")
        return await self.taker.told(word["handoff_id"])

    # --- LiveKit's API --------------------------------------------------------------------------------------------
    async def create_dispatch(self, request: api.CreateAgentDispatchRequest) -> None:
        """See LiveKitAPI.agent_dispatch."""
        await self._api()
        handoff_id = request.attributes["handoff_id"]
        self.journal.append(f"dispatched {request.agent_name}")
        self.happens_later(self.taker.join(handoff_id, f"{service_of(request.agent_name)}-{handoff_id}-AJ_1"))

    async def remove_participant(self, who: api.RoomParticipantIdentity) -> None:
        """See LiveKitAPI.room."""
        await self._api()
        self.journal.append(f"evicted {who.identity.partition('-')[0]}")

    async def _api(self) -> None:
        if self.livekit_fails is not None:
            raise self.livekit_fails
        if self.livekit_hangs:
            await asyncio.Event().wait()

    # --- what came of it ------------------------------------------------------------------------------------------
    async def handoff(self) -> Handoff:
        """The handoff as it is stored."""
        assert self.context is not None, "nothing was offered"
        stored = await self.store.load_handoff(self.context.handoff_id)
        assert stored is not None, "the offer was not accepted"
        return stored

    async def floor(self) -> str:
        """Who may speak: a service and its epoch."""
        floor = await self.store.load_floor(self.call.call_id)
        assert floor is not None
        return f"{floor.service} at {floor.epoch}"
