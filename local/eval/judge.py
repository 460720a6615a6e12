"""What differs between what came of a conversation and what was expected of it: one sentence each, none when it passed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from handoff import wire
from handoff.call import Call, Role
from handoff.directory import DIRECTORY

from local.eval import questions
from local.eval.conversation import Conversation, Expect, Facts, Patterns, TableChange
from local.eval.evidence import Evidence, Row, Said, TableDiff

_HOLE = re.compile(r"\{\w*\}|\bNone\b|\bnull\b")
_NEVER_CROSSES = "postal_code"
_CAPABILITY = "identity_capability"
_SHORTEST_SECRET = 16
"""Characters from which a capability's value is looked for in what was said and shown."""


def judge(conversation: Conversation, evidence: Evidence) -> list[str]:
    """All that is wrong, the most telling first."""
    expect = conversation.expect
    if evidence.call is None:
        return [*evidence.problems, "no agent answered"]
    return [
        *evidence.problems,
        *_call(expect, evidence.call),
        *_words(expect, evidence.said),
        *_tools(expect, evidence),
        *_database(expect, evidence.changes),
        *_carried(expect, evidence),
        *(_asked(expect, evidence.call, evidence.said) if expect.asks_once else ()),
        *_always(evidence),
    ]


def _call(expect: Expect, call: Call) -> Iterator[str]:
    if expect.services is not None and call.services != expect.services:
        yield f"services: {_listed(call.services)}, expected {_listed(expect.services)}"
    if expect.ending is not None and call.ending is not expect.ending:
        yield f"ending: {call.ending or 'none'}, expected {expect.ending}"
    for name, value in expect.facts.items():
        fact = call.fact(name)
        yield from _value(f"fact {name}", None if fact is None else fact.value, value)
    if expect.effects is not None:
        yield from _effects(expect.effects, call.effects)


def _effects(expected: Patterns, effects: tuple[str, ...]) -> Iterator[str]:
    left = list(effects)
    for pattern in expected:
        match = next((effect for effect in left if pattern.search(effect)), None)
        if match is None:
            yield f"effects: none like {pattern.pattern!r} among {_listed(effects)}"
        else:
            left.remove(match)
    for effect in left:
        yield f"effects: {effect!r} was not expected"


def _words(expect: Expect, said: tuple[Said, ...]) -> Iterator[str]:
    words = [utterance.text for utterance in said if not utterance.is_caller]
    everything = " ".join(words)
    for pattern in expect.says:
        if not pattern.search(everything):
            yield f"never said: {pattern.pattern!r}"
    for pattern in expect.never_says:
        for text in words:
            if pattern.search(text):
                yield f"must not be said: {pattern.pattern!r} in {text!r}"
    for pattern in expect.says_once:
        times = sum(bool(pattern.search(text)) for text in words)
        if times != 1:
            yield f"said {times} times instead of once: {pattern.pattern!r}"


def _tools(expect: Expect, evidence: Evidence) -> Iterator[str]:
    calls = [str(call) for call in evidence.tool_calls]
    for pattern in expect.calls:
        if not any(pattern.search(call) for call in calls):
            yield f"no tool call like {pattern.pattern!r} among {_listed(calls)}"
    for pattern in expect.never_calls:
        yield from (f"this tool call must not be: {call}" for call in calls if pattern.search(call))


# --- databases --------------------------------------------------------------------------------------------------------
def _database(expect: Expect, changes: Mapping[str, Mapping[str, TableDiff]]) -> Iterator[str]:
    offices = [*expect.database, *(office for office in changes if office not in expect.database)]
    for office in offices:
        expected, found = expect.database.get(office, {}), changes.get(office, {})
        for table in [*expected, *(table for table in found if table not in expected)]:
            difference = found.get(table, TableDiff())
            yield from _table(f"{office}.{table}", expected.get(table, TableChange()), difference)


