"""One of the recorded callers calls the mesh that stays up, as anybody would: nothing of it is set back before or after."""

from __future__ import annotations

from pathlib import Path

from handoff.redis_store import RedisStore

from local import report as reports
from local.caller import Script, new_access, place_call, render
from local.console import Console
from local.ended import record_of
from local.live import LiveWords, following
from local.settings import LocalSettings
from local.up.running import Running
from local.versions import versions

_ENDING_SECONDS = 8.0


async def call(console: Console, running: Running, folder: Path, script: Script) -> int:
    """0 when it went as the script expects, 1 when not. Raises CallRefused, SpeechUnavailable."""
    cache_dir = LocalSettings.from_env().cache_dir
    voice = await render(script, speech_url=running.speech_url, cache_dir=cache_dir)
    access = new_access(
        running.livekit_url,
        api_key=running.livekit_api_key,
        api_secret=running.livekit_api_secret,
        channel=script.channel,
    )
    console.plain(f"{script.title}: a {script.channel} call, {access.call_id}")
    console.restart_clock()
    store = RedisStore.connect(running.redis_url)
    try:
        async with following(store, access.call_id, console):
            recording = await place_call(script, voice, access=access, on_caption=LiveWords(console).note)
            record, handoffs = await record_of(store, access.call_id, within_seconds=_ENDING_SECONDS)
    finally:
        await store.aclose()
    results = folder / "calls" / access.call_id
    results.mkdir(parents=True)
    failures = await reports.write(
        recording,
        record,
        handoffs,
        folder=results,
        script=script,
        speech_url=running.speech_url,
        versions=versions(running.livekit_version),
    )
    console.plain(f"\nthe call as a picture, to look at and listen to: {results / 'report.html'}")
    for failure in failures:
        console.complain(f"not as expected: {failure}")
    return 1 if failures else 0
