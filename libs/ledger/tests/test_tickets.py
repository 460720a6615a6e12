"""A promised callback is written once, is due when it was wished, waits in the queue once, and is done when somebody has called."""

from __future__ import annotations

from collections.abc import Sequence

from ended_calls import make_ticket
from handoff.ledger import CallbackTicket
from handoff.memory_store import MemoryStore
from handoff.testing import START, FakeClock, OutageStore, make_due
from ledger import tickets
from ledger.database import LedgerDatabase
from ledger.rows import Ticket, moment
from ledger.settings import Settings
from ledger.streams import StreamReader
from ledger.tickets import Tickets, mark_done
from sqlalchemy import select


async def read(store: MemoryStore, database: LedgerDatabase, settings: Settings) -> Tickets:
    promised = Tickets(store, database, settings=settings)
    reader: StreamReader[CallbackTicket] = StreamReader(
        "callbacks", database, fetch=promised.fetch, write=promised.write
    )
    await reader.catch_up()
    return promised


def states(database: LedgerDatabase) -> list[tuple[str, str, str]]:
    with database.reading() as session:
        rows: Sequence[Ticket] = session.scalars(select(Ticket).order_by(Ticket.ticket_id, Ticket.call_id)).all()
        return [(row.ticket_id, row.call_id, row.state) for row in rows]


def numbers(database: LedgerDatabase) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(Ticket.number)))


async def test_a_ticket_that_is_told_twice_is_one(
    store: MemoryStore, database: LedgerDatabase, settings: Settings
) -> None:
    for _ in range(2):
        await store.add_callback(make_ticket())
    await read(store, database, settings)
    await store.add_callback(make_ticket())
    await read(store, database, settings)
    assert states(database) == [("CT-10001", "call-1", "open")]


async def test_the_same_number_in_another_call_is_another_ticket(
    store: MemoryStore, database: LedgerDatabase, settings: Settings
) -> None:
    """Numbers start again when Redis has lost everything."""
    await store.add_callback(make_ticket(call_id="call-1"))
    await store.add_callback(make_ticket(call_id="call-2"))
    await read(store, database, settings)
    assert states(database) == [("CT-10001", "call-1", "open"), ("CT-10001", "call-2", "open")]


