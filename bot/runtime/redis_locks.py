"""One turn at a time for each conversation, in order of arrival, over any number of processes.

A conversation has a queue in Redis, and a holder. Every step is one script, which Redis runs as a whole. Whoever leaves wakes the next one
through a list of that one's process, so nobody polls; whoever dies, holding or waiting, is passed over when its key expires. What a holder
does first or last can be part of the same script: see :class:`Along`.

A holder also gets a number that only grows. One that lost its conversation (it stood still for too long) is known by an old number, and
what it then wants to save is refused: see :mod:`bot.runtime.redis_trackers`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
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

#: Begins each script. KEYS: holder, queue, number. ARGV: token, milliseconds alive, seconds that the number is kept. A token is
#: "process:number"; the key of a waiter says that it is alive.
LOCKS = f"""
local holder, queue, number, token, alive, kept = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[3]
-- Milliseconds that a sign of life still counts. More than any counts is from before Redis' clock was put back, and is made that much: else
-- one that died then would live as long as the clock was put back.
local function rest(key)
  local most, found = math.max(tonumber(alive), {int(ALIVE_SECONDS * 1000)}), redis.call('PTTL', key)
  if found <= most then return found end
  redis.call('PEXPIRE', key, most)
  return most
end
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

#: Gives {number, 0}, or {'', milliseconds until something may expire}. A conversation that nobody holds or waits for is entered at once.
ENTER = """
local function enter()
  local owner = redis.call('GET', holder)
  if owner == token then return {redis.call('GET', number), 0} end
  if owner or redis.call('EXISTS', queue) == 1 then
    if not redis.call('LPOS', queue, token) then redis.call('RPUSH', queue, token) end
    redis.call('PEXPIRE', queue, alive)
    redis.call('SET', waiter(token), 1, 'PX', alive)
    local first = first_alive()
    if owner then return {'', rest(holder)} end
    if first ~= token then return {'', rest(waiter(first))} end
    redis.call('LPOP', queue)
    redis.call('DEL', waiter(token))
  end
  redis.call('SET', holder, token, 'PX', alive)
  -- The time, so that numbers grow even after a Redis that forgot all; one more, so that they grow even when its clock is put back.
  local now = redis.call('TIME')
  local next = math.max(now[1] * 1000000 + now[2], tonumber(redis.call('GET', number) or 0) + 1)
  redis.call('SET', number, string.format('%.0f', next), 'EX', kept)
  return {string.format('%.0f', next), 0}
end
"""

#: Gives up a conversation or a place in its queue, and wakes who is next.
LEAVE = f"""
local function leave()
  local owner = redis.call('GET', holder)
  if owner == token then
    redis.call('DEL', holder)
  else
    redis.call('LREM', queue, 0, token)
    redis.call('DEL', waiter(token))
    if owner then return end
  end
  local first = first_alive()
  if not first then return end
  local list = '{PREFIX}wake:' .. string.match(first, '^[^:]+')
  redis.call('RPUSH', list, first)
  redis.call('EXPIRE', list, 60)
end
"""

_ENTER, _LEAVE = LOCKS + ENTER + "return enter()", LOCKS + LEAVE + "leave()"
_RENEW = LOCKS + "if redis.call('GET', holder) ~= token then return 0 end return redis.call('PEXPIRE', holder, alive)"


@dataclass
class Along:
    """What is done in the same step in which a conversation is entered.

    Args:
        script: begins with :data:`LOCKS` and :data:`ENTER`, gives what ``enter`` gives and, where that is a number, what was ``found``.
        keys: those after the keys of the lock; ``values`` those after its values.
    """

    script: Any
    keys: Sequence[str]
    values: Sequence[Any]
    found: Sequence[Any] = ()


@dataclass
class Held:
    """A conversation that a task holds, or held, under a number."""

    token: str
    number: int
    #: The script that did the last of the work has also left.
    left: bool = False
    #: What was read when it was entered, by key; none but the holder writes there.
    read: dict[str, str | None] = field(default_factory=dict)
    #: What is to be written waits here for the step that ends the turn, where there is such a step.
    writes: list[Any] | None = None


#: By conversation.
_held: ContextVar[Mapping[str, Held] | None] = ContextVar("held", default=None)


def number_key(conversation_id: str) -> str:
    """The key with the number of the last holder."""
    return f"{PREFIX}number:{conversation_id}"


def lock_keys(conversation_id: str) -> list[str]:
    """The keys of :data:`LOCKS`."""
    return [f"{PREFIX}holder:{conversation_id}", f"{PREFIX}queue:{conversation_id}", number_key(conversation_id)]


