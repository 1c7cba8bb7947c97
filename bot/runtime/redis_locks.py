"""One turn at a time for each conversation, in order of arrival, over any number of processes.

A conversation has a queue in Redis, and a holder. Every step is one script, which Redis runs as a whole. Whoever leaves wakes the next one
through a list of that one's process, so nobody polls; whoever dies, holding or waiting, is passed over when its key expires.

A holder also gets a number that only grows. One that lost its conversation (it stood still for too long) is known by an old number, and
what it then wants to save is refused: see :mod:`bot.runtime.redis_trackers`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any

from rasa.core.lock import TicketLock
from rasa.core.lock_store import LOCK_LIFETIME, LockError, LockStore
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.runtime.locks import QueueLockStore
from bot.runtime.redis_link import PREFIX

logger = logging.getLogger(__name__)

#: After so long without a sign of life, a holder or a waiter counts as dead.
ALIVE_SECONDS = 10.0
#: The number of the last holder is kept for so long; a turn takes seconds.
NUMBER_KEPT_SECONDS = 24 * 3600
#: How long the process waits in one go to be woken; below the time that any answer of Redis may take.
_LISTEN_SECONDS = 1
_PAUSE_SECONDS = 0.2

# Shared by the scripts. KEYS: holder, queue, number. A token is "process:number"; the key of a waiter says that it is alive.
_COMMON = f"""
local holder, queue, number, token = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local function waiter(one) return '{PREFIX}waiter:' .. one end
local function first_alive()
  local first = redis.call('LINDEX', queue, 0)
  while first and redis.call('EXISTS', waiter(first)) == 0 do
    redis.call('LPOP', queue)
    first = redis.call('LINDEX', queue, 0)
  end
  return first
end
"""

# ARGV: token, milliseconds alive, seconds that the number is kept. Gives {number, 0}, or {'', milliseconds until something may expire}.
_ENTER = (
    _COMMON
    + """
if redis.call('GET', holder) == token then return {redis.call('GET', number), 0} end
if not redis.call('LPOS', queue, token) then redis.call('RPUSH', queue, token) end
redis.call('PEXPIRE', queue, ARGV[2])
redis.call('SET', waiter(token), 1, 'PX', ARGV[2])
local first = first_alive()
if redis.call('EXISTS', holder) == 1 then return {'', redis.call('PTTL', holder)} end
if first ~= token then return {'', redis.call('PTTL', waiter(first))} end
redis.call('LPOP', queue)
redis.call('DEL', waiter(token))
redis.call('SET', holder, token, 'PX', ARGV[2])
"""
    # The time, so that numbers grow even after a Redis that forgot all; one more, so that they grow even when its clock is put back.
    + """
local now = redis.call('TIME')
local next = math.max(now[1] * 1000000 + now[2], tonumber(redis.call('GET', number) or 0) + 1)
redis.call('SET', number, string.format('%.0f', next), 'EX', ARGV[3])
return {string.format('%.0f', next), 0}
"""
)

# Give up a conversation or a place in its queue, and wake who is next. ARGV: token.
_LEAVE = (
    _COMMON
    + f"""
redis.call('LREM', queue, 0, token)
redis.call('DEL', waiter(token))
if redis.call('GET', holder) == token then redis.call('DEL', holder) end
if redis.call('EXISTS', holder) == 1 then return 0 end
local first = first_alive()
if first then
  local list = '{PREFIX}wake:' .. string.match(first, '^[^:]+')
  redis.call('RPUSH', list, first)
  redis.call('EXPIRE', list, 60)
