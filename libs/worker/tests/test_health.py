"""Readiness gives the first reason why no call should come here."""

from dataclasses import dataclass

import pytest
from worker.main_process.health import Readiness


@dataclass
class Load:
    capacity: int = 2
    active: int = 0
    draining: bool = False


@pytest.mark.parametrize(
    ("load", "initialized", "registered", "reason"),
    [
        (Load(), False, False, "worker_not_initialized"),
        (Load(), True, False, "livekit_disconnected"),
        (Load(active=2), True, True, "at_capacity"),
        (Load(draining=True), True, True, "draining"),
        (Load(active=1), True, True, ""),
    ],
)
def test_the_reason_names_what_is_missing(load: Load, initialized: bool, registered: bool, reason: str) -> None:
    assert Readiness(load, initialized, registered).reason == reason


def test_a_full_worker_is_not_away() -> None:
    full = Readiness(Load(active=2), initialized=True, registered=True)
    assert (full.reason, full.away) == ("at_capacity", "")
