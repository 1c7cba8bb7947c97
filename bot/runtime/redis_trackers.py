"""Conversations in Redis, for any number of bots. Only who holds a conversation can write it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rasa.core.lock_store import LockError
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from redis.asyncio import Redis

from bot.runtime.redis_link import PREFIX
from bot.runtime.redis_locks import held_number, number_key
from bot.runtime.trackers import EXPIRES_AFTER_SECONDS, SmallTrackerStore

if TYPE_CHECKING:
    from bot.transcripts.service import Transcripts

_KEY = f"{PREFIX}tracker:"


def tracker_key(conversation_id: str) -> str:
    """The key of a conversation."""
    return _KEY + conversation_id


# KEYS: conversation, number of its last holder. ARGV: the conversation, the number of who writes, milliseconds until it expires.
_WRITE = """
local last = redis.call('GET', KEYS[2])
if last and tonumber(last) > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1
"""

# With a number of its own, so that a turn that still runs somewhere does not write the conversation again.
_DELETE = """
redis.call('DEL', KEYS[1])
local last = redis.call('GET', KEYS[2])
if last then redis.call('SET', KEYS[2], string.format('%.0f', tonumber(last) + 1), 'KEEPTTL') end
"""


class LockLost(LockError):
    """A conversation was not written: another process holds it by now, or it was removed."""


class RedisTrackerStore(SmallTrackerStore):
    """Conversations in one Redis, which removes those that were not used for a while.

    Methods raise RedisError when Redis is away. Writing is for tasks that hold the conversation
    (:class:`~bot.runtime.redis_locks.RedisLockStore`); any other gets :class:`LockLost`.
    """

    def __init__(
        self,
        domain: Domain | None,
        redis: Redis[str],
        transcripts: Transcripts | None = None,
        expires_after: float = EXPIRES_AFTER_SECONDS,
    ) -> None:
        super().__init__(domain, transcripts, expires_after)
        self._redis = redis
        self._write, self._delete = redis.register_script(_WRITE), redis.register_script(_DELETE)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Write a conversation, then what is new in it to the transcripts: nothing of a turn that was refused stands there."""
        known = self._known(tracker)
        await self.replace(tracker)
        recorded = self._record(tracker, known)
        if self._transcripts and recorded:
            await self._transcripts.written(recorded)

    async def replace(self, tracker: DialogueStateTracker) -> None:
        number = held_number(tracker.sender_id)
        if number is None:
            raise LockLost("a conversation is written by who holds it")
        keys, milliseconds = [tracker_key(tracker.sender_id), number_key(tracker.sender_id)], max(1, int(self._expires_after * 1000))
        if not await self._write(keys=keys, args=[self._packed(tracker), number, milliseconds]):
            raise LockLost("another has the conversation by now")

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """A conversation, or None if there is none or it has expired."""
        data = await self._redis.get(tracker_key(sender_id))
        return self._unpacked(sender_id, data) if data is not None else None

    async def keys(self) -> Iterable[str]:
        """Ids of all conversations."""
        return [key[len(_KEY) :] async for key in self._redis.scan_iter(match=f"{_KEY}*", count=1000)]

    async def delete(self, sender_id: str) -> None:
        """Remove a conversation for good; a turn of it that still runs writes nothing any more."""
        await self._delete(keys=[tracker_key(sender_id), number_key(sender_id)])

    async def disconnect(self) -> None:
        await self._redis.close(close_connection_pool=True)
