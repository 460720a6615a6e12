"""The record of a call that is over: its agents may still be writing when the caller is gone already."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from handoff.call import Call
from handoff.errors import StoreUnavailable
from handoff.store import Handoff, Store

_LOOK_SECONDS = 0.1


async def ended(store: Store, call_id: str, *, within_seconds: float) -> Call | None:
    """The call's record once it has an ending; as it is when that takes too long. None when there is none. A store that is away is
    asked again."""
    call = None
    with suppress(TimeoutError):
        async with asyncio.timeout(within_seconds):
            while call is None or call.ending is None:
                with suppress(StoreUnavailable):
                    call = await store.load_call(call_id)
                await asyncio.sleep(_LOOK_SECONDS)
    return call


async def record_of(store: Store, call_id: str, *, within_seconds: float) -> tuple[Call | None, tuple[Handoff, ...]]:
    """The same, with those of the call's handoffs that can be read, the first one first."""
    call = await ended(store, call_id, within_seconds=within_seconds)
    handoffs = []
    with suppress(StoreUnavailable):
        for handoff_id in call.handoff_ids if call is not None else ():
            if (handoff := await store.load_handoff(handoff_id)) is not None:
                handoffs.append(handoff)
    return call, tuple(handoffs)
