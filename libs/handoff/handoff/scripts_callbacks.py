"""Callbacks whose time has come, as Lua: the queue for whoever calls back, who is calling back, what was done. See scripts.py.

The queue is a stream, so that a program may read it as well as the people at the desk: an entry has the fields of a DueCallback
without its claim, and whoever has called back deletes it.
"""

from __future__ import annotations

import json
from typing import Any

from handoff import keys
from handoff.ledger import DueCallback
from handoff.lua import Args, KeyedRedis, run

_MOST = 100_000
"""Longest queue that is kept in Redis; the tickets themselves are in the ledger's database."""

_HELD_BY = """
local function is_held_by(claim, human_id)
  local held = redis.call('GET', claim)
  return held and cjson.decode(held).human_id == human_id
end
"""

_QUEUE = """
local is_new = redis.call('EXISTS', KEYS[2]) == 0
if is_new then
  redis.call('SET', KEYS[2], redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, 3)))
end
for _, key in ipairs(KEYS) do live(key, ARGV[1]) end
return {'ok', is_new and 1 or 0}
"""


async def queue_callback(redis: KeyedRedis, due: DueCallback) -> list[Any]:
    """['ok', 1] when it was added, ['ok', 0] when it was added before."""
    fields = {
        "ticket_id": due.ticket_id,
        "call_id": due.call_id,
        "service": due.service,
        "channel": due.channel,
        "reason": due.reason,
        "due_at": f"{due.due_at:.3f}",
        "number": due.number,
    }
    touched = [redis.keys.callbacks_due, redis.keys.callback_queued(due.ticket_id, due.call_id)]
    args: Args = [keys.CALLBACKS_DUE_SECONDS, _MOST, *(part for pair in fields.items() for part in pair)]
    return await run(redis, _QUEUE, touched=touched, args=args)


_DUE = """
local found = {'ok'}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])) do
  local of = {}
  for i = 1, #entry[2], 2 do of[entry[2][i]] = entry[2][i + 1] end
  local claim = redis.call('GET', ARGV[2] .. (of.ticket_id or '') .. ':' .. (of.call_id or ''))
  found[#found + 1] = {entry[2], claim or ''}
end
return found
"""


async def callbacks_due(redis: KeyedRedis, *, limit: int) -> list[Any]:
    """['ok', [fields of an entry, claim], ...]. A claim is JSON, or ''."""
    prefix = redis.keys.callback_claimed("", "").removesuffix(":")
    return await run(redis, _DUE, touched=[redis.keys.callbacks_due], args=[limit, prefix])


_CLAIM = """
local place, held = redis.call('GET', KEYS[2]), redis.call('EXISTS', KEYS[3]) == 1
if not place or #redis.call('XRANGE', KEYS[1], place, place) == 0 then return {'ok', 0} end
if held and not is_held_by(KEYS[3], ARGV[1]) then return {'ok', 0} end
if tonumber(ARGV[3]) > 0 then
  redis.call('SET', KEYS[3], ARGV[2])
  live(KEYS[3], ARGV[3])
else
  redis.call('DEL', KEYS[3])
end
return {'ok', 1}
"""


async def claim_callback(
    redis: KeyedRedis, *, ticket_id: str, call_id: str, human_id: str, name: str, seconds: float
) -> list[Any]:
    """['ok', 1] when it is his (or, with 0 seconds, anybody's), ['ok', 0] when it is another's or out of the queue."""
    claim = json.dumps({"human_id": human_id, "name": name})
    args: Args = [human_id, claim, seconds]
    return await run(redis, _HELD_BY + _CLAIM, touched=_keys_of(redis, ticket_id, call_id), args=args)


_CLOSE = """
local place = redis.call('GET', KEYS[2])
if not place or not is_held_by(KEYS[3], ARGV[1]) or redis.call('XDEL', KEYS[1], place) == 0 then return {'ok', 0} end
redis.call('DEL', KEYS[3])
local at = now()
local oldest = string.format('%.0f', math.max(0, (tonumber(at) - tonumber(ARGV[4])) * 1000))
redis.call('XADD', KEYS[4], 'MINID', oldest, '*', 'ticket_id', ARGV[2], 'call_id', ARGV[3], 'done_at', at)
live(KEYS[4], ARGV[4])
return {'ok', 1}
"""


async def close_callback(
    redis: KeyedRedis, *, ticket_id: str, call_id: str, human_id: str, ttl_seconds: float
) -> list[Any]:
    """['ok', 1] when it is done, ['ok', 0] when he has no claim to it."""
    touched = [*_keys_of(redis, ticket_id, call_id), redis.keys.callbacks_done]
    args: Args = [human_id, ticket_id, call_id, ttl_seconds]
    return await run(redis, _HELD_BY + _CLOSE, touched=touched, args=args)


_DROP = """
local place = redis.call('GET', KEYS[2])
if place then redis.call('XDEL', KEYS[1], place) end
redis.call('DEL', KEYS[3])
return {'ok'}
"""


async def drop_callback(redis: KeyedRedis, *, ticket_id: str, call_id: str) -> list[Any]:
    """['ok']."""
    return await run(redis, _DROP, touched=_keys_of(redis, ticket_id, call_id), args=[])


def _keys_of(redis: KeyedRedis, ticket_id: str, call_id: str) -> list[str]:
    return [
        redis.keys.callbacks_due,
        redis.keys.callback_queued(ticket_id, call_id),
        redis.keys.callback_claimed(ticket_id, call_id),
    ]
