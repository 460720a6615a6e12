"""One job: answers a call that is new, takes one over, or goes on with one whose agent was lost.

What a job is for it is told by attributes (job.attributes_of): ``resume`` names the epoch that was seized for it, ``handoff_id`` the
handoff that it comes for (``silent`` when the call only moves to another worker of its service); without either a caller is new.
With ``telephone`` it answers nobody: it calls a human of ours.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

from handoff.errors import FloorLost
from livekit.agents import JobContext, tokenize
from livekit.agents.utils import http_context

from worker.humans.by_telephone import NUMBER
from worker.humans.put_through import put_through
from worker.job import greeting, resuming, taking
from worker.job.desk import Desk
from worker.job.entry import attributes_of
from worker.job.telling import Telling
from worker.service import Service
from worker.settings import Settings
from worker.understanding import classifier, sentiment

log = logging.getLogger("voicemesh.answer")

# Captions are paced by syllables, and the first word builds their table (20 ms): in the template process, not at the first word.
tokenize.basic.hyphenate_word("ready")
sentiment.score("ready")  # the same for the lexicon of moods
http_context._create_ssl_context()  # LiveKit keeps one a process, and reads the machine's certificates for it: 50 ms
with suppress(classifier.ModelProblem):  # a call that needs it tells
    classifier.preload()  # one thread, no pool: it survives the fork, and the first turn is answered 0.2 s sooner


async def answer(ctx: JobContext, service: Service, settings: Settings, metrics_at: str = "") -> None:
    """Entry of a job process. The job boundary: whatever fails here, the caller must hear something."""
    told = attributes_of(ctx)
    if NUMBER in told:
        await put_through(ctx, service, settings, told)
        return
    telling = Telling(service, settings, told, metrics_at=metrics_at)
    desk = Desk(ctx, service, settings, telling)
    telling.begin(desk.call_id, desk.me)
    try:
        await _work(desk, told)
    except asyncio.CancelledError:
        if not desk.leaving.is_leaving:
            raise
    except FloorLost:
        desk.leaving.floor_lost()
    except Exception:  # the one place that catches all: see above
        log.exception("the call could not be answered", extra={"call_id": desk.call_id})
        await desk.leaving.give_up()


async def _work(desk: Desk, told: Mapping[str, str]) -> None:
    if epoch := told.get("resume", ""):
        await resuming.resume(desk, int(epoch), told.get("agent_id", ""))
    elif told.get("handoff_id", ""):
        await taking.take(desk, told)
    else:
        await greeting.greet(desk)
