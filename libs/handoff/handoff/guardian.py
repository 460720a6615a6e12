"""The guardian: finds calls without a living owner, and sees to it that exactly one of us brings each of them a new one.

A loop in the main process of every worker, for the calls of all services: no deployment of its own, no single point of failure.
Any number of guardians see the same call; the store's compare-and-set on the epoch picks one, who seizes the floor for a
successor that does not exist yet. The successor has that lease to be heard; if it never speaks, or its guardian dies
meanwhile, that lease passes as any other, and the call is seized again: one rung higher, see ``service_of_successor``.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable

from handoff.call import Floor
from handoff.desk import DESK
from handoff.directory import DIRECTORY, LAST_RESORT
from handoff.errors import FloorLost, HandoffError, StoreUnavailable, UnknownCall
from handoff.store import Overdue, Store

log = logging.getLogger("voicemesh.guardian")

OWN_ATTEMPTS = 2
"""So many successors of the same service are tried before another service stands in."""
MOST_ATTEMPTS = 5
"""After so many successors that were never heard the call is ended: with a first lease of 4 s after at most 34 s."""
_LONGER_EACH_TIME = 0.5
_AT_MOST_TIMES = 2.0
FRONT_DESK = "triage"

Rescue = Callable[[Overdue, Floor], Awaitable[None]]
"""What the winner does: ``Overdue`` is what it saw, ``Floor`` the successor's."""


def service_of_successor(seen: Overdue) -> str:
    """Whose agent is to go on: the service itself, then the first of its stand-ins, then the front desk. Nobody can send for a
    human: what one has lost is customer care's."""
    service = LAST_RESORT if seen.service == DESK else seen.service if seen.service in DIRECTORY else FRONT_DESK
    if seen.attempts < OWN_ATTEMPTS:
        return service
    first = next(iter(DIRECTORY[service].stands_in), FRONT_DESK)
    # The floor is the stand-in's by the next attempt, so one step on from it would lead back and forth.
    return first if seen.attempts == OWN_ATTEMPTS or service == FRONT_DESK else FRONT_DESK


def successor(seen: Overdue) -> tuple[str, str]:
    """Service and identity, in the room, of the agent to come: a new one for each epoch, for a successor that joins under
    the identity of one that is not quite gone is mostly never heard."""
    service = service_of_successor(seen)
    return service, f"{service}-r{seen.epoch + 1}-{secrets.token_hex(3)}"


def patience(seen: Overdue, lease_seconds: float) -> float:
    """How long the next successor has until its first word, in seconds: each one longer than the one before it, up to twice
    as long. On a machine that is too busy for one start, starting another one at the same pace would be heard no sooner."""
    return lease_seconds * min(1.0 + _LONGER_EACH_TIME * seen.attempts, _AT_MOST_TIMES)


class Guardian:
    """One per process. ``run`` never returns; cancel it. ``rescue`` runs in a task of its own for each call that was won."""

    def __init__(
        self,
        store: Store,
        rescue: Rescue,
        *,
        poll_seconds: float,
        lease_seconds: float,
        successor: Callable[[Overdue], tuple[str, str]] = successor,
        prefers: Callable[[Overdue], bool] = lambda _: True,
        is_able: Callable[[], bool] = lambda: True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``lease_seconds``: how long a first successor has until its first word, see ``patience``; also how long nobody is
        seized from after an outage of the store. ``prefers``: calls that this process can serve best (it has a warm place for
        them); the others are left to their own guardians for one more poll. ``is_able`` is false while this process could not
        help anybody: what it seized then would only be silent for longer. ``monotonic``: this process's clock, in seconds."""
        self._store = store
        self._rescue = rescue
        self._poll_seconds = poll_seconds
        self._lease_seconds = lease_seconds
        self._successor = successor
        self._prefers = prefers
        self._is_able = is_able
        self._seen: frozenset[tuple[str, int]] = frozenset()
        self._store_is_away = False
        self._monotonic = monotonic
        self._quiet_until = 0.0
        self._rescues: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Looks every ``poll_seconds``; goes on whatever happens to a look."""
        await asyncio.sleep(random.uniform(0, self._poll_seconds))  # many workers start at once
        while True:
            try:
                await self.look()
            except Exception:  # a guardian that stopped would be missed only when it is needed
                log.exception("a look for calls without an owner failed")
            await asyncio.sleep(self._poll_seconds)

    async def look(self) -> int:
        """One look; how many calls were won. What is won is rescued meanwhile, not waited for."""
        try:
            overdue = await self._store.overdue()
            if self._store_is_away:
                self._store_is_away = False
                self._quiet_until = self._monotonic() + self._lease_seconds
                log.info("the store answers again")
            if not self._is_able():
                return 0  # asked after the store was: or its outage, if both are away at once, would pass unnoticed
            if self._monotonic() < self._quiet_until:
                return 0  # every lease passed while nobody could renew: those who live come first
            before, self._seen = self._seen, frozenset((seen.call_id, seen.epoch) for seen in overdue)
            mine = [seen for seen in overdue if self._prefers(seen) or (seen.call_id, seen.epoch) in before]
            random.shuffle(mine)  # or all guardians would run after the same call
            return sum([await self.take(seen) for seen in mine])
        except StoreUnavailable as e:
            if not self._store_is_away:
                self._store_is_away = True
                log.warning("calls without an owner cannot be looked for: %s", e)
            return 0

    async def take(self, seen: Overdue) -> bool:
        """Seizes and begins the rescue; False when somebody else was faster. Raises StoreUnavailable."""
        floor = await self.seize(seen)
        if floor is None:
            return False
        task = asyncio.create_task(self._rescued(seen, floor))
        self._rescues.add(task)
        task.add_done_callback(self._rescues.discard)
        return True

    async def seize(self, seen: Overdue, *, dead_agent_id: str = "") -> Floor | None:
        """The successor's floor; None when somebody else was faster, the owner lives, or the call has ended. With the identity
        of an agent that is known to be dead there is no lease to wait for. Raises StoreUnavailable."""
        service, agent_id = self._successor(seen)
        try:
            return await self._store.seize_floor(
                seen.call_id,
                epoch=seen.epoch,
                service=service,
                agent_id=agent_id,
                lease_seconds=patience(seen, self._lease_seconds),
                dead_agent_id=dead_agent_id,
            )
        except (FloorLost, UnknownCall):
            return None

    async def _rescued(self, seen: Overdue, floor: Floor) -> None:
        try:
            await self._rescue(seen, floor)
        except HandoffError as e:
            log.warning("a rescue was not finished: %s", e, extra={"call_id": seen.call_id})
        except Exception:  # the lease passes, and the next guardian tries
            log.exception("a rescue failed", extra={"call_id": seen.call_id})

    async def settle(self, seconds: float) -> None:
        """Lets rescues come to their end and gives up the rest: what it had seized is another's when the lease has passed."""
        if self._rescues:
            await asyncio.wait(self._rescues, timeout=seconds)
        for task in self._rescues:
            task.cancel()
        await asyncio.gather(*self._rescues, return_exceptions=True)
