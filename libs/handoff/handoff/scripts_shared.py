"""What the services share, as Lua: the callbacks, the lines in which callers wait, who is on duty, the workers, the breakers,
rooms to look at. See scripts.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handoff import keys
from handoff.lua import Args, KeyedRedis, run
from handoff.store import BREAKER_SECONDS, EVENT_SECONDS, FIRST_TICKET, LINE_SECONDS, ROOMS_SECONDS, RoomList

_NEXT_TICKET = """
redis.call('SET', KEYS[1], ARGV[1], 'NX')
local number = redis.call('INCR', KEYS[1])
live(KEYS[1], ARGV[2])
return {'ok', number}
"""


async def next_ticket(redis: KeyedRedis) -> list[Any]:
    """['ok', number]."""
    args: Args = [FIRST_TICKET - 1, keys.TICKETS_SECONDS]
    return await run(redis, _NEXT_TICKET, touched=[redis.keys.tickets], args=args)


_ADD_CALLBACK = """
local known = redis.call('GET', KEYS[2])
if known then return {'ok', known, 0} end
local oldest = string.format('%.0f', math.max(0, (tonumber(now()) - tonumber(ARGV[2])) * 1000))
redis.call('XADD', KEYS[1], 'MINID', oldest, '*', 'ticket', ARGV[1])
live(KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3])
live(KEYS[2], ARGV[2])
return {'ok', ARGV[3], 1}
"""


async def add_callback(
    redis: KeyedRedis, *, call_id: str, ticket_id: str, ticket: str, ttl_seconds: float
) -> list[Any]:
    """['ok', the ticket's id that the call has, whether it is this one (1) or one before it (0)]. ``ticket`` is JSON."""
    touched = [redis.keys.callbacks, redis.keys.callback_of(call_id)]
    return await run(redis, _ADD_CALLBACK, touched=touched, args=[ticket, ttl_seconds, ticket_id])


_TELL_CALLBACK_AGAIN = """
if redis.call('GET', KEYS[2]) == ARGV[3] then
  redis.call('XADD', KEYS[1], '*', 'ticket', ARGV[1])
  live(KEYS[1], ARGV[2])
end
return {'ok'}
"""


async def tell_callback_again(
    redis: KeyedRedis, *, call_id: str, ticket_id: str, ticket: str, ttl_seconds: float
) -> list[Any]:
    """['ok']. Nothing is told when the call's ticket is another one."""
    touched = [redis.keys.callbacks, redis.keys.callback_of(call_id)]
    return await run(redis, _TELL_CALLBACK_AGAIN, touched=touched, args=[ticket, ttl_seconds, ticket_id])


# A place in a line is one number: a step for each priority, and within a step the number of the arrival.
_STEP = 10**9
_LONGEST = 1000
"""As much of a line as anybody looks at: what a script returns is bounded."""

_LINE = f"""
local STEP, LONGEST = {_STEP}, {_LONGEST}
local line, line_until, last, id = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', line_until, '-inf', now())) do
  redis.call('ZREM', line, gone)
  redis.call('ZREM', line_until, gone)
end
"""

_WAIT_IN_LINE = """
local known = redis.call('ZSCORE', line, id)
local arrival = known and tonumber(known) % STEP or redis.call('INCR', last)
redis.call('ZADD', line, string.format('%.0f', arrival - tonumber(ARGV[2]) * STEP), id)
redis.call('ZADD', line_until, later(now(), ARGV[3]), id)
for _, key in ipairs(KEYS) do live(key, ARGV[3]) end
return {'ok', redis.call('ZRANK', line, id) + 1}
"""

_POSITION = """
local rank = redis.call('ZRANK', line, id)
return {'ok', rank and rank + 1 or 0}
"""

_LEAVE_LINE = """
redis.call('ZREM', line, id)
redis.call('ZREM', line_until, id)
return {'ok'}
"""

_WHO_WAITS = """
return {'ok', unpack(redis.call('ZRANGE', line, 0, LONGEST - 1))}
"""


def _keys_of_line(redis: KeyedRedis, service: str) -> list[str]:
    return [redis.keys.line(service), redis.keys.line_until(service), redis.keys.line_last(service)]


async def wait_in_line(redis: KeyedRedis, *, service: str, call_id: str, priority: int) -> list[Any]:
    """['ok', position]."""
    args: Args = [call_id, priority, LINE_SECONDS]
    return await run(redis, _LINE + _WAIT_IN_LINE, touched=_keys_of_line(redis, service), args=args)


async def position(redis: KeyedRedis, *, service: str, call_id: str) -> list[Any]:
    """['ok', position], 0 for who is not in the line."""
    return await run(redis, _LINE + _POSITION, touched=_keys_of_line(redis, service), args=[call_id])


async def leave_line(redis: KeyedRedis, *, service: str, call_id: str) -> list[Any]:
    """['ok']."""
    return await run(redis, _LINE + _LEAVE_LINE, touched=_keys_of_line(redis, service), args=[call_id])


async def line(redis: KeyedRedis, *, service: str) -> list[Any]:
    """['ok', call ids in their order ...]."""
    return await run(redis, _LINE + _WHO_WAITS, touched=_keys_of_line(redis, service), args=[""])


_ON_DUTY = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now())
"""

_NOTE_ON_DUTY = """
redis.call('ZADD', KEYS[1], later(now(), ARGV[2]), ARGV[1])
live_at_least(KEYS[1], ARGV[2])
return {'ok'}
"""

_COUNT_ON_DUTY = """
return {'ok', redis.call('ZCARD', KEYS[1])}
"""


async def note_on_duty(redis: KeyedRedis, *, human_id: str, seconds: float) -> list[Any]:
    """['ok']."""
    return await run(redis, _ON_DUTY + _NOTE_ON_DUTY, touched=[redis.keys.duty], args=[human_id, seconds])


async def humans_on_duty(redis: KeyedRedis) -> list[Any]:
    """['ok', how many]."""
    return await run(redis, _ON_DUTY + _COUNT_ON_DUTY, touched=[redis.keys.duty], args=[])


_WORKERS = """
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now())) do
  redis.call('ZREM', KEYS[1], gone)
  redis.call('HDEL', KEYS[2], gone)
