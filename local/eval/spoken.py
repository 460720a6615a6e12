"""The evals that are marked so, spoken: on one mesh, over real LiveKit, by a recorded caller, one after the other.

Judged as the others are, on the call's record and the databases. What the tools were called with is not seen from here.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from handoff.call import Call, Role
from handoff.redis_store import RedisStore

from local.caller import CallRefused, Line, Recording, Script, new_access, place_call, render, save_audio
from local.caller.script import Expect as CallerExpect
from local.ended import record_of
from local.eval.conversation import Conversation
from local.eval.conversation import Line as EvalLine
from local.eval.databases import Databases
from local.eval.evidence import Evidence, Said
from local.eval.judge import judge
from local.eval.results import Result
from local.supervisor.mesh import Mesh

_MUMBLE = Path(__file__).resolve().parents[1] / "callers" / "audio" / "mumble.flac"
_CONNECTING = re.compile(r"connecting you|one moment|hand(?:ing)? you over", re.IGNORECASE)
_CUE_SECONDS = 60.0
"""A confirmation, an announcement and a greeting can stand between a caller's line and the next: half a minute of talk."""
_CALL_SECONDS = 240.0
_ENDING_SECONDS = 8.0


async def run_spoken(
    conversations: Sequence[Conversation],
    folder: Path,
    *,
    mesh: Mesh,
    on_result: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Plays them on ``mesh``, which runs. Each call's sound lies in ``folder``, under a number."""
    store = RedisStore.connect(mesh.redis_url)
    databases = Databases.of(mesh)
    results = []
    try:
        for number, conversation in enumerate(conversations, 1):
            databases.restore()
            evidence = await _play(conversation, mesh, store, databases, folder=folder / f"{number:02}")
            results.append(Result(conversation, evidence, tuple(judge(_as_seen_from_here(conversation), evidence))))
            on_result(results[-1])
    finally:
        await store.aclose()
    return results


def _as_seen_from_here(conversation: Conversation) -> Conversation:
    """Without what only the agents' own process can tell."""
    return replace(conversation, expect=replace(conversation.expect, calls=(), never_calls=()))


def script_of(conversation: Conversation) -> Script:
    """The same caller for local.caller. Expectations stay with the eval's judge."""
    return Script(
        path=conversation.path,
        title=conversation.name,
        channel=conversation.channel,
        voice=conversation.voice,
        lines=tuple(_line(line) for line in conversation.lines),
        expect=CallerExpect(),
        timeout_seconds=_CALL_SECONDS,
    )


def _line(line: EvalLine) -> Line:
    after = _CONNECTING if line.while_connecting else line.after
    return Line(
        at_line=line.at_line,
        say="" if line.mumbled else line.say,
        play=_MUMBLE if line.mumbled else None,
        hang_up=line.hang_up,
        stay_silent=line.stay_silent,
        after=after,
        interrupt=line.while_connecting,
        timeout_seconds=_CALL_SECONDS if line.stay_silent else _CUE_SECONDS,
    )


async def _play(
    conversation: Conversation, mesh: Mesh, store: RedisStore, databases: Databases, *, folder: Path
) -> Evidence:
    began_at = time.monotonic()
    try:
        recording = await _call(conversation, mesh)
    except CallRefused as e:
        return Evidence(problems=(f"the call was refused: {e}",), seconds=time.monotonic() - began_at)
    await asyncio.to_thread(_keep, recording, folder)
    call, handoffs = await record_of(store, recording.call_id, within_seconds=_ENDING_SECONDS)
    return Evidence(
        said=_said(call),
        call=call,
        offered=tuple(handoff.context for handoff in handoffs),
        handoffs=handoffs,
        changes=databases.changes(),
        problems=tuple(recording.problems),
        seconds=time.monotonic() - began_at,
    )


async def _call(conversation: Conversation, mesh: Mesh) -> Recording:
    script = script_of(conversation)
    voice = await render(script, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir)
    access = new_access(
        mesh.livekit_url,
        api_key=mesh.livekit_api_key,
        api_secret=mesh.livekit_api_secret,
        channel=script.channel,
        service=conversation.starts_at,
    )
    return await place_call(script, voice, access=access)


def _keep(recording: Recording, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_audio(recording, folder)


def _said(call: Call | None) -> tuple[Said, ...]:
    turns = call.turns if call is not None else ()
    return tuple(Said(turn.role is Role.CALLER, turn.service, turn.text) for turn in turns)
