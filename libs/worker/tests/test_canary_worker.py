"""A worker that is a canary: what it tells the mesh, under which name it is found, and what it does for calls that lost their agent."""

from __future__ import annotations

import asyncio
import logging

import pytest
from handoff.store import Store
from handoff.testing import OutageStore
from worker.agent.call_agent import CallAgent
from worker.main_process import run
from worker.main_process.admission import Admission
from worker.main_process.canary_beat import CanaryBeat
from worker.main_process.health import Readiness
from worker.main_process.heartbeat import BEAT_SECONDS, GONE_SECONDS
from worker.main_process.observe import Metrics
from worker.service import Service
from worker.settings import Settings, SettingsError
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.recovery import Scene
from worker.testing.text_call import make_settings

BILLING = Service("billing", CallAgent)


class Beating:
    """A canary of billing's with a weight of 10 %, registered with LiveKit; its store's clock is the test's."""

    def __init__(self, store: OutageStore | None = None) -> None:
        self.store = store or OutageStore(now=asyncio.get_running_loop().time)
        self.admission = Admission(10, running=lambda: 0, hold_seconds=60)
        self.readiness = Readiness(self.admission, initialized=True, registered=True)
        self.metrics = Metrics("billing", active=lambda: 0, capacity=lambda: 10, version="2.0", is_canary=True)
        self.beat = CanaryBeat(
            "billing", version="2.0", weight=10, store=self.store, readiness=self.readiness, metrics=self.metrics
        )
        self.beats = asyncio.create_task(self.beat.run())

    async def share(self) -> int:
        """Per cent, after the next beat."""
        await asyncio.sleep(BEAT_SECONDS * 1.5)
        return await share_of(self.store)

    def shown(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"service": "billing", "version": "2.0"})


async def share_of(store: Store) -> int:
    found = await store.canary("billing")
    return found.share if found is not None else 0


# --- what it tells ----------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_canary_gets_its_share_for_as_long_as_it_beats() -> None:
    canary = Beating()
    for _ in range(20):
        assert await canary.share() == 10
    canary.beats.cancel()
    await asyncio.sleep(GONE_SECONDS)
    assert await share_of(canary.store) == 0


@pytest.mark.parametrize("why", ["starting", "draining", "disconnected"])
@without_waiting
async def test_a_canary_to_which_no_call_can_come_asks_for_none(why: str) -> None:
    canary = Beating()
    assert await canary.share() == 10
    canary.readiness.initialized = why != "starting"
    canary.admission.draining = why == "draining"
    canary.readiness.registered = why != "disconnected"
    assert await canary.share() == 0
    canary.beats.cancel()


@without_waiting
async def test_a_canary_that_leaves_gets_nothing_from_that_moment_and_its_like_go_on_a_second_later() -> None:
    one = Beating()
    other = Beating(one.store)
    assert await one.share() == 10
    one.beats.cancel()
    await one.beat.leave()
    assert await share_of(one.store) == 0
    assert await other.share() == 10
    other.beats.cancel()


@without_waiting
async def test_one_that_never_was_ready_has_nothing_to_leave() -> None:
    canary = Beating()
    canary.beats.cancel()
    await canary.beat.leave()
    assert await canary.store.canary("billing") is None


@without_waiting
async def test_how_it_stands_is_shown_as_metrics() -> None:
    canary = Beating()
    assert canary.shown("voicemesh_canary_stopped") is None, "nobody has said so yet"
    await canary.share()
    assert (canary.shown("voicemesh_canary_share_percent"), canary.shown("voicemesh_canary_stopped")) == (10, 0)
    await canary.store.stop_canary("billing", why="by hand")
    await canary.share()
    assert (canary.shown("voicemesh_canary_share_percent"), canary.shown("voicemesh_canary_stopped")) == (0, 1)
    canary.beats.cancel()


@without_waiting
async def test_a_store_that_was_away_is_told_again() -> None:
    canary = Beating()
    canary.store.is_away = True
    await asyncio.sleep(60)
    canary.store.is_away = False
    assert await canary.share() == 10
    canary.beats.cancel()


def test_three_calls_that_lose_their_agent_stop_it(caplog: pytest.LogCaptureFixture) -> None:
    @without_waiting
    async def test() -> None:
        canary = Beating()
        await canary.share()
        for _ in range(3):
            canary.beat.lost_agent()
            await everything_ran()
        assert await canary.share() == 0
        canary.beats.cancel()

    with caplog.at_level(logging.WARNING):
        test()
    assert caplog.text.count("the canary of billing is stopped: 3 of the last 3 handoffs failed") == 1


