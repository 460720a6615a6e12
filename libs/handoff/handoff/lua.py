"""How a Lua script is run, and the functions that all scripts share.

A script is given the keys that it writes, so that a Redis Cluster whose slot is on its way to another node refuses it before it has
begun; some find the keys of calls, or of a call's handoffs, on their way. That is allowed as long as all of them lie in one slot: see
keys.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from handoff.keys import Keys

Args = list[str | int | float]


@dataclass(frozen=True, slots=True)
class KeyedRedis:
    """A client, and how keys are spelled where it leads."""

    client: Redis
    keys: Keys

    @property
    def names(self) -> str:
        """The keys that scripts find by themselves, in Lua."""
        return f"""
local LIVE = '{self.keys.live}'
local CALL_PREFIX = '{self.keys.call("")}'
local HANDOFF_PREFIX = '{self.keys.handoff("")}'
local MOVED_PREFIX = '{self.keys.moved("")}'
"""


_PRELUDE = """
local function now()
  local t = redis.call('TIME')
  return string.format('%d.%06d', t[1], t[2])
end
local function later(at, seconds) return string.format('%.6f', tonumber(at) + tonumber(seconds)) end
local function live(key, seconds)
  redis.call('PEXPIRE', key, math.max(1, math.floor(tonumber(seconds) * 1000)))
end
-- As live, for a key of many calls: it is never shortened, for its longest tenant needs it.
local function live_at_least(key, seconds)
  if redis.call('PTTL', key) < math.floor(tonumber(seconds) * 1000) then live(key, seconds) end
end
local function append(key, field, item, only_last)
  local list = cjson.decode(redis.call('HGET', key, field) or '[]')
  for i, known in ipairs(list) do
    if known == item and (i == #list or not only_last) then return end
  end
  list[#list + 1] = item
  redis.call('HSET', key, field, cjson.encode(list))
end
local function ended(call) return redis.call('HEXISTS', call, 'ending') == 1 end
local function refusal(call, epoch)
  if redis.call('EXISTS', call) == 0 then return {'unknown_call'} end
  if ended(call) then return {'floor_lost', 'the call has ended'} end
  local held = redis.call('HGET', call, 'epoch')
  if held ~= epoch then return {'floor_lost', 'epoch ' .. epoch .. ' is not ' .. (held or 'taken')} end
  return nil
end
-- From due_at on the call has no living owner; until then, and for its time to live, it is among the live ones.
local function owned(call, due_at, ttl)
  redis.call('ZADD', LIVE, due_at, string.sub(call, #CALL_PREFIX + 1))
  live_at_least(LIVE, ttl)
  live(call, ttl)
end
local function floor(call)
  local f = redis.call('HMGET', call, 'service', 'agent_id', 'epoch', 'lease_until')
  return {'ok', f[1], f[2], f[3], f[4]}
end
local function prolong(call, lease, ttl)
  local until_at = later(now(), lease)
  redis.call('HSET', call, 'lease_until', until_at)
  redis.call('HDEL', call, 'attempts')
  owned(call, until_at, ttl)
  return floor(call)
end
local function give(call, service, agent_id, lease, ttl)
  redis.call('HINCRBY', call, 'epoch', 1)
  redis.call('HSET', call, 'service', service, 'agent_id', agent_id)
  append(call, 'services', service, true)
  return prolong(call, lease, ttl)
end
local function enter(handoff, state, channel)
  redis.call('HSET', handoff, 'state', state, 'at:' .. state, now())
  redis.call('PUBLISH', channel, state)
end
"""


async def run(redis: KeyedRedis, lua: str, *, touched: Sequence[str], args: Args) -> list[Any]:
    """The answer of a script: a status word, then what belongs to it."""
    text = redis.names + _PRELUDE + lua
    given = [len(touched), *touched, *args]
    try:
        return await _answer(redis.client, "EVALSHA", _digest(text), given)
    except NoScriptError:
        # Redis was restarted, or is another one since a failover. The text itself, not SCRIPT LOAD and the digest again: in the middle of
        # a failover two questions may go to two servers.
        return await _answer(redis.client, "EVAL", text, given)


async def _answer(client: Redis, command: str, script: str, given: Args) -> list[Any]:
    answer: list[Any] = await client.execute_command(command, script, *given)  # type: ignore[no-untyped-call]
    return answer


@lru_cache(maxsize=256)
def _digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
