"""Entry of a job process, in a module that costs nothing to import.

The main process only names it; the brain, speech and tools behind it are imported by the job processes' template (the
forkserver) while the main process is still connecting, which halves a worker's time to readiness.
"""

from __future__ import annotations

from livekit.agents import JobContext

from worker.service import Service
from worker.settings import Settings

PRELOAD = ["worker.answer", "openai.resources.chat", "openai.resources.audio", "anyio._backends._asyncio"]
"""Imported once in the template process and shared by every job."""


async def job(ctx: JobContext, service: Service, settings: Settings) -> None:
    """Answers one call; see answer.py."""
    from worker.answer import answer  # already in memory, see PRELOAD

    await answer(ctx, service, settings)
