"""A plan for a person to read. Numbers are configuration and are shown; secrets are not in a plan's text at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from gateway.phone.plan import Plan, Step, Verb

_SIGNS = {Verb.CREATE: "+", Verb.CHANGE: "~", Verb.REMOVE: "-", Verb.KEEP: " "}
NOTHING_TO_DO = "nothing to do: LiveKit holds what the file says"


def shown(plan: Plan) -> str:
    """All steps with what each changes, and their count."""
    return "\n".join([*(line for step in plan.steps for line in _lines(step)), "", counted(plan)])


def counted(plan: Plan) -> str:
    """The last line of it."""
    if not plan.in_order:
        return NOTHING_TO_DO
    count = Counter(step.verb for step in plan.steps)
    return (
        f"{count[Verb.CREATE]} to create, {count[Verb.CHANGE]} to change, {count[Verb.REMOVE]} to remove,"
        f" {count[Verb.KEEP]} unchanged"
    )


def _lines(step: Step[Any]) -> Iterator[str]:
    yield f"{_SIGNS[step.verb]} {step.label}" + (f" ({step.id})" if step.id else "")
    for change in step.changes:
        if step.verb is Verb.CREATE:
            yield f"    {change.field}: {change.new}"
        else:
            yield f"    {change.field}: {change.old or 'none'} -> {change.new or 'none'}"
