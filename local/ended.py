"""The record of a call that is over: its agents may still be writing when the caller is gone already."""

from __future__ import annotations

import asyncio

from handoff.call import Call
from handoff.errors import StoreUnavailable
from handoff.store import Handoff, Store

_LOOK_SECONDS = 0.1


async def ended(store: Store, call_id: str, *, within_seconds: float) -> Call | None:
    """The call's record once it has an ending; as it is when that takes too long. None when there is none."""
    call = None
    try:
        async with asyncio.timeout(within_seconds):
            while (call := await store.load_call(call_id)) is None or call.ending is None:
                await asyncio.sleep(_LOOK_SECONDS)
    except (TimeoutError, StoreUnavailable):
        pass
    return call


async def record_of(store: Store, call_id: str, *, within_seconds: float) -> tuple[Call | None, tuple[Handoff, ...]]:
    """The same, with the call's handoffs, the first one first."""
    call = await ended(store, call_id, within_seconds=within_seconds)
    loaded = [await store.load_handoff(handoff_id) for handoff_id in (call.handoff_ids if call is not None else ())]
    return call, tuple(handoff for handoff in loaded if handoff is not None)
