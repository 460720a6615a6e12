"""The state machine of a handoff, exhaustively: ten states, a hundred pairs."""

from __future__ import annotations

import pytest
from handoff.errors import IllegalMove
from handoff.lifecycle import FINAL, MOVES, State, check_move

EARLY = [State.OFFERED, State.ACCEPTED, State.DISPATCHED, State.READY]


@pytest.mark.parametrize("old", State)
@pytest.mark.parametrize("new", State)
def test_a_move_is_legal_exactly_when_the_table_has_it(old: State, new: State) -> None:
    if new in MOVES[old]:
        check_move(old, new)
    else:
        with pytest.raises(IllegalMove, match=f"from {old} to {new}"):
            check_move(old, new)


def test_every_state_has_its_row() -> None:
    assert MOVES.keys() == set(State)


def test_nothing_leads_out_of_a_final_state() -> None:
    assert {State.SPOKEN, State.DECLINED, State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED} == FINAL


@pytest.mark.parametrize("state", EARLY)
def test_until_the_floor_has_passed_a_handoff_can_be_given_up(state: State) -> None:
    assert {State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED} <= MOVES[state]


def test_once_taken_a_handoff_is_spoken_or_superseded() -> None:
    assert MOVES[State.TAKEN] == {State.SPOKEN, State.SUPERSEDED}


def test_no_state_comes_twice_in_one_handoff() -> None:
    """The table has no circle: moved_at needs one time for each state."""

    def walk(state: State, been: frozenset[State]) -> None:
        assert state not in been
        for onward in MOVES[state]:
            walk(onward, been | {state})

    walk(State.OFFERED, frozenset())


def test_every_state_can_be_reached() -> None:
    reached, front = {State.OFFERED}, [State.OFFERED]
    while front:
        found = MOVES[front.pop()] - reached
        reached |= found
        front += found
    assert reached == set(State)
