"""The parent: a job's process is gone. Was that a death, whose call is it now, and who goes on with it?"""

from __future__ import annotations

import asyncio

import pytest
from handoff.call import Ending
from handoff.desk import DESK
from handoff.lifecycle import State
from handoff.testing import make_call, make_handoff
from worker.main_process.livekit_worker import ClosedJob
from worker.recovery.recovery import NOBODY_COULD
from worker.recovery.rooms import Caller
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.recovery import ALICE, Scene


# --- the parent -------------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_dead_jobs_call_goes_on_in_the_same_worker_at_once_without_waiting_for_its_lease() -> None:
    scene = Scene()
    await scene.held(lease_seconds=60)
    await scene.died()
    floor = await scene.floor()
    assert (floor.service, floor.epoch) == ("billing", 2)
    assert scene.pool.launched == [
        (f"{floor.agent_id}-own", {"resume": "2", "agent_id": floor.agent_id, "lost_agent": "billing-1"})
    ]
    assert scene.rooms.evicted == ["billing-1"]
    assert scene.rooms.called_in == []
    assert scene.outcomes("parent") == {"billing relaunched": 1.0}


@without_waiting
async def test_a_call_that_the_parent_recovered_is_not_recovered_by_its_guardian_too() -> None:
    scene = Scene()
    await scene.held(lease_seconds=0)
    await scene.died()
    await scene.overdue()
    assert len(scene.pool.launched) == 1


@pytest.mark.parametrize("exit_code", [0, 1])
@without_waiting
async def test_a_job_that_left_its_floor_behind_is_dead_whatever_its_exit_code(exit_code: int) -> None:
    scene = Scene()
    await scene.held()
    await scene.died(exit_code=exit_code)
    assert len(scene.pool.launched) == 1


@without_waiting
async def test_a_stopped_jobs_call_goes_on_without_it() -> None:
    scene = Scene()
    await scene.held(lease_seconds=60)
    scene.recovery.job_closed(ClosedJob("call-1", "billing-1", "", None))
    await everything_ran()
    assert len(scene.pool.launched) == 1
    assert scene.rooms.evicted == ["billing-1"], "thawed, it cannot be heard"


@without_waiting
async def test_the_end_of_a_job_whose_call_has_ended_is_no_death() -> None:
    scene = Scene()
    await scene.held()
    await scene.store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
    await scene.died(exit_code=0)
    assert (scene.pool.launched, scene.rooms.evicted, scene.rooms.closed) == ([], [], [])
    assert (await scene.call()).ending is Ending.RESOLVED


@without_waiting
async def test_the_end_of_a_job_whose_call_is_another_agents_is_no_death() -> None:
    scene = Scene()
    await scene.held(agent_id="billing-2")
    await scene.died("billing-1", exit_code=0)
    assert (scene.pool.launched, scene.rooms.evicted) == ([], [])
    assert (await scene.floor()).epoch == 1


@without_waiting
async def test_a_killed_job_that_held_no_floor_is_only_put_out_of_the_room() -> None:
    scene = Scene()
    await scene.held(agent_id="triage-1", service="triage")
    await scene.died("billing-1")
    assert scene.rooms.evicted == ["billing-1"]
    assert (await scene.floor()).epoch == 1


@without_waiting
async def test_when_a_taker_dies_before_it_has_the_floor_its_giver_is_told_at_once() -> None:
    scene = Scene()
    await scene.held(agent_id="triage-1", service="triage")
    await scene.store.offer(make_handoff("h1", now=await scene.store.now()))
    await scene.store.move("h1", State.ACCEPTED)
    await scene.died("billing-h1", handoff_id="h1")
    stored = await scene.store.load_handoff("h1")
    assert stored is not None
    assert (stored.state, stored.reason) == (State.WITHDRAWN, "lost")
    assert scene.pool.launched == []
    assert (await scene.floor()).agent_id == "triage-1"


