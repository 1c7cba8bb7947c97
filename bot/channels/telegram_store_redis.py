"""What Telegram's channel keeps in Redis, for any number of bots: an update may arrive at any, and one of them answers.

One is enough, and the right number: Telegram allows thirty messages a second to all chats of a bot together, and a message of which it is
not known whether it was sent is looked for by the ids of those around it. Who leads holds a lock (:mod:`bot.runtime.redis_locks`); another
one takes over at most ten seconds after it has died. What it writes is written only under the newest number of that lock.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from rasa.core.lock_store import LockError
from redis.asyncio import Redis

from bot.channels.telegram_format import Bubble, rows
from bot.channels.telegram_store import REMEMBER_UPDATES_SECONDS, Begun, Button, LeadLost, Outgoing, Secrets, TelegramStore
from bot.channels.telegram_updates import Incoming
from bot.runtime.redis_link import PREFIX
from bot.runtime.redis_locks import RedisLockStore, held_number, number_key

#: What the lock of who leads is called; no conversation has this name.
_LEAD = "telegram-lead"
_ARRIVAL_SECONDS = 1
_ARRIVALS_AT_ONCE = 100

# seen: updates by when they were accepted; waiting: by update, sealed; before: by update, how its conversation was; arrived: updates of
# which who leads has not heard; mail: chats to which something must be sent, and out:<chat>: the numbers of those messages, in order;
# begun: by update, how often work at its answer was begun, and the number of the lead under which that was the last time;
# message:<number>: a hash with sealed and after; tried: numbers that may have been sent; highest: id of a message.
# button:<id>: keyboard, chat, title and payload; keyboard:<name>: its buttons; keyboards:<chat>. asked:<chat>. left: groups.
_P = f"{PREFIX}telegram:"

# KEYS: seen, waiting, arrived. ARGV: seconds that an update is remembered, and for each update its number and what is sealed, or ''.
_ACCEPT = """
local now = redis.call('TIME')[1]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1])
for place = 2, #ARGV, 2 do
  local id, sealed = ARGV[place], ARGV[place + 1]
  if redis.call('ZADD', KEYS[1], 'NX', now, id) == 1 and sealed ~= '' then
    redis.call('HSET', KEYS[2], id, sealed)
    redis.call('RPUSH', KEYS[3], id)
  end
end
"""

# KEYS[1]: number of the lead. ARGV[1]: that of who writes.
_FENCE = """
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) > tonumber(ARGV[1]) then return 'lost' end
"""

_FORGET_KEYBOARD = f"""
local function forget(keyboard)
  for _, button in ipairs(redis.call('SMEMBERS', '{_P}keyboard:' .. keyboard)) do redis.call('DEL', '{_P}button:' .. button) end
  redis.call('DEL', '{_P}keyboard:' .. keyboard)
end
local function forget_chat(chat)
  for _, keyboard in ipairs(redis.call('SMEMBERS', '{_P}keyboards:' .. chat)) do forget(keyboard) end
  redis.call('DEL', '{_P}keyboards:' .. chat)
end
"""

# ARGV: update, chat, milliseconds kept, pressed keyboard or '', whether to forget, has left, was asked, and the messages as JSON: a list of
# {sealed, keyboard, buttons: [[id, what stands behind it as JSON]]}.
_FINISH = (
    _FENCE
    + _FORGET_KEYBOARD
    + f"""
local id, chat, keep, pressed = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
redis.call('HDEL', '{_P}begun', id)
if redis.call('ZSCORE', '{_P}seen', id) and redis.call('HDEL', '{_P}waiting', id) == 0 then return 'done' end
redis.call('HDEL', '{_P}before', id)
if ARGV[6] == '1' then
  forget_chat(chat)
  redis.call('DEL', '{_P}asked:' .. chat)
end
if ARGV[7] == '1' then redis.call('SADD', '{_P}left', chat) end
if ARGV[8] == '1' then redis.call('SET', '{_P}asked:' .. chat, 1, 'PX', keep) end
if pressed ~= '' then forget(pressed) end
for _, message in ipairs(cjson.decode(ARGV[9])) do
  local number = redis.call('INCR', '{_P}number')
  redis.call('HSET', '{_P}message:' .. number, 'sealed', message.sealed)
  redis.call('PEXPIRE', '{_P}message:' .. number, keep)
  redis.call('RPUSH', '{_P}out:' .. chat, number)
  redis.call('SADD', '{_P}mail', chat)
  for _, button in ipairs(message.buttons) do
    redis.call('SET', '{_P}button:' .. button[1], button[2], 'PX', keep)
    redis.call('SADD', '{_P}keyboard:' .. message.keyboard, button[1])
  end
  if #message.buttons > 0 then
    redis.call('PEXPIRE', '{_P}keyboard:' .. message.keyboard, keep)
    redis.call('SADD', '{_P}keyboards:' .. chat, message.keyboard)
    redis.call('PEXPIRE', '{_P}keyboards:' .. chat, keep)
  end
