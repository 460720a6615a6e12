"""All calls at a glance: what there is of each, what has just ended, how the services are; of a store that is away, what was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handoff.breaker import FAILURES, Breaker, Permit
from handoff.call import Ending, Mood, Sentiment
from handoff.errors import WireMismatch
from handoff.guardian import successor
from handoff.ledger import LedgerLine
from handoff.store import Overdue, WorkerStatus
from handoff.testing import START, FakeClock, OutageStore, make_call, make_handoff, make_intent, make_worker

from gateway.overview import ENDED_SECONDS, MOST_CALLS, Overview


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> OutageStore:
    return OutageStore(now=clock)


async def held(store: OutageStore, call_id: str = "call-1", *, service: str = "triage") -> None:
    await store.open_call(make_call(call_id, services=(service,)))
    await store.take_floor(call_id, service=service, agent_id=f"{service}-AJ_1", lease_seconds=10.0)


async def test_a_call_is_shown_with_who_has_it_and_how_it_goes(store: OutageStore, clock: FakeClock) -> None:
    await held(store)
    await store.offer(make_handoff())
    feels = Sentiment(Mood.NEGATIVE, -0.512, -0.3)
    call = make_call(services=("triage",), sentiment=feels, intent=make_intent("billing"), handoff_ids=("handoff-1",))
    await store.checkpoint(call, epoch=1)
    clock.advance(5.0)
    seen = await Overview(store).look()
    assert seen.at == START + 5.0
    assert seen.seen["live"] == 1
    assert seen.seen["store"] == "here"
    assert seen.seen["calls"] == [
        {
            "call_id": "call-1",
            "channel": "web",
            "service": "triage",
            "agent_id": "triage-AJ_1",
            "epoch": 1,
            "is_held": True,
            "is_recovered": False,
            "started_at": START,
            "turns": 2,
            "intent": "billing",
            "mood": "negative",
            "score": -0.51,
            "trend": -0.3,
            "handoffs": 1,
        }
    ]


async def test_a_call_whose_agent_is_lost_is_held_by_nobody_until_another_one_took_it_over(
    store: OutageStore, clock: FakeClock
) -> None:
    await held(store)
    clock.advance(10.0)
    (lost,) = (await Overview(store).look()).seen["calls"]
    assert (lost["is_held"], lost["is_recovered"]) == (False, False)
    service, agent_id = successor(Overdue("call-1", "triage", "triage-AJ_1", 1, 0))
    await store.seize_floor("call-1", epoch=1, service=service, agent_id=agent_id, lease_seconds=4.0)
    (recovered,) = (await Overview(store).look()).seen["calls"]
    assert (recovered["is_held"], recovered["is_recovered"], recovered["epoch"]) == (True, True, 2)


async def test_a_call_that_nobody_has_answered_yet_is_shown(store: OutageStore) -> None:
    await store.open_call(make_call())
    (call,) = (await Overview(store).look()).seen["calls"]
    assert (call["service"], call["agent_id"], call["epoch"], call["is_held"]) == ("", "", 0, False)


async def test_the_newest_call_is_the_first(store: OutageStore) -> None:
    for call_id, started_at in (("call-1", START), ("call-2", START + 9), ("call-3", START + 5)):
        await store.open_call(replace(make_call(call_id), started_at=started_at))
    seen = (await Overview(store).look()).seen
    assert [call["call_id"] for call in seen["calls"]] == ["call-2", "call-3", "call-1"]


async def test_what_has_just_ended_is_shown_for_a_minute(store: OutageStore, clock: FakeClock) -> None:
    await held(store, service="billing")
    clock.advance(30.0)
    await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
    seen = (await Overview(store).look()).seen
    assert (seen["live"], seen["calls"]) == (0, [])
    assert seen["ended"] == [
        {
            "call_id": "call-1",
            "ending": "resolved",
            "service": "billing",
            "started_at": START,
            "ended_at": START + 30.0,
            "handoffs": 0,
        }
    ]
    clock.advance(ENDED_SECONDS + 0.1)
    assert (await Overview(store).look()).seen["ended"] == []


async def test_services_are_shown_with_their_calls_and_their_breakers(store: OutageStore) -> None:
    await held(store, "call-1", service="billing")
    await held(store, "call-2", service="billing")
    for _ in range(FAILURES):
        await Breaker(store).failed(Permit("sales"))
    services = {each["name"]: each for each in (await Overview(store).look()).seen["services"]}
    assert list(services) == ["triage", "billing", "technical", "sales", "escalation"]
    assert (services["billing"]["calls"], services["billing"]["breaker"]) == (2, "closed")
    assert (services["sales"]["calls"], services["sales"]["breaker"]) == (0, "open")


async def places(store: OutageStore, service: str = "billing") -> object:
    services = {each["name"]: each for each in (await Overview(store).look()).seen["services"]}
    return services[service]["places"]


async def test_of_each_service_the_places_of_its_workers_are_shown(store: OutageStore) -> None:
    await store.note_worker(make_worker("billing-1", capacity=4, taken=3), seconds=5)
    await store.note_worker(make_worker("billing-2", capacity=4, taken=4), seconds=5)
    await store.note_worker(make_worker("sales-1", service="sales", capacity=2, taken=2), seconds=5)
    assert await places(store, "billing") == {"workers": 2, "capacity": 8, "free": 1, "away": {}}
    assert await places(store, "sales") == {"workers": 1, "capacity": 2, "free": 0, "away": {}}


async def test_a_worker_that_no_call_can_come_to_has_no_place(store: OutageStore) -> None:
    await store.note_worker(make_worker("billing-1", taken=0), seconds=5)
    for number, away in enumerate(("draining", "livekit_disconnected", "draining"), 2):
        await store.note_worker(make_worker(f"billing-{number}", away=away), seconds=5)
    away = {"draining": 2, "livekit_disconnected": 1}
    assert await places(store) == {"workers": 1, "capacity": 10, "free": 10, "away": away}


async def test_a_canary_s_places_are_not_the_service_s(store: OutageStore) -> None:
    await store.note_worker(make_worker("billing-1", taken=10), seconds=5)
    await store.note_worker(make_worker("billing-2", taken=0, is_canary=True, version="2.0"), seconds=5)
    await store.note_worker(make_worker("billing-3", taken=0, is_canary=True, away="draining"), seconds=5)
    assert await places(store) == {"workers": 1, "capacity": 10, "free": 0, "away": {}}
    (billing,) = (each for each in (await Overview(store).look()).seen["services"] if each["name"] == "billing")
    assert billing["canaries"] == 1


async def test_a_service_whose_workers_are_all_gone_has_none(store: OutageStore, clock: FakeClock) -> None:
    await store.note_worker(make_worker(), seconds=5)
    clock.advance(5.0)
    assert await places(store) == {"workers": 0, "capacity": 0, "free": 0, "away": {}}


async def test_a_worker_with_more_calls_than_places_takes_none_of_anothers(store: OutageStore) -> None:
    await store.note_worker(make_worker("billing-1", capacity=2, taken=3), seconds=5)
    await store.note_worker(make_worker("billing-2", capacity=2, taken=0), seconds=5)
    assert await places(store) == {"workers": 2, "capacity": 4, "free": 2, "away": {}}


async def test_of_very_many_calls_some_are_shown_and_all_are_counted(store: OutageStore) -> None:
    for number in range(MOST_CALLS + 20):
        await store.open_call(make_call(f"call-{number:03}"))
    overview = Overview(store)
    seen = (await overview.look()).seen
    assert (seen["live"], len(seen["calls"])) == (MOST_CALLS + 20, MOST_CALLS)
    assert (await overview.look()).seen == seen


async def test_while_the_store_is_away_what_was_is_shown_as_such(store: OutageStore) -> None:
    await held(store)
    overview = Overview(store)
    before = await overview.look()
    store.is_away = True
    away = await overview.look()
    assert away.seen["store"] == "away"
    assert (away.at, away.seen["calls"]) == (before.at, before.seen["calls"])
    store.is_away = False
    assert (await overview.look()).seen == before.seen


async def test_a_store_that_was_never_there_shows_nothing_and_says_why(store: OutageStore) -> None:
    store.is_away = True
    seen = (await Overview(store).look()).seen
    assert (seen["live"], seen["store"]) == (0, "away")


async def test_what_another_release_wrote_hides_nothing_else() -> None:
    class Mixed(OutageStore):
        async def load_call(self, call_id: str) -> object:  # type: ignore[override]
            if call_id == "call-2":
                raise WireMismatch("stored record not understood")
            return await super().load_call(call_id)

        async def endings(self, *, since: float = 0.0) -> tuple[LedgerLine, ...]:
            raise WireMismatch("stored line of the ledger not understood")

        async def workers(self) -> tuple[WorkerStatus, ...]:
            raise WireMismatch("stored WorkerStatus not understood")

    mixed = Mixed(now=FakeClock())
    await held(mixed, "call-1")
    await held(mixed, "call-2")
    seen = (await Overview(mixed).look()).seen
    assert [(call["call_id"], call.get("unreadable", False)) for call in seen["calls"]] == [
        ("call-1", False),
        ("call-2", True),
    ]
    assert seen["ended"] == []
    assert {service["places"] for service in seen["services"]} == {None}, "not that there is no worker"
