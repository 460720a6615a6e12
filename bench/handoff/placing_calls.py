"""The calls of a run: the mesh's and the baseline's in turns, each measured; a call that fails is a row like any other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from billing.agent import SERVICE as BILLING
from handoff.errors import HandoffError
from handoff.redis_store import RedisStore
from handoff.store import Handoff

from bench.handoff import measure
from bench.handoff.stage import Stage
from bench.inprocess_agent import AGENT_NAME, opening
from local.caller import CallRefused, Recording, load_script, new_access, place_call, render, save_audio, service_of
from local.caller.band import Samples
from local.caller.voice import speak
from local.report.build import steps_of

MESH, BASELINE = "mesh", "in-process"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """One call. ``figures`` is None when it failed, and ``failure`` then says how."""

    kind: str
    number: int
    call_id: str
    load: float
    """Load average over one minute when it began."""
    figures: measure.Figures | None = None
    steps: Mapping[str, float] = field(default_factory=dict)
    """When the handoff came into each state, milliseconds since it was offered. Empty for the baseline."""
    ear_to_taken_ms: float | None = None
    """From the end of the giver's last frame at the ear to the floor's passing: negative, it is passed before it is heard."""
    taken_to_ear_ms: float | None = None
    """From the floor's passing to the taker's first frame at the ear."""
    failure: str = ""


class Calls:
    """Places calls on a stage. ``async with`` it; use from one task. What was heard in a call that failed is kept in the run's folder."""

    def __init__(self, stage: Stage, *, tones: bool, cache_dir: Path) -> None:
        self._stage = stage
        self._script = load_script(_HERE / ("caller_of_tones.yaml" if tones else "caller.yaml"))
        self._cache_dir = cache_dir
        self._store = RedisStore.connect(stage.mesh.redis_url)
        self._voice: dict[int, Samples] = {}
        self._openings: dict[str, Samples] = {}

    async def __aenter__(self) -> Calls:
        self._voice = await render(self._script, speech_url=self._stage.speech_url, cache_dir=self._cache_dir)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._store.aclose()

    async def place(self, kind: str, number: int) -> Row:
        """One call from answer to hang-up, about ten seconds."""
        load = os.getloadavg()[0]
        mesh = self._stage.mesh
        access = new_access(
            mesh.livekit_url,
            api_key=mesh.livekit_api_key,
            api_secret=mesh.livekit_api_secret,
            service="triage" if kind == MESH else AGENT_NAME,
        )
        recording = None
        try:
            recording = await place_call(self._script, self._voice, access=access)
            row = await (self._mesh(recording) if kind == MESH else self._baseline(recording))
        except (CallRefused, HandoffError, measure.NotHeard) as e:
            problems = recording.problems if recording is not None else ()
            if recording is not None:
                save_audio(recording, mesh.run_dir / access.call_id)
            return Row(kind, number, access.call_id, load, failure=_told(e, problems))
        return Row(kind, number, access.call_id, load, **row)

    async def _baseline(self, recording: Recording) -> dict[str, measure.Figures]:
        words = opening("your March invoice")
        return {"figures": measure.of_one_worker(recording, await self._spoken(words))}

    async def _mesh(self, recording: Recording) -> dict[str, object]:
        captions = [c for c in recording.captions if service_of(c.identity) == measure.TAKER]
        if not captions:
            raise measure.NotHeard("billing said nothing")
        figures = measure.of_mesh(recording, await self._spoken(captions[0].text))
        handoff = await self._handoff(recording.call_id)
        steps = steps_of(handoff)
        offered_at = min(handoff.moved_at.values())
        if "taken" not in steps:
            raise measure.NotHeard(f"the handoff is {handoff.state} ({handoff.reason or 'no reason given'})")
        # The store's clock and the recording's are this machine's own.
        taken_ms = (offered_at - recording.started_at) * 1000 + steps["taken"]
        return {
            "figures": figures,
            "steps": steps,
            "ear_to_taken_ms": round(taken_ms - figures.giver_end_ms, 1),
            "taken_to_ear_ms": round(figures.taker_start_ms - taken_ms, 1),
        }

    async def _handoff(self, call_id: str) -> Handoff:
        call = await self._store.load_call(call_id)
        for handoff_id in call.handoff_ids if call is not None else ():
            if (handoff := await self._store.load_handoff(handoff_id)) is not None:
                return handoff
        raise measure.NotHeard("no handoff is on record")

    async def _spoken(self, words: str) -> Samples:
        """The opening as billing's voice says it when nothing is lost."""
        if words not in self._openings:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
                self._openings[words] = await speak(
                    self._stage.speech_url, words, voice=BILLING.voice.name, session=session
                )
        return self._openings[words]


def _told(error: Exception, problems: Iterable[str]) -> str:
    """What went wrong, without the folder that this repository happens to lie in."""
    return "; ".join((str(error) or type(error).__name__, *problems)).replace(f"{_HERE}/", "")
