"""Web conversations in Redis, for any number of bots: a message may arrive at one, its answer be read at another.

Each step is one script, which Redis runs as a whole, and a message takes three: it is accepted; a bot enters its conversation and takes it;
the conversation and the transcript are written, the answer is said, and the conversation is left. A message is in Redis before its client
hears that it was accepted. Its turn runs under the lock of the conversation (:mod:`bot.runtime.redis_locks`), and what comes of it is
written only under the newest number of that lock, only while the message is the first that waits: once, whoever dies or stands still.
Whoever streams the conversation is sent what is new. Names of keys hold the random id of a conversation.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.channels.web_limits import Pace, TooFast
from bot.channels.web_limits_redis import TAKE, SharedBuckets
from bot.channels.web_news import CHANNEL, Subscription
from bot.channels.web_sessions import (
    EVENTS_KEPT,
    QUESTION,
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
from bot.runtime.redis_locks import ENTER, LEAVE, LOCKS, Along, Held, held, lock_keys
from bot.runtime.redis_trackers import SAVED, WRITE, Writing, tracker_key

logger = logging.getLogger(__name__)

#: A message that waits for so long may be one whose bot is gone. (Its lock ends by itself: whoever looks too early only waits.)
_LEFT_OVER_MS = 5000
#: Conversations that one bot takes up in one go; the others find the rest.
_TAKEN_AT_ONCE = 50

_WORK = f"{PREFIX}web:work"

# session: hash with greeted, last (number of the last event), m:<client id>, b:<button> (payload), t:<button> (title as JSON), s:<shown>,
# begun (of the oldest message that waits: how many turns of it were begun, and the process that began the last one);
# events: list of "kind data"; waiting: list of "client-id kind value"; ended: why; work: conversations in which a message waits, by when
# somebody was last at it. News is "1" or "0" (whether a message waits), the number of the last event, and a line for each event.
# ``key`` and ``value``: where those of a conversation begin.
_FUNCTIONS = f"""
local session, events, waiting, ended, work, id, idle
local function about(key, value)
  session, events, waiting, ended, work = KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3], KEYS[key + 4]
  id, idle = ARGV[value], ARGV[value + 1]
end
local function microseconds()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function why_ended()
  redis.call('ZREM', work, id)
  return redis.call('GET', ended) or '{Ended.EXPIRED.value}'
end
local function add(items)
  if #items > 0 and redis.call('RPUSH', events, unpack(items)) > {EVENTS_KEPT} then redis.call('LTRIM', events, -{EVENTS_KEPT}, -1) end
end
local function tell(news) redis.call('PUBLISH', '{CHANNEL}' .. id, news) end
local function tell_new(working, last, items)
  tell(table.concat({{(working and '1 ' or '0 ') .. string.format('%d', last), unpack(items)}}, '\\n'))
end
"""
_COMMON = _FUNCTIONS + "about(1, 1)"

# KEYS: buckets too. ARGV: client id, most that may wait, "text" or "button", the text or the button's id, the text as JSON, values of the
# buckets. Gives what became of it, and the microseconds to wait.
_ACCEPT = (
    _COMMON
    + TAKE
    + """
local client, most, kind, value, shown = ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7]
local button = kind == 'button' and value or ''
local found = redis.call('HMGET', session, 'last', 'm:' .. client, 'b:' .. button, 't:' .. button)
if not found[1] then return {why_ended(), 0} end
if found[2] then return {'known', 0} end
local now = microseconds()
local wait = take(now, 6, 8)
if wait > 0 then return {'fast', wait} end
if kind == 'button' then
  if not found[3] then return {'unknown', 0} end
  value, shown = found[3], found[4]
end
if redis.call('LLEN', waiting) >= most then return {'crowded', 0} end
local number = tonumber(found[1]) + 1
local items = {'user {"client":"' .. client .. '","text":' .. shown .. '}'}
redis.call('HSET', session, 'm:' .. client, 1, 'last', string.format('%d', number))
redis.call('RPUSH', waiting, client .. ' ' .. kind .. ' ' .. value)
add(items)
redis.call('ZADD', work, string.format('%.0f', now / 1000), id)
for _, key in ipairs({session, events, waiting}) do redis.call('PEXPIRE', key, idle) end
tell_new(true, number, items)
return {'accepted', 0}
"""
)

# KEYS: the lock of a conversation, then those of the conversation, the conversation of the bot. ARGV: values of the lock, those of the
# conversation, what may have been shown. Gives what is there, and then the message, whether the client has greeted, whether that was shown,
# how many turns of it other processes have begun, and the conversation of the bot. A turn that the same process has begun before did not
# end that process; what may have ended others is begun where it is told to be ``alone``, and else left ("suspect").
_BEGIN = (
    _FUNCTIONS
    + """
