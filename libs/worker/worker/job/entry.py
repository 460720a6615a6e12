"""Entry of a job process, in a module that costs nothing to import.

The main process only names it; the brain, speech and tools behind it are imported by the job processes' template (the
forkserver) while the main process is still connecting, which halves a worker's time to readiness.
"""

from __future__ import annotations

import asyncio
import threading

from livekit.agents import JobContext, JobProcess

from worker.service import Service
from worker.settings import Settings

PRELOAD = [
    "worker.job.answer",
    "openai.resources.chat",
    "openai.resources.audio.speech",
    "openai.resources.audio.transcriptions",
    "openai.pagination",
    # These come with a job's first request otherwise, while its caller waits.
    "openai.resources.models",
    "openai.lib.streaming.chat",
    "numpy.fft",
    "anyio._backends._asyncio",
]
"""Imported once in the template process and shared by every job."""


def preload(service: Service) -> list[str]:
    """What the template of ``service`` imports, in this order: PRELOAD, the service itself, and what is made ready of it."""
    return [*PRELOAD, service.agent.__module__, "worker.job.template"]


def prewarm(process: JobProcess, service: Service, settings: Settings) -> None:
    """In each idle process, before its call comes: the playbook is looked up (or read, where there is no template), and the sentences
    for the worst case are rendered unless they are kept already; that in a thread, so that the process is ready at once."""
    from worker.agent import cast
    from worker.speech import kept_clips  # already in memory, see PRELOAD

    cast.warm(service)
    threading.Thread(target=lambda: asyncio.run(kept_clips.fill(settings, service)), daemon=True).start()


def attributes_of(ctx: JobContext) -> dict[str, str]:
    """What this job was told when it was sent: a dispatch's attributes, or its token's, when the main process launched it itself."""
    return dict(ctx.job.attributes) or dict(ctx.token_claims().attributes or {})


async def job(ctx: JobContext, service: Service, settings: Settings, metrics_at: str = "") -> None:
    """Answers one call; see answer.py. ``metrics_at``: where the main process takes what is observed here (telemetry.relay)."""
    from worker.job.answer import answer  # already in memory, see PRELOAD

    await answer(ctx, service, settings, metrics_at)
