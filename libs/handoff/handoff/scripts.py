"""The store's moves as Lua, one typed function each: Redis runs each as one step, by its own clock.

A script answers with a list: a status word, then what belongs to it. Words become values or errors in redis_store.py. The
legal moves are not spelled again here: lifecycle.py's table comes in as an argument.
"""

from __future__ import annotations

from typing import Any

from handoff.lifecycle import MOVES, State
from handoff.lua import Args, KeyedRedis, run
from handoff.store import UNHELD_SECONDS

_OPEN_CALL = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  -- A call to which nobody comes is as old as one to which nobody came, for every release that looks at it.
  local at = later(now(), -ARGV[8])
  redis.call('HSET', KEYS[1], 'record', ARGV[1], 'services', ARGV[2], 'handoff_ids', ARGV[3], 'opened_at', at)
  redis.call('HSET', KEYS[1], 'started_at', ARGV[5], 'channel', ARGV[6])
  owned(KEYS[1], later(at, ARGV[7]), ARGV[4])
end
return {'ok', redis.call('HGETALL', KEYS[1])}
"""


async def open_call(
    redis: KeyedRedis,
    *,
    call_id: str,
    record: str,
    services: str,
    handoff_ids: str,
    started_at: float,
    channel: str,
    ttl_seconds: float,
    nobody_comes: bool,
) -> list[Any]:
    """['ok', fields of the call]. ``services`` and ``handoff_ids`` are JSON lists."""
    age_seconds = UNHELD_SECONDS if nobody_comes else 0.0
    args: Args = [record, services, handoff_ids, ttl_seconds, started_at, channel, UNHELD_SECONDS, age_seconds]
    return await run(redis, _OPEN_CALL, touched=[redis.keys.call(call_id), redis.keys.live], args=args)


_CHECKPOINT = """
local no = refusal(KEYS[1], ARGV[1])
if no then return no end
redis.call('HSET', KEYS[1], 'record', ARGV[2])
for _, id in ipairs(cjson.decode(ARGV[3])) do append(KEYS[1], 'handoff_ids', id, false) end
live(KEYS[1], ARGV[4])
return {'ok'}
"""


async def checkpoint(
    redis: KeyedRedis, *, call_id: str, epoch: int, record: str, handoff_ids: str, ttl_seconds: float
) -> list[Any]:
    """['ok'] | ['floor_lost', why] | ['unknown_call']."""
    args: Args = [str(epoch), record, handoff_ids, ttl_seconds]
    return await run(redis, _CHECKPOINT, touched=[redis.keys.call(call_id)], args=args)


_END_CALL = """
if not ended(KEYS[1]) then
  local no = refusal(KEYS[1], ARGV[2])
  if no then return no end
  local at = now()
  redis.call('HSET', KEYS[1], 'ending', ARGV[3], 'ending_detail', ARGV[4], 'ended_at', at)
  redis.call('HDEL', KEYS[1], 'service', 'agent_id', 'lease_until')
  redis.call('ZREM', LIVE, ARGV[1])
  live(KEYS[1], ARGV[5])
  local oldest = string.format('%.0f', math.max(0, (tonumber(at) - tonumber(ARGV[6])) * 1000))
  local c = redis.call('HMGET', KEYS[1], 'services', 'handoff_ids', 'started_at', 'channel')
  redis.call('XADD', KEYS[2], 'MINID', oldest, '*', 'call_id', ARGV[1], 'ending', ARGV[3], 'ended_at', at,
    'detail', ARGV[4], 'services', c[1], 'handoff_ids', c[2], 'started_at', c[3] or '0', 'channel', c[4] or '')
  live(KEYS[2], ARGV[6])
