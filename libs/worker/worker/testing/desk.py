"""A job's surroundings for tests: a real agent in a session without sound, over a MemoryStore; nobody is in the room but the caller."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from handoff.call import Call, Floor
from handoff.memory_store import MemoryStore
from handoff.testing import FakeClock
from livekit import api, rtc
from livekit.agents import AgentSession, ChatContext

from worker.agent import cast as casting
from worker.agent.cast import Cast
from worker.checkpoint import Checkpoint
from worker.testing.text_call import make_settings, paper_service
from worker.testing.told import ToldModel

APOLOGY = "Sorry, we were cut off for a moment."
GREETING = "Thanks for calling. How can I help you?"
AWAITED = "triage-r2-abc123"
"""The name that a guardian seizes the floor for."""
ME = f"{AWAITED}-AJ_1"
"""The identity of the job's agent."""


class Gate:
    """A mouth that is heard at once."""

    def on(self, event: str, listener: Any) -> None:
        asyncio.get_running_loop().call_soon(listener, None)


class PaperDesk:
    """Stands in for worker.job.desk.Desk, at triage; the dead agent before it was ``<service>-1``."""

    def __init__(self, home: Path, brain: ToldModel, call: Call) -> None:
        self.service = paper_service(
            home, cut_off=APOLOGY, greeting_direct=GREETING, greeting_handoff="Hi, this is the front desk."
        )
        (home / "playbook.yaml").write_text(
            "service: triage\nfacts: []\nrules:\n  - {name: any, say: I am the playbook., repeat: true}\n"
        )
        self.settings = make_settings()
        self.clock = FakeClock()
        self.store = MemoryStore(now=self.clock)
        self.first = call
        self.brain = brain
        self.call_id, self.me = call.call_id, ME
        self.left: list[str] = []
        self.telling = SimpleNamespace(handoff=None, joined=lambda: None)
        self.heard: list[str] = []
        self.voice = None
        self.spoken_to: list[Call] = []
        self.speaks_to = self.spoken_to.append
        self.leaving = SimpleNamespace(leave=self.left.append, hang_up=self._hang_up, is_leaving=False)
        self.kept = SimpleNamespace(text=lambda name: APOLOGY, get=self._clip)
        caller = SimpleNamespace(identity=call.caller_identity, kind=rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD)
        self.room = SimpleNamespace(remote_participants={call.caller_identity: caller})
        self.attributes: dict[str, str] = {}
        """Of the caller, in the room."""
        self.put_out: list[str] = []
        """Who was removed from the room."""
        self.removal_fails: Exception | None = None
        livekit = SimpleNamespace(room=SimpleNamespace(remove_participant=self._put_out))
        self.ctx = SimpleNamespace(
            room=self.room, api=livekit, connect=self._connect, wait_for_participant=self._somebody_comes
        )
        self.cast: Cast
        self.chat: ChatContext

    async def seized(self, service: str = "triage") -> Floor:
        """A guardian seizes the dead agent's floor for who is to come."""
        await self.store.open_call(self.first)
        await self.store.take_floor(self.call_id, service=service, agent_id=f"{service}-1", lease_seconds=1)
        self.clock.advance(2)
        return await self.store.seize_floor(
            self.call_id, epoch=1, service="triage", agent_id=AWAITED, lease_seconds=4, dead_agent_id=f"{service}-1"
        )

    async def _connect(self, **_: Any) -> None: ...

    async def _put_out(self, who: api.RoomParticipantIdentity) -> None:
        if self.removal_fails is not None:
            raise self.removal_fails
        self.put_out.append(who.identity)

    def agent_joins(self, identity: str) -> None:
        """Another agent of ours is in the room."""
        kind = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        self.room.remote_participants[identity] = SimpleNamespace(identity=identity, kind=kind)

    async def _hang_up(self) -> None:
        self.left.append("hung up")

    async def _clip(self, name: str, voice: Any) -> tuple[Any, ...]:
        return ()

    async def _somebody_comes(self) -> Any:
        while not self.room.remote_participants:
            await asyncio.sleep(0.1)
        kind = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
        return SimpleNamespace(
            identity=next(iter(self.room.remote_participants)), kind=kind, attributes=self.attributes
        )

    def checkpoint(self, call: Call) -> Checkpoint:
        return Checkpoint(self.store, call, service="triage", lease_seconds=1, on_floor_lost=lambda: None)

    async def seat(
        self,
        checkpoint: Checkpoint,
        context: Any,
        *,
        is_open: bool = True,
        remembered: ChatContext | None = None,
        connected: Any = None,
        **_: Any,
    ) -> Cast:
        if connected is not None:
            await connected
        transfer: Any = SimpleNamespace()
        stage = casting.Stage(self.service, self.settings, checkpoint, transfer, [], self.left.append, self._connect)
        agent, _playbook = await casting.make(stage, checkpoint.call, context, remembered=remembered)
        self.chat = agent.chat_ctx.copy()
        session: AgentSession[Any] = AgentSession(llm=self.brain, vad=None, turn_handling={"turn_detection": None})
        if not is_open:
            session.input.set_audio_enabled(False)
        await session.start(agent, record=False)
        agent.attach()
        say = session.say

        def heard(text: str, **given: Any) -> Any:
            self.heard.append(text)
            given.pop("audio", None)
            return say(text, **given)

        session.say = heard  # type: ignore[method-assign, assignment]
        gate: Any = Gate()
        self.cast = Cast(agent, session, gate, checkpoint)
        return self.cast

    def render_ahead(self, cast: Cast) -> None: ...