end
return 1
"""
)

# ARGV: token, milliseconds alive.
_RENEW = _COMMON + "if redis.call('GET', holder) ~= token then return 0 end return redis.call('PEXPIRE', holder, ARGV[2])"

#: By conversation, the token and the number under which the current task holds it.
_held: ContextVar[Mapping[str, tuple[str, int]] | None] = ContextVar("held", default=None)


def number_key(conversation_id: str) -> str:
    """The key with the number of the last holder."""
    return f"{PREFIX}number:{conversation_id}"


def held_number(conversation_id: str) -> int | None:
    """The number under which the current task holds a conversation, or held it; None if it never did."""
    _token, number = (_held.get() or {}).get(conversation_id, ("", None))
    return number


class RedisLockStore(LockStore):
    """Locks in one Redis.

    Args:
        alive_seconds: after so long without a sign of life a holder loses the conversation, and a waiter its place.
    """

    def __init__(self, redis: Redis[str], alive_seconds: float = ALIVE_SECONDS) -> None:
        super().__init__()
        self._redis = redis
        self._alive = alive_seconds
        self._process = uuid.uuid4().hex
        self._tokens = itertools.count(1)
        self._waiting: dict[str, asyncio.Event] = {}
        self._listener: asyncio.Task[None] | None = None
        # Commands of two tasks go over two connections: without this, the later one could be the first in the queue.
        self._joining = QueueLockStore()
        self._enter, self._leave, self._renew = (redis.register_script(script) for script in (_ENTER, _LEAVE, _RENEW))

    @asynccontextmanager
    async def lock(
        self, conversation_id: str, lock_lifetime: float = LOCK_LIFETIME, wait_time_in_seconds: float = 1
    ) -> AsyncGenerator[TicketLock, None]:
        """Hold the conversation. Raises :class:`LockError` after ``lock_lifetime`` seconds of waiting for others.

        A task that holds it already, for a turn and what belongs to it, goes on at once.

        Raises:
            RedisError: Redis is away; the conversation is not held.
        """
        if (_held.get() or {}).get(conversation_id, ("", 0))[0].startswith(f"{self._process}:"):
            yield TicketLock(conversation_id)
            return
        token = f"{self._process}:{next(self._tokens)}"
        try:
            number = await self._acquire(conversation_id, token, lock_lifetime)
            renewal = asyncio.create_task(self._keep(conversation_id, token))
            before = _held.set({**(_held.get() or {}), conversation_id: (token, number)})
            try:
                yield TicketLock(conversation_id)
            finally:
                _held.reset(before)
                renewal.cancel()
        finally:
            try:
                await self._run(self._leave, conversation_id, token)
            except RedisError as error:
                # The turn is done; the lock ends by itself.
                logger.warning("a conversation stays locked for up to %g s: %s", self._alive, type(error).__name__)

    async def _acquire(self, conversation_id: str, token: str, seconds: float) -> int:
        """Wait for the conversation; the number of this holder."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        woken = self._waiting[token] = asyncio.Event()
        try:
            async with self._joining.lock(conversation_id, seconds):
                number, milliseconds = await self._try_to_enter(conversation_id, token)
            while not number:
                left = deadline - loop.time()
                if left <= 0:
                    raise LockError(f"conversation busy for more than {seconds} s")
                self._listen()
                with suppress(asyncio.TimeoutError):
                    # One millisecond more than what is waited for: a key that expires at this very moment may still be there.
                    await asyncio.wait_for(woken.wait(), min(left, self._alive / 3, (max(milliseconds, 0) + 1) / 1000))
                woken.clear()
                number, milliseconds = await self._try_to_enter(conversation_id, token)
            return int(number)
        finally:
            del self._waiting[token]

    async def _try_to_enter(self, conversation_id: str, token: str) -> tuple[str, int]:
        number, milliseconds = await self._run(self._enter, conversation_id, token, self._milliseconds, NUMBER_KEPT_SECONDS)
        return number, int(milliseconds)

    async def _keep(self, conversation_id: str, token: str) -> None:
        """Say again and again that the holder is alive, until it is cancelled or the conversation is lost."""
        while True:
            await asyncio.sleep(self._alive / 3)
            with suppress(RedisError):
                if not await self._run(self._renew, conversation_id, token, self._milliseconds):
                    return

    def _listen(self) -> None:
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._wake_waiting())

    async def _wake_waiting(self) -> None:
        """Wake those of this process whose turn it is, as long as somebody waits: one connection for all of them."""
        while self._waiting:
            try:
                found = await self._redis.blpop([f"{PREFIX}wake:{self._process}"], timeout=_LISTEN_SECONDS)
            except RedisError:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if found and found[1] in self._waiting:
                self._waiting[found[1]].set()

    @property
    def _milliseconds(self) -> int:
        return int(self._alive * 1000)

    async def _run(self, script: Any, conversation_id: str, *values: Any) -> Any:
        keys = [f"{PREFIX}holder:{conversation_id}", f"{PREFIX}queue:{conversation_id}", number_key(conversation_id)]
        return await script(keys=keys, args=values)
