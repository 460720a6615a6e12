"""Somebody with a caller's rights who pretends to be of ours: what he sends is refused, and nobody else notices."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from handoff.lifecycle import State
from livekit import api, rtc
from worker.handover.floor_word import FLOOR_METHOD
from worker.main_process.draining import MOVE_TOPIC

from local.supervisor.mesh import Mesh
from tests.e2e.calls import CHARGED_TWICE, Live, caller, hangs_up, ring

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSED = 1403
"""What an RPC that passes the floor is answered when it comes from no agent."""


@asynccontextmanager
async def pretender(live: Live) -> AsyncIterator[rtc.LocalParticipant]:
    """In the call's room with all that a caller's token allows. Nobody can have such a token for another's call; the caller's own
    browser can do whatever he does."""
    key, secret = live.mesh.livekit_api_key, live.mesh.livekit_api_secret
    grants = api.VideoGrants(room_join=True, room=live.call_id, can_publish_sources=["microphone"])
    token = api.AccessToken(key, secret).with_identity("billing-h0123456789ab").with_grants(grants).to_jwt()
    room = rtc.Room()
    await room.connect(live.mesh.livekit_url, token)
    try:
        yield room.local_participant
    finally:
        await room.disconnect()


@pytest.mark.short
async def test_nobody_but_an_agent_passes_the_floor_or_moves_a_call(mesh: Mesh) -> None:
    told: list[int] = []

    async def pretend(live: Live) -> None:
        await live.call(lambda call: bool(call.turns))
        async with pretender(live) as stranger:
            ready = await live.handoff(State.READY)
            floor = await live.store.load_floor(live.call_id)
            assert floor is not None
            for agent in (floor.agent_id, ready.taker_id):
                await stranger.publish_data("", topic=MOVE_TOPIC, destination_identities=[agent])
            word = json.dumps({"handoff_id": ready.context.handoff_id, "epoch": floor.epoch + 1})
            with pytest.raises(rtc.RpcError) as refused:
                await stranger.perform_rpc(destination_identity=ready.taker_id, method=FLOOR_METHOD, payload=word)
            told.append(refused.value.code)
            still = await live.store.load_floor(live.call_id)
            assert still is not None
            assert (still.agent_id, still.epoch) == (floor.agent_id, floor.epoch), (
                "triage has not said its last word yet"
            )

    evidence = await ring(mesh, caller(CHARGED_TWICE, hangs_up(after="account ID")), meddle=pretend)
    assert told == [REFUSED]
    assert evidence.call.services == ("triage", "billing")
    assert [handoff.state for handoff in evidence.handoffs] == [State.SPOKEN], "one handoff, and no move"
