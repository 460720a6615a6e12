"""One call on the mesh with everything that a strike needs: its record, its caller, its processes, the databases behind it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable, Coroutine
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handoff.call import Call, Floor
from handoff.errors import StoreUnavailable, UnknownHandoff
from handoff.lifecycle import FINAL, State
from handoff.redis_store import RedisStore

from local.chaos.caller import PatientCaller
from local.chaos.preparing import Prepared
from local.chaos.processes import NotThere
from local.supervisor.mesh import Mesh

_LOOK_SECONDS = 0.02
MOMENT_SECONDS = 60.0
"""Longest wait for a moment of the protocol. Getting there takes half a minute of talk."""
_STATES = list(State)


@dataclass(slots=True)
class Scene:
    """For one call; ``close`` ends what strikes left to be done later."""

    mesh: Mesh
    store: RedisStore
    caller: PatientCaller
    chance: random.Random
    prepared: Prepared | None = None
    """The special surroundings of its worker."""
    thaws: set[asyncio.Task[Any]] = field(default_factory=set)
    restarts: set[asyncio.Task[Any]] = field(default_factory=set)

    def thaw_later(self, work: Coroutine[Any, Any, Any]) -> None:
        """What a strike has to undo: a frozen process to be thawed, a wire to be mended."""
        self.thaws.add(asyncio.ensure_future(work))

    def restart_later(self, work: Coroutine[Any, Any, Any]) -> None:
        """A dead process to be started again, as an orchestrator would."""
        self.restarts.add(asyncio.ensure_future(work))

    async def thawed(self) -> None:
        """Nothing is frozen any more. Raises what went wrong."""
        await asyncio.gather(*self.thaws)

    async def close(self) -> None:
        """Waits for all that is still to be undone; raises what went wrong with it."""
        await asyncio.gather(*self.thaws, *self.restarts)

    # --- what is so -----------------------------------------------------------------------------------------------------
    async def call(self, so: Callable[[Call], bool]) -> Call:
        """The record, as soon as it is so. Raises NotThere."""
        deadline = time.monotonic() + MOMENT_SECONDS
        while time.monotonic() < deadline:
            found = await self.store.load_call(self.caller.call_id)
            if found is not None and so(found):
                return found
            await asyncio.sleep(_LOOK_SECONDS)
        raise NotThere("the call's record never was so")

    async def floor(self, service: str = "", *, not_agent: str = "") -> Floor:
        """Who holds the floor, as soon as it is an agent of ``service`` (any when empty) and not ``not_agent``."""
        deadline = time.monotonic() + MOMENT_SECONDS
        while time.monotonic() < deadline:
            try:
                floor = await self.store.load_floor(self.caller.call_id)
            except StoreUnavailable:
                floor = None
            if floor is not None and service in ("", floor.service) and floor.agent_id != not_agent:
                return floor
            await asyncio.sleep(_LOOK_SECONDS)
        raise NotThere(f"{service or 'nobody'} never had the floor")

    async def handoff(self, state: State) -> str:
        """The id of the call's latest handoff as soon as it has come into this state (or past it)."""
        call = await self.call(lambda call: bool(call.handoff_ids))
        handoff_id = call.handoff_ids[-1]
        try:
            async with asyncio.timeout(MOMENT_SECONDS), aclosing(self.store.watch(handoff_id)) as moves:
                async for handoff in moves:
                    if state in handoff.moved_at:
                        return handoff_id
                    if handoff.state in FINAL:
                        break
        except (TimeoutError, UnknownHandoff):
            pass
        raise NotThere(f"the handoff never was {state}")

    async def handoff_state(self) -> State:
        """Of the call's latest handoff. Raises NotThere."""
        call = await self.call(lambda call: bool(call.handoff_ids))
        handoff = await self.store.load_handoff(call.handoff_ids[-1])
        if handoff is None:
            raise NotThere("the handoff has expired")
        return handoff.state

    def refunds(self) -> int:
        """How many refunds billing's database holds for this call."""
        path = Path(self.mesh.database_url("billing").removeprefix("sqlite:///"))
        with closing(sqlite3.connect(path, timeout=5)) as database:
            found = database.execute(
                "SELECT count(*) FROM refunds WHERE call_id = ?", (self.caller.call_id,)
            ).fetchone()
        return int(found[0])
