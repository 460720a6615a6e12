"""The ladder: what is tried, in this order, when a specialist is to take a call, until somebody has it or the giver goes on himself.

1. The service itself, when its breaker lets us and it has room; a full or draining one is not asked. Places that others wait for
   in line are theirs: who comes new overtakes nobody. When its canary had the call, and failed, its other workers are asked.
2. Another worker of it, when the one that was to take the call failed on the way.
3. The services that stand in for it (handoff.directory), in their order.
4. Hold with music and a spoken position, when it was only busy; bounded by ``hold_seconds``.

Below it are the giver, who goes on, and a callback ticket (callback_ticket.py): both are the brain's, which is told how far it came.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from handoff.breaker import Breaker, Permit
from handoff.call import Intent
from handoff.directory import DIRECTORY, Entry
from handoff.errors import PeerUnreachable, StoreUnavailable, WireMismatch
from handoff.giver import Giver, PoolStatus, has_room
from handoff.outcome import BUSY, Refusal
from handoff.store import Store

from worker.checkpoint import Checkpoint
from worker.handover.hold import FRUSTRATED_PRIORITY, Hold, Mouth, Overheard, Waited
from worker.handover.transfer import Moved, Stayed, Transfer
from worker.settings import Settings

log = logging.getLogger("voicemesh.ladder")

FAILING = "failing"
"""Why a service was not asked whose breaker is open."""
_FAULTS = frozenset({"unreachable", "not_ready", "lost", "silent"})
"""How a service fails; a refusal is none."""
_ON_THE_WAY = _FAULTS - {"unreachable"}
"""Faults of one worker, after it had accepted."""
_OF_ANOTHER_RELEASE = "WireMismatch"
"""None of its workers says anything that this release understands."""
_CLIMBS = _FAULTS | BUSY | {FAILING, _OF_ANOTHER_RELEASE}
"""Reasons for which somebody else is asked. Any other (the caller left, too many hops) is the same everywhere."""
_MAX_TRIES_FROM_HOLD = 3
"""A place that is free by its service's word, and given to somebody else each time: after so many the wait is over."""


class Host(Mouth, Protocol):
    """The mouth of the agent that gives the call away; see announcing.Announcer."""

    async def announce(self, target: str) -> None:
        """Says that the call moves to ``target``."""

    async def announce_stand_in(self, target: str, missed: str) -> None:
        """Says that it moves to ``target``, which stands in for ``missed``."""

    async def once_more(self) -> None:
        """Says that it takes a moment longer."""

    async def introduce(self, name: str) -> None:
        """Says that a human of that name takes over."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be handed over, and how the agent takes part."""

    intent: Intent
    summary: str
    host: Host
    overheard: Overheard
    is_frustrated: Callable[[], bool]
    caller_is_done: Callable[[], Awaitable[None]]
    fall_silent: Callable[[bool], None]


def lasting(is_so: Callable[[], bool]) -> Callable[[], bool]:
    """Once true it stays true: who was past patience when his call began to move is so, although his angry words are not the last
    that were said when he has been told where he stands in line."""
    was_so = is_so()

    def is_or_was() -> bool:
        nonlocal was_so
        was_so = was_so or is_so()
        return was_so

    return is_or_was


@dataclass(frozen=True, slots=True)
class Missed:
    """Nobody took the call. ``reason``: the wanted service's, as in transfer.Stayed, or ``failing``."""

    reason: str
    waited: Waited | None = None
    """How the caller's wait in line ended, when he waited."""


