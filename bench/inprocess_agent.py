"""The baseline: LiveKit's own change of agent, two agents in one session of one worker.

It does what LiveKit's documentation shows: a tool of the first agent calls `session.update_agent`, and the second one speaks when
it enters. Session options, providers, voices and sentences are the mesh's own.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from billing.agent import SERVICE as BILLING
from livekit import api
from livekit.agents import Agent, JobContext, RunContext, StopResponse, function_tool, tts
from triage.agent import SERVICE as TRIAGE
from worker import prompts
from worker.agent import session
from worker.handover.announcing import announcement
from worker.settings import Settings
from worker.speech.providers import Provider

AGENT_NAME = "inprocess"


def opening(topic: str) -> str:
    """The second agent's first words, as the mesh's billing would say them."""
    return prompts.spoken(prompts.load(BILLING.folder, "greeting_handoff"), {"topic": topic})


class FirstAgent(Agent):
    """Greets, and hands over when its model says so."""

    def __init__(self, ctx: JobContext, second_voice: tts.TTS[Any]) -> None:
        super().__init__(instructions=prompts.load(TRIAGE.folder, "instructions"))
        self._ctx, self._second_voice = ctx, second_voice

    async def on_enter(self) -> None:
        """Greets."""
        self.session.say(prompts.load(TRIAGE.folder, "greeting_direct"))

    @function_tool
    async def transfer_call(self, context: RunContext, service: str, summary: str) -> None:  # type: ignore[type-arg]
        """Hand the caller over to another specialist.

        Args:
            service: the specialist's name, for example billing
            summary: what the caller wants and what is known
        """
        context.disallow_interruptions()
        await self.session.say(announcement(TRIAGE, service), allow_interruptions=False).wait_for_playout()
        self.session.update_agent(SecondAgent(self._ctx, self._second_voice))
        raise StopResponse


class SecondAgent(Agent):
    """Says its opening, and hangs up: what is measured is over then."""

    def __init__(self, ctx: JobContext, voice: tts.TTS[Any]) -> None:
        super().__init__(instructions=prompts.load(BILLING.folder, "instructions"), tts=voice)
        self._ctx = ctx

    async def on_enter(self) -> None:
        """Opens at once."""
        await self.session.say(opening("your March invoice"), allow_interruptions=False).wait_for_playout()
        room = self._ctx.room.name
        with suppress(api.TwirpError):  # the caller may have hung up
            await self._ctx.api.room.delete_room(api.DeleteRoomRequest(room=room))
        self._ctx.shutdown("the measured call is over")


async def answer(ctx: JobContext, settings: Settings) -> None:
    """Entry of a job process: one call."""
    await ctx.connect()
    caller = await ctx.wait_for_participant()
    first, second = Provider(settings, TRIAGE), Provider(settings, BILLING)
    ctx.add_shutdown_callback(first.aclose)
    ctx.add_shutdown_callback(second.aclose)
    running = session.build(ears=first.ears(), voice=first.voice(), brain=first.models()[0])
    await running.start(
        FirstAgent(ctx, second.voice()),
        room=ctx.room,
        room_options=session.room_options(caller.identity),
        session_host=False,
        record=False,
    )
