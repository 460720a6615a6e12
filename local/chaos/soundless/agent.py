"""A made-up job: greets, takes a call over, or goes on as a successor, by the same steps and with the same parts as the real one.

The checkpoint, the giver's side, the word of the floor are the real ones. What is made up is the talking: a sentence lasts some
milliseconds, the caller's wishes stand in the room, and a service fulfils one by being heard.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from handoff.call import Call, Channel, Ending, Floor, Intent, Role
from handoff.directory import DIRECTORY
from handoff.errors import FloorLost, HandoffError, IllegalMove
from handoff.lifecycle import State
from worker.checkpoint import Checkpoint
from worker.handover.floor_word import FloorWord
from worker.handover.transfer import Moved, Transfer

from local.chaos.soundless.mortal import Life, Mortal
from local.chaos.soundless.pace import Pace
from local.chaos.soundless.rooms import Agent, Room

if TYPE_CHECKING:
    from local.chaos.soundless.worker import Worker

log = logging.getLogger("chaos.agent")

_TRIES = 3
"""How often a service is tried for one wish before the agent says that it cannot be had."""


class Around(Protocol):
    """What a worker and its jobs have around them, and tell it: see World, and the load run's workers in processes of their own."""

    pace: Pace
    livekit: Any
    broken: list[str]
    stayed: Counter[str]
    given_up_wishes: int

    def seat(self, room: Room, me: Agent) -> Any:
        """The room as one agent has it."""
        ...

    def stored(self, name: str, args: tuple[Any, ...], answer: Any) -> None:
        """The store has done something."""
        ...

    def delivered(self, handoff_id: str) -> None:
        """A taker speaks."""
        ...

    def resumed(self, call_id: str, epoch: int) -> None:
        """A successor goes on."""
        ...


