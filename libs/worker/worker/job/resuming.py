"""Going on with a call whose agent was lost: an apology in one clause, then on from where the conversation was.

A guardian has seized the floor for us before we were started, under the name by which we are awaited. We claim it under our own, for a
dispatch may bring two of us; it is ours until its lease passes, and we renew it only when our first frame plays: a successor that is
never heard is followed by another one. Whoever else of ours is in the room was overtaken, and may be frozen in the middle of a word:
it is put out before we say ours (docs/protocol has the order and why). The brain gets the conversation of the agent before it, its
tools' answers included, so that nothing known is asked again and nothing done is done twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from handoff.call import Call, Floor, Intent, Role
from handoff.context import HandoffContext, build_context
from handoff.desk import DESK
from handoff.directory import DIRECTORY
from handoff.errors import FloorLost, UnknownCall
from livekit import api, rtc
from livekit.agents import AutoSubscribe
from livekit.agents.voice.events import UserInputTranscribedEvent

from worker.agent import briefing, session
from worker.agent.cast import Cast
from worker.handover.announcing import house_words
from worker.handover.passing import LIVEKIT_AWAY, REMOVAL_SECONDS
from worker.job.desk import Desk
from worker.job.first_word import FirstWord
from worker.playbook.phrases import LAST_QUESTION
from worker.playbook.story import last_said
from worker.service import Service
from worker.speech import clips
from worker.speech.kept_clips import CUT_OFF

log = logging.getLogger("voicemesh.resuming")

_CALLER_SECONDS = 2.0
"""Longest wait for a caller who is joining again: our lease passes soon after."""


async def resume(desk: Desk, epoch: int, awaited_id: str) -> None:
    """Goes on as the successor for whom ``epoch`` was seized, under this name; leaves without a word when the floor is not
    ours (any more)."""
    connected = asyncio.ensure_future(desk.ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE))
    call, floor = await asyncio.gather(desk.store.load_call(desk.call_id), desk.store.load_floor(desk.call_id))
    if call is None or floor is None or (floor.agent_id, floor.epoch) != (awaited_id, epoch):
        log.info("epoch %d is not ours", epoch, extra={"call_id": desk.call_id})
        await connected  # whoever leaves a room must have entered it
        desk.leaving.leave("not wanted")
        return
    await go_on(desk, call, floor, connected=connected)


async def go_on(desk: Desk, call: Call, floor: Floor, *, connected: Awaitable[Any] | None = None) -> None:
    """Goes on with ``call`` under ``floor``, which nobody renews yet."""
    service = desk.service
    apology = asyncio.create_task(desk.kept.get(CUT_OFF, desk.voice))
    was_ours = _was_ours(service.name, call)
    context = await _context(desk, call, floor)
    checkpoint = desk.checkpoint(call)
    if not was_ours:
        checkpoint.take_over(call, intent=context.intent)
    cast = await desk.seat(
        checkpoint,
        context if call.turns else None,
        is_open=True,
        remembered=briefing.remembered(service, call) if was_ours else None,
        connected=connected,
    )
    if not await _caller_is_there(desk, cast):
        desk.leaving.leave("no caller")
        return
    mine = await _claimed(desk, floor)
    if mine is None:
        desk.leaving.leave("floor lost")
        return
    checkpoint.mark_recovery()
    said: list[str] = []
    cast.session.on("user_input_transcribed", lambda event: said.extend(_final(event)))
    if not await _is_heard(desk, cast, mine, await apology):
        desk.leaving.leave("never heard")
        return
    next_words = _next_words(desk, call, context, was_ours=was_ours)
    if said or cast.session.user_state == "speaking" or next_words is None:
        await cast.agent.answer_what_was_said_meanwhile()
    else:
        # Said again, it is no news: the brain's conversation and the record have it where it was said first.
        is_new = not was_ours or not call.turns or _lost_a_human(service, call)
        await cast.session.say(next_words, add_to_chat_ctx=is_new).wait_for_playout()
    desk.render_ahead(cast)


async def _claimed(desk: Desk, floor: Floor) -> Floor | None:
    """Looks who is in the room, then claims the floor, then puts out whom it saw: in this order, for one that came after our look
    may have overtaken us. None when the floor is another's (a second job came for it, too), or when LiveKit does not confirm a
    removal."""
    agent = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    seen = [other.identity for other in desk.ctx.room.remote_participants.values() if other.kind == agent]
    try:
        mine = await desk.store.claim_floor(
            floor.call_id, epoch=floor.epoch, awaited_id=floor.agent_id, agent_id=desk.me
        )
    except (FloorLost, UnknownCall):
        return None
    return mine if all(await asyncio.gather(*(_is_put_out(desk, identity) for identity in seen))) else None


async def _is_put_out(desk: Desk, identity: str) -> bool:
    try:
        async with asyncio.timeout(REMOVAL_SECONDS):
            await desk.ctx.api.room.remove_participant(
                api.RoomParticipantIdentity(room=desk.call_id, identity=identity)
            )
    except LIVEKIT_AWAY as e:
        if not (isinstance(e, api.TwirpError) and e.code == api.TwirpErrorCode.NOT_FOUND):
            log.warning("an overtaken agent could not be put out", extra={"call_id": desk.call_id})
            return False
    return True


async def _is_heard(desk: Desk, cast: Cast, floor: Floor, clip: tuple[rtc.AudioFrame, ...]) -> bool:
    """Apologises; from the first frame that plays the call is ours for good. False when none plays before the lease passes."""
    first_word = FirstWord(cast.gate)
    speech = cast.session.say(
        desk.kept.text(CUT_OFF), audio=clips.played(clip), allow_interruptions=False, add_to_chat_ctx=False
    )
    if not await first_word.plays_within(desk.settings.recovery_seconds):
        return False
    cast.checkpoint.hold(floor)
    desk.telling.joined()
    cast.agent.begin()
    cast.session.update_options(endpointing_opts=session.endpointing_after(last_said(cast.checkpoint.call)))
    log.info("epoch %d: heard again", floor.epoch, extra={"call_id": floor.call_id})
    await speech.wait_for_playout()
    return True


def _final(event: UserInputTranscribedEvent) -> list[str]:
    return [event.transcript] if event.is_final and event.transcript.strip() else []


def _was_ours(service: str, call: Call) -> bool:
    """Whether the agent that was lost was of our service and had spoken: else we come as a taker does."""
    speakers = [turn.service for turn in call.turns if turn.role is Role.AGENT]
    return not speakers or speakers[-1] == service


def _lost_a_human(service: Service, call: Call) -> bool:
    """Whether a human of the desk had the call last, and the caller was not told yet that he is gone: what those two said to each
    other nobody has written down."""
    told = house_words(service, "person_lost")
    return call.services[-2:] == (DESK, service.name) and all(turn.text != told for turn in call.turns)


async def _context(desk: Desk, call: Call, floor: Floor) -> HandoffContext:
    """What a taker would have been given; of our own service's facts nothing is missing."""
    entry = DIRECTORY[desk.service.name]
    intent = call.intent or Intent(min(entry.intents), 0.5, "resumed")
    context = build_context(
        call,
        entry=entry,
        handoff_id=f"resume-{floor.epoch}",
        epoch=floor.epoch,
        now=await desk.store.now(),
        ttl_seconds=desk.settings.handoff_ttl_seconds,
        intent=intent,
    )
    own = [fact for fact in call.facts if fact.service == desk.service.name]
    known = {fact.name for fact in own}
    return replace(context, facts=(*(fact for fact in context.facts if fact.name not in known), *own))


