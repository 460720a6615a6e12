"""Every line that the deployed processes may log. docs/telemetry.md is made of this; a contract test compares it with the code."""

from __future__ import annotations

from telemetry.log_event import Event
from telemetry.log_events_calls import OF_CALLS
from telemetry.log_events_elsewhere import ELSEWHERE
from telemetry.log_events_workers import OF_WORKERS

__all__ = ["ELSEWHERE", "EVENTS", "OF_CALLS", "OF_WORKERS", "Event"]

EVENTS: tuple[Event, ...] = (*OF_CALLS, *OF_WORKERS, *ELSEWHERE)
"""Sorted by who logs them, as the files are."""