end
return {'ok', redis.call('HGETALL', KEYS[1])}
"""


async def end_call(
    redis: KeyedRedis,
    *,
    call_id: str,
    epoch: int,
    ending: str,
    detail: str,
    ttl_seconds: float,
    ledger_ttl_seconds: float,
) -> list[Any]:
    """['ok', fields of the call] | ['floor_lost', why] | ['unknown_call']."""
    touched = [redis.keys.call(call_id), redis.keys.ledger, redis.keys.live]
    args: Args = [call_id, str(epoch), ending, detail, ttl_seconds, ledger_ttl_seconds]
    return await run(redis, _END_CALL, touched=touched, args=args)


_TAKE_FLOOR = """
if redis.call('EXISTS', KEYS[1]) == 0 then return {'unknown_call'} end
if ended(KEYS[1]) then return {'floor_lost', 'the call has ended'} end
local lease = redis.call('HGET', KEYS[1], 'lease_until')
if lease and tonumber(lease) > tonumber(now()) then return {'floor_lost', 'somebody holds the floor'} end
return give(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
"""


async def take_floor(
    redis: KeyedRedis, *, call_id: str, service: str, agent_id: str, lease_seconds: float, ttl_seconds: float
) -> list[Any]:
    """['ok', service, agent_id, epoch, lease_until] | ['floor_lost', why] | ['unknown_call']."""
    args: Args = [service, agent_id, lease_seconds, ttl_seconds]
    return await run(redis, _TAKE_FLOOR, touched=[redis.keys.call(call_id), redis.keys.live], args=args)


_RENEW_FLOOR = """
local no = refusal(KEYS[1], ARGV[1])
if no then return no end
return prolong(KEYS[1], ARGV[2], ARGV[3])
"""


async def renew_floor(
    redis: KeyedRedis, *, call_id: str, epoch: int, lease_seconds: float, ttl_seconds: float
) -> list[Any]:
    """['ok', service, agent_id, epoch, lease_until] | ['floor_lost', why] | ['unknown_call']."""
    args: Args = [str(epoch), lease_seconds, ttl_seconds]
    return await run(redis, _RENEW_FLOOR, touched=[redis.keys.call(call_id), redis.keys.live], args=args)


_OFFER = """
local handoff, call = KEYS[1], KEYS[2]
if redis.call('EXISTS', handoff) == 1 then return {'exists', redis.call('HGETALL', handoff)} end
local at = now()
local left = math.min(tonumber(ARGV[6]), tonumber(ARGV[7]) - tonumber(at))
if left <= 0 then return {'invalid', 'the context is stale'} end
if ended(call) then return {'invalid', 'the call has ended'} end
local epoch = redis.call('HGET', call, 'epoch')
if epoch and epoch ~= ARGV[5] then return {'invalid', 'offered under epoch ' .. ARGV[5] .. ', not ' .. epoch} end
redis.call('HSET', handoff, 'context', ARGV[1], 'from_service', ARGV[2], 'to_service', ARGV[3], 'call_id', ARGV[4])
enter(handoff, 'offered', ARGV[9])
live(handoff, left)
if redis.call('EXISTS', call) == 1 then append(call, 'handoff_ids', ARGV[8], false) end
return {'ok', redis.call('HGETALL', handoff)}
"""


async def offer(
    redis: KeyedRedis,
    *,
    handoff_id: str,
    call_id: str,
    context: str,
    from_service: str,
    to_service: str,
    epoch: int,
    ttl_seconds: float,
    expires_at: float,
) -> list[Any]:
    """['ok' | 'exists', fields of the handoff] | ['invalid', why]."""
    touched = [redis.keys.handoff(handoff_id), redis.keys.call(call_id)]
    content: Args = [context, from_service, to_service, call_id, str(epoch)]
    args: Args = [*content, ttl_seconds, expires_at, handoff_id, redis.keys.moved(handoff_id)]
    return await run(redis, _OFFER, touched=touched, args=args)


_MOVE = """
local handoff, call, to, taker_id, reason = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
local h = redis.call('HMGET', handoff, 'state', 'taker_id', 'taken_epoch')
local state, taker = h[1], h[2] or ''
if not state then return {'unknown_handoff'} end
if taker_id ~= '' and taker ~= '' and taker ~= taker_id then
  return {'illegal', 'another agent is the taker of this handoff'}
end
if state ~= to then
  if not string.find(ARGV[4], ',' .. state .. ',', 1, true) then
    return {'illegal', 'a handoff cannot go from ' .. state .. ' to ' .. to}
  end
  if to == 'ready' and taker_id == '' and taker == '' then return {'illegal', 'ready needs a taker_id'} end
  if to == 'spoken' and redis.call('HGET', call, 'epoch') ~= h[3] then
    return {'floor_lost', 'the taker was overtaken before it spoke'}
  end
  if taker_id ~= '' then redis.call('HSET', handoff, 'taker_id', taker_id) end
  if reason ~= '' then redis.call('HSET', handoff, 'reason', reason) end
  enter(handoff, to, ARGV[5])
end
return {'ok', redis.call('HGETALL', handoff)}
"""


async def move(redis: KeyedRedis, *, handoff_id: str, call_id: str, to: State, taker_id: str, reason: str) -> list[Any]:
    """['ok', fields of the handoff] | ['illegal' | 'floor_lost', why] | ['unknown_handoff']."""
    # Only pass_floor may go to TAKEN, whatever the table says.
    origins = [state for state, onward in MOVES.items() if to in onward and to is not State.TAKEN]
    args: Args = [to.value, taker_id, reason, f",{','.join(origins)},", redis.keys.moved(handoff_id)]
    return await run(redis, _MOVE, touched=[redis.keys.handoff(handoff_id), redis.keys.call(call_id)], args=args)


_PASS_FLOOR = """
local handoff, call, epoch = KEYS[1], KEYS[2], ARGV[1]
local h = redis.call('HMGET', handoff, 'state', 'taker_id', 'to_service', 'taken_epoch')
if not h[1] then return {'unknown_handoff'} end
local passed = tostring(tonumber(epoch) + 1)
if h[1] == 'taken' and h[4] == passed and not refusal(call, passed) then return floor(call) end
local no = refusal(call, epoch)
if no then return no end
if h[1] ~= 'ready' then return {'illegal', 'a handoff cannot go from ' .. h[1] .. ' to taken'} end
local answer = give(call, h[3], h[2], ARGV[2], ARGV[3])
redis.call('HSET', handoff, 'taken_epoch', passed)
enter(handoff, 'taken', ARGV[4])
return answer
"""


async def pass_floor(
    redis: KeyedRedis, *, handoff_id: str, call_id: str, epoch: int, lease_seconds: float, ttl_seconds: float
) -> list[Any]:
    """['ok', service, agent_id, epoch, lease_until] | ['illegal' | 'floor_lost', why] | ['unknown_handoff' | 'unknown_call']."""
    args: Args = [str(epoch), lease_seconds, ttl_seconds, redis.keys.moved(handoff_id)]
    touched = [redis.keys.handoff(handoff_id), redis.keys.call(call_id), redis.keys.live]
    return await run(redis, _PASS_FLOOR, touched=touched, args=args)


_TAKE_BACK = """
local handoff, call, epoch, giver_id = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local h = redis.call('HMGET', handoff, 'state', 'from_service', 'taken_epoch', 'back_epoch')
if not h[1] then return {'unknown_handoff'} end
local back = tostring(tonumber(epoch) + 1)
if h[4] == back and not refusal(call, back) and redis.call('HGET', call, 'agent_id') == giver_id then
  return floor(call)
end
local no = refusal(call, epoch)
if no then return no end
if h[1] ~= 'taken' then return {'illegal', 'a handoff cannot be taken back when it is ' .. h[1]} end
if h[3] ~= epoch then return {'floor_lost', 'this handoff gave epoch ' .. h[3] .. ', not ' .. epoch} end
local answer = give(call, h[2], giver_id, ARGV[3], ARGV[4])
redis.call('HSET', handoff, 'back_epoch', back, 'reason', 'taken back by the giver')
enter(handoff, 'superseded', ARGV[5])
return answer
"""


async def take_back(
    redis: KeyedRedis,
    *,
    handoff_id: str,
    call_id: str,
    giver_id: str,
    epoch: int,
    lease_seconds: float,
    ttl_seconds: float,
) -> list[Any]:
    """['ok', service, agent_id, epoch, lease_until] | ['illegal' | 'floor_lost', why] | ['unknown_handoff' | 'unknown_call']."""
    args: Args = [str(epoch), giver_id, lease_seconds, ttl_seconds, redis.keys.moved(handoff_id)]
    touched = [redis.keys.handoff(handoff_id), redis.keys.call(call_id), redis.keys.live]
    return await run(redis, _TAKE_BACK, touched=touched, args=args)