async def _caller_is_there(desk: Desk, cast: Cast) -> bool:
    """The caller, or who is in the room in his place: a browser that joins again may do so under another identity."""
    room, known = desk.ctx.room, cast.checkpoint.call.caller_identity
    if known in room.remote_participants:
        return True
    try:
        async with asyncio.timeout(_CALLER_SECONDS):
            found = await desk.ctx.wait_for_participant()
    except TimeoutError:
        return False
    if found.identity != known:
        cast.checkpoint.note(caller_identity=found.identity)
        session.hear_only_the_caller(room, found.identity)
        cast.session.room_io.set_participant(found.identity)
    return True


def _next_words(desk: Desk, call: Call, context: HandoffContext, *, was_ours: bool) -> str | None:
    """What follows the apology; None when the brain is to answer or to go on."""
    if not call.turns:
        return briefing.direct_greeting(desk.service)
    if _lost_a_human(desk.service, call):
        return house_words(desk.service, "person_lost")
    last = call.turns[-1]
    if not was_ours:
        return briefing.greeting(desk.service, context)
    if last.role is Role.CALLER or last.was_interrupted:
        return None
    if call.tool_uses and call.tool_uses[-1].answered_at > last.spoken_at:
        return None  # looked up, or done, and not told yet
    question = LAST_QUESTION.search(last.text)
    return question[0].strip() if question else None
