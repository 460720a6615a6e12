"""A human on the telephone gives his call back, by a key: to customer care, by the same handoff as between agents, with us as giver."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable

from handoff.agent_ids import awaited_taker
from handoff.call import Intent
from handoff.context import build_context
from handoff.desk import DESK
from handoff.directory import DIRECTORY, LAST_RESORT
from handoff.errors import FloorLost, HandoffError
from handoff.lifecycle import State
from handoff.store import Handoff, Store
from livekit import api, rtc

from worker.checkpoint import Checkpoint
from worker.handover.passing import LIVEKIT_AWAY, Failed, Passing, Watch
from worker.settings import Settings

log = logging.getLogger("voicemesh.handing_back")

_READY_SECONDS = 10.0
"""Longest wait for the agent. The two go on talking meanwhile."""


async def hand_back(
    checkpoint: Checkpoint,
    *,
    room: rtc.Room,
    lkapi: api.LiveKitAPI,
    store: Store,
    settings: Settings,
    fall_silent: Callable[[bool], None],
) -> bool:
    """Whether an agent of customer care has the call, or another one has taken it; False: the human still has it. ``room``: the
    caller's. ``fall_silent`` shuts the human's microphone, or opens it again."""
    handoff_id = f"b{uuid.uuid4().hex[:12]}"
    passing = Passing(room=room, lkapi=lkapi, store=store, checkpoint=checkpoint, settings=settings)
    where = {"call_id": checkpoint.call.call_id, "handoff_id": handoff_id}
    try:
        await _offer(checkpoint, handoff_id, store=store, settings=settings)
        watch = Watch(store.watch(handoff_id))
        try:
            await passing.dispatch(LAST_RESORT, handoff_id)
            ready = watch.until(State.READY, max(_READY_SECONDS, settings.ready_timeout_seconds), "not_ready")
            taker_id = await passing.meanwhile(ready, watch)
            await passing.give(handoff_id, taker_id, watch, fall_silent)
        finally:
            watch.stop()
    except FloorLost:
        await passing.close(handoff_id, "floor_lost")
    except (Failed, HandoffError, *LIVEKIT_AWAY) as e:
        reason = str(e) if isinstance(e, Failed) else type(e).__name__
        log.info("the call is not handed back: %s", reason, extra=where)
        await passing.close(handoff_id, reason)
        await passing.evict_who_came(awaited_taker(LAST_RESORT, handoff_id))
        fall_silent(False)
        return False
    except asyncio.CancelledError:  # he is gone, or the caller is: nobody shall wait for his floor
        if not passing.is_passed:
            await passing.close(handoff_id, "giver_left")
        raise
    log.info("a human handed a call back", extra=where)
    return True


async def _offer(checkpoint: Checkpoint, handoff_id: str, *, store: Store, settings: Settings) -> None:
    """Our own, and accepted: LiveKit brings whoever has room."""
    call, entry = checkpoint.call, DIRECTORY[LAST_RESORT]
    context = build_context(
        call,
        entry=entry,
        handoff_id=handoff_id,
        epoch=checkpoint.epoch,
        now=await store.now(),
        ttl_seconds=settings.handoff_ttl_seconds,
        intent=call.intent or Intent(min(entry.intents), 0.9, "desk"),
    )
    await store.offer(Handoff(context, DESK, LAST_RESORT, State.OFFERED))
    checkpoint.note_handoff(handoff_id)
    await store.move(handoff_id, State.ACCEPTED)
