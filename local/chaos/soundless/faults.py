"""What can strike a handoff, and at which of its states."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.lifecycle import State


@dataclass(frozen=True, slots=True)
class Strike:
    """``whom`` (giver, taker) is hit the moment that the handoff has come into ``state``."""

    whom: str
    what: str
    state: State

    def __str__(self) -> str:
        return f"{self.whom} {self.what}, {self.state}"


_GIVER = (State.OFFERED, State.ACCEPTED, State.DISPATCHED, State.READY, State.TAKEN, State.SPOKEN)
_TAKER = (State.READY, State.TAKEN, State.SPOKEN)

KINDS: tuple[Strike, ...] = (
    *(Strike("giver", "killed", state) for state in _GIVER),
    *(Strike("taker", "killed", state) for state in _TAKER),
    *(Strike("giver", "frozen", state) for state in (State.ACCEPTED, State.READY, State.TAKEN)),
    *(Strike("taker", "frozen", state) for state in _TAKER),
    *(Strike("giver", "worker killed", state) for state in (State.ACCEPTED, State.TAKEN)),
    *(Strike("taker", "worker killed", state) for state in (State.READY, State.TAKEN)),
    Strike("taker", "worker frozen", State.READY),
    Strike("giver", "worker frozen", State.ACCEPTED),
    Strike("giver", "word lost", State.READY),
    Strike("giver", "word twice", State.READY),
    Strike("giver", "dispatch twice", State.ACCEPTED),
)