@without_waiting
async def test_when_a_job_goes_for_whose_handoff_another_one_is_the_taker_its_giver_waits_on() -> None:
    """Two had come for one dispatch."""
    scene = Scene()
    await scene.held(agent_id="triage-1", service="triage")
    await scene.store.offer(make_handoff("h1", now=await scene.store.now()))
    await scene.store.move("h1", State.ACCEPTED)
    await scene.store.move("h1", State.READY, taker_id="billing-h1-AJ_1")
    await scene.died("billing-h1-AJ_2", handoff_id="h1", exit_code=0)
    stored = await scene.store.load_handoff("h1")
    assert stored is not None
    assert stored.state is State.READY


@pytest.mark.parametrize("has_claimed", [True, False])
@without_waiting
async def test_a_successor_that_dies_has_one_in_its_turn_whether_it_had_claimed_its_floor_or_not(
    has_claimed: bool,
) -> None:
    scene = Scene()
    await scene.held()
    await scene.died()
    awaited_id = (await scene.floor()).agent_id
    own = f"{awaited_id}-own"
    if has_claimed:
        await scene.store.claim_floor("call-1", epoch=2, awaited_id=awaited_id, agent_id=own)
    await scene.died(own, awaited_id=awaited_id)
    assert (await scene.floor()).epoch == 3
    assert len(scene.pool.launched) == 2


@without_waiting
async def test_a_successor_that_came_in_vain_is_no_loss_to_the_one_that_was_faster() -> None:
    scene = Scene()
    await scene.held()
    await scene.died()
    awaited_id = (await scene.floor()).agent_id
    await scene.store.claim_floor("call-1", epoch=2, awaited_id=awaited_id, agent_id=f"{awaited_id}-AJ_1")
    await scene.died(f"{awaited_id}-AJ_2", exit_code=0, awaited_id=awaited_id)
    assert ((await scene.floor()).agent_id, len(scene.pool.launched)) == (f"{awaited_id}-AJ_1", 1)


@without_waiting
async def test_when_a_taker_dies_after_it_has_the_floor_its_successor_has_the_call() -> None:
    scene = Scene()
    await scene.held(agent_id="triage-1", service="triage")
    await scene.store.offer(make_handoff("h1", now=await scene.store.now()))
    await scene.store.move("h1", State.ACCEPTED)
    await scene.store.move("h1", State.READY, taker_id="billing-h1")
    await scene.store.pass_floor("h1", epoch=1, lease_seconds=60)
    await scene.died("billing-h1", handoff_id="h1")
    stored = await scene.store.load_handoff("h1")
    assert stored is not None
    assert stored.state is State.SUPERSEDED
    assert (await scene.floor()).epoch == 3
    assert len(scene.pool.launched) == 1


@without_waiting
async def test_a_place_that_was_kept_for_a_taker_is_free_when_its_job_is_gone() -> None:
    scene = Scene()
    scene.admission.try_admit("h1")
    await scene.died("billing-h1", handoff_id="h1")
    assert scene.admission.taken == 0


@without_waiting
async def test_a_job_that_died_before_anybody_held_the_floor_has_a_successor() -> None:
    scene = Scene()
    await scene.store.open_call(make_call())
    await scene.died()
    assert (await scene.floor()).epoch == 1
    assert [told["resume"] for _, told in scene.pool.launched] == ["1"]


@without_waiting
async def test_a_call_without_a_record_is_answered_anew_twice_and_then_closed() -> None:
    scene = Scene()
    for _ in range(2):
        await scene.died()
    assert [told for _, told in scene.pool.launched] == [{}, {}]
    assert scene.rooms.closed == []
    await scene.died()
    assert len(scene.pool.launched) == 2
    assert scene.rooms.closed == ["call-1"]
    call = await scene.call()
    assert (call.ending, call.ending_detail) == (Ending.FAILED, NOBODY_COULD), "the ledger counts it"
    assert (call.caller_identity, call.services) == ("caller-1", ("billing",))


@without_waiting
async def test_a_call_that_somebody_has_answered_after_all_is_not_closed() -> None:
    scene = Scene()
    await scene.held(agent_id="billing-2")
    await scene.recovery._end_unanswered(ClosedJob("call-1", "billing-1", "", -9), ALICE)
    assert scene.rooms.closed == []
    assert (await scene.call()).ending is None


