"""A caller who came straight to this service: a new call, or one that the store knows already."""

from __future__ import annotations

import asyncio
import logging

from handoff.call import Call, Channel, Floor
from handoff.errors import FloorLost
from livekit.agents import AutoSubscribe

from worker.agent import briefing
from worker.job import resuming
from worker.job.desk import Desk
from worker.job.first_word import FirstWord, never_played
from worker.speech import clips
from worker.telephone import phone

log = logging.getLogger("voicemesh.greeting")

_CALLER_SECONDS = 15.0
"""Longest wait for the caller to be in the room."""


async def greet(desk: Desk) -> None:
    """Answers the caller. One who is back in a call that was cut off (LiveKit was restarted) is not greeted anew."""
    ctx, store = desk.ctx, desk.store
    text = briefing.direct_greeting(desk.service)
    greeting = asyncio.create_task(clips.render(desk.voice, text))
    await ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
    async with asyncio.timeout(_CALLER_SECONDS):
        caller = await ctx.wait_for_participant()
    channel = Channel.PHONE if phone.is_on_the_phone(caller.kind, caller.attributes) else Channel.WEB
    call = Call(desk.call_id, channel, caller.identity, await store.now(), services=(desk.service.name,))
    call = await store.open_call(call)
    floor = await _floor(desk, call)
    if floor is None:
        greeting.cancel()
        return
    if call.turns:
        greeting.cancel()
        await resuming.go_on(desk, call, floor)
        return
    checkpoint = desk.checkpoint(call)
    checkpoint.hold(floor)
    desk.telling.joined()
    cast = await desk.seat(checkpoint, None, is_open=True)
    cast.agent.begin()
    first_word = FirstWord(cast.gate)
    said = cast.session.say(text, audio=clips.played(await greeting))
    desk.render_ahead(cast)
    # As long as a successor would have. A greeting that the caller himself cut short before it played is no proof of silence.
    if not await first_word.plays_within(desk.settings.recovery_seconds) and not said.interrupted:
        await never_played(desk, cast)


async def _floor(desk: Desk, call: Call) -> Floor | None:
    """The call's floor; None when the call is another agent's, or over: then this job leaves."""
    if call.ending is not None:
        log.info("the caller is back in a call that has ended", extra={"call_id": call.call_id})
        await desk.leaving.hang_up()
        return None
    if call.services and call.services[-1] != desk.service.name:
        # A guardian keeps it for the service that had it, and brings that one as soon as the caller is seen.
        desk.leaving.leave("another service has the call")
        return None
    lease = desk.settings.recovery_seconds if call.turns else desk.settings.lease_seconds
    try:
        return await desk.store.take_floor(
            call.call_id, service=desk.service.name, agent_id=desk.me, lease_seconds=lease
        )
    except FloorLost:
        log.info("another agent has the call, or is on its way to it", extra={"call_id": call.call_id})
        desk.leaving.leave("another agent has the call")
        return None
