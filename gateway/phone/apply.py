"""Does what a plan says, one step after the other. Whatever was done when one fails stays: the next plan begins there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.phone.kinds import RULE, TRUNK
from gateway.phone.livekit import Sip
from gateway.phone.plan import Plan, Step, Verb

_DONE = {Verb.CREATE: "created", Verb.CHANGE: "changed", Verb.REMOVE: "removed"}


async def apply(plan: Plan, sip: Sip, tell: Callable[[str], None]) -> None:
    """Raises what LiveKit's client raises. ``tell`` hears of each step that was done."""
    trunks = {step.key: step.id for step in plan.steps if step.kind.name == TRUNK.name and step.verb is not Verb.REMOVE}
    for step in plan.in_order:
        id_ = await _do(step, sip, trunks)
        if step.kind.name == TRUNK.name and step.verb is not Verb.REMOVE:
            trunks[step.key] = id_
        tell(f"{_DONE[step.verb]} {step.label} ({id_})")


async def _do(step: Step[Any], sip: Sip, trunks: dict[str, str]) -> str:
    """The record's id."""
    record = step.record
    if record is None:
        await step.kind.remove(sip, step.id)
        return step.id
    if step.kind.name == RULE.name:
        record.trunk_ids[:] = [trunks[step.key]]
    if step.verb is Verb.CHANGE:
        await step.kind.change(sip, step.id, record)
        return step.id
    return step.kind.id_of(await step.kind.create(sip, record))
