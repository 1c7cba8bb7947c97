"""Web conversations in Redis, for any number of bots: a message may arrive at one, its answer be read at another.

Each step is one script, which Redis runs as a whole. A message is in Redis before its client hears that it was accepted. Its turn runs
under the lock of the conversation (:mod:`bot.runtime.redis_locks`), and its answer is written only under the newest number of that lock,
only while the message is the first that waits: once, whoever dies or stands still. Names of keys hold the random id of a conversation.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from redis.asyncio import Redis

from bot.channels.web_news import CHANNEL, Subscription
from bot.channels.web_sessions import (
    EVENTS_KEPT,
    Answer,
    Ended,
    Event,
    Incoming,
    News,
    SessionEnded,
    Sessions,
    TooManyWaiting,
    UnknownButton,
    as_json,
)
from bot.channels.web_tokens import new_session_id
from bot.runtime.redis_link import PREFIX
from bot.runtime.redis_locks import held_number, number_key
from bot.runtime.redis_trackers import tracker_key

#: A message that waits for so long may be one whose bot is gone. (Its lock ends by itself: whoever looks too early only waits.)
_LEFT_OVER_MS = 5000
#: Conversations that one bot takes up in one go; the others find the rest.
_TAKEN_AT_ONCE = 50

_WORK = f"{PREFIX}web:work"

# Shared by the scripts.
# session: hash with greeted, last (number of the last event), m:<client id>, b:<button> (payload), t:<button> (title as JSON), s:<shown>,
#          before and before_of (the conversation as it was before the turn for that message); events: list of "kind data";
# waiting: list of "client-id kind value"; ended: why; work: conversations in which a message waits, by when somebody was last at it.
_COMMON = f"""
local session, events, waiting, ended, work = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, idle = ARGV[1], ARGV[2]
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function why_ended()
  redis.call('ZREM', work, id)
  return redis.call('GET', ended) or '{Ended.EXPIRED.value}'
end
local function add(item)
  redis.call('RPUSH', events, item)
  redis.call('HINCRBY', session, 'last', 1)
end
local function tell() redis.call('PUBLISH', '{CHANNEL}' .. id, '') end
local function lost(key, number)
  local last = redis.call('GET', key)
  return last and tonumber(last) > tonumber(number)
end
"""

# ARGV: client id, most that may wait, "text" or "button", the text or the button's id, the text as JSON.
_ACCEPT = (
    _COMMON
    + f"""
local client, most, kind, value, shown = ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7]
if redis.call('EXISTS', session) == 0 then return why_ended() end
if redis.call('HEXISTS', session, 'm:' .. client) == 1 then return 'known' end
if kind == 'button' then
  local found = redis.call('HMGET', session, 'b:' .. value, 't:' .. value)
  if not found[1] then return 'unknown' end
  value, shown = found[1], found[2]
end
if redis.call('LLEN', waiting) >= most then return 'crowded' end
redis.call('HSET', session, 'm:' .. client, 1)
redis.call('RPUSH', waiting, client .. ' ' .. kind .. ' ' .. value)
add('user {{"client":"' .. client .. '","text":' .. shown .. '}}')
redis.call('LTRIM', events, -{EVENTS_KEPT}, -1)
redis.call('ZADD', work, now(), id)
for _, key in ipairs({{session, events, waiting}}) do redis.call('PEXPIRE', key, idle) end
tell()
return 'accepted'
"""
)

# A message whose turn was begun before is taken from the start: the conversation is put back as it was.
# KEYS: number of the lock, conversation of the bot. ARGV: number of who holds it.
_NEXT = (
    _COMMON
    + """
local number, tracker = KEYS[6], KEYS[7]
if redis.call('EXISTS', session) == 0 then return {why_ended()} end
local item = redis.call('LINDEX', waiting, 0)
if not item then
  redis.call('ZREM', work, id)
  return {'none'}
end
if lost(number, ARGV[3]) then return {'none'} end
local client = string.match(item, '^%S+')
local before = redis.call('HMGET', session, 'before_of', 'before')
if before[1] ~= client then
  redis.call('HSET', session, 'before_of', client, 'before', redis.call('GET', tracker) or '')
elseif before[2] == '' then
  redis.call('DEL', tracker)
