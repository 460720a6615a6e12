"""To forget a call that has ended, as Lua: one step, so that a call which lives is never half forgotten. See scripts.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handoff.lua import Args, KeyedRedis, run
from handoff.store import RoomList

_FORGET_CALL = """
local call, live_key, of, first_stream = KEYS[1], KEYS[2], KEYS[3], 6
if redis.call('EXISTS', call) == 1 and not ended(call) then return {'still_live'} end
local handoffs = 0
for _, id in ipairs(cjson.decode(redis.call('HGET', call, 'handoff_ids') or '[]')) do
  handoffs = handoffs + redis.call('DEL', HANDOFF_PREFIX .. id)
end
local found = {'ok', redis.call('DEL', call), handoffs}
local rooms = redis.call('ZREM', KEYS[4], ARGV[1]) + redis.call('ZREM', KEYS[5], ARGV[1]) + redis.call('ZREM', live_key, ARGV[1])
local places, streams = 0, tonumber(ARGV[2])
for i = 1, streams do
  local removed = 0
  for _, id in ipairs(cjson.decode(ARGV[2 + i])) do
    removed = removed + redis.call('XDEL', KEYS[first_stream + i - 1], id)
  end
  found[#found + 1] = removed
end
for i = first_stream + streams, #KEYS do places = places + redis.call('DEL', KEYS[i]) end
found[#found + 1] = places + redis.call('DEL', of)
found[#found + 1] = rooms
return found
"""


async def forget_call(
    redis: KeyedRedis, *, call_id: str, entries: Mapping[str, str], ticket_ids: Sequence[str]
) -> list[Any]:
    """['ok', calls, handoffs, entries of each stream in turn, places of callbacks, places in lists] | ['still_live'].

    ``entries``: by a stream's key, the ids of what it has of this call, as a JSON list.
    """
    keys = redis.keys
    touched = [keys.call(call_id), keys.live, keys.callback_of(call_id), *(keys.rooms(list_) for list_ in RoomList)]
    touched += entries
    for ticket_id in ticket_ids:
        touched += [keys.callback_queued(ticket_id, call_id), keys.callback_claimed(ticket_id, call_id)]
    args: Args = [call_id, len(entries), *entries.values()]
    return await run(redis, _FORGET_CALL, touched=touched, args=args)
