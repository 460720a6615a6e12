"""One caller's call from answer to report, on a mesh that runs and that has seen no call before, as far as its databases tell."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from handoff.redis_store import RedisStore

from local import report as reports
from local.caller import CallRefused, Script, SpeechUnavailable, new_access, place_call, render
from local.ended import record_of
from local.eval.databases import Databases
from local.supervisor.mesh import Mesh
from local.versions import versions

_ENDING_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a call. ``failures`` tells in words what was not as its script expects; ``folder`` has its sound and its report."""

    script: Script
    folder: Path
    failures: tuple[str, ...]
    gaps_ms: tuple[int, ...] = ()
    """At each handoff, at the caller's ear."""
    response_ms: float | None = None
    """Median, from the caller's last sound to the answer."""


@dataclass
class ShippedCalls:
    """Calls on ``mesh``, which runs. What they leave behind lies in ``folder``, each in a folder of its own."""

    mesh: Mesh
    folder: Path
    _databases: Databases = field(init=False)

    def __post_init__(self) -> None:
        self._databases = Databases.of(self.mesh)

    async def play(self, script: Script, *, name: str) -> Played:
        """``name`` is that of its folder. A call that nobody answered is a failure like any other."""
        self._databases.restore()
        folder = self.folder / name
        folder.mkdir(parents=True)
        try:
            failures = await self._call(script, folder)
        except CallRefused as error:
            return Played(script, folder, (f"nobody answered: {error}",))
        except SpeechUnavailable as error:
            return Played(script, folder, (f"the caller has no voice: {error}",))
        report = json.loads((folder / "report.json").read_text())
        gaps = tuple(handoff["gap_ms"] for handoff in report["handoffs"] if handoff["gap_ms"] is not None)
        return Played(script, folder, tuple(failures), gaps, report["response_ms"]["median"])

    async def _call(self, script: Script, folder: Path) -> list[str]:
        mesh = self.mesh
        voice = await render(script, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir)
        key, secret = mesh.livekit_api_key, mesh.livekit_api_secret
        access = new_access(mesh.livekit_url, api_key=key, api_secret=secret, channel=script.channel)
        recording = await place_call(script, voice, access=access)
        store = RedisStore.connect(mesh.redis_url)
        try:
            call, handoffs = await record_of(store, access.call_id, within_seconds=_ENDING_SECONDS)
        finally:
            await store.aclose()
        return await reports.write(
            recording,
            call,
            handoffs,
            folder=folder,
            script=script,
            speech_url=mesh.speech_url,
            versions=versions(mesh.livekit_version),
        )
