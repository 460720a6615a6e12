"""Where a call that was seized goes on, what happens when its caller is not there, and when it is given up."""

from __future__ import annotations

import asyncio

import pytest
from handoff.call import Ending, Floor
from handoff.store import Overdue
from worker.main_process.livekit_worker import ClosedJob
from worker.recovery.recovery import CALLER_BACK_SECONDS, CALLER_WAS_GONE, NOBODY_COULD
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.recovery import ALICE, RECOVERY_SECONDS, Scene


# --- where it goes on -------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_worker_without_a_warm_process_calls_another_one_in() -> None:
    scene = Scene()
    scene.pool.has_warm_process = False
    await scene.held()
    await scene.died()
    floor = await scene.floor()
    assert scene.rooms.called_in == [
        ("billing", {"resume": "2", "agent_id": floor.agent_id, "lost_agent": "billing-1"})
    ]
    assert scene.outcomes("parent") == {"billing dispatched": 1.0}


@pytest.mark.parametrize("why", ["full", "draining", "broken"])
@without_waiting
async def test_a_worker_that_cannot_take_the_call_itself_calls_another_one_in(why: str) -> None:
    scene = Scene()
    scene.running = 2 if why == "full" else 0
    scene.admission.draining = why == "draining"
    scene.pool.is_broken = why == "broken"
    await scene.held()
    await scene.died()
    assert [service for service, _ in scene.rooms.called_in] == ["billing"]
    assert scene.admission.taken == scene.running, "no place is kept for it"


@without_waiting
async def test_a_worker_that_goes_sends_the_calls_on_whose_jobs_it_closed() -> None:
    scene = Scene()
    await scene.held()
    scene.admission.draining, scene.admission.is_connected = True, False
    scene.recovery.job_closed(ClosedJob("call-1", "billing-1", "", 0))
    await scene.recovery.settle(2.0)
    assert [service for service, _ in scene.rooms.called_in] == ["billing"]


@without_waiting
async def test_a_worker_of_the_service_is_faster_than_the_others_by_one_look() -> None:
    triage, billing = Scene("triage"), Scene("billing")
    for scene in (triage, billing):
        await scene.held()
        await asyncio.sleep(1)
        await scene.recovery.guardian.look()
        await everything_ran()
    assert triage.rooms.called_in == []
    assert len(billing.pool.launched) == 1
    await triage.recovery.guardian.look()
    await everything_ran()
    assert [service for service, _ in triage.rooms.called_in] == ["billing"]
    assert triage.outcomes("lease") == {"billing dispatched": 1.0}


@without_waiting
async def test_a_service_that_has_nobody_to_send_is_stood_in_for_before_the_lease_passes() -> None:
    scene = Scene("triage")
    scene.rooms.answers = False
    await scene.held()
    await scene.overdue()
    await asyncio.sleep(2.6)
    assert [service for service, _ in scene.rooms.called_in] == ["billing", "escalation"]
    floor = await scene.floor()
    assert (floor.service, floor.epoch) == ("escalation", 3)
    assert scene.rooms.called_in[-1][1] == {"resume": "3", "agent_id": floor.agent_id, "lost_agent": ""}


@without_waiting
async def test_a_service_of_which_nobody_lives_is_stood_in_for_at_once() -> None:
    scene = Scene("triage")
    scene.peers.alive.remove("billing")
    await scene.held()
    await scene.overdue()
    assert [service for service, _ in scene.rooms.called_in] == ["billing", "escalation"]
    assert (await scene.floor()).service == "escalation"


@without_waiting
async def test_the_front_desk_itself_stands_in_at_last_when_a_worker_of_it_is_the_only_one() -> None:
    scene = Scene("triage")
    scene.rooms.answers = False
    await scene.held()
    await scene.overdue()
    await asyncio.sleep(5.2)
    floor = await scene.floor()
    assert [told["agent_id"] for _, told in scene.pool.launched] == [floor.agent_id]
    assert floor.service == "triage"


@without_waiting
async def test_a_service_that_was_called_in_and_comes_is_not_stood_in_for() -> None:
    scene = Scene("triage")
    await scene.held()
    await scene.overdue()
    await asyncio.sleep(3)
    assert len(scene.rooms.called_in) == 1


# --- a caller who is not there ----------------------------------------------------------------------------------------
@without_waiting
async def test_a_caller_who_is_not_there_is_waited_for_and_nobody_is_called_in_for_him() -> None:
    scene = Scene()
    scene.rooms.callers = ()
    await scene.held()
    await scene.died()
    await asyncio.sleep(10)
    assert (scene.pool.launched, scene.rooms.called_in) == ([], [])
    assert await scene.recovery.guardian.look() == 0, "the call is not anybody else's meanwhile"
    scene.rooms.callers = (ALICE,)
    await asyncio.sleep(0.6)
    floor = await scene.floor()
    assert [told["agent_id"] for _, told in scene.pool.launched] == [floor.agent_id]
    assert floor.lease_until - await scene.store.now() > RECOVERY_SECONDS - 1, "it has its whole time to be heard"


