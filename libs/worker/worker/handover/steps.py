"""What is told of a handoff while it goes on: how long each step took, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import Span, get_current_span
from telemetry import measure, tracing
from telemetry.metrics_worker import HANDOFF_OUTCOMES

_OUTCOMES = frozenset(HANDOFF_OUTCOMES)
_HE_SPOKE_SECONDS = 0.05
"""A wait for a caller who is silent takes no time."""


class Steps:
    """One handoff's. ``to`` is the taker's service; empty for a move within a service, which has spans and no figures of its own."""

    def __init__(self, call_id: str, to: str) -> None:
        self._call_id = call_id
        self._to = to
        self._quiet_since: float | None = None
        self._ready: Span | None = None
        self._dispatched_at = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[Span]:
        """Around a step: offer, announce, ready, caller_done, pass, first_word."""
        with tracing.span(f"handoff.{name}", call_id=self._call_id) as span, self.timed(name):
            yield span

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """The same without a span; a step that failed has no time."""
        began = time.monotonic()
        yield
        self.took(name, time.monotonic() - began)

    def dispatched(self) -> None:
        """The taker is on its way, beside the announcement: from here until ``ready`` it gets ready."""
        self._ready, self._dispatched_at = tracing.begin("handoff.ready", call_id=self._call_id), time.monotonic()

    def ready(self, at: float) -> None:
        """It was READY at this moment of the monotonic clock."""
        if self._ready is not None:
            tracing.end(self._ready, ended_at=time.time() - (time.monotonic() - at))
            self._ready = None
            self.took("ready", at - self._dispatched_at)

    def close(self) -> None:
        """The handoff is over, whatever came of it."""
        if self._ready is not None:
            tracing.end(self._ready, error="not_ready")
            self._ready = None

    def took(self, name: str, seconds: float) -> None:
        """A step is over that ran beside others."""
        if self._to:
            labels = {"to": self._to, "step": name}
            measure.observe("voicemesh_handoff_step_seconds", seconds, labels, call_id=self._call_id)

    @contextmanager
    def caller_done(self) -> Iterator[None]:
        """Around the wait for the end of the caller's sentence: as long as he speaks, nobody waits."""
        began = time.monotonic()
        with self.step("caller_done"):
            yield
        if time.monotonic() - began > _HE_SPOKE_SECONDS:
            self.nobody_speaks()

    def nobody_speaks(self) -> None:
        """From here on the caller hears nobody: our last word was played, or he has just ended his own."""
        self._quiet_since = time.monotonic()

    def heard(self) -> None:
        """The taker's first frame plays."""
        if self._to and self._quiet_since is not None:
            gap = time.monotonic() - self._quiet_since
            measure.observe("voicemesh_handoff_gap_seconds", gap, {"to": self._to}, call_id=self._call_id)
            tracing.note(get_current_span(), {"voicemesh.gap_ms": round(gap * 1000)})  # the handoff's


def told_of_handoff(call_id: str, *, giver: str, taker: str, outcome: str) -> None:
    """``outcome``: moved, or why the call stayed: a reason of the protocol, or a fault's class."""
    labels = {"from": giver, "to": taker, "outcome": outcome if outcome in _OUTCOMES else "error"}
    measure.count("voicemesh_handoffs_total", labels, call_id=call_id)
