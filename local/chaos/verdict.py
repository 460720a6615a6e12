"""The verdict on a struck call: what must never happen, whatever was struck.

A **silent drop**: no ending in the record, no voice after the strike, a silence beyond the fault's bound, a line that the mesh closed
without a word, a caller who gave up.
A **wrong ending**: a call that went on to its end and was not helped, or not by whom it wanted; one that only the caller ended and that
has another ending than that. A fault that he must **not hear** at all, and did: a successor's apology tells of it.
A **double speaker**: two agents heard at once, or one that had been struck heard again. A **repeated effect**: one thing done twice
in a back office or in the record. And a call has one line in the ledger, nobody is asked what was known when it was struck, and a call
whose worker drains is **moved** in time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handoff.call import Call, Ending
from handoff.ledger import LedgerLine

from local.caller import Caption, Recording
from local.caller.captions import CALLER
from local.chaos.at_the_ear import Heard
from local.eval.evidence import TableDiff

SILENT_DROP, DOUBLE_SPEAKER, REPEATED_EFFECT = "silent drop", "double speaker", "repeated effect"
ENDINGS, ASKED_AGAIN, NOT_MOVED = "not one ending", "asked again", "not moved"
WRONG_ENDING, HEARD = "wrong ending", "heard"
MOVED_SECONDS = 10.0
"""What is aimed at: every call of a drained worker is with another one by then."""
CLOSED_SILENT_MS = 10_000
"""Who has heard nothing for longer when the mesh closes the line has heard no ending. After an agent's last word it takes a second."""
_QUESTIONS = {
    "account": re.compile(r"\b(tell me|what is|what's|need|get)\b[^.?!]*\baccount ID\b", re.IGNORECASE),
    "code": re.compile(r"\bzip code\b[^.!]*\?", re.IGNORECASE),
}
"""How a caller is asked who he is."""
_GREETING = re.compile(r"\bhow (?:can|may) I help\b(?! you now)", re.IGNORECASE)
"""How a caller is greeted of whom nothing is known yet."""
_APOLOGY = re.compile(r"\bwe were cut off\b", re.IGNORECASE)
"""What a successor says first."""
_HELPED = frozenset({Ending.RESOLVED, Ending.CALLBACK_BOOKED, Ending.TRANSFERRED_TO_HUMAN})
_LEFT = frozenset({Ending.CALLER_HUNG_UP, Ending.CALLBACK_BOOKED})
Changes = Mapping[str, Mapping[str, TableDiff]]


@dataclass(frozen=True, slots=True)
class Expects:
    """What a fault promises of the calls that it strikes."""

    finishes: bool = True
    """Whether the caller stays until the mesh ends the call; otherwise he hangs up."""
    silence_ms: int = 12_000
    """A longer silence than this is a silent drop, whatever comes after it."""
    reaches: str = ""
    """A service that must have had the call all the same."""
    is_unheard: bool = False
    """Whether the caller must notice nothing: nobody may have to go on for a lost agent."""
    freezes: bool = False
    """Whether the struck agent lives on, frozen or cut off, until it is let go, and must not be heard then."""


@dataclass(frozen=True, slots=True)
class Before:
    """What the record held when the call was struck."""

    facts: frozenset[str] = frozenset()
    has_spoken: bool = False
    """Whether the caller had said anything."""


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
    before: Before,
    struck_at: float,
    expects: Expects,
) -> tuple[Problem, ...]:
    """All that is wrong with the call."""
    found = [*_silent_drop(heard, recording, call, expects.silence_ms), *_double_speaker(heard, expects.freezes)]
    found += _repeated(call, changes)
    found += _ending(call, recording, expects)
    if call is not None and call.ending is not None and len(lines) != 1:
        found.append(Problem(ENDINGS, f"{len(lines)} lines in the ledger"))
    later = _said_after(recording, struck_at)
    found += _asked_again(later, before)
    if expects.is_unheard and any(_APOLOGY.search(caption.text) for caption in later):
        found.append(Problem(HEARD, "somebody apologised for a fault that is not to be heard"))
    return tuple(found)


def _said_after(recording: Recording, moment: float) -> list[Caption]:
    """What agents began to say after it (seconds since the epoch)."""
    moment_ms = (moment - recording.started_at) * 1000
    return [c for c in recording.captions if c.speaker != CALLER and c.start_ms > moment_ms]


def _ending(call: Call | None, recording: Recording, expects: Expects) -> list[Problem]:
    if call is None or call.ending is None:
        return []  # a silent drop
    found = []
    if call.ending not in (_HELPED if expects.finishes else _LEFT):
        found.append(f"it ended as {call.ending}")
    if expects.finishes and recording.ended_by == "caller":
        found.append("the mesh did not end it")
    if expects.reaches and expects.reaches not in call.services:
        found.append(f"{expects.reaches} never had it")
    return [Problem(WRONG_ENDING, what) for what in found]


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
    if heard.voice_after_ms is None or not heard.begins_again:
        found.append("nobody spoke after the strike")
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
        times = Counter(effect.split()[0] for effect in call.effects)
        found += [
            Problem(REPEATED_EFFECT, f"{name} stands {n} times in the record") for name, n in times.items() if n > 1
        ]
    return found


def _asked_again(later: Sequence[Caption], before: Before) -> list[Problem]:
    """Who has said what he wants is not greeted as if he were new. Who has been identified is asked neither for his account nor for
    his code; an account alone may have been misheard."""
    found = []
    if before.has_spoken and any(_GREETING.search(caption.text) for caption in later):
        found.append(Problem(ASKED_AGAIN, "he was greeted as if he were new"))
    if "identity_capability" not in before.facts:
        return found
    return found + [
        Problem(ASKED_AGAIN, f"{caption.speaker} asked for the {what}")
        for what, question in _QUESTIONS.items()
        for caption in later
        if question.search(caption.text)
    ]