@pytest.mark.parametrize(("callers", "agents"), [((), ()), ((ALICE,), ("triage-1",))], ids=["nobody", "an agent"])
@without_waiting
async def test_a_room_without_a_lonely_caller_is_not_answered_anew(
    callers: tuple[Caller, ...], agents: tuple[str, ...]
) -> None:
    scene = Scene()
    scene.rooms.callers, scene.rooms.agents = callers, agents
    await scene.died()
    assert scene.pool.launched == []


@without_waiting
async def test_a_death_during_an_outage_of_the_store_is_recovered_after_it() -> None:
    scene = Scene()
    await scene.held(lease_seconds=60)
    scene.store.is_away = True
    await scene.died()
    await asyncio.sleep(3)
    assert scene.pool.launched == []
    scene.store.is_away = False
    await asyncio.sleep(1)
    assert len(scene.pool.launched) == 1


@without_waiting
async def test_a_death_while_livekit_is_away_is_left_to_the_lease() -> None:
    scene = Scene()
    await scene.held()
    scene.admission.is_connected = False
    await scene.died()
    assert (await scene.floor()).epoch == 1
    scene.admission.is_connected = True
    await scene.overdue()
    assert len(scene.pool.launched) == 1


@without_waiting
async def test_a_parent_that_cannot_reach_livekit_seizes_nothing_and_leaves_the_call_to_others() -> None:
    scene = Scene()
    await scene.held()
    scene.rooms.is_away = True
    await scene.died()
    assert (await scene.floor()).epoch == 1
    assert scene.outcomes("parent") == {"billing livekit_away": 1.0}


@without_waiting
async def test_the_room_of_a_dead_job_is_looked_at_once_before_its_successor_starts() -> None:
    scene = Scene()
    await scene.held()
    await scene.died()
    assert len(scene.pool.launched) == 1
    assert scene.rooms.looks == 1


@without_waiting
async def test_a_call_that_kills_its_agents_climbs_the_rungs() -> None:
    scene = Scene()
    await scene.held()
    for _ in range(3):
        await scene.died((await scene.floor()).agent_id)
        if (await scene.floor()).service == "billing":  # it speaks, and dies of what it hears
            await scene.store.renew_floor("call-1", epoch=(await scene.floor()).epoch, lease_seconds=1)
    assert len(scene.pool.launched) == 2
    assert [service for service, _ in scene.rooms.called_in] == ["escalation"]


@without_waiting
async def test_deaths_that_have_nothing_to_do_with_each_other_are_no_trouble_of_the_call() -> None:
    scene = Scene()
    await scene.held()
    for _ in range(4):
        await scene.died((await scene.floor()).agent_id)
        await asyncio.sleep(30)
    assert len(scene.pool.launched) == 4


# --- a human's switchboard --------------------------------------------------------------------------------------------
@without_waiting
async def test_a_human_whose_switchboard_died_is_hung_up_and_customer_care_has_the_caller_at_once() -> None:
    scene = Scene("escalation")
    await scene.held(service=DESK, agent_id="human-1", lease_seconds=60)
    await scene.died("human-1", handoff_id="d1")
    assert (await scene.floor()).service == "escalation"
    assert len(scene.pool.launched) == 1
    assert scene.rooms.evicted == ["human-1"]
    assert scene.rooms.closed == ["consult-human-1"]


@without_waiting
async def test_a_switchboard_that_dies_while_its_human_is_briefed_costs_the_caller_nothing() -> None:
    scene = Scene("escalation")
    await scene.held(service="escalation", agent_id="escalation-1")
    await scene.store.offer(make_handoff("d1", to_service=DESK, now=await scene.store.now()))
    await scene.store.move("d1", State.ACCEPTED)
    await scene.store.move("d1", State.DISPATCHED, taker_id="human-1")
    await scene.died("human-1", handoff_id="d1")
    stored = await scene.store.load_handoff("d1")
    assert stored is not None
    assert (stored.state, stored.reason) == (State.WITHDRAWN, "lost"), "the agent asks the next one"
    assert (await scene.floor()).agent_id == "escalation-1"
    assert scene.rooms.closed == ["consult-human-1"], "he is not left on a dead line"
