"""The steps from which the store's suite and its neighbours build a situation: opened, offered, ready, taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handoff.call import Floor
from handoff.lifecycle import State
from handoff.store import Handoff, Store
from handoff.testing import make_call, make_handoff

MakeStore = Callable[..., Store]

LEASE = 60.0
PASSED = 0.0
"""A lease that is over at once, as that of an agent that crashed long ago."""


async def opened(store: Store, *, lease_seconds: float = LEASE) -> Floor:
    """call-1, its floor held by triage-1 under epoch 1."""
    await store.open_call(make_call())
    return await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=lease_seconds)


async def offered(store: Store, handoff_id: str = "handoff-1", **context: Any) -> Handoff:
    """handoff-1, offered now by triage to billing."""
    return await store.offer(make_handoff(handoff_id, now=await store.now(), **context))


async def ready(store: Store, handoff_id: str = "handoff-1", *, taker_id: str = "billing-1") -> Handoff:
    """handoff-1, offered and ready."""
    await offered(store, handoff_id)
    await store.move(handoff_id, State.ACCEPTED)
    await store.move(handoff_id, State.DISPATCHED)
    return await store.move(handoff_id, State.READY, taker_id=taker_id)


async def taken(store: Store) -> Floor:
    """call-1 in billing's hands, under epoch 2."""
    await opened(store)
    await ready(store)
    return await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)


async def in_state(store: Store, state: State) -> None:
    """handoff-1 brought to ``state`` by legal steps."""
    await opened(store)
    await offered(store)
    if state in (State.DECLINED, State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED):
        await store.move("handoff-1", state)
        return
    for step in (State.ACCEPTED, State.DISPATCHED, State.READY, State.TAKEN, State.SPOKEN):
        if (await stored_handoff(store)).state is state:
            return
        if step is State.TAKEN:
            await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)
        else:
            await store.move("handoff-1", step, taker_id="billing-1" if step is State.READY else "")


async def stored_handoff(store: Store, handoff_id: str = "handoff-1") -> Handoff:
    """The handoff, which must be there."""
    found = await store.load_handoff(handoff_id)
    assert found is not None
    return found


async def current_epoch(store: Store) -> int:
    """The epoch of call-1."""
    floor = await store.load_floor("call-1")
    assert floor is not None
    return floor.epoch