async def test_a_ticket_is_queued_when_it_is_due_and_not_before(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await store.add_callback(make_ticket())
    promised = await read(store, database, settings)
    clock.advance(settings.callback_after_seconds - 1)
    assert await promised.keep_queue() == 0
    assert states(database) == [("CT-10001", "call-1", "open")]
    clock.advance(1)
    assert await promised.keep_queue() == 1
    assert states(database) == [("CT-10001", "call-1", "queued")]
    assert await store.callbacks_due() == (make_due(channel="phone"),)


async def test_a_ticket_is_due_when_the_caller_wished(
    store: MemoryStore, database: LedgerDatabase, settings: Settings
) -> None:
    """START is a Sunday morning in California."""
    await store.add_callback(make_ticket(wished_at="tomorrow morning"))
    await read(store, database, settings)
    with database.reading() as session:
        row = session.get(Ticket, ("CT-10001", "call-1"))
    assert row is not None
    assert (row.created_at, f"{row.due_at:%Y-%m-%d %H:%M}") == (moment(START), "2025-06-16 16:00")


async def test_a_ticket_that_got_into_the_queue_before_a_crash_is_in_it_once(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await store.add_callback(make_ticket())
    promised = await read(store, database, settings)
    clock.advance(3600)
    await store.queue_callback(make_due())  # killed here, before the database knew
    assert await promised.keep_queue() == 0
    assert states(database) == [("CT-10001", "call-1", "queued")]
    assert len(await store.callbacks_due()) == 1


async def test_a_queue_that_has_lost_everything_is_filled_again(
    clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    store = OutageStore(now=clock)
    await store.add_callback(make_ticket())
    promised = await read(store, database, settings)
    clock.advance(3600)
    await promised.keep_queue()
    store.forget_everything()
    assert await promised.keep_queue() == 1


async def test_what_the_desk_has_done_is_done(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await store.add_callback(make_ticket(number="5035550142"))
    promised = await read(store, database, settings)
    clock.advance(3600)
    await promised.keep_queue()
    await store.claim_callback("CT-10001", "call-1", human_id="anna", name="Anna", seconds=60)
    assert await promised.keep_queue() == 0
    assert states(database) == [("CT-10001", "call-1", "queued")], "she has not called yet"
    assert [due.number for due in await store.callbacks_due()] == ["5035550142"] == numbers(database)
    await store.close_callback("CT-10001", "call-1", human_id="anna")
    made = StreamReader("made", database, fetch=promised.fetch_done, write=promised.write_done)
    for _ in range(2):
        await made.catch_up()
        assert await promised.keep_queue() == 0
        assert states(database) == [("CT-10001", "call-1", "done")]
    assert numbers(database) == [""], "it was given for that one call"


async def test_a_number_that_the_caller_named_later_is_the_tickets_until_it_is_done(
    store: MemoryStore, database: LedgerDatabase, settings: Settings
) -> None:
    await store.add_callback(make_ticket())
    await read(store, database, settings)
    for number in ("5035550142", "5035550143"):
        await store.add_callback(make_ticket(number=number))
    await read(store, database, settings)
    assert (states(database), numbers(database)) == ([("CT-10001", "call-1", "open")], ["5035550143"])
    with database.writing() as session:
        mark_done(session, "CT-10001", now=START)
    await store.add_callback(make_ticket(number="5035550144"))
    await read(store, database, settings)
    assert numbers(database) == [""]


async def test_what_was_done_by_command_is_out_of_the_queue(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    for number in (1, 2):
        await store.add_callback(make_ticket(f"CT-{number}", call_id=f"call-{number}"))
    promised = await read(store, database, settings)
    clock.advance(3600)
    assert await promised.keep_queue() == 2
    with database.writing() as session:
        mark_done(session, "CT-1", now=clock())
    await promised.keep_queue()
    assert [due.ticket_id for due in await store.callbacks_due()] == ["CT-2"]


async def test_what_nobody_has_made_for_long_is_overdue_by_its_service(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await store.add_callback(make_ticket())
    await read(store, database, settings)

    def overdue() -> dict[str, int]:
        with database.reading() as session:
            return tickets.overdue_by_service(session, now=clock(), bound_seconds=settings.callback_bound_seconds)

    clock.advance(settings.callback_after_seconds + settings.callback_bound_seconds)
    assert set(overdue().values()) == {0}
    clock.advance(1)
    assert {service: number for service, number in overdue().items() if number} == {"billing": 1}
    with database.writing() as session:
        mark_done(session, "CT-10001", now=clock())
    assert set(overdue().values()) == {0}


async def test_what_is_done_is_neither_queued_nor_done_again(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await store.add_callback(make_ticket())
    promised = await read(store, database, settings)
    with database.writing() as session:
        assert [row.call_id for row in mark_done(session, "CT-10001", now=clock())] == ["call-1"]
    clock.advance(3600)
    assert await promised.keep_queue() == 0
    with database.writing() as session:
        assert mark_done(session, "CT-10001", now=clock()) == []
    assert states(database) == [("CT-10001", "call-1", "done")]


async def test_of_two_tickets_of_one_number_the_one_of_the_call_is_done(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    for call_id in ("call-1", "call-2"):
        await store.add_callback(make_ticket(call_id=call_id))
    await read(store, database, settings)
    with database.writing() as session:
        mark_done(session, "CT-10001", "call-2", now=clock())
    assert [state for *_, state in states(database)] == ["open", "done"]
    with database.reading() as session:
        assert tickets.counts(session) == {"open": 1, "queued": 0, "done": 1}
