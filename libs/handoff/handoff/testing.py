"""Doubles and ready-made nouns for the tests of this and other packages. No network, no real clock."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from handoff.call import Call, Channel, Fact, Floor, Intent, Role, Source, Turn
from handoff.context import HandoffContext, build_context
from handoff.directory import Entry
from handoff.errors import StoreUnavailable
from handoff.ledger import CallbackTicket, DueCallback
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.store import Handoff, WorkerStatus

START = 1_750_000_000.0
"""What a FakeClock shows first, in seconds since the epoch: 15 June 2025, 15:06:40 UTC."""

EVERYTHING = Entry(
    "billing",
    "billing specialist",
    frozenset({"billing"}),
    frozenset({"account_id", "invoice_number", "amount", "date", "display_name", "identity_capability"}),
)
"""A directory entry that may be told everything the made-up call below knows."""


class FakeClock:
    """A clock that stands still until it is told to go on. Call it for the time, in seconds since the epoch."""

    def __init__(self, at: float = START) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def advance(self, seconds: float) -> None:
        """Goes on by ``seconds``."""
        self.at += seconds


_READS = frozenset(
    {
        "canary",
        "now",
        "load_call",
        "load_floor",
        "load_handoff",
        "endings",
        "ledger_after",
        "live_calls",
        "callbacks",
        "callbacks_due",
        "callbacks_done",
        "position",
        "line",
        "humans_on_duty",
        "workers",
        "breaker_load",
    }
)


class OutageStore(MemoryStore):
    """A MemoryStore that raises StoreUnavailable, where it is awaited, while ``is_away`` is true, and from whatever writes while
    ``refuses_writes`` is. What it held stays. ``asked`` has the name of each question, in order."""

    is_away = False
    refuses_writes = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.asked: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or name == "aclose" or not inspect.iscoroutinefunction(found):
            return found

        async def asked(*args: Any, **kwargs: Any) -> Any:
            self.asked.append(name)
            self._answer()
            if self.refuses_writes and name not in _READS:
                raise StoreUnavailable("Redis takes no writes (a test's refusal)")
            return await found(*args, **kwargs)

        return asked

    async def watch(self, handoff_id: str) -> AsyncGenerator[Handoff, None]:
        """See Store.watch."""
        self._answer()
        async with aclosing(super().watch(handoff_id)) as watched:
            async for handoff in watched:
                self._answer()
                yield handoff

    def forget_everything(self) -> None:
        """As a Redis that was restarted empty: calls, handoffs, the ledger, all are gone."""
        is_away, refuses_writes = self.is_away, self.refuses_writes
        self.__init__(  # type: ignore[misc]
            now=self._now,
            call_ttl_seconds=self._call_ttl_seconds,
            handoff_ttl_seconds=self._handoff_ttl_seconds,
            ledger_ttl_seconds=self._ledger_ttl_seconds,
            reread_seconds=self._reread_seconds,
        )
        self.is_away, self.refuses_writes = is_away, refuses_writes

    def _answer(self) -> None:
        if self.is_away:
            raise StoreUnavailable("Redis did not answer (a test's outage)")


def memory_store(clock: Callable[[], float] | None = None, **settings: float) -> MemoryStore:
    """A MemoryStore on a FakeClock (or ``clock``) whose watches notice an expiry fast. ``settings`` as in MemoryStore."""
    settings.setdefault("reread_seconds", 0.01)
    return MemoryStore(now=clock or FakeClock(), **settings)


def make_intent(name: str = "billing", **changes: Any) -> Intent:
    """A sure intent, found by keywords."""
    return replace(Intent(name, 0.9, "keywords"), **changes)


def make_turn(text: str = "Hi, I was charged twice for my March invoice.", **changes: Any) -> Turn:
    """A turn of the caller, heard by triage at START."""
    return replace(Turn(Role.CALLER, text, START, "triage"), **changes)


def make_fact(name: str = "account_id", value: str = "AC4721", **changes: Any) -> Fact:
    """A fact that the caller said at START; for a verified one give ``source=Source.TOOL, verified=True``."""
    return replace(Fact(name, value, Source.CALLER, START), **changes)


def make_call(call_id: str = "call-1", **changes: Any) -> Call:
    """A web call about a March invoice: one turn each way, the account known."""
    call = Call(
        call_id=call_id,
        channel=Channel.WEB,
        caller_identity="caller-1",
        started_at=START,
        turns=(
            make_turn("Thanks for calling Acme Cloud. How can I help you today?", role=Role.AGENT),
            make_turn(),
        ),
        facts=(make_fact(), make_fact("date", "March")),
    )
    return replace(call, **changes)


def make_context(
    handoff_id: str = "handoff-1", *, call: Call | None = None, epoch: int = 1, now: float = START, **changes: Any
) -> HandoffContext:
    """What triage would hand to billing of ``call`` (make_call() by default). ``changes`` replace fields afterwards."""
    context = build_context(
        call or make_call(services=("triage",)),
        entry=EVERYTHING,
        handoff_id=handoff_id,
        epoch=epoch,
        now=now,
        intent=make_intent(),
    )
    return replace(context, **changes)


def make_handoff(handoff_id: str = "handoff-1", *, to_service: str = "billing", **context: Any) -> Handoff:
    """A new offer from triage; ``context`` as in make_context."""
    return Handoff(make_context(handoff_id, **context), "triage", to_service, State.OFFERED)


def make_floor(call_id: str = "call-1", **changes: Any) -> Floor:
    """Triage's floor of epoch 1, its lease good for ten seconds from START."""
    return replace(Floor(call_id, "triage", "triage-1", 1, START + 10.0), **changes)


def make_ticket(ticket_id: str = "CT-10001", **changes: Any) -> CallbackTicket:
    """A callback by billing for call-1, promised at START."""
    ticket = CallbackTicket(ticket_id, "call-1", "billing", "web", "at_capacity", "tomorrow morning", START)
    return replace(ticket, **changes)


def make_due(ticket_id: str = "CT-10001", **changes: Any) -> DueCallback:
    """The same, due ten minutes later."""
    return replace(DueCallback(ticket_id, "call-1", "billing", "web", "at_capacity", START + 600.0), **changes)


def make_worker(worker_id: str = "billing-1", **changes: Any) -> WorkerStatus:
    """A worker of billing with three of its ten places taken."""
    return replace(WorkerStatus(worker_id, "billing", capacity=10, taken=3), **changes)