def _table(name: str, expected: TableChange, found: TableDiff) -> Iterator[str]:
    for what, rows, wanted in (
        ("added", found.added, expected.added),
        ("changed", found.changed, expected.changed),
        ("removed", found.removed, expected.removed),
    ):
        if len(rows) != wanted:
            shown = f": {_row(rows[0])}" if rows else ""
            yield f"database: {name}: {len(rows)} rows {what}, expected {wanted}{shown}"
    left = [*found.added, *found.changed]
    for wanted_row in expected.rows:
        match = next((row for row in left if _matches(row, wanted_row)), None)
        if match is None:
            yield f"database: {name}: no added or changed row has {dict(wanted_row)}; there is {_listed(_row(r) for r in left)}"
        else:
            left.remove(match)


def _matches(row: Row, wanted: Facts) -> bool:
    return all(column in row and _same(str(row[column]), value) for column, value in wanted.items())


def _row(row: Row) -> str:
    return json.dumps(dict(row), default=str)


# --- what crossed -----------------------------------------------------------------------------------------------------
def _carried(expect: Expect, evidence: Evidence) -> Iterator[str]:
    for service, facts in expect.carried.items():
        handoff = next((h for h in reversed(evidence.handoffs) if h.to_service == service), None)
        if handoff is None:
            yield f"carried: nothing was handed to {service}"
            continue
        for name, value in facts.items():
            fact = handoff.context.fact(name)
            yield from _value(f"carried to {service}: {name}", None if fact is None else fact.value, value)


def _asked(expect: Expect, call: Call, said: tuple[Said, ...]) -> Iterator[str]:
    yield from questions.asked_twice(said, expect.may_ask_again)
    turns = [(Said(turn.role is Role.CALLER, turn.service, turn.text), turn.spoken_at) for turn in call.turns]
    yield from questions.asked_what_was_known(turns, call.facts, expect.may_ask_again)


def _always(evidence: Evidence) -> Iterator[str]:
    for line in evidence.unanswered:
        yield f"line {line}: no agent answered it"
    for utterance in evidence.said:
        if not utterance.is_caller and _HOLE.search(utterance.text):
            yield f"a sentence with a hole: {utterance.text!r}"
    stored = {handoff.context.handoff_id: handoff for handoff in evidence.handoffs}
    for context in evidence.offered:
        if context.handoff_id not in stored:
            continue  # declined
        arrived = stored[context.handoff_id]
        if arrived.context != context or wire.from_wire(wire.to_wire(context)) != context:
            yield f"the handoff to {arrived.to_service} did not cross the wire as it was"
        if foreign := sorted({fact.name for fact in context.facts} - DIRECTORY[arrived.to_service].receives):
            yield f"the handoff to {arrived.to_service} carried what it does not declare: {_listed(foreign)}"
    yield from _leaks(evidence)


def _leaks(evidence: Evidence) -> Iterator[str]:
    facts = evidence.call.facts if evidence.call is not None else ()
    places = [*evidence.shown, *(said.text for said in evidence.said), *(str(call) for call in evidence.tool_calls)]
    places += [call.output for call in evidence.tool_calls]
    crossed = [f"{context.summary} {' '.join(turn.text for turn in context.turns)}" for context in evidence.offered]
    secrets = {f.value for f in facts if f.name == _CAPABILITY and len(f.value) >= _SHORTEST_SECRET}
    for secret in secrets:
        if any(secret in place for place in [*places, *crossed]):
            yield "the identity's capability was shown to a brain, said, or put into a handoff's words"
    if any(fact.name == _NEVER_CROSSES for context in evidence.offered for fact in context.facts):
        yield "a postal code crossed a handoff"


# --- values -----------------------------------------------------------------------------------------------------------
def _value(what: str, found: str | None, expected: str) -> Iterator[str]:
    if found is None:
        yield f"{what}: not known, expected {expected!r}"
    elif not _same(found, expected):
        yield f"{what}: {found!r}, expected {expected!r}"


def _same(one: str, other: str) -> bool:
    """Without regard to case, spaces, dashes and punctuation; 49.99 is not 4999."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return re.sub(r"(?<!\d)\.|\.(?!\d)|[^\w.]|_", "", text.casefold())


def _listed(things: Iterable[object]) -> str:
    return ", ".join(str(thing) for thing in things) or "none"
