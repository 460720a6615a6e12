"""The taker's ear for the floor: the giver's word by RPC, or the store's when that is lost; either is verified in the store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from handoff.call import Floor
from handoff.context import HandoffContext
from handoff.errors import HandoffError, StoreUnavailable
from handoff.lifecycle import FINAL, State
from handoff.store import Handoff, Store
from livekit import rtc

FLOOR_METHOD = "voicemesh.floor"
"""RPC from giver to taker: the floor is yours, at this epoch."""
_WORD_SECONDS = 5.0
"""How long the giver's word is waited for when the store has gone away meanwhile; a giver that gave us up puts us out."""
_NOT_THE_GIVER = 1403
"""Error code of an RPC from somebody who is no agent; callers can invoke RPC methods too."""


class FloorWord:
    """Listens from its making on. ``agent_id`` is the taker's own identity in the room."""

    def __init__(self, room: rtc.Room, store: Store, context: HandoffContext, *, service: str, agent_id: str) -> None:
        self._room = room
        self._store = store
        self._context = context
        self._service = service
        self._agent_id = agent_id
        self._told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        room.local_participant.register_rpc_method(FLOOR_METHOD, self._on_floor)

    async def _on_floor(self, data: rtc.RpcInvocationData) -> str:
        sender = self._room.remote_participants.get(data.caller_identity)
        if sender is None or sender.kind != rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            raise rtc.RpcError(_NOT_THE_GIVER, "only the giver may pass the floor")
        if not self._told.done():
            self._told.set_result(int(json.loads(data.payload)["epoch"]))
        return "taken"

    async def wait(self) -> Floor | None:
        """Our floor once it was passed; None when the handoff came to another end."""
        store_says = asyncio.ensure_future(_taken_or_final(self._store.watch(self._context.handoff_id)))
        either: set[asyncio.Future[Any]] = {self._told, store_says}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            store_says.cancel()
        if not self._told.done() and store_says.result() is not State.TAKEN:
            return None
        try:
            floor = await self._store.load_floor(self._context.call_id)
        except StoreUnavailable:
            if not self._told.done():
                return None
            # The word of an agent in the room stands while the store is away; the lease finds out later.
            return Floor(self._context.call_id, self._service, self._agent_id, self._told.result(), 0.0)
        return floor if floor is not None and floor.agent_id == self._agent_id else None


async def _taken_or_final(states: AsyncIterator[Handoff]) -> State:
    try:
        async for stored in states:
            if stored.state is State.TAKEN or stored.state in FINAL:
                return stored.state
    except StoreUnavailable:
        await asyncio.sleep(_WORD_SECONDS)
    except HandoffError:
        pass
    return State.EXPIRED