else
  redis.call('SET', tracker, before[2], 'PX', idle)
end
redis.call('ZADD', work, now(), id)
return {'found', item, redis.call('HGET', session, 'greeted')}
"""
)

# KEYS: number of the lock. ARGV: number of who holds it, client id; how many of each and then all messages, shown, buttons (id, payload,
# title as JSON). Gives how many wait still.
_ANSWER = (
    _COMMON
    + f"""
if redis.call('EXISTS', session) == 0 or lost(KEYS[6], ARGV[3]) then return 0 end
local item = redis.call('LINDEX', waiting, 0)
if not item or string.match(item, '^%S+') ~= ARGV[4] then return 0 end
redis.call('LPOP', waiting)
redis.call('HDEL', session, 'before_of', 'before')
local place = 8
for _ = 1, tonumber(ARGV[5]) do
  add('bot ' .. ARGV[place])
  place = place + 1
end
redis.call('LTRIM', events, -{EVENTS_KEPT}, -1)
for _ = 1, tonumber(ARGV[6]) do
  redis.call('HSET', session, 's:' .. ARGV[place], 1)
  place = place + 1
end
for _ = 1, tonumber(ARGV[7]) do
  redis.call('HSET', session, 'b:' .. ARGV[place], ARGV[place + 1], 't:' .. ARGV[place], ARGV[place + 2])
  place = place + 3
end
local left = redis.call('LLEN', waiting)
if left == 0 then redis.call('ZREM', work, id) else redis.call('ZADD', work, now(), id) end
tell()
return left
"""
)

# ARGV: the last event that is known. Gives why it ended or '', whether the number is none of ours, how many wait, number of the first of
# the events, the events.
_LOOK = (
    _COMMON
    + """
local last = tonumber(redis.call('HGET', session, 'last') or -1)
if last < 0 then return {redis.call('GET', ended) or 'expired'} end
local first, after = last - redis.call('LLEN', events) + 1, tonumber(ARGV[3])
local reset = after > last or (after > 0 and after < first - 1)
local from = reset and 0 or math.max(after - first + 1, 0)
return {'', reset and 1 or 0, redis.call('LLEN', waiting), first + from, redis.call('LRANGE', events, from, -1)}
"""
)

# ARGV: why.
_END = (
    _COMMON
    + """
redis.call('DEL', session, events, waiting)
redis.call('ZREM', work, id)
redis.call('SET', ended, ARGV[3], 'PX', idle, 'NX')
tell()
"""
)

# KEYS: work. ARGV: milliseconds since somebody was at it, how many. Whoever is given some is at it from now on.
_LEFT_OVER = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(found) do redis.call('ZADD', KEYS[1], now, id) end
return found
"""


