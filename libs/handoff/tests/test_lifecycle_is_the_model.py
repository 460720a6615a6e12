"""The checked model and this code are one protocol: the same arrows, and the same answers to the same moves.

docs/protocol/handoff.pml runs by the table that is read here; docs/protocol/traces.txt tells what the store answered in random
walks through the model, and the real store is asked the same.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from handoff.lifecycle import MOVES, State
from model_walk import Walk

PROTOCOL = Path(__file__).resolve().parents[3] / "docs" / "protocol"
MODEL = PROTOCOL / "handoff.pml"
TRACES = PROTOCOL / "traces.txt"
KINDS = {
    "take": {"ok"},
    "offer": {"ok", "refused"},
    "move": {"0", "1"},
    "pass": {"ok", "lost", "illegal"},
    "back": {"ok", "lost", "illegal"},
    "renew": {"ok", "lost"},
    "lapse": {""},
    "seize": {"ok", "lost"},
    "claim": {"ok", "lost"},
    "end": {"ok", "lost"},
    "final": {""},
}
"""Every move of the store, with every answer that the model knows."""


def arrows_of_the_model() -> dict[str, set[str]]:
    table = MODEL.read_text().partition("/* MOVES:")[2].partition("/* END OF MOVES */")[0]
    rows = re.findall(r"\(a == (\w+) && \((.*?)\)\)", table)
    return {old: set(re.findall(r"b == (\w+)", onward)) for old, onward in rows}


def walks() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in TRACES.read_text().splitlines():
        if line.startswith(("walk ", "way ")):
            moves = found[line] = []
        elif not line.startswith("#"):
            moves.append(line)
    return found


def test_the_arrows_of_the_model_are_those_of_the_code() -> None:
    assert arrows_of_the_model() == {
        old.value: {new.value for new in onward} for old, onward in MOVES.items() if onward
    }


def test_every_state_of_the_model_is_one_of_the_code() -> None:
    line = re.search(r"mtype = \{none, (.*?)\}", MODEL.read_text())
    assert line is not None
    assert set(line[1].split(", ")) == {state.value for state in State}


def test_the_walks_are_those_of_this_model() -> None:
    """`python -m tools.model --traces` makes them anew."""
    assert hashlib.sha256(MODEL.read_bytes()).hexdigest() in TRACES.read_text().splitlines()[0]


def test_the_walks_show_every_move_and_every_answer() -> None:
    shown: dict[str, set[str]] = {}
    for move in (move for moves in walks().values() for move in moves):
        asked, _, answer = move.partition(" -> ")
        shown.setdefault(asked.split()[0], set()).add((answer.split() or [""])[0])
    assert shown == KINDS


@pytest.mark.parametrize("walk", walks().values(), ids=walks())
async def test_the_store_answers_as_the_model(walk: list[str]) -> None:
    player = Walk()
    for number, move in enumerate(walk, start=1):
        assert await player.answer(move) == move, f"move {number}"
