"""The mesh's time in a process whose own clock is wrong."""

from __future__ import annotations

import base64
import json

import pytest
from handoff.testing import START, FakeClock
from worker.store_clock import StoreClock, issued_at

TEN_MINUTES = 600.0


def clock(**settings: float) -> tuple[StoreClock, FakeClock, FakeClock]:
    """The clock, what drives it, and the machine's own."""
    monotonic, local = FakeClock(0.0), FakeClock(START)
    return StoreClock(monotonic=monotonic, local=local, **settings), monotonic, local


def test_a_jump_of_the_machines_clock_moves_it_not_at_all() -> None:
    now, _, local = clock()
    now.heard(START)
    local.advance(TEN_MINUTES)
    assert now() == START


def test_it_runs_on_while_the_store_is_silent() -> None:
    now, monotonic, _ = clock()
    now.heard(START)
    monotonic.advance(30)
    assert now() == START + 30


def test_the_stores_time_is_right_whatever_the_machine_says() -> None:
    now, _, _ = clock()
    now.heard(START - TEN_MINUTES)
    assert now() == START - TEN_MINUTES


def test_before_the_store_was_heard_somebody_elses_clock_counts_and_the_machines_own_last() -> None:
    assert clock(begins_at=START + TEN_MINUTES)[0]() == START + TEN_MINUTES
    assert clock()[0]() == START


def test_a_jobs_token_tells_livekits_time() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"nbf": 1_750_000_000}).encode()).decode().rstrip("=")
    assert issued_at(f"header.{claims}.signature") == START


@pytest.mark.parametrize("token", ["", "one", "a.!.c", "a.e30.c", "a.W10.c", "a.eyJuYmYiOm51bGx9.c"])
def test_a_token_that_does_not_tell_tells_nothing(token: str) -> None:
    assert issued_at(token) is None
