"""Plays what the model's store did to the real one. A move is a line as docs/protocol/handoff.pml prints it:

pass handoff=0 epoch=1 -> ok epoch=2 agent=1
"""

from __future__ import annotations

from handoff.call import Ending
from handoff.errors import FloorLost, IllegalMove, InvalidContext
from handoff.lifecycle import State
from handoff.store import Store
from handoff.testing import FakeClock, make_call, make_handoff, memory_store

CALL = "call-1"
NOBODY = 255
"""The model's way to name no agent."""
LEASE_SECONDS = 2.0


def _agent(number: int) -> str:
    return "" if number == NOBODY else f"agent-{number}"


def _handoff(number: int) -> str:
    return f"handoff-{number}"


class Walk:
    """One call on a fresh memory store, its clock stepped by hand."""

    def __init__(self) -> None:
        self._clock = FakeClock()
        self._store: Store = memory_store(self._clock)
        self._epoch = 0
        """The highest that was given."""

    async def answer(self, move: str) -> str:
        """The same line with what the real store answers."""
        asked, arrow, _ = move.partition(" -> ")
        what, *words = asked.split()
        told = dict(word.split("=") for word in words)
        numbers = {name: int(value) for name, value in told.items() if value.isdecimal()}
        said = await self._ask(what, told.get("to", ""), numbers)
        return f"{asked}{arrow}{said}" if arrow else f"{what} {said}"

    async def _ask(self, what: str, to: str, n: dict[str, int]) -> str:
        match what:
            case "take":
                return await self._take(n["agent"])
            case "lapse":
                return await self._lapse()
            case "offer":
                return await self._offer(n["handoff"], n["epoch"])
            case "move":
                return await self._move(n["handoff"], State(to), n["agent"])
            case "end":
                return await self._end(n["epoch"])
            case "final":
                return await self._final(n["agent"])
            case _:
                return await self._floor(what, n)

    async def _take(self, agent: int) -> str:
        await self._store.open_call(make_call(CALL))
        floor = await self._store.take_floor(
            CALL, service="triage", agent_id=_agent(agent), lease_seconds=LEASE_SECONDS
        )
        self._epoch = floor.epoch
        return f"ok epoch={floor.epoch}"

    async def _lapse(self) -> str:
        assert not await self._store.overdue()
        self._clock.advance(LEASE_SECONDS)
        (seen,) = await self._store.overdue()
        return f"epoch={seen.epoch} agent={_number(seen.agent_id)} attempts={seen.attempts}"

    async def _offer(self, handoff: int, epoch: int) -> str:
        try:
            await self._store.offer(make_handoff(_handoff(handoff), epoch=epoch, now=self._clock()))
        except InvalidContext:
            return "refused"
        return "ok"

    async def _move(self, handoff: int, to: State, agent: int) -> str:
        try:
            await self._store.move(_handoff(handoff), to, taker_id=_agent(agent))
        except (IllegalMove, FloorLost):
            return "0"
        return "1"

    async def _end(self, epoch: int) -> str:
        try:
            await self._store.end_call(CALL, epoch=epoch, ending=Ending.RESOLVED)
        except FloorLost:
            return "lost"
        return "ok"

    async def _floor(self, what: str, n: dict[str, int]) -> str:
        """The moves that answer with a floor. What the model prints of it is what is printed here."""
        store, epoch = self._store, n["epoch"]
        try:
            match what:
                case "renew":
                    await store.renew_floor(CALL, epoch=epoch, lease_seconds=LEASE_SECONDS)
                    return "ok"
                case "claim":
                    awaited_id, agent_id = _agent(n["awaited"]), _agent(n["agent"])
                    await store.claim_floor(CALL, epoch=epoch, awaited_id=awaited_id, agent_id=agent_id)
                    return "ok"
                case "pass":
                    passed = await store.pass_floor(_handoff(n["handoff"]), epoch=epoch, lease_seconds=LEASE_SECONDS)
                    self._epoch = passed.epoch
                    return f"ok epoch={passed.epoch} agent={_number(passed.agent_id)}"
                case "back":
                    floor = await store.take_back(
                        _handoff(n["handoff"]), giver_id=_agent(n["agent"]), epoch=epoch, lease_seconds=LEASE_SECONDS
                    )
                case "seize":
                    floor = await store.seize_floor(
                        CALL,
                        epoch=epoch,
                        service="triage",
                        agent_id=_agent(n["agent"]),
                        lease_seconds=LEASE_SECONDS,
                        dead_agent_id=_agent(n["dead"]),
                    )
                case _:
                    raise AssertionError(f"the model has a move that is not known here: {what}")
        except FloorLost:
            return "lost"
        except IllegalMove:
            return "illegal"
        self._epoch = floor.epoch
        return f"ok epoch={floor.epoch}"

    async def _final(self, agent: int) -> str:
        """Where everything stands at the end. Of an ended call the store names no owner, and then no epoch either."""
        floor = await self._store.load_floor(CALL)
        lines = len(await self._store.endings())
        assert (floor is None) == (lines > 0)
        if floor is not None:
            agent, self._epoch = _number(floor.agent_id), floor.epoch
        found = [await self._store.load_handoff(_handoff(number)) for number in (0, 1)]
        states = [stored.state.value if stored else "none" for stored in found]
        return f"epoch={self._epoch} agent={agent} lines={lines} handoff0={states[0]} handoff1={states[1]}"


def _number(agent_id: str) -> int:
    return int(agent_id.removeprefix("agent-"))