class Ladder:
    """One per call. ``reaches`` are the services to which this agent may hand a call."""

    def __init__(
        self,
        transfer: Transfer,
        *,
        giver: Giver,
        store: Store,
        checkpoint: Checkpoint,
        settings: Settings,
        reaches: Collection[str],
        directory: Mapping[str, Entry] = DIRECTORY,
    ) -> None:
        self.store = store
        self._transfer = transfer
        self._giver = giver
        self._breaker = Breaker(store)
        self._checkpoint = checkpoint
        self._hold_seconds = settings.hold_seconds
        """What is left of it in this call: who has waited in vain, or wants to wait no longer, is not put on hold again."""
        self._reaches = frozenset(reaches)
        self._directory = directory

    async def to(self, service: str, asked: Asked) -> Moved | Missed:
        """Climbs from ``service`` on, rung by rung."""
        result = await self._try(service, asked, lambda: asked.host.announce(service))
        if isinstance(result, Stayed) and result.reason in _ON_THE_WAY and await self._has_another(service):
            result = await self._try(service, asked, asked.host.once_more)
        if isinstance(result, Moved):
            return result
        missed = Missed(result.reason)
        entry = self._directory.get(service)
        if missed.reason not in _CLIMBS or entry is None or "general" in entry.intents:
            return missed  # nobody is sent further, or made to wait, for a question to the front desk
        stood_in = await self._stand_ins(entry, asked)
        if isinstance(stood_in, Moved):
            return stood_in
        if stood_in is not None:
            return Missed(stood_in.reason)
        return await self._hold(service, asked, missed)

    # --- one rung -------------------------------------------------------------------------------------------------
    async def _try(
        self, service: str, asked: Asked, announce: Callable[[], Awaitable[None]], *, is_next: bool = False
    ) -> Moved | Stayed:
        """One handoff, if the breaker and the room there is let us, and another when the service's canary failed at it. ``is_next``: he
        has waited in line, and it is his turn."""
        result = await self._try_once(service, asked, announce, is_next=is_next)
        if isinstance(result, Stayed) and result.by_canary and result.reason in _FAULTS:
            result = await self._try_once(service, asked, asked.host.once_more, is_next=is_next)
        return result

    async def _try_once(
        self, service: str, asked: Asked, announce: Callable[[], Awaitable[None]], *, is_next: bool
    ) -> Moved | Stayed:
        permit = await self._breaker.admit(service, uuid.uuid4().hex[:12])
        if permit is None:
            return self._passed_over(service, FAILING)
        result: Moved | Stayed | None = None
        try:
            status = await self._pool(service)
            reason = _without_room(status)
            if not reason and isinstance(status, PoolStatus) and not is_next and await self._is_waited_for(status):
                reason = Refusal.AT_CAPACITY
            if reason:
                result = self._passed_over(service, reason)
                return result
            result = await self._transfer.to(
                service,
                intent=asked.intent,
                summary=asked.summary,
                announce=announce,
                caller_is_done=asked.caller_is_done,
                fall_silent=asked.fall_silent,
            )
            return result
        finally:
            await self._report(permit, result)

    async def _report(self, permit: Permit, result: Moved | Stayed | None) -> None:
        if isinstance(result, Stayed) and result.by_canary:
            await self._breaker.said_nothing(permit)  # a canary's faults are its own, and stop it
        elif isinstance(result, Stayed) and result.reason in _FAULTS:
            await self._breaker.failed(permit)
        elif isinstance(result, Moved) or (result is not None and result.reason in list(Refusal)):
            await self._breaker.succeeded(permit)
        else:
            await self._breaker.said_nothing(permit)

    async def _pool(self, service: str) -> PoolStatus | str | None:
        """How much room there is; why it cannot be told; None when the service does not speak of it: then it is asked."""
        try:
            return await self._giver.pool(service)
        except PeerUnreachable:
            return "unreachable"
        except WireMismatch:
            return None

    async def _is_waited_for(self, status: PoolStatus) -> bool:
        """Whether every place that is free is that of somebody in line."""
        try:
            line = await self.store.line(status.service)
        except StoreUnavailable:
            return False  # then it is whoever comes first
        return status.capacity - status.active <= len(set(line) - {self._checkpoint.call.call_id})

    def _passed_over(self, service: str, reason: str) -> Stayed:
        log.info("%s is not asked: %s", service, reason, extra={"call_id": self._checkpoint.call.call_id})
        self._checkpoint.note_attempt("handoff", reason, service=service)
        return Stayed(reason)

    async def _has_another(self, service: str) -> bool:
        try:
            return await self._giver.has_another(service)
        except WireMismatch:
            return False

    # --- somebody else --------------------------------------------------------------------------------------------
    async def _stand_ins(self, entry: Entry, asked: Asked) -> Moved | Stayed | None:
        """Moved; the reason why nobody at all can be asked any more; None when none of them takes it."""
        ours = self._checkpoint.call.services[-1:]
        for other in entry.stands_in:
            if other not in self._reaches or (other,) == ours or not await self._can_spare(other, asked):
                continue

            def announce(other: str = other) -> Awaitable[None]:
                return asked.host.announce_stand_in(other, entry.name)

            result = await self._try(other, asked, announce)
            if isinstance(result, Moved) or result.reason not in _CLIMBS | set(Refusal):
                return result
        return None

    async def _can_spare(self, service: str, asked: Asked) -> bool:
        """A stand-in keeps half of its places for its own callers, or one busy service would fill the next. Who is past patience
        is never sent away."""
        status = await self._pool(service)
        if not isinstance(status, PoolStatus) or not has_room(status):
            return status is None
        return asked.is_frustrated() or (status.capacity - status.active) * 2 >= status.capacity

    # --- hold -----------------------------------------------------------------------------------------------------
    async def _hold(self, service: str, asked: Asked, missed: Missed) -> Missed | Moved:
        if missed.reason not in BUSY or not self._hold_seconds:
            return missed

        async def free() -> int:
            try:
                status = await self._giver.pool(service)
            except WireMismatch as e:  # its workers have been replaced by ones of another release
                raise PeerUnreachable(str(e)) from e
            return 0 if status.draining else max(0, status.capacity - status.active)

        hold = Hold(
            self.store,
            asked.host,
            asked.overheard,
            service=service,
            call_id=self._checkpoint.call.call_id,
            seconds=self._hold_seconds,
            free=free,
            priority=lambda: FRUSTRATED_PRIORITY if asked.is_frustrated() else 0,
            caller_is_done=asked.caller_is_done,
        )

        async def announce() -> None:
            await hold.leave_line()  # the place is his: while he is handed over, nobody waits behind him
            await asked.host.announce(service)

        async with hold:
            for _ in range(_MAX_TRIES_FROM_HOLD):
                waited = await hold.until_free()
                if waited is not Waited.FREE:
                    self._hold_seconds = 0.0
                    return Missed(missed.reason, waited)
                result = await self._try(service, asked, announce, is_next=True)
                if isinstance(result, Moved):
                    return result
                missed = Missed(result.reason)
                if missed.reason not in BUSY:
                    return missed
        self._hold_seconds = 0.0
        return Missed(missed.reason, Waited.TIMED_OUT)


def _without_room(status: PoolStatus | str | None) -> str:
    """Why a service is not even asked; empty when it is."""
    if status is None or isinstance(status, str):
        return status or ""
    if status.draining:
        return Refusal.DRAINING
    return "" if has_room(status) else Refusal.AT_CAPACITY
