"""`python -m ledger forget`: what it prints, and what it says it cannot reach."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping

from handoff.errors import StillLive, StoreUnavailable, WireMismatch
from handoff.redis_store import RedisStore
from telemetry.names import trace_hex_of

from ledger.database import LedgerDatabase
from ledger.forgetting import Forgotten, NotYet, forget_call
from ledger.retention import DAY_SECONDS, Retention
from ledger.settings import LEAST_DAYS, Settings

NOT_REACHED = (
    ("traces", "delete at your backend by the trace id {trace_id}"),
    ("logs", "lines with this call_id; they hold no words and no number, and go when your log store deletes them"),
    (
        "back offices",
        "rows with this call_id (refunds, complaints, tickets, quotes, bookings, effects, failed verifications): business records",
    ),
    ("recordings", "files of LiveKit's egress, if you record: named after the room, which is the call id"),
    ("suppliers", "the carrier's call records, LiveKit Cloud, providers of models and speech: by their own ways"),
    ("backups", "of Redis and of the databases, until they are overwritten"),
)
"""Where this program has no access, on purpose: docs/security/data-inventory.md has each of them."""
_WORDS = {
    "lines": "line of the ledger, kept without id, times, words",
    "callbacks": "callback ticket",
    "unkept_callbacks": "of them not done: nobody will call",
    "open_calls": "note of a call that runs",
    "calls": "record of the call",
    "handoffs": "handoff",
    "endings": "entry of an ending",
    "callbacks_due": "callback in the queue",
    "callbacks_done": "entry of a callback that was made",
    "callback_places": "place of a callback",
    "lists": "place in a list of rooms",
}


def forget(settings: Settings, database: LedgerDatabase, *, call_id: str, older_than_seconds: float | None) -> int:
    """The exit code: 0 done (or nothing there), 1 refused for now, 2 for what is unusable."""
    try:
        database.prepare()
        if call_id:
            return asyncio.run(_one(settings, database, call_id))
        return asyncio.run(_old(settings, database, older_than_seconds or 0.0))
    except StoreUnavailable as e:
        print(f"ledger: {e}. --call wants REDIS_URL with the user `eraser` where Redis has users", file=sys.stderr)
    except WireMismatch:
        print("ledger: a newer release wrote it; use that release's", file=sys.stderr)
    return 2


async def _one(settings: Settings, database: LedgerDatabase, call_id: str) -> int:
    store = RedisStore.connect(settings.redis_url)
    try:
        forgotten = await forget_call(store, database, call_id, call_ttl_seconds=settings.call_ttl_seconds)
    except (StillLive, NotYet) as e:
        print(f"nothing was removed: {e}", file=sys.stderr)
        return 1
    finally:
        await store.aclose()
    print(told(forgotten, call_id))
    return 0


async def _old(settings: Settings, database: LedgerDatabase, older_than_seconds: float) -> int:
    days = older_than_seconds / DAY_SECONDS
    if days < LEAST_DAYS:
        print(
            f"ledger: --older-than takes {LEAST_DAYS}d or more: Redis's streams have what is younger, and would bring it back. One"
            " call at a time can be forgotten at once: --call",
            file=sys.stderr,
        )
        return 2
    store = RedisStore.connect(settings.redis_url)
    total: dict[str, int] = {}
    try:
        retention = Retention(store, database, ledger_days=days, callback_days=days)
        while any((gone := await retention.step()).values()):
            total = {kind: total.get(kind, 0) + number for kind, number in gone.items()}
    finally:
        await store.aclose()
    print(f"deleted: {', '.join(f'{n} {kind}' for kind, n in total.items() if n) or 'nothing was that old'}")
    return 0


def told(forgotten: Forgotten, call_id: str) -> str:
    """For people: what was removed where, and what was not reached."""
    lines = [f"nothing was kept of {call_id} here (any more)" if forgotten.is_empty else f"{call_id} is forgotten"]
    for where, counts in (("database", forgotten.ledger), ("Redis", forgotten.redis)):
        lines += [f"  {where:<14}{each}" for each in _counted(counts)]
    lines += ["not reached from here:"]
    lines += [f"  {where:<14}{what.format(trace_id=trace_hex_of(call_id))}" for where, what in NOT_REACHED]
    return "\n".join(lines)


def _counted(counts: Mapping[str, int]) -> list[str]:
    return [f"{number} {_WORDS[kind]}" for kind, number in counts.items() if number]
