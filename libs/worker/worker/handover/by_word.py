"""A handoff that no store keeps, while Redis is away: its context travels sealed in the dispatch, its steps as RPC in the room.

The giver asks nobody (the taker's service could not store an offer) and dispatches at once. The taker opens the seal, gets ready and
says so to the giver named in it, who passes the floor by the same RPC as ever. Both sides keep the legal moves of lifecycle.py.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from handoff.agent_ids import awaited_taker, came_as
from handoff.call import Call
from handoff.context import HandoffContext
from handoff.errors import FloorLost, IllegalMove, PeerUnreachable, UnknownHandoff
from handoff.lifecycle import FINAL, State, check_move
from handoff.seal import Binding, Opened, Seal, SealRefused
from handoff.store import Handoff
from handoff.wire import HandoffUpdate
from livekit import rtc

from worker.handover.sealed_dispatch import SEALED, call_of, sealed

log = logging.getLogger("voicemesh.by_word")

STEP_METHOD = "voicemesh.step"
"""RPC from taker to giver: where the handoff stands, or what was said since."""
_LATEST = "latest"
LATER = ".later"
"""Behind a handoff's id: its context as it was when the floor passed. Another id, for a seal opens each once."""
_TAKERS_STEPS = {"ready": State.READY, "spoken": State.SPOKEN}
_ANSWER_SECONDS = 1.0
_WORD_SECONDS = 60.0
"""Longest wait for the giver's word: dispatch, announcement and a caller who talks are over by then."""
_MAX_ANSWER_CHARS = 14_000
"""LiveKit's RPC carries 15 KiB."""
_NOT_YOURS, _TOO_LATE, _NOTHING_LATER = 1403, 1409, 1404


class ByWord(Protocol):
    """One side of a handoff by word, as SteadyStore uses it."""

    context: HandoffContext
    to_service: str
    taker_id: str
    """Empty as long as nobody is READY."""
    is_ours: bool
    """Whether this side is the taker."""

    async def move(self, to: State, *, taker_id: str = "", reason: str = "") -> Handoff:
        """As Store.move."""
        ...

    def told(self) -> AsyncIterator[Handoff]:
        """As Store.watch, as far as this side is told."""
        ...

    async def latest(self) -> Call | None:
        """The call as the giver knows it now; None when it does not tell."""
        ...


class Giving:
    """The giver's side: hears the taker's steps. ``close`` it when the handoff is over, however it ended."""

    is_ours = False

    def __init__(
        self,
        room: rtc.Room,
        context: HandoffContext,
        *,
        to_service: str,
        sealed: str,
        latest: Callable[[], str] = lambda: "",
    ) -> None:
        """``latest`` seals the call as it is by then, for a taker that asks what was said meanwhile."""
        self.context = context
        self.to_service = to_service
        self.taker_id = ""
        self.attributes = {SEALED: sealed}
        self._awaited_id = awaited_taker(to_service, context.handoff_id)
        self._room = room
        self._latest = latest
        self._state = State.ACCEPTED
        self._changed = asyncio.Condition()
        room.local_participant.register_rpc_method(STEP_METHOD, self._on_step)

    async def _on_step(self, data: rtc.RpcInvocationData) -> str:
        if not self._may_be_taker(data.caller_identity):
            raise rtc.RpcError(_NOT_YOURS, "only the taker may say so")
        said = json.loads(data.payload)["state"]
        if said == _LATEST:
            if latest := self._latest():
                return latest
            raise rtc.RpcError(_NOTHING_LATER, "nothing to add")
        try:
            step = _TAKERS_STEPS[said]
            if step is State.READY:
                self.taker_id = data.caller_identity
            await self._go(step)
        except (IllegalMove, KeyError):
            raise rtc.RpcError(_TOO_LATE, f"the handoff is {self._state}") from None
        return "noted"

    def _may_be_taker(self, identity: str) -> bool:
        """Of the agents that come for this handoff the one that is READY first: see Store.move."""
        sender = self._room.remote_participants.get(identity)
        if sender is None or sender.kind != rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            return False
        return identity == self.taker_id if self.taker_id else came_as(identity, self._awaited_id)

    async def _go(self, to: State) -> None:
        async with self._changed:
            if to is not self._state:
                check_move(self._state, to)
                self._state = to
                self._changed.notify_all()

    async def move(self, to: State, *, taker_id: str = "", reason: str = "") -> Handoff:
        """See Store.move. Raises IllegalMove."""
        await self._go(to)
        return self._stored()

    def _stored(self) -> Handoff:
        return Handoff(self.context, self.context.services[-1], self.to_service, self._state, taker_id=self.taker_id)

    async def told(self) -> AsyncIterator[Handoff]:
        """See ByWord."""
        yield self._stored()

    async def watch(self, handoff_id: str = "", to_service: str = "") -> AsyncIterator[HandoffUpdate]:
        """As Giver.watch, whose place it takes in a transfer."""
        seen: State | None = None
        while seen not in FINAL:
            async with self._changed:
                await self._changed.wait_for(lambda known=seen: self._state is not known)  # type: ignore[misc]
                seen = self._state
            yield HandoffUpdate(self.context.handoff_id, seen, {}, self.taker_id)

    async def latest(self) -> Call | None:
        """The giver has it in its own checkpoint."""
        return None

    def close(self) -> None:
        """No step is heard any more."""
        with suppress(KeyError, ValueError):
            self._room.local_participant.unregister_rpc_method(STEP_METHOD)


