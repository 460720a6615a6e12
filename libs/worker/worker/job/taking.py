"""Taking a call over: joining silently, getting ready, waiting for the floor; then speaking, or going on without a sound.

A taker is briefed, its tools are open, its first sentence is rendered and held by the gate before it reports READY. It neither
thinks nor speaks before the floor is its own. When another worker of the same service moves its call here (a drain), the caller
shall notice nothing: there is no first sentence, and the taker is SPOKEN the moment it has the floor. While the store is away a
handoff comes sealed in the dispatch, and everything else by the giver's word.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

from handoff.call import Call, Floor, Role
from handoff.context import HandoffContext
from handoff.errors import FloorLost, HandoffError, IllegalMove, StoreUnavailable, UnknownHandoff
from handoff.lifecycle import State
from livekit.agents import AutoSubscribe
from livekit.agents.voice import SpeechHandle
from telemetry import tracing

from worker.agent import briefing, session
from worker.agent import cast as casting
from worker.agent.cast import Cast
from worker.handover.by_word import Taking
from worker.handover.floor_word import FloorWord
from worker.handover.moving import SILENT
from worker.handover.sealed_dispatch import SEALED, call_of, opened
from worker.humans import desk_note
from worker.job.desk import Desk
from worker.job.first_word import FirstWord, never_played
from worker.playbook.story import last_said
from worker.speech import clips

log = logging.getLogger("voicemesh.taking")

_GIVER_FIRST_SECONDS = 0.5
"""So much longer than its giver a taker waits for its own first word."""


async def take(desk: Desk, told: Mapping[str, str]) -> None:
    """Takes a call over as the dispatch's attributes tell: ``handoff_id``, ``silent``, ``sealed``."""
    handoff_id, silently = told["handoff_id"], told.get(SILENT) == "1"
    asked, where = desk.telling.handoff, {"voicemesh.handoff_id": handoff_id}
    with tracing.span("handoff.join", where, parent=asked, encloses=False):
        wanted = await (_join_by_word(desk, told) if told.get(SEALED) else _join_if_wanted(desk, handoff_id))
    if wanted is None:
        log.info("the handoff is no longer wanted", extra={"handoff_id": handoff_id})
        desk.leaving.leave("not wanted")
        return
    context, call = desk_note.read(wanted[0], desk.service.name), wanted[1]
    word = FloorWord(desk.ctx.room, desk.store, context, service=desk.service.name, agent_id=desk.me)
    with tracing.span("handoff.prepare", where, parent=asked, encloses=False):
        get_ready = _get_ready_silently if silently else _get_ready
        cast, opening = await get_ready(desk, context, call)
    try:
        with tracing.span("handoff.wait_for_floor", where, parent=asked, encloses=False):
            await desk.store.move(handoff_id, State.READY, taker_id=desk.me)
            floor = await word.wait()
    except (IllegalMove, UnknownHandoff):  # withdrawn while it got ready; or another job of this dispatch was faster
        floor = None
    if floor is None:
        desk.leaving.leave("not wanted")
        return
    first_word = FirstWord(cast.gate)
    cast.gate.open()
    cast.session.input.set_audio_enabled(True)
    cast.checkpoint.hold(floor)
    desk.telling.joined()
    if opening is None:
        if await _is_taken(desk, cast, handoff_id):
            await _carry_on(desk, cast, floor)
        return
    await _catch_up(desk, cast, context)
    # A giver that lives takes the floor back after as long, and has the conversation: it goes first.
    if not await first_word.plays_within(desk.settings.spoken_timeout_seconds + _GIVER_FIRST_SECONDS):
        await never_played(desk, cast)
        return
    if await _is_taken(desk, cast, handoff_id):
        await opening.wait_for_playout()
        await cast.agent.answer_what_was_said_meanwhile()
        desk.render_ahead(cast)