def held(conversation_id: str) -> Held | None:
    """How the current task holds a conversation, or held it; None if it never did."""
    return (_held.get() or {}).get(conversation_id)


def held_number(conversation_id: str) -> int | None:
    """The number under which the current task holds a conversation, or held it; None if it never did."""
    one = held(conversation_id)
    return one.number if one else None


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
        self, conversation_id: str, lock_lifetime: float = LOCK_LIFETIME, wait_time_in_seconds: float = 1, along: Along | None = None
    ) -> AsyncGenerator[TicketLock, None]:
        """Hold the conversation. Raises :class:`LockError` after ``lock_lifetime`` seconds of waiting for others.

        A task that holds it already, for a turn and what belongs to it, goes on at once.

        Args:
            along: done as it is entered; not for a task that holds it already.

        Raises:
            RedisError: Redis is away; the conversation is not held.
        """
        outer = held(conversation_id)
        if outer and not outer.left and outer.token.startswith(f"{self._process}:"):
            assert along is None, "what is done as a conversation is entered is for who does not hold it yet"
            yield TicketLock(conversation_id)
            return
        one = Held(f"{self._process}:{next(self._tokens)}", 0)
        try:
            one.number = await self._acquire(conversation_id, one.token, lock_lifetime, along)
            renewal = _Renewal(self._alive / 3, lambda: self._renewed(conversation_id, one.token))
            before = _held.set({**(_held.get() or {}), conversation_id: one})
            try:
                yield TicketLock(conversation_id)
            finally:
                _held.reset(before)
                renewal.end()
        finally:
            if not one.left:
                await self._give_up(conversation_id, one.token)

    async def _give_up(self, conversation_id: str, token: str) -> None:
        try:
            await self._run(self._leave, conversation_id, token)
        except RedisError as error:
            # The turn is done; the lock ends by itself.
            logger.warning("a conversation stays locked for up to %g s: %s", self._alive, type(error).__name__)

    async def _acquire(self, conversation_id: str, token: str, seconds: float, along: Along | None) -> int:
        """Wait for the conversation; the number of this holder."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        woken = self._waiting[token] = asyncio.Event()
        try:
            async with self._joining.lock(conversation_id, seconds):
                number, milliseconds = await self._try_to_enter(conversation_id, token, along)
            while not number:
                left = deadline - loop.time()
                if left <= 0:
                    raise LockError(f"conversation busy for more than {seconds} s")
                self._listen()
                with suppress(asyncio.TimeoutError):
                    # One millisecond more than what is waited for: a key that expires at this very moment may still be there.
                    await asyncio.wait_for(woken.wait(), min(left, self._alive / 3, (max(milliseconds, 0) + 1) / 1000))
                woken.clear()
                number, milliseconds = await self._try_to_enter(conversation_id, token, along)
            return int(number)
        finally:
            del self._waiting[token]

    async def _try_to_enter(self, conversation_id: str, token: str, along: Along | None) -> tuple[str, int]:
        if along is None:
            number, milliseconds = await self._run(self._enter, conversation_id, token)
        else:
            script, more_keys, more_values = along.script, along.keys, along.values
            number, milliseconds, *along.found = await self._run(script, conversation_id, token, more_keys, more_values)
        return number, int(milliseconds)

    async def _renewed(self, conversation_id: str, token: str) -> bool:
        """Say that the holder is alive; False when it has lost the conversation."""
        try:
            return bool(await self._run(self._renew, conversation_id, token))
        except RedisError:
            return True

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

    async def _run(
        self, script: Any, conversation_id: str, token: str, more_keys: Sequence[str] = (), more_values: Sequence[Any] = ()
    ) -> Any:
        keys, values = lock_keys(conversation_id), (token, int(self._alive * 1000), NUMBER_KEPT_SECONDS)
        return await script(keys=[*keys, *more_keys], args=[*values, *more_values])


class _Renewal:
    """Does something every so many seconds, until it gives False or is told to end. Most turns end before the first time: a timer is all
    that it costs them."""

    def __init__(self, seconds: float, renewed: Callable[[], Awaitable[bool]]) -> None:
        self._seconds, self._renewed = seconds, renewed
        self._task: asyncio.Task[None] | None = None
        self._wait()

    def end(self) -> None:
        """No more."""
        self._timer.cancel()
        if self._task:
            self._task.cancel()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._begin)

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._once())

    async def _once(self) -> None:
        if await self._renewed():
            self._wait()
