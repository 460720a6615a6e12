"""The verdict on a struck call: what must never happen, whatever was struck.

A **silent drop**: no ending in the record, no voice after the strike, a silence beyond the fault's bound, a line that the mesh closed
without a word, a caller who gave up.
A **double speaker**: two agents heard at once, or one that had been struck heard again. A **repeated effect**: one thing done twice
in a back office or in the record. And a call has one line in the ledger, nobody is asked what was known when it was struck, and a call
whose worker drains is **moved** in time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handoff.call import Call
from handoff.ledger import LedgerLine

from local.caller import Recording
from local.caller.captions import CALLER
from local.chaos.at_the_ear import Heard
from local.eval.evidence import TableDiff

SILENT_DROP, DOUBLE_SPEAKER, REPEATED_EFFECT = "silent drop", "double speaker", "repeated effect"
ENDINGS, ASKED_AGAIN, NOT_MOVED = "not one ending", "asked again", "not moved"
MOVED_SECONDS = 10.0
"""What is aimed at: every call of a drained worker is with another one by then."""
CLOSED_SILENT_MS = 10_000
"""Who has heard nothing for longer when the mesh closes the line has heard no ending. After an agent's last word it takes a second."""
_QUESTIONS = {
    "account": re.compile(r"\b(tell me|what is|what's|need|get)\b[^.?!]*\baccount ID\b", re.IGNORECASE),
    "code": re.compile(r"\bzip code\b[^.!]*\?", re.IGNORECASE),
}
"""How a caller is asked who he is."""
Changes = Mapping[str, Mapping[str, TableDiff]]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that must not happen."""

    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


def judge(
    *,
    heard: Heard,
    recording: Recording,
    call: Call | None,
    lines: Sequence[LedgerLine],
    changes: Changes,
    known: frozenset[str],
    struck_at: float,
    silence_ms: int,
    freezes: bool = False,
) -> tuple[Problem, ...]:
    """All that is wrong with the call. ``known`` are the names of the facts that its record held when it was struck; ``freezes``:
    the struck agent lives on, frozen or cut off, until it is let go, and must not be heard then."""
    found = [*_silent_drop(heard, recording, call, silence_ms), *_double_speaker(heard, freezes)]
    found += _repeated(call, changes)
    if call is not None and call.ending is not None and len(lines) != 1:
        found.append(Problem(ENDINGS, f"{len(lines)} lines in the ledger"))
    found += _asked_again(recording, known, struck_at)
    return tuple(found)


def is_moved(seconds: float | None) -> list[Problem]:
    """What is wrong with a drained call that was moved so long after the worker was told to stop; None: never."""
    if seconds is None:
        return [Problem(NOT_MOVED, "the call stayed where it was")]
    if seconds > MOVED_SECONDS:
        return [Problem(NOT_MOVED, f"only after {seconds:.1f} s")]
    return []


def _silent_drop(heard: Heard, recording: Recording, call: Call | None, silence_ms: int) -> list[Problem]:
    found = []
    if call is None:
        found.append("the call has no record")
    elif call.ending is None:
        found.append("the call has no ending")
    if heard.voice_after_ms is None:
        found.append("no voice after the strike")
    if heard.longest_silence_ms > silence_ms:
        found.append(f"{heard.longest_silence_ms / 1000:.1f} s of silence")
    if heard.silent_end_ms > CLOSED_SILENT_MS:
        found.append(f"the line was closed after {heard.silent_end_ms / 1000:.1f} s of silence")
    found += recording.problems
    return [Problem(SILENT_DROP, what) for what in found]


def _double_speaker(heard: Heard, freezes: bool) -> list[Problem]:
    found = []
    if heard.two_voices_ms:
        found.append(Problem(DOUBLE_SPEAKER, f"two voices at once for {heard.two_voices_ms} ms"))
    if freezes and heard.struck_heard_ms:
        found.append(Problem(DOUBLE_SPEAKER, f"the struck agent was heard for {heard.struck_heard_ms} ms afterwards"))
    return found


def _repeated(call: Call | None, changes: Changes) -> list[Problem]:
    found = []
    for office, tables in changes.items():
        for table, diff in tables.items():
            # The callers of chaos want each thing once.
            if len(diff.added) > 1:
                found.append(Problem(REPEATED_EFFECT, f"{len(diff.added)} new rows in {office}'s {table}"))
    if call is not None:
        repeated = [effect.split()[0] for effect, times in Counter(call.effects).items() if times > 1]
        found += [Problem(REPEATED_EFFECT, f"{name} stands twice in the record") for name in repeated]
    return found


def _asked_again(recording: Recording, known: frozenset[str], struck_at: float) -> list[Problem]:
    """Who has been identified is asked neither for his account nor for his code. An account alone may have been misheard."""
    if "identity_capability" not in known:
        return []
    struck_ms = (struck_at - recording.started_at) * 1000
    later = [c for c in recording.captions if c.speaker != CALLER and c.start_ms > struck_ms]
    return [
        Problem(ASKED_AGAIN, f"{caption.speaker} asked for the {what}")
        for what, question in _QUESTIONS.items()
        for caption in later
        if question.search(caption.text)
    ]