local function process() return string.match(token, '^[^:]+') end
local function begin(alone)
  about(4, 4)
  local found = redis.call('HMGET', session, 'greeted', 's:' .. ARGV[6], 'begun')
  if not found[1] then return {why_ended()} end
  local item = redis.call('LINDEX', waiting, 0)
  if not item then
    redis.call('ZREM', work, id)
    return {'none'}
  end
  redis.call('ZADD', work, string.format('%.0f', microseconds() / 1000), id)
  local times, by = string.match(found[3] or '0 ', '^(%d+) (.*)$')
  local others = by == process() and times - 1 or tonumber(times)
  if others > 0 and not alone then return {'suspect'} end
  redis.call('HSET', session, 'begun', string.format('%d %s', others + 1, process()))
  return {'found', item, found[1], found[2], others, redis.call('GET', KEYS[9])}
end
"""
)

# Enters the conversation too, and adds to what that gives.
_TAKE_UP = (
    LOCKS
    + ENTER
    + _BEGIN
    + """
local entered = enter()
if entered[1] == '' then return entered end
return {entered[1], 0, unpack(begin(false))}
"""
)

# For who holds the conversation. More ARGV: number of who holds it. "none" also where that is another by now.
_TAKE_ALONE = (
    LOCKS
    + _BEGIN
    + """
if tonumber(redis.call('GET', number) or 0) > tonumber(ARGV[7]) then return {'none'} end
return begin(true)
"""
)

# Leaves the conversation too. KEYS: its lock, then those of the conversation. ARGV: values of the lock, those of the conversation, number
# of who holds it, how many turns others have begun. The turn of this one does not count: its process lives, and answers no more.
_PUT_BACK = (
    LOCKS
    + LEAVE
    + _FUNCTIONS
    + """
about(4, 4)
if tonumber(redis.call('GET', number) or 0) > tonumber(ARGV[6]) then return end
if redis.call('HEXISTS', session, 'begun') == 1 then redis.call('HSET', session, 'begun', ARGV[7] .. ' ') end
redis.call('ZADD', work, 'XX', 0, id)
leave()
"""
)

# Writes and leaves the conversation too. KEYS: its lock, then those of the conversation, then those of each writing. ARGV: values of the
# lock, those of the conversation, number of who holds it, client id; how many of each and then all messages, what was shown, buttons (id,
# payload, title as JSON), values of each writing. Gives what became of it, how many wait still, and what became of each writing. "done": it
# was done before, by this same holder, who did not hear of it.
_FINISH = (
    LOCKS
    + LEAVE
    + WRITE
    + _FUNCTIONS
    + f"""
about(4, 4)
local held, client, place = tonumber(ARGV[6]), ARGV[7], 12
local messages, shown, buttons, writings = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local newest = redis.call('GET', number)
if newest and tonumber(newest) > held then return {{'lost', 0}} end
local last = redis.call('HGET', session, 'last')
if not last then return {{'ended', 0}} end
local item = redis.call('LINDEX', waiting, 0)
if not item or string.match(item, '^%S+') ~= client then return {{'done', redis.call('LLEN', waiting)}} end
redis.call('LPOP', waiting)
local items, fields = {{}}, {{'last', string.format('%d', last + messages), 'begun', '0 '}}
for _ = 1, messages do
  table.insert(items, 'bot ' .. ARGV[place])
  place = place + 1
end
for _ = 1, shown do
  table.insert(fields, 's:' .. ARGV[place])
  table.insert(fields, 1)
  place = place + 1
end
for _ = 1, buttons do
  for _, part in ipairs({{'b:' .. ARGV[place], ARGV[place + 1], 't:' .. ARGV[place], ARGV[place + 2]}}) do table.insert(fields, part) end
  place = place + 3
end
add(items)
redis.call('HSET', session, unpack(fields))
local left = redis.call('LLEN', waiting)
local outcome = {{'answered', left}}
for nth = 0, writings - 1 do table.insert(outcome, write(9 + nth * {Writing.SIZE[0]}, place + nth * {Writing.SIZE[1]})) end
if left == 0 then redis.call('ZREM', work, id) else redis.call('ZADD', work, string.format('%.0f', microseconds() / 1000), id) end
tell_new(left > 0, last + messages, items)
leave()
return outcome
"""
)

# ARGV: the last event that is known. Gives why it ended or '', whether the number is none of ours, how many wait, number of the last
# event, the events.
_LOOK = (
    _COMMON
    + """
