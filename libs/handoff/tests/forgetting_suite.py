"""What every Store must do when a call is to be forgotten, as tests: see store_suite.py."""

from __future__ import annotations

import pytest
from handoff.call import Ending
from handoff.errors import StillLive
from handoff.store import RoomList, Store
from handoff.testing import make_call, make_due, make_fact, make_ticket, make_turn
from store_steps import LEASE, MakeStore, offered, opened, taken

WORDS = "my canary sings at 17 Heron Lane"
NUMBER = "+15550142617"
OF = ("CT-10001", "call-1")


async def told(store: Store) -> None:
    """call-1, with a handoff, has words, a fact and a callback with a number, and has ended. call-2 has the same, without the words."""
    await taken(store)
    call = make_call(turns=(make_turn(WORDS),), facts=(make_fact("address", WORDS),), display_name=WORDS)
    await store.checkpoint(call, epoch=2)
    await store.add_callback(make_ticket())
    await store.add_callback(make_ticket(number=NUMBER))
    await store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=LEASE)
    await store.end_call("call-1", epoch=2, ending=Ending.CALLBACK_BOOKED, detail="CT-10001")
    await store.open_call(make_call("call-2"))
    await store.take_floor("call-2", service="triage", agent_id="triage-1", lease_seconds=LEASE)
    await store.add_callback(make_ticket("CT-10002", call_id="call-2"))
    await store.end_call("call-2", epoch=1, ending=Ending.RESOLVED)


class ForgettingSuite:
    """Give a fixture ``make_store``: a function that makes an empty store, taking a store's settings by name."""

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        return make_store()

    async def test_all_of_a_call_is_gone_and_nothing_of_another(self, store: Store) -> None:
        await told(store)
        await store.queue_callback(make_due(number=NUMBER))
        await store.queue_callback(make_due("CT-10002", call_id="call-2"))
        removed = await store.forget_call("call-1")
        assert {name: number for name, number in removed.items() if number} == {
            "calls": 1,
            "handoffs": 1,
            "endings": 1,
            "callbacks": 2,
            "callbacks_due": 1,
            "callback_places": 2,
            "lists": 1,
        }
        assert await store.load_call("call-1") is None
        assert await store.load_handoff("handoff-1") is None
        assert [line.call_id for line in await store.endings()] == ["call-2"]
        assert [ticket.call_id for ticket in (await store.callbacks())[0]] == ["call-2"]
        assert [due.call_id for due in await store.callbacks_due()] == ["call-2"]
        assert await store.load_call("call-2") is not None

    async def test_a_callback_that_somebody_makes_or_has_made_is_gone_too(self, store: Store) -> None:
        await told(store)
        for ticket_id in ("CT-10001", "CT-10002"):
            call_id = "call-1" if ticket_id == "CT-10001" else "call-2"
            await store.queue_callback(make_due(ticket_id, call_id=call_id, number=NUMBER))
            await store.claim_callback(ticket_id, call_id, human_id="anna", name="Anna", seconds=LEASE)
            await store.close_callback(ticket_id, call_id, human_id="anna")
        _, cursor = await store.callbacks_done()
        assert (await store.forget_call("call-1"))["callbacks_done"] == 1
        made, _ = await store.callbacks_done()
        assert [done.call_id for done in made] == ["call-2"]
        assert (await store.callbacks_done(cursor))[0] == (), "a reader skips nothing and reads nothing twice"

    async def test_a_call_that_has_not_ended_is_refused_and_stays_whole(self, store: Store) -> None:
        await opened(store)
        await offered(store)
        with pytest.raises(StillLive):
            await store.forget_call("call-1")
        assert await store.load_call("call-1") is not None
        assert await store.load_handoff("handoff-1") is not None
        assert await store.live_calls() == ("call-1",)

    async def test_asked_again_nothing_is_there(self, store: Store) -> None:
        await told(store)
        await store.forget_call("call-1")
        assert set((await store.forget_call("call-1")).values()) == {0}
        assert set((await store.forget_call("no such call")).values()) == {0}
