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

# A bucket is the moment at which it is full again, in microseconds of Redis' own clock; it is gone from then on.
# ARGV: microseconds for one, most at once. Gives the microseconds to wait.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local wait = full + each - now - burst * each
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.0f', full + each), 'PX', math.max(1, math.ceil((full + each - now) / 1000)))
return 0
"""

# A hash with the count of each bot, and when it said so. ARGV: this bot, most of all bots, seconds that a count holds.
_ENTER = """
local now = redis.call('TIME')[1]
local all, own = 0, 0
local found = redis.call('HGETALL', KEYS[1])
for place = 1, #found, 2 do
  local count, at = string.match(found[place + 1], '^(%d+) (%d+)$')
  if now - at > tonumber(ARGV[3]) then
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

# ARGV: this bot, its count, seconds that it holds.
_SAY = """
if ARGV[2] == '0' then return redis.call('HDEL', KEYS[1], ARGV[1]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. redis.call('TIME')[1])
return redis.call('EXPIRE', KEYS[1], ARGV[3])
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
        name = f"{PREFIX}web:limit:{self._kind}:{self._hidden.name(key)}"
        return int(await self._take(keys=[name], args=[1_000_000 / self._rate, self._burst])) / 1_000_000


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
        self._tasks.start(self._say_one(key))

    async def _say_all(self) -> None:
        while True:
            await asyncio.sleep(_SAY_SECONDS)
            for key in list(self._open):
                await self._say_one(key)

    async def _say_one(self, key: str) -> None:
        # Not to be reached now: it is said again later, or forgotten there.
        with contextlib.suppress(RedisError):
            await self._say(keys=[self._name(key)], args=[self._process, self._open.get(key, 0), _COUNTS_SECONDS])

    def _name(self, key: str) -> str:
        return f"{PREFIX}web:streams:{self._hidden.name(key)}"
