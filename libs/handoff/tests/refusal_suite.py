"""What every Store must do while it can be read and refuses writes, as tests: see store_suite.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from handoff.call import Ending
from handoff.errors import StoreUnavailable
from handoff.guardian import Guardian
from handoff.lifecycle import State
from handoff.store import RoomList, Store
from handoff.testing import make_call, make_ticket
from store_steps import LEASE, PASSED, opened, ready


@dataclass
class Refusing:
    """A store, and how it is made to refuse writes and to take them again."""

    store: Store
    refuse: Callable[[], Awaitable[None]]
    accept: Callable[[], Awaitable[None]]


class RefusalSuite:
    """Give a fixture ``refusing``: a ``Refusing`` that is empty and takes writes."""

    async def test_what_it_holds_can_be_read(self, refusing: Refusing) -> None:
        floor = await opened(refusing.store)
        await ready(refusing.store)
        await refusing.refuse()
        assert await refusing.store.now() > 0
        assert await refusing.store.load_call("call-1") is not None
        assert await refusing.store.load_floor("call-1") == floor
        assert await refusing.store.load_handoff("handoff-1") is not None
        assert await refusing.store.live_calls() == ("call-1",)
        assert await refusing.store.callbacks() == ((), "")
        assert await refusing.store.position("billing", "call-1") == 0

    async def test_whatever_writes_finds_the_store_away_until_it_takes_writes_again(self, refusing: Refusing) -> None:
        store = refusing.store
        await opened(store)
        await ready(store)
        await refusing.refuse()
        writes = (
            store.open_call(make_call("call-2")),
            store.checkpoint(make_call(), epoch=1),
            store.renew_floor("call-1", epoch=1, lease_seconds=LEASE),
            store.claim_floor("call-1", epoch=1, awaited_id="triage-1", agent_id="triage-1-AJ_1"),
            store.end_call("call-1", epoch=1, ending=Ending.RESOLVED),
            store.move("handoff-1", State.WITHDRAWN),
            store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE),
            store.next_ticket(),
            store.add_callback(make_ticket()),
            store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=PASSED),
        )
        for write in writes:
            with pytest.raises(StoreUnavailable):
                await write
        await refusing.accept()
        await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)

    @pytest.mark.parametrize("lease_seconds", [LEASE, PASSED], ids=["nobody is overdue", "somebody is overdue"])
    async def test_nobody_learns_who_is_overdue(self, refusing: Refusing, lease_seconds: float) -> None:
        await opened(refusing.store, lease_seconds=lease_seconds)
        await refusing.refuse()
        with pytest.raises(StoreUnavailable):
            await refusing.store.overdue()

    async def test_a_guardian_gives_the_owners_that_live_a_moment_when_writes_are_taken_again(
        self, refusing: Refusing
    ) -> None:
        """All leases have passed by then, and a guardian may look before an owner has renewed."""
        at, seized = 0.0, asyncio.Event()

        async def rescue(*_: object) -> None:
            seized.set()

        guardian = Guardian(refusing.store, rescue, poll_seconds=0, lease_seconds=4.0, monotonic=lambda: at)
        await opened(refusing.store, lease_seconds=PASSED)
        await refusing.refuse()
        assert await guardian.look() == 0
        await refusing.accept()
        assert await guardian.look() == 0
        await refusing.store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)
        at += 4.0
        assert await guardian.look() == 0
        await refusing.store.renew_floor("call-1", epoch=1, lease_seconds=PASSED)
        assert await guardian.look() == 1
        async with asyncio.timeout(30):
            await seized.wait()