class Job:
    """One agent in one room, in a process that can die."""

    def __init__(self, worker: Worker, room: Room, agent_id: str, attributes: dict[str, str]) -> None:
        self.worker, self.room, self.agent_id, self.attributes = worker, room, agent_id, attributes
        self.service = worker.service
        self.life = Life()
        world = worker.world
        self._store: Any = Mortal(worker.redis, self.life, told=world.stored)
        self._giver: Any = Mortal(worker.giver, self.life)
        self._livekit: Any = Mortal(world.livekit, self.life)
        self._me = Agent(agent_id, self.life, put_out=self._put_out)
        self._seat: Any = world.seat(room, self._me)
        self._pace = world.pace
        self._checkpoint: Checkpoint | None = None
        self._is_muted = False
        self.task = asyncio.create_task(self._run())

    @property
    def handoff_id(self) -> str:
        """The handoff it came for; empty when it came for none."""
        return self.attributes.get("handoff_id", "")

    def kill(self) -> None:
        """SIGKILL: it stays listed in the room, and nothing of it happens any more."""
        self.life.die()
        self.task.cancel()
        if self._checkpoint is not None:
            self._checkpoint.let_go()  # its tasks are of this process too
        self.room.listen()

    async def _run(self) -> None:
        exit_code = 0
        try:
            await asyncio.sleep(self._pace.join_seconds)
            await self.life.gate()
            if "resume" in self.attributes:
                await self._resume(int(self.attributes["resume"]))
            elif self.handoff_id:
                await self._take(self.handoff_id)
            else:
                await self._greet()
        except asyncio.CancelledError:
            pass
        except HandoffError as e:
            log.info("%s ends with %s", self.agent_id, type(e).__name__)
            exit_code = 1
        except Exception:
            log.exception("%s broke", self.agent_id)
            self.worker.world.broken.append(self.agent_id)
            exit_code = 1
        finally:
            if not self.life.is_dead:
                await self._leave()
                self.worker.job_ended(self, exit_code)
            elif self._checkpoint is not None:
                self._checkpoint.let_go()  # what its cleanup has taken up again is of the dead process too

    async def _leave(self) -> None:
        self._mouth(False)
        if self._checkpoint is not None:
            self._checkpoint.let_go()
        self._me.put_out = lambda: None
        self.room.leave(self.agent_id)

    def _put_out(self) -> None:
        """Removed from the room: whoever still holds the floor lets it pass at once; a frozen one when it is thawed."""

        async def go() -> None:
            await self.life.gate()
            if self._checkpoint is not None and not self.room.is_closed.is_set():
                await self._checkpoint.abandon()
            self.task.cancel()

        self.worker.background(go())

    # --- the three ways into a call -----------------------------------------------------------------------------------
    async def _greet(self) -> None:
        self.room.enter(self._me)
        now = await self._store.now()
        call = Call(self.room.name, Channel.WEB, self.room.caller_identity, now, services=(self.service,))
        call = await self._store.open_call(call)
        lease = self.worker.settings.lease_seconds
        floor = await self._store.take_floor(
            call.call_id, service=self.service, agent_id=self.agent_id, lease_seconds=lease
        )
        self._hold(call, floor)
        await self._talk()

    async def _take(self, handoff_id: str) -> None:
        stored = await self._store.load_handoff(handoff_id)
        self.room.enter(self._me)
        if stored is None or stored.state not in (State.ACCEPTED, State.DISPATCHED):
            return
        call = await self._store.load_call(stored.context.call_id)
        if call is None:
            return
        word = FloorWord(self._seat, self._store, stored.context, service=self.service, agent_id=self.agent_id)
        await asyncio.sleep(self._pace.join_seconds)
        try:
            await self._store.move(handoff_id, State.READY, taker_id=self.agent_id)
        except IllegalMove:
            return
        floor = await word.wait()
        await self.life.gate()
        if floor is None:
            return
        self._hold(await self._store.load_call(call.call_id) or call, floor)
        self._mouth(True)
        try:
            await self._store.move(handoff_id, State.SPOKEN)
        except (IllegalMove, FloorLost):  # the giver took it back in this moment
            self._mouth(False)
            return
        self.worker.world.delivered(handoff_id)
        await self._talk()

    async def _resume(self, epoch: int) -> None:
        call, floor = await asyncio.gather(
            self._store.load_call(self.room.name), self._store.load_floor(self.room.name)
        )
        awaited_id = self.attributes["agent_id"]
        if call is None or floor is None or (floor.agent_id, floor.epoch) != (awaited_id, epoch):
            return
        self.room.enter(self._me)
        floor = await self._store.claim_floor(call.call_id, epoch=epoch, awaited_id=awaited_id, agent_id=self.agent_id)
        self.worker.world.resumed(self.room.name, epoch)
        self._mouth(True)
        self._hold(call, floor)
        await self._talk()

    # --- talking ------------------------------------------------------------------------------------------------------
    def _hold(self, call: Call, floor: Floor) -> None:
        self._checkpoint = Checkpoint(
            self._store,
            call,
            service=self.service,
            lease_seconds=self.worker.settings.lease_seconds,
            on_floor_lost=self._floor_lost,
        )
        self._checkpoint.hold(floor)

    def _floor_lost(self) -> None:
        self._mute(True)
        self.task.cancel()

    async def _talk(self) -> None:
        """Until the caller has no wish left, or the call is another agent's."""
        assert self._checkpoint is not None
        checkpoint = self._checkpoint
        transfer = Transfer(
            room=self._seat,
            lkapi=self._livekit,
            giver=self._giver,
            store=self._store,
            checkpoint=checkpoint,
            settings=self.worker.settings,
        )
        while True:
            await self._say("Here I am.")
            while words := await self.room.more_words(self.agent_id):
                checkpoint.note_turn(Role.CALLER, words)
                await self._say("Let me see what I can do about that.")
            if not self.room.wishes:
                break
            wish = self.room.wishes[0]
            if wish == self.service:
                continue
            checkpoint.note_turn(Role.CALLER, f"I'd like {wish}.")
            if await self._hand_over(transfer, wish):
                return
        await checkpoint.end(Ending.RESOLVED)
        await self.life.gate()
        if checkpoint.has_ended:
            await self._livekit.close(self.room.name)

    async def _hand_over(self, transfer: Transfer, wish: str) -> bool:
        outcome = await transfer.to(
            wish,
            intent=Intent(min(DIRECTORY[wish].intents), 0.9, "keywords"),
            summary="",
            announce=lambda: self._say(f"I'm connecting you with {wish}."),
            caller_is_done=_at_once,
            fall_silent=self._mute,
        )
        if isinstance(outcome, Moved):
            return True
        self.worker.world.stayed[outcome.reason] += 1
        tries = self.room.tries[wish] = self.room.tries.get(wish, 0) + 1
        if tries >= _TRIES and self.room.wishes and self.room.wishes[0] == wish:
            self.room.wishes.pop(0)
            self.room.tries.pop(wish)
            self.worker.world.given_up_wishes += 1
        return False

    async def _say(self, words: str) -> None:
        assert self._checkpoint is not None
        self._mouth(True)
        for _ in range(self._pace.words):
            await asyncio.sleep(self._pace.sentence_seconds / self._pace.words)
            await self.life.gate()
        self._mouth(False)
        self._checkpoint.note_turn(Role.AGENT, words)

    def _mute(self, muted: bool) -> None:
        self._is_muted = muted
        if muted:
            self._mouth(False)

    def _mouth(self, is_open: bool) -> None:
        self.room.says(self.agent_id, is_open and not self._is_muted)


async def _at_once() -> None:
    """The caller is not in the middle of a sentence."""