local last = tonumber(redis.call('HGET', session, 'last') or -1)
if last < 0 then return {redis.call('GET', ended) or 'expired'} end
local first, after = last - redis.call('LLEN', events) + 1, tonumber(ARGV[3])
local reset = after > last or (after > 0 and after < first - 1)
local from = reset and 0 or math.max(after - first + 1, 0)
return {'', reset and 1 or 0, redis.call('LLEN', waiting), last, redis.call('LRANGE', events, from, -1)}
"""
)

# ARGV: why.
_END = (
    _COMMON
    + """
redis.call('DEL', session, events, waiting)
redis.call('ZREM', work, id)
redis.call('SET', ended, ARGV[3], 'PX', idle, 'NX')
tell('')
"""
)

# KEYS: work. ARGV: milliseconds since somebody was at it, how many. Whoever is given some is at it from now on. Those of a moment that is
# still to come are from before Redis' clock was put back: nobody knows how long ago.
_LEFT_OVER = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1], 'LIMIT', 0, ARGV[2])
if #found == 0 then found = redis.call('ZRANGEBYSCORE', KEYS[1], now + ARGV[1], '+inf', 'LIMIT', 0, ARGV[2]) end
for _, id in ipairs(found) do redis.call('ZADD', KEYS[1], now, id) end
return found
"""

# KEYS: work. ARGV: where the name of a conversation's queue begins. Asks the conversations in which something waits and no others. A count
# kept beside the queues would be asked for less, and be wrong from the first conversation that expires with a message in it.
_COUNT_WAITING = """
local count = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do count = count + redis.call('LLEN', ARGV[1] .. id) end
return count
"""


