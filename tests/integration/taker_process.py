"""A billing service's taker as a process of its own, with a memory store: prints its port, then serves until it is killed.

`python taker_process.py HANDOFF_ID [ENDPOINT]` has that handoff stored already, so that it can be watched, and sends its spans there.
"""

from __future__ import annotations

import asyncio
import sys
import time

from handoff.memory_store import MemoryStore
from handoff.outcome import Refusal
from handoff.taker import Taker, serve
from handoff.testing import make_handoff
from telemetry import tracing


class Roomy:
    """An Admission that has room for everybody."""

    capacity = 8
    taken = 0
    draining = False

    def try_admit(self, handoff_id: str) -> Refusal | None:
        return None

    def release(self, handoff_id: str) -> None:
        return None


async def main(handoff_id: str, endpoint: str = "") -> None:
    tracing.start("billing", endpoint=endpoint)
    store = MemoryStore(now=time.time)
    await store.offer(make_handoff(handoff_id, now=time.time()))
    listener = await serve(Taker("billing", "1.0.0", store=store, admission=Roomy()), host="127.0.0.1", port=0)
    print(listener.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
