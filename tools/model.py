"""Checks the protocol's model, docs/protocol/handoff.pml: `python -m tools.model [--deep | --mutants [NUMBER] | --traces]`

Without an option: every property, in every state that the model can reach; and whether traces.txt still tells what the model
does; ``--deep`` searches further. ``--mutants``: the same model with one rule broken at a time, each of which must be found out. ``--traces`` writes
traces.txt anew, from which libs/handoff/tests replays the store's moves.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from local.settings import LocalSettings
from local.supervisor.errors import NotFound
from tools import spin
from tools.house import ROOT

MODEL = ROOT / "docs" / "protocol" / "handoff.pml"
TRACES = MODEL.with_name("traces.txt")
_STORE = "store: "
_SEEDS = range(1, 61)
_TRAPS = range(1, 10)


@dataclass(frozen=True, slots=True)
class Search:
    """One search: a size of the model; for what must never be, or with a ``claim`` for what must come."""

    name: str
    defines: dict[str, int]
    claim: str = ""
    is_large: bool = False
    """Above half a million states it pays to let the compiler optimise, which takes 7 s."""


_ALL = {"FAULTS": 1, "HANDOFFS": 1}
_TWO_FAULTS = {"FAULTS": 2, "HANDOFFS": 1, "DRAINS": 0, "LEAVES": 0}
SEARCHES = (
    Search("one fault, two handoffs, a drain, the caller leaves", {"FAULTS": 1, "HANDOFFS": 2}, is_large=True),
    Search("two faults, one handoff, the caller leaves", {"FAULTS": 2, "HANDOFFS": 1, "DRAINS": 0}, is_large=True),
    Search("two faults, one handoff, all on one worker", {**_TWO_FAULTS, "SPREAD": 0}),
    Search("one fault, few attempts", {**_ALL, "MAX_ATTEMPTS": 0}),
    Search("a living owner again: one fault, a drain", _ALL, "comes_back"),
    Search("a living owner again: two faults", _TWO_FAULTS, "comes_back", is_large=True),
    Search("an ending for who hangs up: one fault, a drain", _ALL, "comes_to_an_end"),
)
"""What `make model` searches; docs/protocol/README.md has the figures."""
DEEP = (
    Search("two faults, two handoffs", {"FAULTS": 2, "HANDOFFS": 2, "DRAINS": 0, "LEAVES": 0}, is_large=True),
    Search("two faults, one handoff, a drain, the caller leaves", {"FAULTS": 2, "HANDOFFS": 1}, is_large=True),
    Search("three faults, one handoff", {**_TWO_FAULTS, "FAULTS": 3}, is_large=True),
    Search(
        "a living owner again: two handoffs, a drain",
        {"FAULTS": 1, "HANDOFFS": 2, "LEAVES": 0},
        "comes_back",
        is_large=True,
    ),
)
"""What `--deep` searches besides: minutes, and up to 1.8 GB."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule that is broken, and what must find it out: the property, or SPIN's word for a run that never comes to good."""

    number: int
    what: str
    caught_by: str
    search: Search


_CRASH = Search("one handoff", _TWO_FAULTS)
_END = Search("the caller leaves", {"FAULTS": 1, "HANDOFFS": 1, "DRAINS": 0, "MAX_ATTEMPTS": 2})
_TWICE = Search("two handoffs", {"FAULTS": 1, "HANDOFFS": 2, "DRAINS": 0, "LEAVES": 0})
_DRAIN = Search("a drain", {"FAULTS": 0, "HANDOFFS": 1, "LEAVES": 0})
_LIVE = Search("a living owner again", {"FAULTS": 1, "HANDOFFS": 1, "DRAINS": 0, "LEAVES": 0}, "comes_back")
_NEVER = "acceptance cycle"

MUTANTS = (
    Mutant(1, "the guardian seizes without compare-and-set", "P9", _CRASH),
    Mutant(2, "nobody evicts", "P1", _CRASH),
    Mutant(3, "take_back checks neither the epoch nor the ending", "P8", _END),
    Mutant(4, "only the guardian evicts", "P1", _CRASH),
    Mutant(5, "a successor claims its floor before it joins", "P9", _CRASH),
    Mutant(6, "a successor looks who is there after its claim", "P9", _CRASH),
    Mutant(7, "the giver is silent only after it has passed the floor", "P1", _CRASH),
    Mutant(8, "the giver speaks again before the taker is removed", "P1", _CRASH),
    Mutant(9, "two jobs that come for one handoff have one name", "P4", _CRASH),
    Mutant(10, "end_call does not ask whether the call has ended", "P5", _END),
    Mutant(11, "who could not end the call deletes its room", "P7", _END),
    Mutant(12, "a successor's lease never passes", _NEVER, _LIVE),
    Mutant(13, "there is no guardian", _NEVER, _LIVE),
    Mutant(14, "a draining worker stops while calls are with it", "P10", _DRAIN),
    Mutant(15, "an eviction without an answer is taken for done", "P1", _CRASH),
    Mutant(16, "pass_floor checks neither the epoch nor the state", "P3", _CRASH),
    Mutant(17, "a successor reads its floor and claims nothing", "P9", _CRASH),
    Mutant(18, "a giver that has lost the floor evicts its taker", "P3", _TWICE),
)