end
return 'done'
"""
)

# ARGV: update, whether it is alone. Gives how often it was begun under other leads, and its conversation; nothing where it was, and is not
# alone. What was begun under this one did not end this process.
_BEGIN = (
    _FENCE
    + f"""
local times, by = string.match(redis.call('HGET', '{_P}begun', ARGV[2]) or '0 ', '^(%d+) (.*)$')
local others = by == ARGV[1] and times - 1 or tonumber(times)
if others > 0 and ARGV[3] == '0' then return {{}} end
redis.call('HSET', '{_P}begun', ARGV[2], string.format('%d %s', others + 1, ARGV[1]))
return {{others, redis.call('HGET', '{_P}before', ARGV[2])}}
"""
)

# ARGV: update, how often it was begun.
_PUT_BACK = (
    _FENCE + f"if redis.call('HEXISTS', '{_P}begun', ARGV[2]) == 1 then redis.call('HSET', '{_P}begun', ARGV[2], ARGV[3] .. ' ') end"
)

# ARGV: update, its conversation, sealed.
_KEEP = _FENCE + f"redis.call('HSET', '{_P}before', ARGV[2], ARGV[3]) return 'done'"

# ARGV: number of the message, the id of a message.
_TRYING = (
    _FENCE
    + f"""
if redis.call('EXISTS', '{_P}message:' .. ARGV[2]) == 1 then
  redis.call('HSET', '{_P}message:' .. ARGV[2], 'after', ARGV[3])
  redis.call('SADD', '{_P}tried', ARGV[2])
end
return 'done'
"""
)

# ARGV: chat, number of the message, highest id of a message.
_SENT = (
    _FENCE
    + f"""
redis.call('LREM', '{_P}out:' .. ARGV[2], 0, ARGV[3])
redis.call('DEL', '{_P}message:' .. ARGV[3])
redis.call('SREM', '{_P}tried', ARGV[3])
if redis.call('EXISTS', '{_P}out:' .. ARGV[2]) == 0 then redis.call('SREM', '{_P}mail', ARGV[2]) end
if tonumber(ARGV[4]) > tonumber(redis.call('GET', '{_P}highest') or 0) then redis.call('SET', '{_P}highest', ARGV[4]) end
return 'done'
"""
)

# ARGV: chat.
_DROP = (
    _FENCE
    + _FORGET_KEYBOARD
    + f"""
local numbers = redis.call('LRANGE', '{_P}out:' .. ARGV[2], 0, -1)
for _, number in ipairs(numbers) do
  redis.call('DEL', '{_P}message:' .. number)
  redis.call('SREM', '{_P}tried', number)
