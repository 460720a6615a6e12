"""The store's moves for calls without a living owner, as Lua: see scripts.py.

These scripts find the keys of calls and handoffs by their prefixes (lua.py).
"""

from __future__ import annotations

from typing import Any

from handoff.lifecycle import MOVES, State
from handoff.lua import Args, KeyedRedis, run
from handoff.store import UNHELD_SECONDS

_OVERDUE = """
-- Changes nothing and makes no key, and is refused like any other write: from a Redis that only reads nobody learns who is overdue,
-- for no owner can renew in it. ZADD because memory that is full refuses no ZREM.
redis.call('ZADD', LIVE, 'XX', 0, '')
-- Who may not ask (INFO is a dangerous command to Redis's access lists) is told nothing.
local info = redis.pcall('INFO', 'server')
local run_id = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
local at, limit, found = now(), tonumber(ARGV[1]), {}
while #found < limit do
  local due = redis.call('ZRANGEBYSCORE', LIVE, '-inf', at, 'LIMIT', #found, limit - #found)
  if #due == 0 then break end
  for _, id in ipairs(due) do
    local c = redis.call('HMGET', CALL_PREFIX .. id, 'services', 'ending', 'service', 'agent_id', 'epoch', 'attempts', 'lease_until')
    if not c[1] or c[2] then
      -- Forgotten by its time to live, or ended by a release that does not keep this set.
      redis.call('ZREM', LIVE, id)
    elseif c[7] and tonumber(c[7]) > tonumber(at) then
      -- Renewed by a release that does not keep this set.
      redis.call('ZADD', LIVE, c[7], id)
    else
      local service = c[3] or cjson.decode(c[1])[1] or ''
      found[#found + 1] = {id, service, c[4] or '', c[5] or '0', c[6] or '0'}
    end
  end
end
return {'ok', run_id, found}
"""


async def overdue(redis: KeyedRedis, *, limit: int) -> list[Any]:
    """['ok', the run id of the Redis that answers ('' when it does not tell), [[call_id, service, agent_id, epoch, attempts], ...]]."""
    return await run(redis, _OVERDUE, touched=[redis.keys.live], args=[limit])


_LIVE_CALLS = """
local found = {'ok'}
for _, id in ipairs(redis.call('ZRANGE', LIVE, 0, -1)) do
  local c = redis.call('HMGET', CALL_PREFIX .. id, 'record', 'ending')
  if c[1] and not c[2] then found[#found + 1] = id end
end
return found
"""


async def live_calls(redis: KeyedRedis) -> list[Any]:
    """['ok', call_id, ...]."""
    return await run(redis, _LIVE_CALLS, touched=[redis.keys.live], args=[])


_SEIZE_FLOOR = """
local call, epoch, service, agent_id, dead = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[6]
if redis.call('EXISTS', call) == 0 then return {'unknown_call'} end
if ended(call) then return {'floor_lost', 'the call has ended'} end
local c = redis.call('HMGET', call, 'epoch', 'agent_id', 'lease_until', 'attempts', 'opened_at', 'handoff_ids')
local held = c[1] or '0'
if held == tostring(tonumber(epoch) + 1) and c[2] == agent_id then return floor(call) end
if held ~= epoch then return {'floor_lost', 'epoch ' .. epoch .. ' is not ' .. held} end
local due_at = c[3] or later(c[5] or '0', ARGV[7])
local is_dead = dead ~= '' and (c[2] or dead) == dead
if tonumber(due_at) > tonumber(now()) and not is_dead then return {'floor_lost', 'the holder of the floor lives'} end
local answer = give(call, service, agent_id, ARGV[4], ARGV[5])
redis.call('HSET', call, 'attempts', tonumber(c[4] or '0') + 1)
for _, id in ipairs(cjson.decode(c[6])) do
  local handoff = HANDOFF_PREFIX .. id
  local h = redis.call('HMGET', handoff, 'state', 'call_id')
  if h[1] and CALL_PREFIX .. h[2] == call and string.find(ARGV[8], ',' .. h[1] .. ',', 1, true) then
    redis.call('HSET', handoff, 'reason', 'the floor was seized')
    enter(handoff, 'superseded', MOVED_PREFIX .. id)
  end
end
return answer
"""


async def seize_floor(
    redis: KeyedRedis,
    *,
    call_id: str,
    epoch: int,
    service: str,
    agent_id: str,
    lease_seconds: float,
    ttl_seconds: float,
    dead_agent_id: str,
) -> list[Any]:
    """['ok', service, agent_id, epoch, lease_until] | ['floor_lost', why] | ['unknown_call']."""
    open_states = f",{','.join(state for state, onward in MOVES.items() if State.SUPERSEDED in onward)},"
    args: Args = [str(epoch), service, agent_id, lease_seconds, ttl_seconds, dead_agent_id, UNHELD_SECONDS, open_states]
    return await run(redis, _SEIZE_FLOOR, touched=[redis.keys.call(call_id), redis.keys.live], args=args)


_CLAIM_FLOOR = """
local call, epoch, awaited, agent_id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local no = refusal(call, epoch)
if no then return no end
local holder = redis.call('HGET', call, 'agent_id')
if holder == awaited then
  redis.call('HSET', call, 'agent_id', agent_id)
elseif holder ~= agent_id then
  return {'floor_lost', 'another agent has come for this floor'}
end
return floor(call)
"""


async def claim_floor(redis: KeyedRedis, *, call_id: str, epoch: int, awaited_id: str, agent_id: str) -> list[Any]:
    """['ok', service, agent_id, epoch, lease_until] | ['floor_lost', why] | ['unknown_call']."""
    args: Args = [str(epoch), awaited_id, agent_id]
    return await run(redis, _CLAIM_FLOOR, touched=[redis.keys.call(call_id)], args=args)


_RESTORE_CALL = """
local call, epoch, service, agent_id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if redis.call('EXISTS', call) == 1 then
  local no = refusal(call, epoch)
  if no then return no end
  if redis.call('HGET', call, 'agent_id') ~= agent_id then
    return {'floor_lost', 'another agent holds the floor under this epoch'}
  end
  return prolong(call, ARGV[4], ARGV[5])
end
redis.call('HSET', call, 'record', ARGV[6], 'services', ARGV[7], 'handoff_ids', ARGV[8], 'opened_at', now())
redis.call('HSET', call, 'started_at', ARGV[9], 'channel', ARGV[10], 'epoch', tonumber(epoch) - 1)
return give(call, service, agent_id, ARGV[4], ARGV[5])
"""


async def restore_call(
    redis: KeyedRedis,
    *,
    call_id: str,
    epoch: int,
    service: str,
    agent_id: str,
    lease_seconds: float,
    ttl_seconds: float,
    record: str,
    services: str,
    handoff_ids: str,
    started_at: float,
    channel: str,
) -> list[Any]:
    """['ok', service, agent_id, epoch, lease_until] | ['floor_lost', why]. Lists are JSON."""
    owner: Args = [str(epoch), service, agent_id, lease_seconds, ttl_seconds]
    content: Args = [record, services, handoff_ids, started_at, channel]
    return await run(redis, _RESTORE_CALL, touched=[redis.keys.call(call_id), redis.keys.live], args=[*owner, *content])
