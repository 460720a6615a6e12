"""A circuit breaker per service, the same for every pod: its state lies in the store and moves by compare-and-set.

closed --FAILURES in WINDOW_SECONDS--> open --cool-down--> half open --the one probe succeeds--> closed
                                         ^                     +--the probe fails, cool-down doubled--> open

Only a service that fails counts: one that answers "I am full" or "I am draining" is well. While the store is away every service is
admitted: nobody is kept from help by a breaker that cannot be read.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from handoff.errors import StoreUnavailable

log = logging.getLogger("handoff.breaker")

FAILURES = 5
"""So many failed handoffs, no success between them, open a breaker."""
WINDOW_SECONDS = 30.0
"""A failure is forgotten when none has followed it for so long."""
COOL_SECONDS = 5.0
"""How long a breaker is open before one handoff may probe; doubled with each probe that fails, to MAX_COOL_SECONDS."""
MAX_COOL_SECONDS = 60.0
PROBE_SECONDS = 15.0
"""How long a probe may take (a whole handoff, announcement and all) before another one is admitted in its place."""
_ATTEMPTS = 8
"""How often a swap is tried that others were faster with; each try begins with a new look."""


class State(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerStore(Protocol):
    """What a breaker needs of the store; see Store."""

    async def now(self) -> float:
        """The store's clock, seconds since the epoch."""
        ...

    async def breaker_load(self, service: str) -> dict[str, str]:
        """The state with its ``version``; empty when there is none."""
        ...

    async def breaker_swap(self, service: str, expected_version: int, new: Mapping[str, str]) -> bool:
        """Writes the state when nobody has written since that version (0: there was none)."""
        ...


@dataclass(frozen=True, slots=True)
class _Circuit:
    state: State = State.CLOSED
    failures: int = 0
    since: float = 0.0
    """Store's clock: of the newest failure while closed, of the opening, of the probe's start while half open."""
    cool_seconds: float = COOL_SECONDS
    probe: str = ""
    """Who probes."""


@dataclass(frozen=True, slots=True)
class Permit:
    """One handoff may be tried. Give it back with what came of it: a probe that never reports holds others up."""

    service: str
    probe: str = ""
    """Not empty: this handoff is the half-open breaker's probe."""


class Breaker:
    """For all services; one per process, or more: the state is the store's."""

    def __init__(self, store: BreakerStore) -> None:
        self._store = store

    async def admit(self, service: str, who: str) -> Permit | None:
        """Leave to try one handoff; None while the breaker is open, or somebody else probes. ``who`` is this try's own name."""
        try:
            for _ in range(_ATTEMPTS):
                circuit, version, now = await self._look(service)
                if circuit.state is State.CLOSED:
                    return Permit(service)
                wait_seconds = circuit.cool_seconds if circuit.state is State.OPEN else PROBE_SECONDS
                if now < circuit.since + wait_seconds:
                    return None
                probing = replace(circuit, state=State.HALF_OPEN, since=now, probe=who)
                if await self._store.breaker_swap(service, version, _written(probing)):
                    return Permit(service, probe=who)
        except StoreUnavailable:
            return Permit(service)
        return None

    async def succeeded(self, permit: Permit) -> None:
        """The service took the call, or is well and refused it."""

        def closed(circuit: _Circuit, now: float) -> _Circuit:
            is_new = circuit.state is State.CLOSED and not circuit.failures
            # While it is open, an old try that ends well is no proof; its own probe is.
            is_proof = circuit.state is State.CLOSED or circuit.probe == permit.probe != ""
            return circuit if is_new or not is_proof else _Circuit()

        await self._change(permit.service, closed)

    async def failed(self, permit: Permit) -> None:
        """The service did not answer, did not get ready, was lost on the way, or took the floor and said nothing."""

        def counted(circuit: _Circuit, now: float) -> _Circuit:
            if circuit.state is State.CLOSED:
                goes_on = circuit.failures and now - circuit.since <= WINDOW_SECONDS
                failures = circuit.failures + 1 if goes_on else 1
                state = State.OPEN if failures >= FAILURES else State.CLOSED
                return _Circuit(state, failures, now)
            if circuit.state is State.HALF_OPEN and circuit.probe == permit.probe:
                cool = min(circuit.cool_seconds * 2, MAX_COOL_SECONDS)
                return _Circuit(State.OPEN, circuit.failures + 1, now, cool)
            return circuit  # it began before the breaker opened

        await self._change(permit.service, counted)

    async def said_nothing(self, permit: Permit) -> None:
        """The try ended for another reason (the caller hung up): the next one may probe at once."""

        def unproved(circuit: _Circuit, now: float) -> _Circuit:
            is_ours = circuit.state is State.HALF_OPEN and circuit.probe == permit.probe
            return (
                replace(circuit, state=State.OPEN, since=now - circuit.cool_seconds, probe="") if is_ours else circuit
            )

        await self._change(permit.service, unproved)

    async def state(self, service: str) -> State:
        """Where it stands now, for people and metrics. Raises StoreUnavailable."""
        circuit, _, _ = await self._look(service)
        return circuit.state

    async def _change(self, service: str, move: _Move) -> None:
        try:
            for _ in range(_ATTEMPTS):
                circuit, version, now = await self._look(service)
                changed = move(circuit, now)
                if changed == circuit or await self._store.breaker_swap(service, version, _written(changed)):
                    if changed.state is not circuit.state:
                        log.warning("the breaker of %s is %s", service, changed.state)
                    return
        except StoreUnavailable:
            log.info("the breaker of %s was not written: the store is away", service)

    async def _look(self, service: str) -> tuple[_Circuit, int, float]:
        found = await self._store.breaker_load(service)
        return _read(found), int(found.get("version", 0)), await self._store.now()


class _Move(Protocol):
    def __call__(self, circuit: _Circuit, now: float) -> _Circuit: ...


def _written(circuit: _Circuit) -> dict[str, str]:
    return {
        "state": circuit.state.value,
        "failures": str(circuit.failures),
        "since": repr(circuit.since),
        "cool_seconds": repr(circuit.cool_seconds),
        "probe": circuit.probe,
    }


def _read(found: Mapping[str, str]) -> _Circuit:
    """What another release wrote, and this one cannot read, counts as closed."""
    try:
        return _Circuit(
            State(found.get("state", State.CLOSED)),
            int(found.get("failures", 0)),
            float(found.get("since", 0.0)),
            float(found.get("cool_seconds", COOL_SECONDS)),
            found.get("probe", ""),
        )
    except ValueError:
        return _Circuit()
