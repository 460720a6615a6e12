"""The difference between what LiveKit has and what it should have, in the order in which it is safe to remove it.

Ours is what bears our mark in its name. Nothing else is ever changed or removed; what of it stands in our way is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic

from livekit.api import (
    ListSIPDispatchRuleRequest,
    ListSIPInboundTrunkRequest,
    ListSIPOutboundTrunkRequest,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPOutboundTrunkInfo,
)

from gateway.phone.config import PhoneConfig
from gateway.phone.desired import OUTBOUND_KEY, desired, mark
from gateway.phone.kinds import OUTBOUND, RULE, TRUNK, Kind, Record
from gateway.phone.livekit import Sip
from gateway.phone.values import digits_of


class Verb(StrEnum):
    """What becomes of a record."""

    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Change:
    """One field. Of a secret neither value is here, only whether there is one."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Step(Generic[Record]):
    """What becomes of one record. ``key`` is its number, or ``outbound``."""

    verb: Verb
    kind: Kind[Record]
    key: str
    id: str = ""
    """LiveKit's own; empty before it exists."""
    changes: tuple[Change, ...] = ()
    record: Record | None = field(default=None, repr=False)
    """The whole record as it should be; None for one that is removed."""

    @property
    def label(self) -> str:
        """For a person: ``trunk +15550100000``."""
        return self.kind.name if self.key == OUTBOUND_KEY else f"{self.kind.name} {self.key}"


@dataclass(frozen=True, slots=True)
class Have:
    """What LiveKit holds, whoever made it."""

    trunks: Sequence[SIPInboundTrunkInfo] = field(default=(), repr=False)
    rules: Sequence[SIPDispatchRuleInfo] = field(default=(), repr=False)
    outbound: Sequence[SIPOutboundTrunkInfo] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """``steps`` for a person: number by number. ``conflicts`` are others' records that stand in the way."""

    steps: tuple[Step[Any], ...]
    conflicts: tuple[str, ...]

    @property
    def in_order(self) -> tuple[Step[Any], ...]:
        """What is to be done, in the order in which it is safe: see ``_turn``."""
        return tuple(sorted((step for step in self.steps if step.verb is not Verb.KEEP), key=_turn))


async def ask(sip: Sip) -> Have:
    """What LiveKit holds now."""
    trunks = await sip.list_inbound_trunk(ListSIPInboundTrunkRequest())
    rules = await sip.list_dispatch_rule(ListSIPDispatchRuleRequest())
    outbound = await sip.list_outbound_trunk(ListSIPOutboundTrunkRequest())
    return Have(trunks.items, rules.items, outbound.items)


def plan(config: PhoneConfig, have: Have) -> Plan:
    """What must be done for LiveKit to hold what the file says."""
    wanted, ours = desired(config), mark(config)
    trunks = _steps(TRUNK, wanted.trunks, have.trunks, ours)
    there = {step.key: step.id for step in trunks if step.id and step.verb is not Verb.REMOVE}
    for number, rule in wanted.rules.items():
        if number in there:
            rule.trunk_ids[:] = [there[number]]
    rules = _steps(RULE, wanted.rules, have.rules, ours)
    outbound = _steps(OUTBOUND, wanted.outbound, have.outbound, ours)
    pairs: list[Step[Any]] = [*trunks, *rules]
    by_number = [step for number in wanted.trunks for step in pairs if _is_of(step, number)]
    removed = [step for step in pairs if step.verb is Verb.REMOVE]
    return Plan((*by_number, *removed, *outbound), _conflicts(have, wanted.trunks, set(there.values()), ours))


def _is_of(step: Step[Any], number: str) -> bool:
    return step.key == number and step.verb is not Verb.REMOVE


def _steps(kind: Kind[Record], wanted: Mapping[str, Record], has: Iterable[Record], ours: str) -> list[Step[Record]]:
    """Of two records with one name, which two of us made at one time, the first one stays."""
    found: dict[str, Record] = {}
    steps: list[Step[Record]] = []
    for record in sorted((r for r in has if r.name.startswith(ours)), key=kind.id_of):
        key = record.name.removeprefix(ours)
        if key in wanted and key not in found:
            found[key] = record
        else:
            steps.append(Step(Verb.REMOVE, kind, key, kind.id_of(record)))
    for key, record in wanted.items():
        steps.append(_step(kind, key, record, found.get(key)))
    return steps


def _step(kind: Kind[Record], key: str, wanted: Record, has: Record | None) -> Step[Record]:
    if has is None:
        return Step(Verb.CREATE, kind, key, "", _changes(kind, None, wanted), wanted)
    made = kind.onto(has, wanted)
    changes = _changes(kind, has, made)
    return Step(Verb.CHANGE if changes else Verb.KEEP, kind, key, kind.id_of(has), changes, made)


def _changes(kind: Kind[Record], has: Record | None, wanted: Record) -> tuple[Change, ...]:
    changes = []
    for one in kind.fields:
        old, new = one.of(has) if has is not None else "", one.of(wanted)
        if old != new:
            if one.is_secret:
                old, new = "set" if old else "", ("another one" if old else "set") if new else ""
            changes.append(Change(one.name, old, new))
    return tuple(changes)


def _conflicts(
    have: Have, wanted: Mapping[str, SIPInboundTrunkInfo], our_trunks: set[str], ours: str
) -> tuple[str, ...]:
    numbers = {digits_of(number) for number in wanted}
    found = [
        f"trunk {trunk.sip_trunk_id} ({trunk.name or 'without a name'}) is not ours and holds {', '.join(taken)}: take"
        " the number out of it in LiveKit, or out of this file"
        for trunk in have.trunks
        if not trunk.name.startswith(ours)
        if (taken := sorted(numbers & {digits_of(number) for number in trunk.numbers}))
    ]
    found += [
        f"rule {rule.sip_dispatch_rule_id} ({rule.name or 'without a name'}) is not ours and answers calls of our trunk"
        f" {', '.join(taken)}: remove it in LiveKit"
        for rule in have.rules
        if not rule.name.startswith(ours)
        if (taken := sorted(our_trunks & set(rule.trunk_ids)))
    ]
    return tuple(found)


def _turn(step: Step[Any]) -> int:
    """Trunks that are there already give up what they should not hold; then each new trunk and, at once, its rule; what is no longer
    wanted goes last, a trunk before its rule, so that no call finds a number without one."""
    if step.verb is Verb.REMOVE:
        return {TRUNK.name: 3, RULE.name: 4}.get(step.kind.name, 5)
    if step.kind.name == TRUNK.name and step.verb is Verb.CHANGE:
        return 0
    return 2 if step.kind.name == OUTBOUND.name else 1
