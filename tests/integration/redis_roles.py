"""What each role asks of the store, every question of it once: for the test of Redis's access list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from handoff.call import Ending
from handoff.lifecycle import State
from handoff.redis_store import RedisStore
from handoff.store import RoomList
from handoff.testing import make_call, make_due, make_handoff, make_ticket, make_worker
from store_steps import LEASE, PASSED, taken

Does = Callable[[Any], Awaitable[None]]


async def before(admin: RedisStore) -> None:
    """What others have done when a role comes: calls, promises, rooms."""
    await taken(admin)
    await admin.end_call("call-1", epoch=2, ending=Ending.RESOLVED)
    await admin.open_call(make_call("old"))
    await admin.take_floor("old", service="triage", agent_id="triage-old", lease_seconds=PASSED)
    await admin.open_call(make_call("forgotten"))
    await admin.take_floor("forgotten", service="triage", agent_id="triage-old", lease_seconds=PASSED)
    await admin._client.delete(admin.keys.call("forgotten"))
    await admin.add_callback(make_ticket())
    await admin.queue_callback(make_due())
    await admin.queue_callback(make_due("CT-10002"))
    await admin.queue_callback(make_due("CT-10003"))
    await admin.claim_callback("CT-10003", "call-1", human_id="human-2", name="Ben", seconds=60)
    await admin.close_callback("CT-10003", "call-1", human_id="human-2")
    for list_ in RoomList:
        await admin.note_room("room-1", list_, event_id=f"EV_{list_}", after_seconds=0.0)
    await admin.note_worker(make_worker("gone-1"), seconds=0.001)
    await admin.note_on_duty("human-gone", seconds=0.001)
    await admin.wait_in_line("billing", "call-9")


async def worker_does(store: Any) -> None:
    """A worker and its jobs."""
    for call_id, handoff_id in (("call-2", "handoff-2"), ("call-3", "handoff-3")):
        call = await store.open_call(make_call(call_id))
        await store.take_floor(call_id, service="triage", agent_id="triage-1", lease_seconds=LEASE)
        await store.checkpoint(call, epoch=1)
        await store.offer(make_handoff(handoff_id, call=call, now=await store.now()))
        watched = store.watch(handoff_id)
        await anext(watched)
        await store.move(handoff_id, State.ACCEPTED)
        await anext(watched)
        await watched.aclose()
        await store.move(handoff_id, State.DISPATCHED)
        await store.move(handoff_id, State.READY, taker_id="billing-1")
        await store.pass_floor(handoff_id, epoch=1, lease_seconds=LEASE)
        if call_id == "call-3":
            await store.take_back(handoff_id, giver_id="triage-1", epoch=2, lease_seconds=LEASE)
    await store.load_handoff("handoff-2")
    await store.renew_floor("call-2", epoch=2, lease_seconds=PASSED)
    await store.load_floor("call-2")
    await store.overdue()
    await store.seize_floor("call-2", epoch=2, service="billing", agent_id="billing-r3", lease_seconds=LEASE)
    await store.claim_floor("call-2", epoch=3, awaited_id="billing-r3", agent_id="billing-r3-AJ_1")
    await store.end_call("call-2", epoch=3, ending=Ending.RESOLVED)
    restored = make_call("call-4")
    await store.restore_call(restored, service="triage", agent_id="triage-1", epoch=3, lease_seconds=LEASE)
    await store.load_call("call-4")
    await store.live_calls()
    number = await store.next_ticket()
    await store.add_callback(make_ticket(f"CT-{number}"))
    await store.add_callback(make_ticket(f"CT-{number}", number="+15550100001"))
    await store.wait_in_line("billing", "call-3")
    await store.position("billing", "call-3")
    await store.line("billing")
    await store.leave_line("billing", "call-3")
    await store.humans_on_duty()
    await store.note_worker(make_worker(), seconds=60)
    await store.breaker_load("billing")
    await store.breaker_swap("billing", 0, {"state": "open"})
    await store.note_canary("billing", version="2.0", weight=10, seconds=60)
    await store.canary("billing")
    await store.count_canary("billing", version="2.0", is_spoken=True)
    await store.stop_canary("billing", why="a word")
    await store.reset_canary("billing")
    await store.rooms_due(RoomList.LONELY, again_seconds=1.0)
    await store.forget_room("room-1", RoomList.LONELY)


async def gateway_does(store: Any) -> None:
    """The call page's webhooks, the desk, the console."""
    for list_ in RoomList:
        await store.note_room("room-2", list_, event_id=f"EV_2_{list_}", after_seconds=0.0)
    await store.rooms_due(RoomList.OVER, again_seconds=1.0)
    await store.forget_room("room-1", RoomList.OVER)
    await store.seize_floor("old", epoch=1, service="triage", agent_id="gateway", lease_seconds=LEASE)
    call = await store.load_call("old")
    await store.checkpoint(call, epoch=2)
    await store.offer(make_handoff("handoff-5", call=call, epoch=2, now=await store.now()))
    watched = store.watch("handoff-5")
    await anext(watched)
    for state, taker_id in ((State.ACCEPTED, ""), (State.DISPATCHED, ""), (State.READY, "human-1")):
        await store.move("handoff-5", state, taker_id=taker_id)
    await watched.aclose()
    await store.load_handoff("handoff-5")
    await store.pass_floor("handoff-5", epoch=2, lease_seconds=LEASE)
    await store.take_back("handoff-5", giver_id="human-1", epoch=3, lease_seconds=LEASE)
    await store.renew_floor("old", epoch=4, lease_seconds=LEASE)
    await store.load_floor("old")
    await store.end_call("old", epoch=4, ending=Ending.RESOLVED)
    await store.endings()
    await store.live_calls()
    await store.callbacks_due()
    await store.claim_callback("CT-10001", "call-1", human_id="human-1", name="Anna", seconds=60)
    await store.claim_callback("CT-10001", "call-1", human_id="human-1", name="Anna", seconds=0)
    await store.claim_callback("CT-10001", "call-1", human_id="human-1", name="Anna", seconds=60)
    await store.close_callback("CT-10001", "call-1", human_id="human-1")
    await store.line("billing")
    await store.note_on_duty("human-1", seconds=60)
    await store.workers()


async def ledger_does(store: Any) -> None:
    """The duties of the ledger."""
    await store.now()
    await store.ledger_after()
    await store.load_handoff("handoff-1")
    await store.overdue()
    await store.live_calls()
    await store.load_call("old")
    await store.load_floor("old")
    await store.callbacks()
    await store.queue_callback(make_due("CT-10004"))
    await store.callbacks_due()
    await store.drop_callback("CT-10002", "call-1")
    await store.callbacks_done()


async def eraser_does(store: Any) -> None:
    """`python -m ledger forget --call`."""
    await store.load_call("call-1")
    await store.now()
    await store.forget_call("call-1")