async def _join_if_wanted(desk: Desk, handoff_id: str) -> tuple[HandoffContext, Call] | None:
    """In the room, with what is known of the call; None when the handoff is over, stale, or of another call."""
    stored, _ = await asyncio.gather(
        desk.store.load_handoff(handoff_id), desk.ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
    )
    if stored is None or stored.state not in (State.ACCEPTED, State.DISPATCHED):
        return None
    call = await desk.store.load_call(stored.context.call_id)
    if call is None or stored.context.call_id != desk.call_id:
        return None
    return stored.context, call


async def _join_by_word(desk: Desk, told: Mapping[str, str]) -> tuple[HandoffContext, Call] | None:
    """The same when no store keeps the handoff: the context came sealed with the dispatch; None when it is not for us, or stale."""
    now = await desk.store.now()
    await desk.ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
    try:
        brought = opened(desk.seal, told, call_id=desk.call_id, service=desk.service.name, now=now)
    except HandoffError as e:
        log.warning("a sealed handoff is refused: %s", e, extra={"call_id": desk.call_id})
        return None
    word = Taking(desk.ctx.room, brought, service=desk.service.name, seal=desk.seal, clock=desk.steady.clock)
    call = call_of(brought.context)
    desk.steady.goes_by(word, call)
    return brought.context, call


async def _get_ready(desk: Desk, context: HandoffContext, call: Call) -> tuple[Cast, SpeechHandle | None]:
    """Behind a closed gate: briefed, tools open, the first sentence rendered and on its lips."""
    text = briefing.greeting(desk.service, context)
    desk.speaks_to(call)
    rendered = asyncio.create_task(clips.render(desk.voice, text))
    cast = await desk.seat(desk.checkpoint(call), context, is_open=False)
    opening = cast.session.say(text, audio=clips.played(await rendered), allow_interruptions=False)
    await cast.gate.first_frame.wait()
    await desk.heard_by_caller(cast)
    return cast, opening


async def _get_ready_silently(desk: Desk, context: HandoffContext, call: Call) -> tuple[Cast, SpeechHandle | None]:
    """The same for a call that this service has already: nothing is on its lips."""
    remembered = briefing.remembered(desk.service, call)
    cast = await desk.seat(desk.checkpoint(call), context, is_open=False, remembered=remembered)
    await desk.heard_by_caller(cast)
    return cast, None


async def _is_taken(desk: Desk, cast: Cast, handoff_id: str) -> bool:
    """Tells the giver that we are heard; False when it took the floor back in this moment."""
    try:
        await desk.store.move(handoff_id, State.SPOKEN)
    except (IllegalMove, FloorLost):
        cast.gate.shut()
        desk.leaving.leave("floor lost")
        return False
    except (StoreUnavailable, UnknownHandoff) as e:
        # The caller hears us, and nobody can be told. Should the giver have the floor again, our next renewal finds out.
        log.warning("not noted as spoken: %s", type(e).__name__, extra={"call_id": desk.call_id})
    return True


async def _latest(desk: Desk) -> Call | None:
    with suppress(StoreUnavailable):  # then what the context holds must do
        return await desk.store.load_call(desk.call_id)
    return None


async def _catch_up(desk: Desk, cast: Cast, context: HandoffContext) -> None:
    """What was said while we waited: into the record and into the brain's conversation."""
    await casting.catch_up(cast.agent, await _latest(desk), context)
    cast.agent.begin()


async def _carry_on(desk: Desk, cast: Cast, floor: Floor) -> None:
    """Everything that the other agent of our service knew, as it was when it fell silent."""
    await casting.carry_on(cast.agent, await _latest(desk))
    cast.agent.begin()
    call = cast.checkpoint.call
    cast.session.update_options(endpointing_opts=session.endpointing_after(last_said(call)))
    if call.turns and call.turns[-1].role is Role.CALLER:  # said in the moment of the move
        await cast.agent.answer_what_was_said_meanwhile()
    log.info("epoch %d: the call was moved here", floor.epoch, extra={"call_id": call.call_id})
    desk.render_ahead(cast)
