"""Limits that several bots share. An address stands in Redis as an HMAC under the secret of the web channel, and not for long."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import uuid

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.channels.web_limits import Slots
from bot.runtime.redis_link import PREFIX
from bot.runtime.tasks import Tasks

#: How often a bot says how many streams it has open, and how long what it said counts.
_SAY_SECONDS, _COUNTS_SECONDS = 10.0, 30
#: Addresses in one step.
_SAID_AT_ONCE = 500

# A bucket is the moment at which it is full again, in microseconds of Redis' own clock; it is gone from then on. One that would take longer
# than from empty is from before that clock was put back: it counts as full, so that nobody waits as long as the clock was put back.
#: Takes one of each bucket, or none. ``now``: in microseconds; ``key`` and ``value``: where the keys of the buckets and their values begin
#: (microseconds for one, most at once). Gives the microseconds to wait.
TAKE = """
local function take(now, key, value)
  local full = {}
  for place = key, #KEYS do
    local each, burst = tonumber(ARGV[value]), tonumber(ARGV[value + 1])
    local known = tonumber(redis.call('GET', KEYS[place]) or 0)
    if known > now + burst * each then known = now end
    full[place] = math.max(known, now) + each
    local wait = full[place] - now - burst * each
    if wait > 0 then return math.ceil(wait) end
    value = value + 2
  end
  for place = key, #KEYS do
    redis.call('SET', KEYS[place], string.format('%.0f', full[place]), 'PX', math.max(1, math.ceil((full[place] - now) / 1000)))
  end
  return 0
end
"""
_TAKE = TAKE + "local time = redis.call('TIME') return take(time[1] * 1000000 + time[2], 1, 1)"

# A hash with the count of each bot, and when it said so. ARGV: this bot, most of all bots, seconds that a count holds. What was said at a
# moment that is still to come is from before Redis' clock was put back: who lives says it again soon.
_ENTER = """
local now = redis.call('TIME')[1]
local all, own = 0, 0
local found = redis.call('HGETALL', KEYS[1])
for place = 1, #found, 2 do
  local count, at = string.match(found[place + 1], '^(%d+) (%d+)$')
  if math.abs(now - at) > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], found[place])
  else
    all = all + count
    if found[place] == ARGV[1] then own = count end
  end
end
if all >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %d', own + 1, now))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""

# KEYS: of so many addresses. ARGV: this bot, seconds that a count holds, its count for each.
_SAY = """
local now = redis.call('TIME')[1]
for place, key in ipairs(KEYS) do
  local count = ARGV[place + 2]
  if count == '0' then
    redis.call('HDEL', key, ARGV[1])
  else
    redis.call('HSET', key, ARGV[1], count .. ' ' .. now)
    redis.call('EXPIRE', key, ARGV[2])
  end
end
"""


class Hidden:
    """Names for what must not be read in Redis."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"names of limits", hashlib.sha256)

    def name(self, plain: str) -> str:
        """The same for the same, for every bot with this key."""
        return hmac.digest(self._key, plain.encode(), hashlib.sha256)[:16].hex()


class SharedBuckets:
    """See :class:`~bot.channels.web_limits.Buckets`.

    Args:
        kind: tells these buckets from others.
    """

    def __init__(self, redis: Redis[str], hidden: Hidden, kind: str, rate: float, burst: int) -> None:
        self._hidden, self._kind, self._rate, self._burst = hidden, kind, rate, burst
        self._take = redis.register_script(_TAKE)

    async def take(self, key: str) -> float:
        """Take one; 0 when it was there, else the seconds to wait before it is.

        Raises:
            RedisError: Redis is away.
        """
        return int(await self._take(keys=[self.name(key)], args=self.values)) / 1_000_000

    def name(self, key: str) -> str:
        """The key of a bucket in Redis, for :data:`TAKE`."""
        return f"{PREFIX}web:limit:{self._kind}:{self._hidden.name(key)}"

    @property
    def values(self) -> list[float]:
        """The values of a bucket, for :data:`TAKE`."""
        return [1_000_000 / self._rate, self._burst]


class SharedSlots(Slots):
    """See :class:`~bot.channels.web_limits.Slots`: ``each`` of all bots together, ``total`` of this one.

    Each bot says again and again how many it has: what one that was killed had open is forgotten, what Redis forgot is told again.
    """

    def __init__(self, redis: Redis[str], hidden: Hidden, each: int, total: int) -> None:
        super().__init__(each, total)
        self._hidden, self._process = hidden, uuid.uuid4().hex
        self._enter, self._say = redis.register_script(_ENTER), redis.register_script(_SAY)
        self._tasks = Tasks()

    async def start(self) -> None:
        """Begin to say how many there are."""
        self._tasks.start(self._say_all())

    async def stop(self) -> None:
        """Say no more; what was said last is forgotten soon."""
        await self._tasks.stop()

    async def enter(self, key: str) -> bool:
        """Count one more; False, and not counted, where this key has as many as one may have.

        Raises:
            RedisError: Redis is away.
        """
        if not await self._enter(keys=[self._name(key)], args=[self._process, self._each, _COUNTS_SECONDS]):
            return False
        self._open[key] += 1
        return True

    def leave(self, key: str) -> None:
        super().leave(key)
        self._tasks.start(self._say_them([key]))

    async def _say_all(self) -> None:
        while True:
            await asyncio.sleep(_SAY_SECONDS)
            keys = list(self._open)
            for start in range(0, len(keys), _SAID_AT_ONCE):
                await self._say_them(keys[start : start + _SAID_AT_ONCE])

    async def _say_them(self, keys: list[str]) -> None:
        counts = [self._open.get(key, 0) for key in keys]
        # Not to be reached now: it is said again later, or forgotten there.
        with contextlib.suppress(RedisError):
            await self._say(keys=[self._name(key) for key in keys], args=[self._process, _COUNTS_SECONDS, *counts])

    def _name(self, key: str) -> str:
        return f"{PREFIX}web:streams:{self._hidden.name(key)}"
