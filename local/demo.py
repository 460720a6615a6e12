"""The demo: one mesh, one recorded caller, one call that a person can follow, and a report of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from handoff.directory import DIRECTORY
from handoff.guardian import FRONT_DESK
from handoff.redis_store import RedisStore

from local import report as reports
from local.caller import (
    Access,
    CallRefused,
    Recording,
    Script,
    SpeechUnavailable,
    load_script,
    new_access,
    place_call,
    render,
)
from local.caller.band import Samples
from local.chaos import in_demo
from local.chaos.processes import NotThere
from local.console import Console
from local.ended import ended, record_of
from local.live import LiveWords, following
from local.settings import LocalSettings
from local.supervisor.errors import MeshError
from local.supervisor.mesh import SERVICES, Mesh
from local.versions import versions

DEFAULT_CALL = Path(__file__).with_name("callers") / "duplicate_charge.yaml"
_ENDING_SECONDS = 5.0
"""How long after the call its agents may take to write its ending."""
_FOLLOWER_SECONDS = 0.2
_T = TypeVar("_T")
_RESULTS = {
    "report.html": "the call as a picture, to look at and listen to",
    "report.json": "the same as data",
    "caller_heard.wav": "what the caller heard",
    "caller_said.wav": "what the caller said",
    "logs": "what each process printed",
}


class Demo:
    """One call. Reads the caller's script at once (ScriptError), and looks whether there is a process ``chaos`` (NoSuchFault): bad
    ones must not cost a start of the mesh, nor the results of the call before."""

    def __init__(self, console: Console, *, call: Path | None, channel: str | None, chaos: str = "") -> None:
        """``chaos`` names a process that is killed in the middle of the call: ``billing``, ``redis``, ``livekit``, ``mcp`` ..."""
        self._console = console
        self._chaos = in_demo.process_for(chaos) if chaos else ""
        self._survived: in_demo.Survived | None = None
        self._settings = LocalSettings.from_env()
        self._script = load_script(call or DEFAULT_CALL, channel=channel)

    def mesh(self, run_dir: Path) -> Mesh:
        """The call's specialists; with a language model's key in the environment the model answers, else the playbook."""
        return Mesh(
            run_dir,
            services=SERVICES if self._chaos else specialists(self._script),
            settings=self._settings,
            brain=self._settings.brain,
            say=self._console.say,
        )

    async def run(self, mesh: Mesh) -> int:
        """0 when the call met its script's expectations, 1 when not."""
        script = self._script
        brain = "a language model" if self._settings.has_model else "the playbook (no key needed)"
        self._console.plain(f"{script.title}: a {script.channel} call; answered by {brain}")
        if len(mesh.services) < len(SERVICES):
            self._console.plain(
                f"on duty: {', '.join(mesh.services)}, whom this call may need (`make up` starts all five)"
            )
        try:
            async with mesh:
                self._console.say(f"the mesh is up ({mesh.ready_after_seconds:.1f} s)")
                failures = await _while_alive(mesh, self._call_and_report(mesh, script))
                self._console.say("stopping everything")
        except (CallRefused, SpeechUnavailable, NotThere) as error:
            raise MeshError(str(error), advice=f"the logs are in {mesh.run_dir / 'logs'}") from error
        return self._verdict(mesh.run_dir, failures)

    async def _call_and_report(self, mesh: Mesh, script: Script) -> list[str]:
        store = RedisStore.connect(mesh.redis_url)
        try:
            recording = await self._call(mesh, script, store)
            call, handoffs = await record_of(store, recording.call_id, within_seconds=_ENDING_SECONDS)
            self._console.say("listening to what the caller heard")
            wrong = self._survived.failures(call) if self._survived is not None else []
            return wrong + await reports.write(
                recording,
                call,
                handoffs,
                folder=mesh.run_dir,
                script=in_demo.without_expectations(script) if self._chaos else script,
                speech_url=mesh.speech_url,
                versions=versions(mesh.livekit_version),
            )
        finally:
            await store.aclose()

    async def _call(self, mesh: Mesh, script: Script, store: RedisStore) -> Recording:
        def progress(done: int, total: int, words: str) -> None:
            if words:
                self._console.say(f"the caller learns line {done + 1} of {total}: {words}")

        lines = in_demo.lines_to_learn(script) if self._chaos else script
        voice = await render(
            lines, speech_url=mesh.speech_url, cache_dir=self._settings.cache_dir, on_progress=progress
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
            recording = await self._placed(mesh, script, voice, store, access)
            await ended(store, access.call_id, within_seconds=_ENDING_SECONDS)
            await asyncio.sleep(_FOLLOWER_SECONDS)  # the follower tells of it
        self._console.plain()
        return recording

    async def _placed(
        self, mesh: Mesh, script: Script, voice: dict[int, Samples], store: RedisStore, access: Access
    ) -> Recording:
        on_caption = LiveWords(self._console).note
        if not self._chaos:
            return await place_call(script, voice, access=access, on_caption=on_caption)
        self._survived = await in_demo.struck_demo_call(
            mesh, store, script, voice, access=access, name=self._chaos, say=self._console.aside, on_caption=on_caption
        )
        return self._survived.recording

    def _verdict(self, run_dir: Path, failures: list[str]) -> int:
        console = self._console
        console.plain()
        report = json.loads((run_dir / "report.json").read_text())
        for handoff in report["handoffs"]:
            console.plain(_at_the_ear(handoff))
        console.plain(_answers(report["response_ms"]))
        for line in report["said_again"]:
            console.plain(f"  the caller was asked to say it again: {line}")
        for name, what in _RESULTS.items():
            console.plain(f"  {_from_here(run_dir / name)!s:<32} {what}")
        if self._survived is not None:
            console.plain(_after_the_strike(self._survived))
        for failure in failures:
            console.complain(f"not as expected: {failure}")
        if not failures:
            console.plain("The call lived through it." if self._survived else "The call went as its script expects.")
        return 1 if failures else 0


def specialists(script: Script) -> tuple[str, ...]:
    """Whom the call may need: those that its caller expects, who stands in for them, and the front desk. All of them when the
    script does not say. Each costs a newcomer some seconds of waiting for the first word."""
    expected = script.expect.services or SERVICES
    needed = {FRONT_DESK, *expected, *(name for service in expected for name in DIRECTORY[service].stands_in)}
    return tuple(name for name in SERVICES if name in needed)


def _at_the_ear(handoff: Mapping[str, Any]) -> str:
    """One handoff as the caller heard it."""
    way = f"{handoff['from_service']} → {handoff['to_service']}"
    if handoff["gap_ms"] is None:
        return f"  {way}: the caller heard no change of voice"
    clipped = "" if handoff["clipped_ms"] is None else f", {handoff['clipped_ms']} ms of the first words lost"
    return f"  {way} at the caller's ear: a pause of {handoff['gap_ms']} ms, both at once for {handoff['overlap_ms']} ms{clipped}"


def _after_the_strike(survived: in_demo.Survived) -> str:
    """What the caller heard of it."""
    heard = survived.heard
    voice = "no voice again" if heard.voice_after_ms is None else f"a voice again after {heard.voice_after_ms} ms"
    silence = f"the longest silence {heard.longest_silence_ms / 1000:.1f} s"
    return f"  {survived.struck.what}: {voice}, {silence}, both at once for {heard.two_voices_ms} ms"


def _answers(response_ms: Mapping[str, Any]) -> str:
    """How long the caller waited for answers."""
    if response_ms["median"] is None:
        return "  nobody was answered"
    return (
        f"  from the caller's last sound to the answer: median {response_ms['median']} ms, p95 {response_ms['p95']} ms"
        f" (n = {len(response_ms['each'])})"
    )


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


def _from_here(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
