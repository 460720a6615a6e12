"""Who plays in a call: a service's agent and its brain, briefed and with its tools. The same in a room and in an eval."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from handoff.call import Call, Channel, Source
from handoff.context import HandoffContext
from livekit.agents import AgentSession, ChatContext
from livekit.agents import llm as lk_llm

from worker.agent import brain, briefing, tools
from worker.agent.call_agent import Brief, CallAgent
from worker.checkpoint import Checkpoint
from worker.handover import asides, callback_ticket
from worker.handover.ladder import Ladder
from worker.handover.transfer import Transfer
from worker.humans import desk_note, person
from worker.humans.person import Person
from worker.playbook import playbook
from worker.playbook.llm import PlaybookLLM
from worker.playbook.playbook import Playbook
from worker.service import Service
from worker.settings import Settings
from worker.speech.voice_gate import VoiceGate


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything around an agent; whoever answers the call makes it."""

    service: Service
    settings: Settings
    checkpoint: Checkpoint
    transfer: Transfer
    models: Sequence[lk_llm.LLM[Any]]
    """Language models, in the order in which they are asked; the playbook is always behind them."""
    leave: Callable[[str], None]
    hang_up: Callable[[], Awaitable[None]]
    ladder: Ladder | None = None
    """What is tried when nobody takes the call; without one there are no callback tickets either."""
    person: Person | None = None
    """The way to a human of ours, for a service that may go it."""


@dataclass(slots=True)
class Cast:
    """What one call needs, made once."""

    agent: CallAgent
    session: AgentSession[Any]
    gate: VoiceGate
    checkpoint: Checkpoint


async def make(
    stage: Stage, call: Call, context: HandoffContext | None, *, remembered: ChatContext | None = None
) -> tuple[CallAgent, lk_llm.LLM[Any]]:
    """The agent and its brain, for a session to run. ``context`` is what crossed when the call is taken over; ``remembered`` is
    the conversation so far when it is another than ``context`` tells.
    """
    service, settings = stage.service, stage.settings
    offices, office, away = await tools.connect(settings, call_id=call.call_id)
    toolset: list[Any] = [*offices]
    brief = Brief(
        service=service,
        settings=settings,
        checkpoint=stage.checkpoint,
        context=context,
        transfer=stage.transfer,
        leave=stage.leave,
        hang_up=stage.hang_up,
        office=office,
        ladder=stage.ladder,
    )
    if stage.ladder is not None:
        toolset = [*toolset, callback_ticket.tool(stage.ladder.store, stage.checkpoint)]
    if stage.person is not None and await stage.person.can_be_asked():
        toolset = [*toolset, person.tool(stage.person)]
    agent = service.agent(
        brief,
        tools=toolset,
        instructions=briefing.instructions(service, context, away, on_the_phone=call.channel is Channel.PHONE),
        chat_ctx=remembered or briefing.conversation(briefing.turns(service, call, context)),
    )
    if away:
        for late in offices:
            late.on_back = lambda: _tools_are_back(agent, was_ours=remembered is not None)
    rules = PlaybookLLM(_playbook(service), facts=agent.known, call_id=call.call_id, story=agent.story)
    return agent, brain.build(stage.models, rules, timeout_seconds=settings.llm_timeout_seconds)


async def _tools_are_back(agent: CallAgent, *, was_ours: bool) -> None:
    """What the agent was told of its tools is not true any more. ``was_ours``: it goes on with a call of its own service, whose
    conversation has answers of these tools; LiveKit drops the answers of tools that an agent does not have."""
    brief = agent.brief
    on_the_phone = brief.checkpoint.call.channel is Channel.PHONE
    await agent.update_instructions(briefing.instructions(brief.service, brief.context, "", on_the_phone=on_the_phone))
    if not was_ours:
        return
    chat = agent.chat_ctx.copy()
    kept = {item.name for item in chat.items if item.type == "function_call"}
    known = briefing.remembered(brief.service, brief.checkpoint.call)
    chat.insert(
        [
            item
            for item in known.items
            if item.type in ("function_call", "function_call_output") and item.name not in kept
        ]
    )
    await agent.update_chat_ctx(chat)


def warm(service: Service) -> None:
    """Reads ahead of a call what its agent will need; 0.1 s of a caller's time otherwise."""
    _playbook(service)
    asides.is_aside(service, "a first look compiles the patterns")


@lru_cache(maxsize=8)
def _playbook(service: Service) -> Playbook:
    return playbook.load(service.folder / "playbook.yaml")


async def catch_up(agent: CallAgent, latest: Call | None, context: HandoffContext) -> None:
    """What was said while a taker waited for the floor: into its record and into its brain's conversation.

    ``latest`` is the call's record as the store has it now; without one (the store is away) what the context holds must do.
    """
    checkpoint = agent.brief.checkpoint
    checkpoint.take_over(latest or checkpoint.call, intent=context.intent)
    checkpoint.mark_handoff(context.handoff_id, giver=context.services[-1] if context.services else "")
    for name, value in desk_note.facts_of(context, agent.brief.service.name):
        checkpoint.note_fact(name, value, source=Source.CALLER)
    if latest is not None:
        chat = agent.chat_ctx.copy()
        briefing.add_turns(chat, briefing.late_turns(latest, context))
        await agent.update_chat_ctx(chat)


async def carry_on(agent: CallAgent, latest: Call | None) -> None:
    """The call as another agent of this same service has left it is ours, with all that its brain remembered."""
    if latest is not None:
        agent.brief.checkpoint.carry_on(latest)
        await agent.update_chat_ctx(briefing.remembered(agent.brief.service, latest))