end
redis.call('DEL', '{_P}out:' .. ARGV[2])
redis.call('SREM', '{_P}mail', ARGV[2])
forget_chat(ARGV[2])
return #numbers
"""
)


class RedisTelegramStore(TelegramStore):
    """The store. Methods raise RedisError when Redis is away, and those that write LeadLost where another process leads by now.

    Args:
        keep_seconds: how long a button can be pressed and an unsent message is kept.
        alive_seconds: after so long without a sign of life, who leads leads no more.
    """

    shared = True

    def __init__(self, redis: Redis[str], keys: Secrets, keep_seconds: float, alive_seconds: float = 10.0) -> None:
        super().__init__()
        self._redis, self._keys, self._keep = redis, keys, max(1, int(keep_seconds * 1000))
        self._locks = RedisLockStore(redis, alive_seconds)
        self._number = 0
        scripts = (_ACCEPT, _FENCE, _BEGIN, _PUT_BACK, _FINISH, _KEEP, _TRYING, _SENT, _DROP)
        self._scripts = {script: redis.register_script(script) for script in scripts}

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        lead = self._locks.lock(_LEAD)
        while True:
            try:
                await lead.__aenter__()
                break
            except LockError:
                # Somebody leads, as it should be.
                lead = self._locks.lock(_LEAD)
        try:
            self._number = held_number(_LEAD) or 0
            yield
        finally:
            await lead.__aexit__(None, None, None)

    async def check_lead(self) -> None:
        await self._run(_FENCE)

    async def _run(self, script: str, *values: Any) -> Any:
        outcome = await self._scripts[script](keys=[number_key(_LEAD)], args=[self._number, *values])
        if outcome == "lost":
            raise LeadLost
        return outcome

    # --- updates ---

    async def accept(self, updates: Iterable[tuple[int, Incoming | None]]) -> list[Incoming]:
        values: list[Any] = [REMEMBER_UPDATES_SECONDS]
        for number, incoming in updates:
            values += [number, self._seal(incoming.to_json()) if incoming else ""]
        await self._scripts[_ACCEPT](keys=[f"{_P}seen", f"{_P}waiting", f"{_P}arrived"], args=values)
        return []

    async def arrivals(self) -> list[Incoming]:
        first = await self._redis.blpop([f"{_P}arrived"], timeout=_ARRIVAL_SECONDS)
        if first is None:
            return []
        async with self._redis.pipeline(transaction=True) as both:
            both.lrange(f"{_P}arrived", 0, _ARRIVALS_AT_ONCE - 1)
            both.ltrim(f"{_P}arrived", _ARRIVALS_AT_ONCE, -1)
            more, _trimmed = await both.execute()
        found = await self._redis.hmget(f"{_P}waiting", [first[1], *more])
        return self._opened([sealed for sealed in found if sealed])

    async def unanswered(self) -> list[Incoming]:
        found = await self._redis.hgetall(f"{_P}waiting")
        for number, sealed in found.items():
            if self._unseal(sealed) is None:
                await self._redis.hdel(f"{_P}waiting", number)
        return self._opened(found.values())

    def _opened(self, sealed: Iterable[str]) -> list[Incoming]:
        opened = [Incoming.from_json(data) for data in map(self._unseal, sealed) if data is not None]
        return sorted(opened, key=lambda incoming: incoming.update_id)

    async def finish(
        self,
        incoming: Incoming,
        bubbles: Sequence[Bubble] = (),
        *,
        pressed: Button | None = None,
        forget: bool = False,
        left: bool = False,
        asked: bool = False,
    ) -> None:
        chat = self._keys.pseudonym(incoming.chat_id)
        messages = json.dumps([self._message(incoming.chat_id, chat, bubble) for bubble in bubbles])
        flags = [int(flag) for flag in (forget, left, asked)]
        await self._run(_FINISH, incoming.update_id, chat, self._keep, pressed.keyboard if pressed else "", *flags, messages)

    def _message(self, chat_id: int, chat: str, bubble: Bubble) -> dict[str, Any]:
        keyboard, name, buttons = [], secrets.token_urlsafe(9), []
        for row in rows(bubble.options):
            keyboard.append([(option["title"], secrets.token_urlsafe(15)) for option in row])
            for option, (title, identity) in zip(row, keyboard[-1], strict=True):
                buttons.append([identity, json.dumps([chat, name, title, option["payload"]])])
        sealed = self._seal(json.dumps([chat_id, bubble.html, keyboard]).encode())
        return {"sealed": sealed, "keyboard": name, "buttons": buttons}

    async def keep_snapshot(self, update_id: int, conversation: list[dict[str, Any]]) -> None:
        await self._run(_KEEP, update_id, self._seal(json.dumps(conversation).encode()))

    async def _begin(self, update_id: int, *, alone: bool) -> Begun | None:
        found = await self._run(_BEGIN, update_id, int(alone))
        if not found:
            return None
        times, sealed = found
        data = self._unseal(sealed) if sealed else None
        return Begun(times, None if data is None else list(json.loads(data)))

    async def _put_back(self, update_id: int, times: int) -> None:
        await self._run(_PUT_BACK, update_id, times)

    # --- messages to send ---

    async def chats_with_mail(self) -> list[str]:
        return list(await self._redis.smembers(f"{_P}mail"))

    async def next_to_send(self, chat: str) -> Outgoing | None:
        while number := await self._redis.lindex(f"{_P}out:{chat}", 0):
            sealed, after = await self._redis.hmget(f"{_P}message:{number}", ["sealed", "after"])
            data = self._unseal(sealed) if sealed else None
            if data is not None:
                chat_id, html, keyboard = json.loads(data)
                lines = [[(title, identity) for title, identity in line] for line in keyboard]
                return Outgoing(chat_id, html, lines, int(number), int(after) if after else None)
            await self.sent(chat, int(number))
        return None

    async def trying(self, number: int, after: int) -> None:
        await self._run(_TRYING, number, after)

    async def tried(self) -> int:
        return int(await self._redis.scard(f"{_P}tried"))

    async def sent(self, chat: str, number: int, highest: int = 0) -> None:
        await self._run(_SENT, chat, number, highest)

    async def highest_message(self) -> int:
        return int(await self._redis.get(f"{_P}highest") or 0)

    async def drop_chat(self, chat: str) -> int:
        return int(await self._run(_DROP, chat))

    # --- buttons and groups ---

    async def button(self, chat_id: int, identity: str) -> Button | None:
        found = await self._redis.get(f"{_P}button:{identity}")
        chat, *button = json.loads(found) if found else [None]
        return Button(*button) if chat == self._keys.pseudonym(chat_id) else None

    async def was_asked(self, chat: str) -> bool:
        return bool(await self._redis.exists(f"{_P}asked:{chat}"))

    async def has_left(self, chat_id: int) -> bool:
        return bool(await self._redis.sismember(f"{_P}left", self._keys.pseudonym(chat_id)))

    async def close(self) -> None:
        """The connections are the bot's."""

    def _seal(self, data: bytes) -> str:
        return base64.b64encode(self._keys.seal(data)).decode()

    def _unseal(self, sealed: str) -> bytes | None:
        return self._keys.unseal(base64.b64decode(sealed))
