"""A recorded caller calls a mesh that runs somewhere else, a cluster's: `helm test` is this, and so is a look from a laptop.

LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET and REDIS_URL say where it is. The caller's voice, and the ear that listens to what he
heard, are VOICEMESH_SPEECH_URL's; without it an embedded speech server is started for the time of the call.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from handoff.call import Call
from handoff.errors import StoreUnavailable
from handoff.redis_store import RedisStore

from local import report as reports
from local.caller import CallRefused, Recording, Script, SpeechUnavailable, new_access, place_call, render
from local.caller.ear import FRAME_MS, audible
from local.chaos.at_the_ear import longest_silence_ms, two_voices_ms
from local.console import Console
from local.ended import record_of
from local.live import LiveWords, following
from local.settings import Elsewhere, LocalSettings
from local.supervisor.errors import MeshError
from local.supervisor.mesh import Mesh
from local.versions import versions

RESULT = "result: "
"""Begins the last line that is printed; JSON follows."""
_ENDING_SECONDS = 15.0


async def place(console: Console, target: Elsewhere, script: Script, *, folder: Path) -> int:
    """0 when the call went as the script expects, 1 when not. Raises MeshError when there is no mesh at that place."""
    store = RedisStore.connect(target.redis_url)
    try:
        await store.now()
        async with _speech(target, folder, console) as speech_url:
            return await _place(console, target, script, folder=folder, store=store, speech_url=speech_url)
    except StoreUnavailable as error:
        raise MeshError(f"Redis does not answer ({error})", advice="mend REDIS_URL, or let us in") from None
    except CallRefused as error:
        raise MeshError(str(error), advice="LIVEKIT_URL, its key and its secret are those of the workers?") from None
    except SpeechUnavailable as error:
        raise MeshError(str(error), advice="mend VOICEMESH_SPEECH_URL, or leave it away") from None
    finally:
        await store.aclose()


async def _place(
    console: Console, target: Elsewhere, script: Script, *, folder: Path, store: RedisStore, speech_url: str
) -> int:
    voice = await render(script, speech_url=speech_url, cache_dir=LocalSettings.from_env().cache_dir)
    access = new_access(
        target.livekit_url,
        api_key=target.livekit_api_key,
        api_secret=target.livekit_api_secret,
        channel=script.channel,
    )
    console.plain(f"{script.title}: a {script.channel} call, {access.call_id}")
    console.restart_clock()
    async with following(store, access.call_id, console):
        recording = await place_call(script, voice, access=access, on_caption=LiveWords(console).note)
        record, handoffs = await record_of(store, access.call_id, within_seconds=_ENDING_SECONDS)
    failures = await reports.write(
        recording,
        record,
        handoffs,
        folder=folder,
        script=script,
        speech_url=speech_url,
        versions=versions("elsewhere"),
    )
    console.plain(f"\nthe call as a picture, to look at and listen to: {folder / 'report.html'}")
    for failure in failures:
        console.complain(f"not as expected: {failure}")
    console.plain(f"{RESULT}{json.dumps(result(access.call_id, recording, record, failures))}")
    return 1 if failures else 0


def result(call_id: str, recording: Recording, call: Call | None, failures: Sequence[str]) -> dict[str, Any]:
    """What became of a call, for a program to read; no word that was said is in it. Milliseconds. The silence is counted from the
    first voice on."""
    voices = [np.flatnonzero(audible(track)) for track in recording.agents.values()]
    first = min((int(frames[0]) for frames in voices if frames.size), default=0)
    return {
        "call_id": call_id,
        "ending": call.ending.value if call is not None and call.ending else "",
        "services": list(call.services) if call is not None else [],
        "agents_heard": sum(1 for frames in voices if frames.size),
        "ended_by": recording.ended_by,
        "longest_silence_ms": longest_silence_ms(recording, since=recording.started_at + first * FRAME_MS / 1000),
        "two_voices_ms": two_voices_ms(recording),
        "not_as_expected": len(failures),
    }


@asynccontextmanager
async def _speech(target: Elsewhere, folder: Path, console: Console) -> AsyncIterator[str]:
    """Address of a speech server."""
    if target.speech_url:
        yield target.speech_url
        return
    others = ("redis", "livekit", "ledger")
    async with Mesh(folder / "speech", services=(), without=others, say=console.say) as speech:
        yield speech.speech_url