# --- its names --------------------------------------------------------------------------------------------------------
def test_livekit_knows_a_canary_by_a_name_of_its_own_and_metrics_by_its_service() -> None:
    canary = run._Worker(BILLING, make_settings(canary_weight=10, version="2.0-rc.1"))
    stable = run._Worker(BILLING, make_settings(version="1.9"))
    assert (canary._server._agent_name, stable._server._agent_name) == ("billing-canary", "billing")

    def info(worker: run._Worker, **labels: str) -> float | None:
        return worker._metrics.registry.get_sample_value("voicemesh_worker_info", {"service": "billing", **labels})

    assert info(canary, version="2.0-rc.1", canary="yes") == 1
    assert info(stable, version="1.9", canary="no") == 1


def test_without_a_version_of_its_own_a_worker_has_its_package_s() -> None:
    worker = run._Worker(BILLING, make_settings())
    assert worker._version


GOOD = {
    "LIVEKIT_URL": "ws://127.0.0.1:7880",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "s" * 32,
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "VOICEMESH_SPEECH_URL": "http://127.0.0.1:8000/v1",
}


@pytest.mark.parametrize("weight", ["0", "51", "-1", "2.5", "half"])
def test_a_weight_that_is_none_is_refused_rather_than_taken_for_no_canary(weight: str) -> None:
    with pytest.raises(SettingsError, match="VOICEMESH_CANARY_WEIGHT must"):
        Settings.from_env({**GOOD, "VOICEMESH_CANARY_WEIGHT": weight})


def test_a_weight_makes_a_canary_and_nothing_does_not() -> None:
    canary = Settings.from_env({**GOOD, "VOICEMESH_CANARY_WEIGHT": "10"})
    assert (canary.canary_weight, canary.name_of("billing")) == (10, "billing-canary")
    for empty in ({}, {"VOICEMESH_CANARY_WEIGHT": " "}):
        assert Settings.from_env({**GOOD, **empty}).name_of("billing") == "billing"


@pytest.mark.parametrize("version", ["x" * 129, "two\nlines"])
def test_a_version_is_one_short_line(version: str) -> None:
    with pytest.raises(SettingsError, match="VOICEMESH_VERSION must be one line"):
        Settings.from_env({**GOOD, "VOICEMESH_VERSION": version})


# --- calls that lost their agent --------------------------------------------------------------------------------------
class Told:
    """What a main process says of its canary."""

    def __init__(self) -> None:
        self.losses = 0

    def lost_agent(self) -> None:
        self.losses += 1


def canary_scene() -> tuple[Scene, Told]:
    told = Told()
    return Scene(canary=told), told


@without_waiting
async def test_a_canary_s_call_goes_on_in_the_same_worker_and_is_counted_against_it() -> None:
    scene, told = canary_scene()
    await scene.held(lease_seconds=60)
    await scene.died()
    assert len(scene.pool.launched) == 1
    assert scene.outcomes("parent") == {"billing relaunched": 1.0}
    assert told.losses == 1


@without_waiting
async def test_a_second_death_brings_the_call_to_the_service_s_other_workers() -> None:
    scene, told = canary_scene()
    await scene.held(lease_seconds=60)
    await scene.died()
    floor = await scene.floor()
    await scene.died(f"{floor.agent_id}-own", awaited_id=floor.agent_id)
    assert len(scene.pool.launched) == 1
    assert [service for service, _ in scene.rooms.called_in] == ["billing"]
    assert told.losses == 2


@without_waiting
async def test_a_canary_rescues_no_call_of_others_into_its_own_pool() -> None:
    scene, told = canary_scene()
    await scene.held()
    await scene.overdue()
    assert scene.pool.launched == []
    assert [service for service, _ in scene.rooms.called_in] == ["billing"]
    assert told.losses == 0


@pytest.mark.parametrize("how", ["in order", "while it drains"])
@without_waiting
async def test_a_job_that_ends_in_order_or_with_its_worker_is_nothing_against_it(how: str) -> None:
    scene, told = canary_scene()
    await scene.held(lease_seconds=60)
    scene.admission.draining = how == "while it drains"
    await scene.died(exit_code=0 if how == "in order" else -9)
    assert told.losses == 0


@without_waiting
async def test_a_job_that_had_no_floor_is_its_giver_s_to_count() -> None:
    scene, told = canary_scene()
    await scene.held(agent_id="triage-1", service="triage", lease_seconds=60)
    await scene.died("billing-h1", handoff_id="h1")
    assert told.losses == 0
