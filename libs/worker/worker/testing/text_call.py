"""For the tests of this package and of the services: a call whose caller types, made-up settings, a service of paper.

Time is told by ``worker.testing.jumping_time``, models and transfers are told what to answer by ``worker.testing.told``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from handoff.call import Call, Role
from handoff.context import HandoffContext
from handoff.memory_store import MemoryStore
from handoff.testing import make_call, memory_store
from livekit.agents import AgentSession, ChatMessage, SpeechCreatedEvent, StopResponse, UserInputTranscribedEvent
from livekit.agents import llm as lk_llm
from livekit.agents.voice import SpeechHandle

from worker.agent import briefing
from worker.agent.call_agent import Brief, CallAgent
from worker.agent.tools import BackOffice
from worker.checkpoint import Checkpoint
from worker.handover.transfer import Moved
from worker.service import Service
from worker.settings import Settings
from worker.testing.jumping_time import everything_ran
from worker.testing.told import ToldTransfer


# --- nouns ------------------------------------------------------------------------------------------------------------
def make_settings(**changes: Any) -> Settings:
    """Settings as a worker has them with everything at its default, and addresses where nobody lives."""
    given: dict[str, Any] = {
        "livekit_url": "ws://livekit.invalid:7880",
        "livekit_api_key": "key",
        "livekit_api_secret": "s" * 32,
        "redis_url": "redis://redis.invalid:6379/0",
        "speech_url": "http://speech.invalid/v1",
    }
    return Settings(**(given | changes))


async def hold_call(
    store: MemoryStore,
    call: Call | None = None,
    *,
    service: str = "triage",
    on_floor_lost: Callable[[], None] = lambda: None,
) -> Checkpoint:
    """The checkpoint of an agent, ``<service>-1``, that has just taken the floor of a call."""
    stored = await store.open_call(call or make_call(turns=(), facts=()))
    floor = await store.take_floor(stored.call_id, service=service, agent_id=f"{service}-1", lease_seconds=30)
    latest = await store.load_call(stored.call_id)
    assert latest is not None
    checkpoint = Checkpoint(store, latest, service=service, lease_seconds=30, on_floor_lost=on_floor_lost)
    checkpoint.hold(floor)
    return checkpoint


@dataclass(frozen=True, slots=True)
class PaperService(Service):
    """A service whose prompts lie in a folder of the test's own; see ``paper_service``."""

    home: Path = Path()

    @property
    def folder(self) -> Traversable:
        """Where its prompts lie."""
        return self.home


PROMPTS = {
    "instructions": "You are the front desk.",
    "announcement": "I'm connecting you with our {specialist}. One moment please.",
    "clarify": "Sorry, what was that?",
    "silence": "Are you still there?",
    "silence_goodbye": "I can't hear you. Goodbye.",
    "apology": "I'm sorry, something went wrong.",
}
"""What a PaperService says."""


def paper_service(home: Path, agent: type[CallAgent] = CallAgent, **prompts: str) -> PaperService:
    """A front desk of paper, in an empty folder ``home``; it may hand calls to billing."""
    (home / "prompts").mkdir()
    for name, text in (PROMPTS | prompts).items():
        (home / "prompts" / f"{name}.md").write_text(text, encoding="utf-8")
    return PaperService("triage", agent, transfers_to=("billing",), home=home)


# --- a call in text ---------------------------------------------------------------------------------------------------
@dataclass
class TextCall:
    """A call whose caller types. Same agent, same session, same tools as in a room; no audio."""

    agent: CallAgent
    session: AgentSession[Any]
    store: MemoryStore
    transfer: ToldTransfer
    left: list[str] = field(default_factory=list)
    """Reasons with which the agent left the room."""
    hung_up: list[str] = field(default_factory=list)
    _speeches: list[SpeechHandle] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session.on("speech_created", self._speech_created)

    @property
    def call(self) -> Call:
        """The record, as the agent knows it."""
        return self.agent.brief.checkpoint.call

    @property
    def said(self) -> list[str]:
        """All that the agent has said, in order, as the record has it."""
        return [turn.text for turn in self.call.turns if turn.role is Role.AGENT]

    async def caller(self, words: str, *, confidence: float | None = None) -> list[str]:
        """The caller's turn, as LiveKit hands it to an agent; returns what the agent says until it waits again."""
        before = len(self.said)
        message = ChatMessage(role="user", content=[words], transcript_confidence=confidence)
        try:
            await self.agent.on_user_turn_completed(self.agent.chat_ctx.copy(), message)
        except StopResponse:
            pass
        else:
            self.session.generate_reply(user_input=message)
        await self.quiet()
        return self.said[before:]

    def caller_speaks(self, speaking: bool) -> None:
        """The caller's voice begins or ends; what was said comes by ``transcribed`` or as the next turn."""
        self.session._update_user_state("speaking" if speaking else "listening")

    def transcribed(self, words: str, *, is_final: bool = True) -> None:
        """Speech to text has understood something."""
        event = UserInputTranscribedEvent(transcript=words, is_final=is_final)
        self.session.emit("user_input_transcribed", event)

    async def quiet(self) -> None:
        """Until the agent has said and done all that it wanted."""
        await everything_ran()
        while self._speeches:
            await self._speeches.pop(0)
            await everything_ran()

    def _speech_created(self, event: SpeechCreatedEvent) -> None:
        self._speeches.append(event.speech_handle)


@asynccontextmanager
async def text_call(
    service: Service,
    brain: lk_llm.LLM[Any] | Callable[[CallAgent], lk_llm.LLM[Any]],
    *,
    tools: list[Any] | None = None,
    call: Call | None = None,
    context: HandoffContext | None = None,
    transfer: ToldTransfer | None = None,
    settings: Mapping[str, Any] | None = None,
    office: BackOffice | None = None,
) -> AsyncIterator[TextCall]:
    """A running call of ``service`` (taken over when there is a ``context``), its agent holding the floor.

    A greeting is not said: the test begins with the caller's first words.
    """
    store = memory_store()
    checkpoint = await hold_call(store, call, service=service.name)
    if context is not None:
        checkpoint.take_over(checkpoint.call, intent=context.intent)
    told = transfer or ToldTransfer(Moved("h1"))
    left: list[str] = []
    hung_up: list[str] = []

    async def hang_up() -> None:
        hung_up.append("hung up")

    brief = Brief(
        service=service,
        settings=make_settings(**(settings or {})),
        checkpoint=checkpoint,
        context=context,
        transfer=told,  # type: ignore[arg-type]
        leave=left.append,
        hang_up=hang_up,
        office=office,
    )
    agent = service.agent(
        brief,
        tools=tools or [],
        instructions=briefing.instructions(service, context, ""),
        chat_ctx=briefing.conversation(briefing.turns(service, checkpoint.call, context)),
    )
    model = brain if isinstance(brain, lk_llm.LLM) else brain(agent)
    session: AgentSession[Any] = AgentSession(llm=model, vad=None, turn_handling={"turn_detection": None})
    async with session:
        await session.start(agent, record=False)
        agent.attach()
        agent.begin()
        yield TextCall(agent, session, store, told, left, hung_up)
        checkpoint.let_go()
