"""What every Store must do with what the services share, as tests: see store_suite.py."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from handoff.call import Ending
from handoff.errors import InvalidContext
from handoff.ledger import ticket_id
from handoff.store import FIRST_TICKET, RoomList, Store
from handoff.testing import make_call, make_ticket, make_worker
from store_steps import LEASE, PASSED, MakeStore


async def ended(store: Store, *call_ids: str) -> None:
    """Calls that came and ended, in this order."""
    for call_id in call_ids:
        await store.open_call(make_call(call_id))
        await store.take_floor(call_id, service="triage", agent_id="triage-1", lease_seconds=LEASE)
        await store.end_call(call_id, epoch=1, ending=Ending.RESOLVED)


async def noted(store: Store, room: str, *, event_id: str = "", after_seconds: float = PASSED) -> None:
    """The room on the list of those that are over, by an event of its own."""
    assert await store.note_room(room, RoomList.OVER, event_id=event_id or f"EV_{room}", after_seconds=after_seconds)


async def due(store: Store) -> tuple[str, ...]:
    """What is due of those that are over; none of it again within this test."""
    return await store.rooms_due(RoomList.OVER, again_seconds=LEASE)


class SharedSuite:
    """Give a fixture ``make_store``: a function that makes an empty store, taking a store's settings by name."""

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        return make_store()

    # --- the ledger by a cursor -----------------------------------------------------------------------------------
    async def test_a_reader_of_the_ledger_gets_each_line_once(self, store: Store) -> None:
        await ended(store, "call-1", "call-2", "call-3")
        first, cursor = await store.ledger_after("", count=2)
        second, cursor = await store.ledger_after(cursor, count=2)
        assert [line.call_id for line in first] == ["call-1", "call-2"]
        assert [line.call_id for line in second] == ["call-3"]
        assert await store.ledger_after(cursor) == ((), cursor)
        await ended(store, "call-4")
        third, _ = await store.ledger_after(cursor)
        assert [line.call_id for line in third] == ["call-4"]

    async def test_an_empty_ledger_has_no_cursor_yet(self, store: Store) -> None:
        assert await store.ledger_after() == ((), "")

    # --- callbacks ------------------------------------------------------------------------------------------------
    async def test_the_first_ticket_has_the_first_number(self, store: Store) -> None:
        assert await store.next_ticket() == FIRST_TICKET
        assert ticket_id(await store.next_ticket()) == "CT-10002"

    async def test_no_two_tickets_have_the_same_number(self, store: Store) -> None:
        numbers = await asyncio.gather(*(store.next_ticket() for _ in range(20)))
        assert len(set(numbers)) == 20

    async def test_what_is_stored_of_a_ticket_comes_back_whole(self, store: Store) -> None:
        ticket = make_ticket()
        assert await store.add_callback(ticket) == ticket.ticket_id
        assert (await store.callbacks())[0] == (ticket,)

    async def test_a_call_that_has_a_ticket_keeps_it_whoever_asks_for_another(self, store: Store) -> None:
        first = make_ticket("CT-10001")
        await store.add_callback(first)
        assert await store.add_callback(make_ticket("CT-10002", service="sales")) == "CT-10001"
        assert (await store.callbacks())[0] == (first,)

    async def test_of_many_tickets_that_are_added_for_a_call_at_once_it_has_one(self, store: Store) -> None:
        names = await asyncio.gather(*(store.add_callback(make_ticket(ticket_id(n))) for n in range(10)))
        (ticket,), _ = await store.callbacks()
        assert set(names) == {ticket.ticket_id}

    async def test_a_reader_of_the_callbacks_gets_each_once(self, store: Store) -> None:
        tickets = [make_ticket(ticket_id(n), call_id=f"call-{n}") for n in range(3)]
        for ticket in tickets:
            await store.add_callback(ticket)
        first, cursor = await store.callbacks("", count=2)
        second, cursor = await store.callbacks(cursor, count=2)
        assert [*first, *second] == tickets
        assert await store.callbacks(cursor) == ((), cursor)

    @pytest.mark.parametrize(
        "changes",
        [
            {"ticket_id": ""},
            {"call_id": " "},
            {"service": "x" * 300},
            {"reason": "why " * 100},
            {"reason": "two\nlines"},
            {
                "wished_at": "when my wife is back from her mother's house in the country please call me on 0171 555 0199 please"
            },
            {"wished_at": "sarah@example.org"},
            {"created_at": float("nan")},
            {"channel": 7},
            {"number": "0171 sarah"},
        ],
        ids=[
            "no id",
            "no call",
            "long",
            "long reason",
            "two lines",
            "own words",
            "an address",
            "no time",
            "no text",
            "no number",
        ],
    )
    async def test_a_malformed_ticket_is_refused_and_not_quoted(self, store: Store, changes: dict[str, Any]) -> None:
        with pytest.raises(InvalidContext) as refusal:
            await store.add_callback(make_ticket(**changes))
        assert "0171" not in str(refusal.value)
        assert "sarah" not in str(refusal.value)
        assert await store.callbacks() == ((), "")

    async def test_a_number_that_is_told_later_is_told_to_readers_as_the_calls_own_ticket(self, store: Store) -> None:
        await store.add_callback(make_ticket())
        assert await store.add_callback(make_ticket("CT-10002", number="5035550142")) == "CT-10001"
        assert await store.add_callback(make_ticket(number="5035550143")) == "CT-10001"
        found = (await store.callbacks())[0]
        assert [(ticket.ticket_id, ticket.number) for ticket in found] == [
            ("CT-10001", ""),
            ("CT-10001", "5035550142"),
            ("CT-10001", "5035550143"),
        ]

    @pytest.mark.parametrize("number", ["", "5035550142", "+15035550142"])
    async def test_a_ticket_has_the_number_that_the_caller_gave_for_it(self, store: Store, number: str) -> None:
        ticket = make_ticket(number=number)
        await store.add_callback(ticket)
        assert (await store.callbacks())[0] == (ticket,)
        assert "0142" not in repr(ticket)

    @pytest.mark.parametrize("wished_at", ["", "tomorrow morning", "2026-03-04 10:00", "monday at ten o'clock"])
    async def test_normalised_words_say_when(self, store: Store, wished_at: str) -> None:
        ticket = make_ticket(wished_at=wished_at)
        await store.add_callback(ticket)
        assert (await store.callbacks())[0] == (ticket,)

    # --- lines ----------------------------------------------------------------------------------------------------
    async def test_who_comes_first_is_first_in_line(self, store: Store) -> None:
        assert await store.wait_in_line("billing", "call-2") == 1
        assert await store.wait_in_line("billing", "call-1") == 2
        assert await store.wait_in_line("billing", "call-3") == 3

    async def test_who_asks_again_keeps_the_place(self, store: Store) -> None:
        await store.wait_in_line("billing", "call-1")
        await store.wait_in_line("billing", "call-2")
        assert await store.wait_in_line("billing", "call-1") == 1
        assert await store.wait_in_line("billing", "call-2") == 2

    async def test_a_higher_priority_comes_before_an_earlier_arrival(self, store: Store) -> None:
        await store.wait_in_line("billing", "call-1")
        await store.wait_in_line("billing", "call-2", priority=5)
        assert await store.wait_in_line("billing", "call-3", priority=5) == 2
        assert [await store.position("billing", f"call-{n}") for n in (2, 3, 1)] == [1, 2, 3]

    async def test_a_caller_who_grows_impatient_moves_up_and_keeps_the_arrival(self, store: Store) -> None:
        await store.wait_in_line("billing", "call-1")
        await store.wait_in_line("billing", "call-2")
        await store.wait_in_line("billing", "call-3", priority=1)
        assert await store.wait_in_line("billing", "call-2", priority=1) == 1
        assert await store.wait_in_line("billing", "call-2", priority=-1000) == 3
        assert await store.wait_in_line("billing", "call-2", priority=0) == 3

    async def test_asking_again_and_again_moves_nobody_up(self, store: Store) -> None:
        for _ in range(3):
            await store.wait_in_line("billing", "call-1", priority=1)
        assert await store.wait_in_line("billing", "call-2", priority=2) == 1
        assert await store.position("billing", "call-1") == 2

    @pytest.mark.parametrize("priority", [-1001, 1001])
    async def test_a_priority_out_of_bounds_is_refused(self, store: Store, priority: int) -> None:
        with pytest.raises(ValueError, match="priority"):
            await store.wait_in_line("billing", "call-1", priority=priority)

    async def test_who_leaves_the_line_lets_the_next_one_up(self, store: Store) -> None:
        await store.wait_in_line("billing", "call-1")
        await store.wait_in_line("billing", "call-2")
        await store.leave_line("billing", "call-1")
        assert await store.position("billing", "call-2") == 1
        assert await store.position("billing", "call-1") == 0
        assert await store.wait_in_line("billing", "call-1") == 2

    async def test_leaving_a_line_one_is_not_in_does_nothing(self, store: Store) -> None:
        await store.wait_in_line("billing", "call-1")
        await store.leave_line("billing", "call-2")
        await store.leave_line("sales", "call-1")
        assert await store.position("billing", "call-1") == 1

    async def test_each_service_has_a_line_of_its_own(self, store: Store) -> None:
        await store.wait_in_line("billing", "call-1")
        assert await store.wait_in_line("sales", "call-2") == 1
        assert await store.position("sales", "call-1") == 0

    async def test_nobody_shares_a_place(self, store: Store) -> None:
        places = await asyncio.gather(*(store.wait_in_line("billing", f"call-{n}") for n in range(10)))
        assert sorted(places) == list(range(1, 11))

    async def test_a_line_tells_who_waits_in_which_order(self, store: Store) -> None:
        assert await store.line("human") == ()
        for call_id in ("call-1", "call-2", "call-3"):
            await store.wait_in_line("human", call_id)
        await store.wait_in_line("human", "call-3", priority=10)
        assert await store.line("human") == ("call-3", "call-1", "call-2")
        await store.leave_line("human", "call-1")
        assert await store.line("human") == ("call-3", "call-2")
        assert await store.line("billing") == ()

    # --- humans on duty -------------------------------------------------------------------------------------------
    async def test_nobody_is_on_duty_before_somebody_says_so(self, store: Store) -> None:
        assert await store.humans_on_duty() == 0

    async def test_each_human_counts_once_however_often_he_says_that_he_is_there(self, store: Store) -> None:
        for human_id in ("anna", "anna", "ben"):
            await store.note_on_duty(human_id, seconds=60)
        assert await store.humans_on_duty() == 2

    async def test_a_human_who_leaves_counts_no_more_at_once_and_the_others_do(self, store: Store) -> None:
        await store.note_on_duty("anna", seconds=60)
        await store.note_on_duty("ben", seconds=60)
        await store.note_on_duty("anna", seconds=0)
        assert await store.humans_on_duty() == 1
        await store.note_on_duty("ben", seconds=0)
        assert await store.humans_on_duty() == 0

    # --- workers --------------------------------------------------------------------------------------------------
    async def test_before_any_worker_has_told_of_itself_there_is_none(self, store: Store) -> None:
        assert await store.workers() == ()

    async def test_what_a_worker_tells_of_itself_comes_back_whole(self, store: Store) -> None:
        told = make_worker(away="draining")
        await store.note_worker(told, seconds=60)
        assert await store.workers() == (told,)

    async def test_each_worker_counts_once_as_it_was_when_it_told_last(self, store: Store) -> None:
        for status in (
            make_worker("billing-1"),
            make_worker("sales-1", service="sales"),
            make_worker("billing-1", taken=10),
        ):
            await store.note_worker(status, seconds=60)
        found = {status.worker_id: (status.service, status.taken) for status in await store.workers()}
        assert found == {"billing-1": ("billing", 10), "sales-1": ("sales", 3)}

    async def test_a_worker_that_leaves_is_gone_at_once_and_the_others_are_not(self, store: Store) -> None:
        await store.note_worker(make_worker("billing-1"), seconds=60)
        await store.note_worker(make_worker("billing-2"), seconds=60)
        await store.note_worker(make_worker("billing-1"), seconds=0)
        assert await store.workers() == (make_worker("billing-2"),)
        await store.note_worker(make_worker("billing-2"), seconds=0)
        assert await store.workers() == ()

    @pytest.mark.parametrize(
        "changes", [{"worker_id": ""}, {"service": "x" * 300}, {"capacity": "ten"}, {"away": None}]
    )
    async def test_a_malformed_status_is_refused_and_not_kept(self, store: Store, changes: dict[str, Any]) -> None:
        with pytest.raises(InvalidContext):
            await store.note_worker(make_worker(**changes), seconds=60)
        assert await store.workers() == ()

    # --- breakers -------------------------------------------------------------------------------------------------
    async def test_a_breaker_that_nobody_wrote_is_empty(self, store: Store) -> None:
        assert await store.breaker_load("billing") == {}

    async def test_a_breaker_is_written_over_the_version_that_was_seen(self, store: Store) -> None:
        assert await store.breaker_swap("billing", 0, {"state": "open", "failures": "3"})
        assert await store.breaker_load("billing") == {"state": "open", "failures": "3", "version": "1"}
        assert await store.breaker_swap("billing", 1, {"state": "closed"})
        assert await store.breaker_load("billing") == {"state": "closed", "version": "2"}

    @pytest.mark.parametrize("version", [0, 2])
    async def test_who_saw_another_version_writes_nothing(self, store: Store, version: int) -> None:
        await store.breaker_swap("billing", 0, {"state": "open"})
        assert not await store.breaker_swap("billing", version, {"state": "closed"})
        assert await store.breaker_load("billing") == {"state": "open", "version": "1"}

    async def test_a_version_of_ones_own_is_ignored(self, store: Store) -> None:
        await store.breaker_swap("billing", 0, {"state": "open", "version": "99"})
        assert (await store.breaker_load("billing"))["version"] == "1"

    async def test_of_many_that_swap_at_once_one_does(self, store: Store) -> None:
        swaps = await asyncio.gather(*(store.breaker_swap("billing", 0, {"probe": str(n)}) for n in range(10)))
        assert swaps.count(True) == 1

    async def test_each_service_has_a_breaker_of_its_own(self, store: Store) -> None:
        await store.breaker_swap("billing", 0, {"state": "open"})
        assert await store.breaker_load("sales") == {}

    @pytest.mark.parametrize("state", [{"why": "x" * 300}, {"failures": 3}])
    async def test_a_breaker_holds_short_texts_only(self, store: Store, state: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="breaker"):
            await store.breaker_swap("billing", 0, state)

    # --- rooms that LiveKit told of -------------------------------------------------------------------------------
    async def test_a_room_is_due_when_its_moment_has_come(self, store: Store) -> None:
        await noted(store, "call-1")
        await noted(store, "call-2", after_seconds=LEASE)
        assert await due(store) == ("call-1",)

    async def test_an_event_that_is_told_again_is_not_noted_again(self, store: Store) -> None:
        assert await store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=PASSED)
        await store.forget_room("call-1", RoomList.OVER)
        assert not await store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=PASSED)
        assert await due(store) == ()
        assert await store.note_room("call-1", RoomList.OVER, event_id="EV_2", after_seconds=PASSED)
        assert await due(store) == ("call-1",)

    async def test_of_one_event_that_is_told_many_times_at_once_one_is_noted(self, store: Store) -> None:
        telling = (store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=PASSED) for _ in range(10))
        assert (await asyncio.gather(*telling)).count(True) == 1

    async def test_a_room_that_is_told_of_anew_waits_anew(self, store: Store) -> None:
        await noted(store, "call-1")
        await noted(store, "call-1", event_id="EV_later", after_seconds=LEASE)
        assert await due(store) == ()

    async def test_of_many_who_ask_for_what_is_due_one_is_told(self, store: Store) -> None:
        await noted(store, "call-1")
        told = await asyncio.gather(*(store.rooms_due(RoomList.OVER, again_seconds=LEASE) for _ in range(10)))
        assert sorted(told, reverse=True)[:2] == [("call-1",), ()]

    async def test_a_room_that_is_not_forgotten_comes_again(self, store: Store) -> None:
        await noted(store, "call-1")
        assert await store.rooms_due(RoomList.OVER, again_seconds=PASSED) == ("call-1",)
        assert await due(store) == ("call-1",)
        await store.forget_room("call-1", RoomList.OVER)
        assert await due(store) == ()

    async def test_forgetting_a_room_that_is_on_no_list_does_nothing(self, store: Store) -> None:
        await noted(store, "call-1")
        await store.forget_room("call-2", RoomList.OVER)
        await store.forget_room("call-1", RoomList.LONELY)
        assert await due(store) == ("call-1",)

    async def test_the_lists_are_apart(self, store: Store) -> None:
        await noted(store, "call-1")
        assert await store.rooms_due(RoomList.LONELY, again_seconds=LEASE) == ()

    async def test_no_more_rooms_are_told_than_asked_for_those_longest_due_first(self, store: Store) -> None:
        for room, after_seconds in (("call-1", -1.0), ("call-2", -3.0), ("call-3", -2.0)):
            await noted(store, room, after_seconds=after_seconds)
        assert await store.rooms_due(RoomList.OVER, again_seconds=LEASE, limit=2) == ("call-2", "call-3")
        assert await due(store) == ("call-1",)
