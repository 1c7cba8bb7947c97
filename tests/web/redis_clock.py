"""Redis as it is after its clock was put forward or back: every moment that stands in it lies so much nearer or further away."""

from __future__ import annotations

from typing import Any

HOUR = 3600

# ARGV: seconds, forward or back. What is gone by the new clock goes. Numbers of holders and of entries in streams are moments too.
_MOVE = """
local seconds = tonumber(ARGV[1])
local function moved(moment, unit) return string.format('%.0f', moment - seconds * unit) end
for _, key in ipairs(redis.call('KEYS', 'wegwijzer:*')) do
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PEXPIRE', key, left - seconds * 1000) end
  if redis.call('EXISTS', key) == 1 then
    if key == 'wegwijzer:web:work' then
      local found = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
      for place = 1, #found, 2 do redis.call('ZADD', key, moved(found[place + 1], 1000), found[place]) end
    elseif string.match(key, '^wegwijzer:number:') or string.match(key, '^wegwijzer:web:limit:') then
      redis.call('SET', key, moved(redis.call('GET', key), 1000000), 'KEEPTTL')
    elseif string.match(key, '^wegwijzer:web:streams:') then
      local found = redis.call('HGETALL', key)
      for place = 1, #found, 2 do
        local count, at = string.match(found[place + 1], '^(%d+) (%d+)$')
        redis.call('HSET', key, found[place], count .. ' ' .. moved(at, 1))
      end
    elseif seconds < 0 and redis.call('TYPE', key).ok == 'stream' then
      local time = redis.call('TIME')
      redis.call('XSETID', key, moved(time[1] * 1000, 1000) .. '-0')
    end
  end
end
"""


def move(client: Any, seconds: int) -> Any:
    """Put the clock forward, or back; by an asynchronous client, to be awaited."""
    return client.eval(_MOVE, 0, seconds)
