"""The states of a handoff and the only legal moves between them. Pure; standard library only.

OFFERED -> ACCEPTED -> DISPATCHED -> READY -> TAKEN -> SPOKEN
   |          |            |           |        |
   +-> DECLINED            |           |        +-> SUPERSEDED   (the floor was taken back or moved on)
   +-> EXPIRED, WITHDRAWN  +-----------+-> WITHDRAWN | EXPIRED | SUPERSEDED
"""

from __future__ import annotations

from enum import StrEnum

from handoff.errors import IllegalMove


class State(StrEnum):
    """Where a handoff stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    READY = "ready"
    TAKEN = "taken"
    SPOKEN = "spoken"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


_GIVEN_UP = frozenset({State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED})

MOVES: dict[State, frozenset[State]] = {
    State.OFFERED: frozenset({State.ACCEPTED, State.DECLINED}) | _GIVEN_UP,
    # A fast taker may be ready before its giver has noted the dispatch.
    State.ACCEPTED: frozenset({State.DISPATCHED, State.READY}) | _GIVEN_UP,
    State.DISPATCHED: frozenset({State.READY}) | _GIVEN_UP,
    State.READY: frozenset({State.TAKEN}) | _GIVEN_UP,
    State.TAKEN: frozenset({State.SPOKEN, State.SUPERSEDED}),
    State.SPOKEN: frozenset(),
    State.DECLINED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.EXPIRED: frozenset(),
    State.SUPERSEDED: frozenset(),
}

FINAL = frozenset(state for state, onward in MOVES.items() if not onward)


def check_move(old: State, new: State) -> None:
    """Raises IllegalMove when a handoff in ``old`` may not go to ``new``; staying where one is is not a move."""
    if new not in MOVES[old]:
        raise IllegalMove(f"a handoff cannot go from {old} to {new}")