class Taking:
    """The taker's side: tells the giver its steps."""

    is_ours = True

    def __init__(
        self, room: rtc.Room, brought: Opened, *, service: str, seal: Seal, clock: Callable[[], float]
    ) -> None:
        self.context = brought.context
        self.giver_id = brought.giver_id
        self.to_service = service
        self.taker_id = room.local_participant.identity
        self._room = room
        self._seal = seal
        self._clock = clock
        self._left = asyncio.Event()
        room.on("participant_disconnected", self._somebody_left)

    def _somebody_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self.giver_id:
            self._left.set()

    async def _tell(self, what: str) -> str:
        """Raises rtc.RpcError, TimeoutError."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await self._room.local_participant.perform_rpc(
                destination_identity=self.giver_id,
                method=STEP_METHOD,
                payload=json.dumps({"handoff_id": self.context.handoff_id, "state": what}),
            )

    async def move(self, to: State, *, taker_id: str = "", reason: str = "") -> Handoff:
        """See Store.move. READY raises UnknownHandoff (the giver does not want it any more) or PeerUnreachable; SPOKEN raises
        FloorLost when the giver took the floor back. A giver that is gone by then left the floor to us."""
        try:
            await self._tell(to.value)
        except rtc.RpcError as e:
            if e.code in (_NOT_YOURS, _TOO_LATE):
                raise (FloorLost if to is State.SPOKEN else UnknownHandoff)("the giver has called it off") from None
            if to is State.READY:
                raise PeerUnreachable("the giver does not answer") from None
        except TimeoutError:
            if to is State.READY:
                raise PeerUnreachable("the giver does not answer") from None
        return self._stored(to)

    def _stored(self, state: State) -> Handoff:
        return Handoff(self.context, self.context.services[-1], self.to_service, state, taker_id=self.taker_id)

    async def told(self) -> AsyncIterator[Handoff]:
        """READY, and nothing more: the floor comes by the giver's word. Ends when the giver has left, or never says it."""
        yield self._stored(State.READY)
        with suppress(TimeoutError):
            async with asyncio.timeout(_WORD_SECONDS):
                await self._left.wait()

    async def latest(self) -> Call | None:
        """The call with what was said since the dispatch; None when the giver does not tell."""
        first = self.context
        later_id = f"{first.handoff_id}{LATER}"
        with suppress(rtc.RpcError, TimeoutError, SealRefused):
            text = await self._tell(_LATEST)
            wanted = Binding(first.call_id, later_id, self.to_service, first.epoch)
            later = self._seal.open(text, expected=wanted, now=self._clock())
            return replace(call_of(later.context), handoff_ids=(first.handoff_id,))
        return None


def begin(
    room: rtc.Room,
    seal: Seal,
    context: HandoffContext,
    *,
    to_service: str,
    now: Callable[[], float],
    again: Callable[[], HandoffContext],
) -> Giving | None:
    """The giver's side of a handoff by word; None when there is no key, or the context does not fit into a dispatch.

    ``again`` builds the context anew, from the call as it is by then; ``now`` is the store's time (StoreClock).
    """
    me = room.local_participant.identity

    def latest() -> str:
        later = replace(again(), handoff_id=f"{context.handoff_id}{LATER}")
        with suppress(SealRefused):
            return sealed(seal, later, to_service=to_service, giver_id=me, now=now(), limit=_MAX_ANSWER_CHARS)
        return ""

    try:
        text = sealed(seal, context, to_service=to_service, giver_id=me, now=now())
    except SealRefused as e:
        log.warning("no handoff by word: %s", e, extra={"call_id": context.call_id})
        return None
    return Giving(room, context, to_service=to_service, sealed=text, latest=latest)