end
"""

_NOTE_WORKER = """
redis.call('ZADD', KEYS[1], later(now(), ARGV[3]), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
for _, key in ipairs(KEYS) do live_at_least(key, ARGV[3]) end
return {'ok'}
"""

_ALL_WORKERS = """
local found = redis.call('HVALS', KEYS[2])
table.insert(found, 1, 'ok')
return found
"""


async def note_worker(redis: KeyedRedis, *, worker_id: str, status: str, seconds: float) -> list[Any]:
    """['ok']. ``status`` is JSON."""
    touched = [redis.keys.workers, redis.keys.workers_told]
    return await run(redis, _WORKERS + _NOTE_WORKER, touched=touched, args=[worker_id, status, seconds])


async def workers(redis: KeyedRedis) -> list[Any]:
    """['ok', status ...]."""
    return await run(redis, _WORKERS + _ALL_WORKERS, touched=[redis.keys.workers, redis.keys.workers_told], args=[])


_BREAKER_SWAP = """
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return {'ok', 0} end
redis.call('DEL', KEYS[1])
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], 'version', tonumber(ARGV[1]) + 1)
live(KEYS[1], ARGV[2])
return {'ok', 1}
"""


async def breaker_swap(redis: KeyedRedis, *, service: str, expected_version: int, new: Mapping[str, str]) -> list[Any]:
    """['ok', 1] when written, ['ok', 0] when the version is another one."""
    args: Args = [str(expected_version), BREAKER_SECONDS, *(text for pair in new.items() for text in pair)]
    return await run(redis, _BREAKER_SWAP, touched=[redis.keys.breaker(service)], args=args)


_NOTE_ROOM = """
if redis.call('EXISTS', KEYS[1]) == 1 then return {'ok', 0} end
redis.call('SET', KEYS[1], 1)
live(KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], later(now(), ARGV[2]), ARGV[1])
live(KEYS[2], ARGV[3])
return {'ok', 1}
"""


async def note_room(redis: KeyedRedis, *, room: str, list_: RoomList, event_id: str, after_seconds: float) -> list[Any]:
    """['ok', 1] when noted, ['ok', 0] when the event was noted before."""
    touched = [redis.keys.event(event_id), redis.keys.rooms(list_)]
    return await run(redis, _NOTE_ROOM, touched=touched, args=[room, after_seconds, ROOMS_SECONDS, EVENT_SECONDS])


_ROOMS_DUE = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now(), 'LIMIT', 0, ARGV[2])
local found = {'ok'}
for _, room in ipairs(due) do
  redis.call('ZADD', KEYS[1], later(now(), ARGV[1]), room)
  found[#found + 1] = room
end
if #due > 0 then live(KEYS[1], ARGV[3]) end
return found
"""


async def rooms_due(redis: KeyedRedis, *, list_: RoomList, again_seconds: float, limit: int) -> list[Any]:
    """['ok', room, ...]."""
    return await run(redis, _ROOMS_DUE, touched=[redis.keys.rooms(list_)], args=[again_seconds, limit, ROOMS_SECONDS])


_FORGET_ROOM = """
redis.call('ZREM', KEYS[1], ARGV[1])
return {'ok'}
"""


async def forget_room(redis: KeyedRedis, *, room: str, list_: RoomList) -> list[Any]:
    """['ok']."""
    return await run(redis, _FORGET_ROOM, touched=[redis.keys.rooms(list_)], args=[room])