@without_waiting
async def test_a_call_whose_human_and_caller_are_both_gone_ends_as_one_that_a_human_had() -> None:
    scene = Scene()
    scene.rooms.callers = ()
    await scene.held(service="human", agent_id="human-a1")
    await scene.overdue()
    await asyncio.sleep(CALLER_BACK_SECONDS + 1)
    call = await scene.call()
    assert (call.ending, call.ending_detail) == (Ending.TRANSFERRED_TO_HUMAN, CALLER_WAS_GONE)
    assert scene.rooms.closed == ["consult-human-a1", "call-1"], (
        "his telephone, should he have been on one, and the call"
    )


@without_waiting
async def test_a_caller_who_does_not_come_back_has_hung_up() -> None:
    scene = Scene()
    scene.rooms.callers = ()
    await scene.held()
    await scene.died()
    await asyncio.sleep(CALLER_BACK_SECONDS + 1)
    call = await scene.call()
    assert (call.ending, call.ending_detail) == (Ending.CALLER_HUNG_UP, CALLER_WAS_GONE)
    assert scene.rooms.closed == ["call-1"]
    assert scene.outcomes("parent") == {"billing caller_gone": 1.0}


@without_waiting
async def test_a_call_that_somebody_else_took_meanwhile_is_left_to_him() -> None:
    scene = Scene()
    scene.rooms.callers = ()
    await scene.held()
    await scene.died()
    seized = await scene.floor()
    await scene.store.seize_floor(
        "call-1", epoch=2, service="triage", agent_id="triage-9", lease_seconds=60, dead_agent_id=seized.agent_id
    )
    scene.rooms.callers = (ALICE,)
    await asyncio.sleep(CALLER_BACK_SECONDS + 1)
    assert (scene.pool.launched, scene.rooms.closed) == ([], [])
    assert (await scene.floor()).agent_id == "triage-9"
    assert scene.outcomes("parent") == {"billing overtaken": 1.0}


@without_waiting
async def test_a_worker_that_livekit_cannot_reach_leaves_lost_calls_to_others() -> None:
    scene = Scene()
    scene.admission.is_connected = False
    await scene.held()
    await scene.overdue()
    assert (await scene.floor()).epoch == 1


@without_waiting
async def test_a_worker_that_finds_that_livekit_does_not_answer_seizes_nothing_and_burns_no_lease() -> None:
    scene = Scene()
    await scene.held()
    scene.rooms.is_away = True
    await scene.overdue()
    await asyncio.sleep(RECOVERY_SECONDS)
    assert scene.outcomes("lease") == {"billing livekit_away": 1.0}
    assert scene.rooms.looks == 1, "for a while it does not even ask"
    (lost,) = await scene.store.overdue()
    assert (lost.epoch, lost.attempts) == (1, 0)


@without_waiting
async def test_when_livekit_answers_again_a_worker_recovers_calls_as_before() -> None:
    scene = Scene()
    await scene.held()
    scene.rooms.is_away = True
    await scene.overdue()
    scene.rooms.is_away = False
    await scene.overdue()
    assert scene.pool.launched == []
    await asyncio.sleep(10)
    await scene.overdue()
    assert len(scene.pool.launched) == 1


@without_waiting
async def test_a_worker_that_has_registered_anew_need_not_wait() -> None:
    scene = Scene()
    await scene.held()
    scene.rooms.is_away = True
    await scene.overdue()
    scene.rooms.is_away, scene.admission.is_connected = False, True
    await scene.overdue()
    assert len(scene.pool.launched) == 1


@without_waiting
async def test_while_livekit_takes_no_dispatch_the_call_is_not_kept_from_others() -> None:
    scene = Scene("triage")
    await scene.held()
    scene.rooms.takes_dispatches = False
    await scene.overdue()
    assert scene.outcomes("lease") == {"billing livekit_away": 1.0}
    await asyncio.sleep(RECOVERY_SECONDS)
    (again,) = await scene.store.overdue()
    assert again.attempts == 1


# --- giving up --------------------------------------------------------------------------------------------------------
@without_waiting
async def test_after_five_successors_that_were_never_heard_the_call_has_failed_and_the_line_is_closed() -> None:
    scene = Scene()
    await scene.held()
    for _ in range(6):
        await scene.overdue()
        await asyncio.sleep(2 * RECOVERY_SECONDS)
    call = await scene.call()
    assert (call.ending, call.ending_detail) == (Ending.FAILED, NOBODY_COULD)
    assert scene.rooms.closed == ["call-1"]
    assert len(scene.pool.launched) == 2
    assert [service for service, _ in scene.rooms.called_in] == ["escalation", "triage", "escalation"]


@without_waiting
async def test_a_guardian_that_comes_too_late_ends_nothing() -> None:
    scene = Scene()
    floor = await scene.held()
    late = Overdue("call-1", "billing", "billing-0", 0, 5)
    await scene.recovery._rescue(late, Floor("call-1", "billing", "billing-r1-x", 0, 0.0), "lease")
    assert (await scene.call()).ending is None
    assert await scene.floor() == floor
    assert scene.rooms.closed == []
    assert scene.outcomes("lease") == {"billing overtaken": 1.0}
