"""How a worker's calls leave it: each job is asked to hand its call to another worker of the service, again and again until it is
gone. The job itself chooses the moment, a turn boundary, and stays for as long as nobody can take the call.

LiveKit is told first that this worker takes no more, so that no call comes back to where it leaves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from worker.recovery.rooms import LIVEKIT_AWAY

log = logging.getLogger("voicemesh.draining")

MOVE_TOPIC = "voicemesh.move"
"""Topic of the data message that asks a job to move its call. It comes from no participant: a caller's own is not obeyed."""
ASK_AGAIN_SECONDS = 2.0


class Draining(Protocol):
    """A worker that can be drained; see ``LiveKitWorker``."""

    @property
    def jobs(self) -> Sequence[tuple[str, str]]: ...

    async def drain(self) -> None: ...


class Messenger(Protocol):
    """Who reaches a job in its room; see ``Rooms``."""

    async def tell(self, room: str, identity: str, *, topic: str) -> None: ...


async def drained(worker: Draining, rooms: Messenger) -> bool:
    """Moves all calls away; True when none is left, False when the worker's own drain timeout came first."""
    draining = asyncio.create_task(worker.drain())
    await asyncio.sleep(0)  # drain() begins by telling LiveKit
    moving = asyncio.create_task(_ask_to_move(worker, rooms))
    try:
        await draining
    except TimeoutError:
        return False
    finally:
        moving.cancel()
    return True


async def _ask_to_move(worker: Draining, rooms: Messenger) -> None:
    while (
        True
    ):  # until the worker has drained: a call that LiveKit sent before it was told may still be on its way here
        if jobs := worker.jobs:
            log.info("%d calls are asked to move", len(jobs))
            await asyncio.gather(*(_ask(rooms, room, identity) for room, identity in jobs))
        await asyncio.sleep(ASK_AGAIN_SECONDS)


async def _ask(rooms: Messenger, room: str, identity: str) -> None:
    with suppress(*LIVEKIT_AWAY):  # asked again soon
        await rooms.tell(room, identity, topic=MOVE_TOPIC)