class RedisSessions(Sessions):
    """The store. Methods raise RedisError when Redis is away.

    Args:
        hold: gives the lock under which the bot has its turns in a conversation.
    """

    sweep_seconds = 2.0

    def __init__(self, redis: Redis[str], hold: Callable[[str], AbstractAsyncContextManager[None]], idle_seconds: float) -> None:
        self._redis, self._hold = redis, hold
        self._idle = max(1, int(idle_seconds * 1000))
        self._subscription = Subscription(redis, self._heard)
        self._scripts = {script: redis.register_script(script) for script in (_ACCEPT, _NEXT, _ANSWER, _LOOK, _END, _LEFT_OVER)}

    def _heard(self, session_id: str) -> None:
        self.tell(session_id)

    async def start(self) -> None:
        self._subscription.start()

    async def close(self) -> None:
        await self._subscription.stop()

    async def _run(self, script: str, session_id: str, *values: Any, more_keys: tuple[str, ...] = ()) -> Any:
        return await self._scripts[script](keys=[*_keys(session_id), _WORK, *more_keys], args=[session_id, self._idle, *values])

    # --- life of a conversation ---

    async def create(self, greeted: bool) -> str:
        session_id = new_session_id()
        key = _keys(session_id)[0]
        async with self._redis.pipeline(transaction=True) as both:
            both.hset(key, mapping={"greeted": int(greeted), "last": 0})
            both.pexpire(key, self._idle)
            await both.execute()
        return session_id

    async def check(self, session_id: str) -> None:
        await self._has(session_id, "last")

    async def _has(self, session_id: str, field: str) -> bool:
        session, _events, _waiting, ended = _keys(session_id)
        async with self._redis.pipeline(transaction=False) as all_of_it:
            all_of_it.exists(session)
            all_of_it.hexists(session, field)
            all_of_it.get(ended)
            there, found, why = await all_of_it.execute()
        if not there:
            raise SessionEnded(Ended(why or Ended.EXPIRED))
        return bool(found)

    async def touch(self, session_id: str) -> None:
        async with self._redis.pipeline(transaction=False) as all_of_it:
            for key in _keys(session_id)[:3]:
                all_of_it.pexpire(key, self._idle)
            await all_of_it.execute()

    async def end(self, session_id: str, why: Ended) -> None:
        await self._run(_END, session_id, why.value)

    async def expired(self) -> list[str]:
        """None: Redis removes them, and the bot's conversation with them."""
        return []

    # --- what comes in ---

    async def known_message(self, session_id: str, client_id: str) -> bool:
        return await self._has(session_id, f"m:{client_id}")

    async def accept_text(self, session_id: str, client_id: str, text: str, most: int) -> bool:
        return await self._accept(session_id, client_id, most, "text", text, as_json(text))

    async def accept_button(self, session_id: str, client_id: str, button_id: str, most: int) -> bool:
        return await self._accept(session_id, client_id, most, "button", button_id, "")

    async def _accept(self, session_id: str, *values: Any) -> bool:
        outcome = await self._run(_ACCEPT, session_id, *values)
        if outcome == "unknown":
            raise UnknownButton
        if outcome == "crowded":
            raise TooManyWaiting
        if outcome not in ("accepted", "known"):
            raise SessionEnded(Ended(outcome))
        return bool(outcome == "accepted")

    async def left_over(self) -> list[str]:
        return list(await self._scripts[_LEFT_OVER](keys=[_WORK], args=[_LEFT_OVER_MS, _TAKEN_AT_ONCE]))

    # --- turns ---

    def holding(self, session_id: str) -> AbstractAsyncContextManager[None]:
        return self._hold(session_id)

    async def next_waiting(self, session_id: str) -> Incoming | None:
        keys = (number_key(session_id), tracker_key(session_id))
        outcome, *found = await self._run(_NEXT, session_id, _number(session_id), more_keys=keys)
        if outcome == "none":
            return None
        if outcome != "found":
            raise SessionEnded(Ended(outcome))
        client_id, kind, value = found[0].split(" ", 2)
        return Incoming(client_id, kind == "button", value, found[1] == "1")

    async def _write(self, session_id: str, incoming: Incoming, answer: Answer) -> bool:
        values = [_number(session_id), incoming.id, len(answer.messages), len(answer.shown), len(answer.buttons)]
        values += [*answer.messages, *answer.shown]
        for button_id, title, does in answer.buttons:
            values += [button_id, does, as_json(title)]
        return bool(await self._run(_ANSWER, session_id, *values, more_keys=(number_key(session_id),)))

    async def hand_over(self, session_id: str) -> None:
        await self._redis.zadd(_WORK, {session_id: 0}, xx=True)

    # --- what goes out ---

    async def look(self, session_id: str, after: int) -> News:
        why, *found = await self._run(_LOOK, session_id, after)
        if why:
            raise SessionEnded(Ended(why))
        reset, waiting, first, items = found
        events = [Event(number, *item.split(" ", 1)) for number, item in enumerate(items, start=first)]
        return News(events, waiting > 0, bool(reset))

    async def was_shown(self, session_id: str, what: str) -> bool:
        return bool(await self._redis.hexists(_keys(session_id)[0], f"s:{what}"))

    async def watch(self, session_id: str) -> None:
        await self._subscription.watch(session_id)

    def unwatch(self, session_id: str) -> None:
        self._subscription.unwatch(session_id)


def _keys(session_id: str) -> list[str]:
    return [f"{PREFIX}web:{what}:{session_id}" for what in ("session", "events", "waiting", "ended")]


def _number(session_id: str) -> int:
    """The number under which this task holds the conversation."""
    number = held_number(session_id)
    assert number is not None, "a turn is taken by who holds the conversation"
    return number
