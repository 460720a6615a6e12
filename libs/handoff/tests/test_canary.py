"""Which calls are in a canary's share: as many as it shall have, the same ones however often they are asked about."""

from __future__ import annotations

import uuid
from dataclasses import replace
from random import Random

import pytest
from handoff.agent_ids import canary_of, service_of
from handoff.canary import TRIAL_SECONDS, Canary, is_failing, place_of
from handoff.testing import FakeClock, memory_store

CALLS = [f"call-{uuid.UUID(int=bits, version=4)}" for bits in map(Random(7).getrandbits, [128] * 20_000)]


@pytest.mark.parametrize("weight", [1, 10, 50])
def test_a_canary_gets_its_share_of_many_calls(weight: int) -> None:
    canary = Canary("billing", "2.0", weight, True)
    got = sum(canary.gets(call_id) for call_id in CALLS) / len(CALLS) * 100
    assert got == pytest.approx(weight, abs=1.5)  # four standard deviations of a fair coin, 20 000 times


def test_the_share_is_right_for_call_ids_that_count_upwards_too() -> None:
    canary = Canary("billing", "2.0", 10, True)
    assert sum(canary.gets(f"call-{n}") for n in range(20_000)) / 200 == pytest.approx(10, abs=1.5)


def test_a_call_is_in_the_share_or_not_whatever_version_it_is_and_stays_in_a_greater_one() -> None:
    small, large = Canary("billing", "2.0", 10, True), Canary("billing", "2.1", 20, True)
    assert {call for call in CALLS if small.gets(call)} < {call for call in CALLS if large.gets(call)}


def test_the_canaries_of_two_services_do_not_try_the_same_callers() -> None:
    billing, sales = Canary("billing", "2.0", 10, True), Canary("sales", "2.0", 10, True)
    both = sum(billing.gets(call) and sales.gets(call) for call in CALLS) / len(CALLS) * 100
    assert both == pytest.approx(1, abs=0.4)


def test_where_a_call_stands_is_the_same_in_every_process_and_release() -> None:
    assert round(place_of("billing", "call-1"), 6) == 75.680257


def test_a_canary_that_is_away_or_stopped_gets_nothing() -> None:
    canary = Canary("billing", "2.0", 50, True)
    assert not any(replace(canary, is_there=False).gets(call) for call in CALLS[:100])
    assert not any(replace(canary, stopped_at=1.0).gets(call) for call in CALLS[:100])


@pytest.mark.parametrize(
    ("recent", "is_so"),
    [("", False), ("ff", False), ("fff", True), ("s" * 12 + "fff", True), ("s" * 13 + "fff", False)],
)
def test_a_version_fails_when_three_handoffs_and_a_fifth_of_them_did(recent: str, is_so: bool) -> None:
    assert is_failing(recent) is is_so


def test_its_workers_have_a_name_of_their_own_that_leads_back_to_the_service() -> None:
    assert (canary_of("billing"), service_of("billing-canary"), service_of("billing")) == (
        "billing-canary",
        "billing",
        "billing",
    )


async def test_what_is_not_heard_of_for_seconds_is_away_and_for_a_week_forgotten() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await store.note_canary("billing", version="2.0", weight=10, seconds=5)
    clock.advance(4.9)
    assert (found := await store.canary("billing")) is not None and found.share == 10
    clock.advance(0.1)
    assert (found := await store.canary("billing")) is not None and found.share == 0
    clock.advance(TRIAL_SECONDS)
    assert await store.canary("billing") is None