def check(tools: spin.Tools, searches: Iterable[Search] = SEARCHES) -> bool:
    """Prints a line for each search, and the story of what it found; True when nothing was found."""
    is_good = True
    for one in searches:
        found = spin.search(tools, MODEL, one.defines, claim=one.claim, optimise=int(one.is_large))
        word = "holds " if found.is_whole else "FAILED"
        print(
            f"{word}  {one.name:<52} {found.states:>9,} states  depth {found.depth:>3}  {found.memory_mb:5.0f} MB  "
            f"{found.cpu_seconds:5.1f} s",
            flush=True,
        )
        if not found.is_whole:
            is_good = False
            print(f"  {found.error or 'the search was not completed'}")
            _tell(found)
    return is_good


def check_mutants(tools: spin.Tools, number: int = 0) -> bool:
    """Prints a line for each mutant; True when each was found out by what is meant to find it out. Of one alone it tells the
    story, and the shortest there is."""
    is_good = True
    for one in MUTANTS:
        if number not in (0, one.number):
            continue
        defines = {**one.search.defines, "MUTANT": one.number}
        found = spin.search(tools, MODEL, defines, claim=one.search.claim, is_short=bool(number))
        finding = found.story[-1] if one.caught_by != _NEVER and found.story else found.error
        is_caught = bool(found.error) and one.caught_by in finding
        is_good = is_good and is_caught
        print(f"{'found ' if is_caught else 'MISSED'}  {one.number:>2} {one.what:<56} {finding}", flush=True)
        if number:
            _tell(found)
    return is_good


def _tell(found: spin.Found) -> None:
    for line in found.story:
        print(f"  | {line}")


# --- what the store's moves look like ---------------------------------------------------------------------------------
def checksum() -> str:
    """Of the model: traces.txt names the model that it was made from."""
    return hashlib.sha256(MODEL.read_bytes()).hexdigest()


def traces(tools: spin.Tools) -> str:
    """Random walks that together show every kind of move and of refusal that such walks show, and the shortest ways to those
    that they do not: a path to each of the model's traps."""
    seen: set[str] = set()
    told = [f"# Made by `python -m tools.model --traces` from handoff.pml {checksum()}"]
    for seed in _SEEDS:
        moves = _walk(tools, seed)
        kinds = {_kind(move) for move in moves}
        if kinds - seen:
            seen |= kinds
            told += [f"walk {seed}", *moves]
    for trap in _TRAPS:
        found = spin.search(tools, MODEL, {**_CRASH.defines, "LEAVES": 1, "TRAP": trap}, is_short=True)
        told += [f"way to trap {trap}", *_moves(found.story)]
    return "\n".join(told) + "\n"


def _walk(tools: spin.Tools, seed: int) -> list[str]:
    return _moves(spin.simulate(tools, MODEL, {"FAULTS": 2, "HANDOFFS": 2, "MAX_ATTEMPTS": 3}, seed=seed))


def _moves(said: Iterable[str]) -> list[str]:
    return [line.removeprefix(_STORE) for line in said if line.startswith(_STORE)]


def _kind(move: str) -> str:
    """The move without its numbers, except the answer's."""
    asked, _, answer = move.partition(" -> ")
    words = [word for word in asked.split() if "=" not in word or word.startswith("to=")]
    return " ".join((*words, "->", *answer.split()[:1]))


def check_traces(tools: spin.Tools) -> bool:
    """Whether traces.txt was made from this model, and its walks are what the model does."""
    told = TRACES.read_text() if TRACES.is_file() else ""
    walks = [part.partition("\n") for part in told.partition("way to")[0].split("walk ")[1:]]
    is_good = checksum() in told and all(moves.splitlines() == _walk(tools, int(seed)) for seed, _, moves in walks)
    print("holds   traces.txt" if is_good else "FAILED  traces.txt is of another model: python -m tools.model --traces")
    return is_good


def main() -> int:
    """0 when everything holds; 1 when something does not; 2 when SPIN cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m tools.model", description=__doc__)
    parser.add_argument("--mutants", nargs="?", type=int, const=0, metavar="NUMBER", help="break one rule at a time")
    parser.add_argument("--deep", action="store_true", help="two faults and more: some minutes")
    parser.add_argument("--traces", action="store_true", help="write docs/protocol/traces.txt")
    wanted = parser.parse_args()
    try:
        tools = spin.find(LocalSettings.from_env())
    except NotFound as error:
        print(f"model: {error}", file=sys.stderr)
        return 2
    if wanted.traces:
        TRACES.write_text(traces(tools))
        return 0
    if wanted.mutants is not None:
        return 0 if check_mutants(tools, wanted.mutants) else 1
    is_good = check(tools, (*SEARCHES, *DEEP) if wanted.deep else SEARCHES)
    return 0 if check_traces(tools) and is_good else 1


if __name__ == "__main__":
    sys.exit(main())
