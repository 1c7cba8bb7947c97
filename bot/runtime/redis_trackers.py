"""Conversations in Redis, for any number of bots. Only who holds a conversation can write it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rasa.core.lock_store import LockError
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from redis.asyncio import Redis

from bot.runtime.redis_link import PREFIX
from bot.runtime.redis_locks import held_number, number_key
from bot.runtime.trackers import EXPIRES_AFTER_SECONDS, SmallTrackerStore
from bot.transcripts.stream import ADD, fields_of
from bot.transcripts.stream import KEY as STREAM

if TYPE_CHECKING:
    from bot.transcripts.outbox import Entry
    from bot.transcripts.service import Transcripts
    from bot.transcripts.stream import Stream

_KEY = f"{PREFIX}tracker:"


def tracker_key(conversation_id: str) -> str:
    """The key of a conversation."""
    return _KEY + conversation_id


_LOST, _SAVED, _SAVED_ALONE = range(3)

# KEYS: conversation, number of its last holder, stream of the transcripts. ARGV: the conversation, the number of who writes, milliseconds
# until it expires, and where there is an entry for the stream: how many may wait there, fields of the entry.
_WRITE = (
    ADD
    + f"""
local last = redis.call('GET', KEYS[2])
if last and tonumber(last) > tonumber(ARGV[2]) then return {_LOST} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
if #ARGV > 3 and not add(KEYS[3], ARGV[4], {{unpack(ARGV, 5)}}) then return {_SAVED_ALONE} end
return {_SAVED}
"""
)

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
        """Write a conversation and, in the same step, what is new in it into the stream of the transcripts: both are there, or none."""
        entry, transcripts = self._sealed(tracker), self._transcripts
        stream = transcripts.stream if transcripts and entry and not transcripts.is_behind else None
        in_stream = await self._write_both(tracker, stream, entry)
        if transcripts and entry and not in_stream:
            transcripts.keep(entry)

    async def replace(self, tracker: DialogueStateTracker) -> None:
        await self._write_both(tracker, None, None)

    async def _write_both(self, tracker: DialogueStateTracker, stream: Stream | None, entry: Entry | None) -> bool:
        """Write a conversation, and an entry into the stream; whether the stream has taken it."""
        number = held_number(tracker.sender_id)
        if number is None:
            raise LockLost("a conversation is written by who holds it")
        keys = [tracker_key(tracker.sender_id), number_key(tracker.sender_id), STREAM]
        values: list[Any] = [self._packed(tracker), number, max(1, int(self._expires_after * 1000))]
        if stream and entry:
            values += [stream.most, *fields_of(entry)]
        done = await self._write(keys=keys, args=values)
        if done == _LOST:
            raise LockLost("another has the conversation by now")
        return bool(stream) and done == _SAVED

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