class RedisSessions(Sessions):
    """The store. Methods raise RedisError when Redis is away.

    Args:
        hold: gives the lock under which the bot has its turns in a conversation; takes what is done ``along``.
    """

    sweep_seconds = 2.0

    def __init__(self, redis: Redis[str], hold: Callable[..., AbstractAsyncContextManager[Any]], idle_seconds: float) -> None:
        super().__init__()
        self._redis, self._hold = redis, hold
        self._idle = max(1, int(idle_seconds * 1000))
        self._subscription = Subscription(redis, self._heard)
        scripts = (_ACCEPT, _TAKE_UP, _TAKE_ALONE, _PUT_BACK, _FINISH, _LOOK, _END, _LEFT_OVER, _COUNT_WAITING)
        self._scripts = {script: redis.register_script(script) for script in scripts}

    def _heard(self, session_id: str, said: str) -> None:
        self.tell(session_id, _news(said) if said else None)

    async def start(self) -> None:
        self._subscription.start()

    async def close(self) -> None:
        await self._subscription.stop()

    async def _run(self, script: str, session_id: str, *values: Any, more_keys: Sequence[str] = ()) -> Any:
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
        session, _events, _waiting, ended = _keys(session_id)
        async with self._redis.pipeline(transaction=False) as both:
            both.exists(session)
            both.get(ended)
            there, why = await both.execute()
        if not there:
            raise SessionEnded(Ended(why or Ended.EXPIRED))

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

    async def accept_text(self, session_id: str, client_id: str, text: str, most: int, pace: Pace = ()) -> bool:
        return await self._accept(session_id, (client_id, most, "text", text, as_json(text)), pace)

    async def accept_button(self, session_id: str, client_id: str, button_id: str, most: int, pace: Pace = ()) -> bool:
        return await self._accept(session_id, (client_id, most, "button", button_id, ""), pace)

    async def _accept(self, session_id: str, values: tuple[Any, ...], pace: Pace) -> bool:
        buckets: list[str] = []
        for limit, key in pace:
            assert isinstance(limit, SharedBuckets), "several bots share their limits"
            buckets.append(limit.name(key))
            values += (*limit.values,)
        outcome, wait = await self._run(_ACCEPT, session_id, *values, more_keys=buckets)
        if outcome == "fast":
            raise TooFast(int(wait) / 1_000_000)
        if outcome == "unknown":
            raise UnknownButton
        if outcome == "crowded":
            raise TooManyWaiting
        if outcome not in ("accepted", "known"):
            raise SessionEnded(Ended(outcome))
        return bool(outcome == "accepted")

    async def left_over(self) -> list[str]:
        return list(await self._scripts[_LEFT_OVER](keys=[_WORK], args=[_LEFT_OVER_MS, _TAKEN_AT_ONCE]))

    async def waiting(self) -> int:
        return int(await self._scripts[_COUNT_WAITING](keys=[_WORK], args=[_keys("")[2]]))

    # --- turns ---

    @asynccontextmanager
    async def taking(self, session_id: str) -> AsyncIterator[Incoming | None]:
        keys, values = (*_keys(session_id), _WORK, tracker_key(session_id)), (session_id, self._idle, QUESTION)
        along = Along(self._scripts[_TAKE_UP], keys, values)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._hold(session_id, along=along))
            found = along.found
            if found[0] == "suspect":
                await stack.enter_async_context(self._alone)
                holding = _held(session_id)
                found = await self._scripts[_TAKE_ALONE](
                    keys=[*lock_keys(session_id), *keys], args=[holding.token, 0, 0, *values, holding.number]
                )
            incoming = _incoming(session_id, found)
            try:
                yield incoming
            except asyncio.CancelledError:
                if incoming:
                    await self._put_back(session_id, incoming)
                raise

    async def _put_back(self, session_id: str, incoming: Incoming) -> None:
        """This process is told to stop, and leaves a message to the others at once."""
        holding = _held(session_id)
        keys = [*lock_keys(session_id), *_keys(session_id), _WORK]
        values = (holding.token, 0, 0, session_id, self._idle, holding.number, incoming.begun)
        # Where Redis is away, the message waits as that of a bot that is lost.
        with suppress(RedisError):
            await self._scripts[_PUT_BACK](keys=keys, args=values)
            holding.left = True

    async def _write(self, session_id: str, incoming: Incoming, answer: Answer) -> bool:
        holding = _held(session_id)
        writings: list[Writing] = holding.writes or []
        keys = [*lock_keys(session_id), *_keys(session_id), _WORK]
        values: list[Any] = [holding.token, 0, 0, session_id, self._idle, holding.number, incoming.id]
        values += [len(answer.messages), len(answer.shown), len(answer.buttons), len(writings), *answer.messages, *answer.shown]
        for button_id, title, does in answer.buttons:
            values += [button_id, does, as_json(title)]
        for writing in writings:
            keys += writing.keys
            values += writing.values
        outcome, left, *written = await self._scripts[_FINISH](keys=keys, args=values)
        if outcome == "answered":
            holding.left = True
            for writing, how in zip(writings, written, strict=True):
                writing.written(in_stream=how == SAVED)
        elif outcome == "done":
            # Whether the stream has what belongs to it is not known; what comes to the transcripts twice stands there once.
            for writing in writings:
                writing.written(in_stream=False)
        else:
            why = "has ended" if outcome == "ended" else "is held by another by now"
            logger.warning("a turn came to nothing: its conversation %s", why)
        return bool(left)

    async def hand_over(self, session_id: str) -> None:
        await self._redis.zadd(_WORK, {session_id: 0}, xx=True)

    # --- what goes out ---

    async def look(self, session_id: str, after: int) -> News:
        why, *found = await self._run(_LOOK, session_id, after)
        if why:
            raise SessionEnded(Ended(why))
        reset, waiting, last, items = found
        return News(_events(last, items), waiting > 0, bool(reset), last)

    async def was_shown(self, session_id: str, what: str) -> bool:
        return bool(await self._redis.hexists(_keys(session_id)[0], f"s:{what}"))

    async def watch(self, session_id: str) -> None:
        await self._subscription.watch(session_id)

    def unwatch(self, session_id: str) -> None:
        self._subscription.unwatch(session_id)


def _keys(session_id: str) -> list[str]:
    return [f"{PREFIX}web:{what}:{session_id}" for what in ("session", "events", "waiting", "ended")]


def _incoming(session_id: str, found: Sequence[Any]) -> Incoming | None:
    """What :data:`_BEGIN` has found."""
    outcome, *rest = found
    if outcome == "none":
        return None
    if outcome != "found":
        raise SessionEnded(Ended(outcome))
    item, greeted, asked, begun, conversation = rest
    holding = _held(session_id)
    # Nothing of the turn is written before its answer: whoever takes the message again begins with the conversation as it was.
    holding.read, holding.writes = {tracker_key(session_id): conversation}, []
    client_id, kind, value = item.split(" ", 2)
    return Incoming(client_id, kind == "button", value, greeted == "1", asked is not None, begun)


def _held(session_id: str) -> Held:
    """How this task holds the conversation."""
    one = held(session_id)
    assert one is not None, "a turn is taken by who holds the conversation"
    return one


def _news(said: str) -> News:
    """What a script tells."""
    head, *items = said.split("\n")
    working, last = head.split(" ")
    return News(_events(int(last), items), working == "1", reset=False, last=int(last))


def _events(last: int, items: list[str]) -> list[Event]:
    return [Event(number, *item.split(" ", 1)) for number, item in enumerate(items, start=last - len(items) + 1)]
