"""Did the call come out as its script says? Every difference as a plain English sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from local.caller.script import Expect
from local.report.listener import Note
from local.report.sounds_like import sounds_like
from local.report.spoken_numbers import normalised, plain


def is_anything_missed(expect: Expect, notes: Sequence[Note]) -> bool:
    """Whether a listener did not hear all that should be heard: he listens again then."""
    heard = _text(notes)
    return not all(_count(pattern, heard) for pattern in expect.heard)


def failures(expect: Expect, report: dict[str, Any], notes: Sequence[Note], *, again: Sequence[Note] = ()) -> list[str]:
    """What differs between the report of a call (and what a listener heard of it) and what its script expects.

    ``heard`` is looked for in the listener's transcript, as written and with its numbers brought to one form, or in what he heard
    when he listened ``again``; words without digits that the captions have may be spelled as they sound there;
    ``heard_once`` must be said once, which the captions tell, and a listener must not hear it twice. ``not_heard`` must be in
    neither that nor the agents' captions.
    """
    captions = "\n".join(t["text"] for t in report["turns"] if t["speaker"] != "caller")
    return [
        *_ways(expect, report),
        *_facts(expect, report),
        *_words(expect, _text(notes), _text(again), captions),
        *_effects(expect, report),
        *_handoffs(expect, report),
    ]


def _ways(expect: Expect, report: dict[str, Any]) -> Iterable[str]:
    services = tuple(report["services"])
    if expect.services is not None and services != expect.services:
        yield f"the call went through {_path(services)}, expected {_path(expect.services)}"
    if expect.outcome is not None and report["outcome"] != expect.outcome:
        yield f"the call's outcome is {report['outcome']}, expected {expect.outcome}"


def _facts(expect: Expect, report: dict[str, Any]) -> Iterable[str]:
    for name, value in expect.facts.items():
        found = report["facts"].get(name)
        if found is None:
            yield f"the fact {name} is not known at the end, expected {value}"
        elif plain(found) != plain(value):
            yield f"the fact {name} is {found}, expected {value}"


def _text(notes: Sequence[Note]) -> str:
    return "\n".join(note.text for note in notes)


def _words(expect: Expect, heard: str, again: str, captions: str) -> Iterable[str]:
    for pattern in expect.heard:
        if not any(_is_heard(pattern, notes, captions) for notes in (heard, again)):
            yield f"a listener did not hear /{pattern.pattern}/"
    for pattern in expect.heard_once:
        # Speech recognition misses a word now and then, which is no reason to call a call bad: `heard` looks at that.
        said, count = _count(pattern, captions), _count(pattern, heard)
        if said != 1:
            yield f"the mesh said /{pattern.pattern}/ {_times(said)}, expected once"
        elif count > 1:
            yield f"a listener heard /{pattern.pattern}/ {_times(count)}, expected once"
    for pattern in expect.not_heard:
        if _count(pattern, heard) or pattern.search(captions):
            yield f"the mesh said /{pattern.pattern}/, which should not be heard"


def _is_heard(pattern: re.Pattern[str], heard: str, captions: str) -> bool:
    said = {_whole_words(captions, match) for match in pattern.finditer(captions)}
    return bool(_count(pattern, heard)) or any(sounds_like(words, heard) for words in said)


def _whole_words(text: str, match: re.Match[str]) -> str:
    """What was matched, with the rest of its first and last word: what is heard is compared by words."""
    start, end = match.span()
    before, after = re.search(r"[\w']*$", text[:start]), re.match(r"[\w']*", text[end:])
    return (before[0] if before else "") + match.group() + (after[0] if after else "")


def _effects(expect: Expect, report: dict[str, Any]) -> Iterable[str]:
    if expect.effects is None:
        return
    left = list(report["effects"])
    for pattern in expect.effects:
        match = next((e for e in left if pattern.search(e)), None)
        if match is None:
            yield f"no tool had the effect /{pattern.pattern}/"
        else:
            left.remove(match)
    for effect in left:
        yield f"a tool changed something that was not expected: {effect}"


def _handoffs(expect: Expect, report: dict[str, Any]) -> Iterable[str]:
    handoffs = report["handoffs"]
    # A call that moves to another worker of its service is still where its caller was brought.
    count = sum(handoff["from_service"] != handoff["to_service"] for handoff in handoffs)
    if expect.handoffs_max is not None and count > expect.handoffs_max:
        yield f"there were {count} handoffs, expected at most {expect.handoffs_max}"
    limits = (
        ("gap_ms", "a gap", expect.gap_ms_max),
        ("overlap_ms", "an overlap", expect.overlap_ms_max),
        ("clipped_ms", "a clipped beginning", expect.clipped_ms_max),
    )
    for handoff in handoffs:
        for key, what, most in limits:
            if most is not None and handoff[key] is not None and handoff[key] > most:
                where = f"{handoff['from_service']} to {handoff['to_service']}"
                yield f"the handoff from {where} had {what} of {handoff[key]} ms, expected at most {most:g} ms"


def _count(pattern: re.Pattern[str], text: str) -> int:
    return max(len(pattern.findall(text)), len(pattern.findall(normalised(text))))


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _path(services: Sequence[str]) -> str:
    return ", ".join(services) or "no service"
