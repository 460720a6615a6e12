"""A caller's call from the page: who he is, what the mesh knows of his call, and whether he and the agent hear each other."""

from __future__ import annotations

import asyncio

from handoff.call import Call, Role
from handoff.redis_store import RedisStore
from livekit import api
from playwright.async_api import Browser, BrowserContext

from local.caller import load_script, render
from local.caller.shipped import FOLDER
from local.chaos.replies import Replies, as_script, replies_of
from local.supervisor.mesh import Mesh
from tests.e2e.browser import PageCaller

DUPLICATE_CHARGE = load_script(FOLDER / "duplicate_charge.yaml")
OPENING = DUPLICATE_CHARGE.lines[0].say
AUDIBLE = 0.02


async def caller_at(mesh: Mesh, chrome: Browser | BrowserContext, *, path: str = "") -> PageCaller:
    """Somebody who was charged twice, at the page, with the button not yet pressed."""
    replies: Replies = replies_of(DUPLICATE_CHARGE)
    lines = as_script(replies.every_line, like=DUPLICATE_CHARGE)
    audio = await render(lines, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir)
    voice = {words: audio[index] for index, words in enumerate(replies.every_line)}
    return await PageCaller.at(chrome, mesh.page_url + path, replies, voice)


async def call_id_of(mesh: Mesh) -> str:
    """Of the call that goes on."""
    store = RedisStore.connect(mesh.redis_url)
    try:
        async with asyncio.timeout(20):
            while not (calls := await store.live_calls()):
                await asyncio.sleep(0.1)
        return calls[0]
    finally:
        await store.aclose()


async def call_of(mesh: Mesh, call_id: str) -> Call:
    """Its record, now."""
    store = RedisStore.connect(mesh.redis_url)
    try:
        call = await store.load_call(call_id)
    finally:
        await store.aclose()
    assert call is not None
    return call


def callers_turns(call: Call) -> list[str]:
    """All that was heard of him."""
    return [turn.text for turn in call.turns if turn.role is Role.CALLER]


async def microphones(mesh: Mesh, call_id: str) -> list[str]:
    """The caller's, as LiveKit's server has them: open or muted."""
    async with api.LiveKitAPI(mesh.livekit_url, mesh.livekit_api_key, mesh.livekit_api_secret) as livekit:
        answer = await livekit.room.list_participants(api.ListParticipantsRequest(room=call_id))
    callers = [one for one in answer.participants if one.identity.startswith("caller-")]
    return ["muted" if track.muted else "open" for one in callers for track in one.tracks]


async def is_audible(caller: PageCaller, *, within_seconds: float = 60.0) -> None:
    """Returns when the page plays a sound. Raises AssertionError."""
    loudest = 0.0
    try:
        async with asyncio.timeout(within_seconds):
            while loudest <= AUDIBLE:
                loudest = max(loudest, await caller.loudness())
    except TimeoutError:
        raise AssertionError(f"not a sound within {within_seconds:g} s; the loudest was {loudest:.3f}") from None


async def hear_each_other(caller: PageCaller, *, until: str) -> None:
    """The caller says what he is asked for, is understood, and the page plays the answer."""
    async with asyncio.TaskGroup() as both:
        both.create_task(is_audible(caller))
        both.create_task(caller.talk(until=until, within_seconds=60))
