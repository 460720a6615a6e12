"""What is said of a trace and of a span, in the terminal and on the page."""

from __future__ import annotations

from tools.trace.read import Span, Trace

_TOLD = ("how", "tool", "outcome", "ending", "detector")
"""Attributes that say most in one word."""


def of_trace(trace: Trace) -> str:
    """One line: how it ended, how long it took, what happened."""
    root = next(iter(trace.named("call")), None)
    handoffs = trace.named("handoff")
    moved = sum(span.attributes.get("voicemesh.outcome") == "moved" for span in handoffs)
    lost = sum(span.is_lost for span in trace.spans)
    parts = [
        str(root.attributes.get("voicemesh.ending", "ended")) if root else "not ended yet (no root)",
        seconds(trace.end - trace.start),
        f"{moved} of {len(handoffs)} handoffs moved it" if handoffs else "no handoff",
        f"{lost} agent{'s' if lost > 1 else ''} lost" if lost else "",
    ]
    return ", ".join(part for part in parts if part)


def of_span(span: Span) -> str:
    """Its name, with its attributes that say most."""
    told = [str(span.attributes[f"voicemesh.{name}"]) for name in _TOLD if f"voicemesh.{name}" in span.attributes]
    if "voicemesh.to" in span.attributes:
        told.insert(0, f"→ {span.attributes['voicemesh.to']}")
    if span.attributes.get("voicemesh.refused") is True:
        told.append("refused")
    if span.gap_seconds is not None:
        told.append(f"gap {seconds(span.gap_seconds)}")
    if span.error and span.error not in told:
        told.append(span.error.upper())
    return " ".join([span.name, *told])


def all_of(span: Span) -> str:
    """Everything that is known of it, one line each."""
    lines = [f"{span.name} of {span.service}, {seconds(span.end - span.start)}"]
    lines += [f"{name.removeprefix('voicemesh.')} = {value}" for name, value in sorted(span.attributes.items())]
    return "\n".join([*lines, *([f"status: {span.error}"] if span.error else [])])


def seconds(value: float) -> str:
    """180 ms, 2.35 s, 61.2 s."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
