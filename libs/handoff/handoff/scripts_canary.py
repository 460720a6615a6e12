"""Canaries as Lua: see scripts.py. All that is known of a service's canary lies in one hash, so that each step touches one key.

version, weight, until        what its workers told last, and until when that holds
trial:<version>               JSON: spoken, failed, recent, stopped_at, why, seen (seconds since the epoch, as text)
"""

from __future__ import annotations

from typing import Any

from handoff.canary import FAILED_PER_CENT, MOST_FAILED, TRIAL_SECONDS, WINDOW
from handoff.lua import KeyedRedis, run

_TRIALS = f"""
local TRIAL_SECONDS, WINDOW, MOST_FAILED, FAILED_PER_CENT = {TRIAL_SECONDS:.0f}, {WINDOW}, {MOST_FAILED}, {FAILED_PER_CENT}
"""

_TRIAL_STEPS = """
local function trial(version)
  local kept = redis.call('HGET', KEYS[1], 'trial:' .. version)
  local found = kept and cjson.decode(kept)
  if found and tonumber(found.seen) + TRIAL_SECONDS > tonumber(now()) then return found end
  return nil
end
local function keep(version, found)
  found.seen = now()
  redis.call('HSET', KEYS[1], 'trial:' .. version, cjson.encode(found))
  live(KEYS[1], TRIAL_SECONDS)
end
local function new() return {spoken = 0, failed = 0, recent = '', stopped_at = '0', why = ''} end
local function told(version, found)
  local kept = redis.call('HMGET', KEYS[1], 'weight', 'until')
  local is_there = tonumber(kept[2]) > tonumber(now()) and 1 or 0
  return {'ok', version, kept[1], is_there, found.spoken, found.failed, found.recent, found.stopped_at, found.why}
end
-- The version that was told of last, unless it is forgotten by now.
local function of_now()
  local version = redis.call('HGET', KEYS[1], 'version')
  return version, version and trial(version)
end
"""

_NOTE = """
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'weight', ARGV[2], 'until', later(now(), ARGV[3]))
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 6) == 'trial:' and not trial(string.sub(field, 7)) then redis.call('HDEL', KEYS[1], field) end
end
local found = trial(ARGV[1]) or new()
keep(ARGV[1], found)
return told(ARGV[1], found)
"""

_LOOK = """
local version, found = of_now()
return found and told(version, found) or {'ok'}
"""

_COUNT = """
local found = trial(ARGV[1])
if not found then return {'ok'} end
found.recent = string.sub(found.recent .. string.sub(ARGV[2], 1, 1), -WINDOW)
found[ARGV[2]] = found[ARGV[2]] + 1
local _, failed = string.gsub(found.recent, 'f', '')
local stops = ARGV[2] == 'failed' and found.stopped_at == '0'
  and failed >= MOST_FAILED and failed * 100 >= FAILED_PER_CENT * #found.recent
if stops then
  found.stopped_at = now()
  found.why = failed .. ' of the last ' .. #found.recent .. ' handoffs failed'
end
keep(ARGV[1], found)
return stops and told(ARGV[1], found) or {'ok'}
"""

_STOP = """
local version, found = of_now()
if not found then return {'ok'} end
if found.stopped_at == '0' then
  found.stopped_at, found.why = now(), ARGV[1]
  keep(version, found)
end
return told(version, found)
"""

_RESET = """
local version, found = of_now()
if not found then return {'ok'} end
found = new()
keep(version, found)
return told(version, found)
"""


async def _run(redis: KeyedRedis, lua: str, service: str, *args: str | int | float) -> list[Any]:
    return await run(redis, _TRIALS + _TRIAL_STEPS + lua, touched=[redis.keys.canary(service)], args=list(args))


async def note(redis: KeyedRedis, *, service: str, version: str, weight: int, seconds: float) -> list[Any]:
    """['ok', version, weight, 1 when its workers are there, spoken, failed, recent, stopped_at, why]."""
    return await _run(redis, _NOTE, service, version, weight, seconds)


async def look(redis: KeyedRedis, *, service: str) -> list[Any]:
    """As ``note``; ['ok'] when there is none."""
    return await _run(redis, _LOOK, service)


async def count(redis: KeyedRedis, *, service: str, version: str, outcome: str) -> list[Any]:
    """As ``note`` when this stopped the version, else ['ok']. ``outcome``: spoken or failed."""
    return await _run(redis, _COUNT, service, version, outcome)


async def stop(redis: KeyedRedis, *, service: str, why: str) -> list[Any]:
    """As ``look``."""
    return await _run(redis, _STOP, service, why)


async def reset(redis: KeyedRedis, *, service: str) -> list[Any]:
    """As ``look``."""
    return await _run(redis, _RESET, service)
