"""The demo: one mesh, one recorded caller, one call that a person can follow, and a report of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from handoff.call import Call
from handoff.errors import StoreUnavailable
from handoff.redis_store import RedisStore
from handoff.store import Handoff

from local import report as reports
from local.caller import (
    CallRefused,
    Recording,
    Script,
    SpeechUnavailable,
    load_script,
    new_access,
    place_call,
    render,
)
from local.console import Console
from local.live import LiveWords, following
from local.settings import LocalSettings
from local.supervisor import livekit
from local.supervisor.errors import MeshError
from local.supervisor.mesh import Mesh

DEFAULT_CALL = Path(__file__).with_name("callers") / "duplicate_charge.yaml"
_ENDING_SECONDS = 5.0
"""How long after the call its agents may take to write its ending."""
_LOOK_SECONDS = 0.1
_T = TypeVar("_T")
_RESULTS = {
    "report.html": "the call as a picture, to look at and listen to",
    "report.json": "the same as data",
    "caller_heard.wav": "what the caller heard",
    "caller_said.wav": "what the caller said",
    "logs": "what each process printed",
}


class Demo:
    """One call. Reads the caller's script at once (ScriptError): a bad one must not cost a start of the mesh, nor the results
    of the call before."""

    def __init__(self, console: Console, *, call: Path | None, channel: str | None) -> None:
        self._console = console
        self._settings = LocalSettings.from_env()
        self._script = load_script(call or DEFAULT_CALL, channel=channel)

    def mesh(self, run_dir: Path) -> Mesh:
        """The whole mesh; with a language model's key in the environment the model answers, else the playbook."""
        return Mesh(run_dir, settings=self._settings, brain=self._settings.brain, say=self._console.say)

    async def run(self, mesh: Mesh) -> int:
        """0 when the call met its script's expectations, 1 when not."""
        script = self._script
        brain = "a language model" if self._settings.brain else "the playbook (no key needed)"
        self._console.plain(f"{script.title}: a {script.channel} call; answered by {brain}")
        try:
            async with mesh:
                self._console.say(f"the mesh is up ({mesh.ready_after_seconds:.1f} s)")
                failures = await _while_alive(mesh, self._call_and_report(mesh, script))
                self._console.say("stopping everything")
        except (CallRefused, SpeechUnavailable) as error:
            raise MeshError(str(error), advice=f"the logs are in {mesh.run_dir / 'logs'}") from error
        return self._verdict(mesh.run_dir, failures)

    async def _call_and_report(self, mesh: Mesh, script: Script) -> list[str]:
        store = RedisStore.connect(mesh.redis_url)
        try:
            recording = await self._call(mesh, script, store)
            call, handoffs = await _record(store, recording.call_id)
            self._console.say("listening to what the caller heard")
            return await reports.write(
                recording,
                call,
                handoffs,
                folder=mesh.run_dir,
                script=script,
                speech_url=mesh.speech_url,
                versions=versions(),
            )
        finally:
            await store.aclose()

    async def _call(self, mesh: Mesh, script: Script, store: RedisStore) -> Recording:
        def progress(done: int, total: int, words: str) -> None:
            if words:
                self._console.say(f"the caller learns line {done + 1} of {total}: {words}")

        voice = await render(
            script, speech_url=mesh.speech_url, cache_dir=self._settings.cache_dir, on_progress=progress
        )
        access = new_access(
            mesh.livekit_url,
            api_key=mesh.livekit_api_key,
            api_secret=mesh.livekit_api_secret,
            channel=script.channel,
        )
        self._console.plain(f"\n{access.call_id}: the caller dials; seconds count from here")
        self._console.restart_clock()
        async with following(store, access.call_id, self._console):
            recording = await place_call(script, voice, access=access, on_caption=LiveWords(self._console).note)
            await _ending(store, access.call_id)
            await asyncio.sleep(2 * _LOOK_SECONDS)  # the follower tells of it
        self._console.plain()
        return recording

    def _verdict(self, run_dir: Path, failures: list[str]) -> int:
        console = self._console
        console.plain()
        for handoff in json.loads((run_dir / "report.json").read_text())["handoffs"]:
            console.plain(_at_the_ear(handoff))
        for name, what in _RESULTS.items():
            console.plain(f"  {_from_here(run_dir / name)!s:<32} {what}")
        for failure in failures:
            console.complain(f"not as expected: {failure}")
        if not failures:
            console.plain("The call went as its script expects.")
        return 1 if failures else 0


def _at_the_ear(handoff: Mapping[str, Any]) -> str:
    """One handoff as the caller heard it."""
    way = f"{handoff['from_service']} → {handoff['to_service']}"
    if handoff["gap_ms"] is None:
        return f"  {way}: the caller heard no change of voice"
    clipped = "" if handoff["clipped_ms"] is None else f", {handoff['clipped_ms']} ms of the first words lost"
    return f"  {way} at the caller's ear: a pause of {handoff['gap_ms']} ms, both at once for {handoff['overlap_ms']} ms{clipped}"


async def _while_alive(mesh: Mesh, work: Coroutine[Any, Any, _T]) -> _T:
    """The work's result. Raises ProcessDied as soon as a process of the mesh ends in the middle of it."""
    working, dying = asyncio.ensure_future(work), asyncio.ensure_future(mesh.wait_for_death())
    try:
        await asyncio.wait((working, dying), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise dying.result()
        return working.result()
    finally:
        for task in (working, dying):
            task.cancel()
        await asyncio.gather(working, dying, return_exceptions=True)


async def _ending(store: RedisStore, call_id: str) -> Call | None:
    """The call's record once it has an ending; as it is when that takes too long. None when there is none."""
    call = None
    try:
        async with asyncio.timeout(_ENDING_SECONDS):
            while (call := await store.load_call(call_id)) is None or call.ending is None:
                await asyncio.sleep(_LOOK_SECONDS)
    except (TimeoutError, StoreUnavailable):
        pass
    return call


async def _record(store: RedisStore, call_id: str) -> tuple[Call | None, list[Handoff]]:
    call = await store.load_call(call_id)
    ids = call.handoff_ids if call is not None else ()
    loaded = [await store.load_handoff(handoff_id) for handoff_id in ids]
    return call, [handoff for handoff in loaded if handoff is not None]


def versions() -> dict[str, str]:
    """What took part, for the report."""
    packages = ("livekit-agents", "livekit", "grpcio", "protobuf", "redis", "ctranslate2", "onnxruntime")
    return {"voice-mesh": metadata.version("voicemesh-worker"), "livekit-server": livekit.VERSION} | {
        name: metadata.version(name) for name in packages
    }


def _from_here(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
