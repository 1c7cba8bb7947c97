"""Conversations in Redis, for any number of bots. Only who holds a conversation can write it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rasa.core.lock_store import LockError
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from redis.asyncio import Redis

from bot.runtime.redis_link import PREFIX
from bot.runtime.redis_locks import held, number_key
from bot.runtime.trackers import EXPIRES_AFTER_SECONDS, SmallTrackerStore
from bot.transcripts.stream import ADD, fields_of
from bot.transcripts.stream import KEY as STREAM

if TYPE_CHECKING:
    from bot.transcripts.outbox import Entry
    from bot.transcripts.service import Transcripts

_KEY = f"{PREFIX}tracker:"


def tracker_key(conversation_id: str) -> str:
    """The key of a conversation."""
    return _KEY + conversation_id


LOST, SAVED, SAVED_ALONE = range(3)
_FIELDS = 10

#: Writes a conversation, and what there is for the stream of the transcripts. ``key`` and ``value``: where those of a :class:`Writing`
#: begin.
WRITE = (
    ADD
    + f"""
local function write(key, value)
  redis.call('SET', KEYS[key], ARGV[value], 'PX', ARGV[value + 1])
  local most = ARGV[value + 2]
  if most ~= '' and not add(KEYS[key + 1], most, {{unpack(ARGV, value + 3, value + 2 + {_FIELDS})}}) then return {SAVED_ALONE} end
  return {SAVED}
end
"""
)

# KEYS: number of the last holder, keys of a writing. ARGV: the number of who writes, values of a writing.
_WRITE = (
    WRITE
    + f"""
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) > tonumber(ARGV[1]) then return {LOST} end
return write(2, 2)
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


@dataclass(frozen=True)
class Writing:
    """A conversation that is to be written by :data:`WRITE`, and what the transcripts get of it.

    ``values``: the conversation, milliseconds until it expires, and, for the stream, how many entries may wait there ('': it gets none) and
    the fields of the entry.
    """

    keys: list[str]
    values: list[Any]
    entry: Entry | None
    transcripts: Transcripts | None

    #: How many keys and values there are.
    SIZE = (2, 3 + _FIELDS)

    @property
    def packed(self) -> str:
        """The conversation."""
        return str(self.values[0])

    def written(self, in_stream: bool) -> None:
        """Call when it is written. ``in_stream``: the stream has taken what was for it; otherwise that goes there by way of the disk."""
        if self.transcripts and self.entry and not (in_stream and self.values[2] != ""):
            self.transcripts.keep(self.entry)


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
        """Write a conversation and, in the same step, what is new in it into the stream of the transcripts: both are there, or none.

        Where the step that ends the turn writes it (:attr:`~bot.runtime.redis_locks.Held.writes`), it is given to that one.
        """
        await self._write_or_give(tracker, self._sealed(tracker))

    async def replace(self, tracker: DialogueStateTracker) -> None:
        await self._write_or_give(tracker, None)

    async def _write_or_give(self, tracker: DialogueStateTracker, entry: Entry | None) -> None:
        holding = held(tracker.sender_id)
        if holding is None:
            raise LockLost("a conversation is written by who holds it")
        writing = self._writing(tracker, entry)
        if holding.writes is not None:
            holding.writes.append(writing)
            return
        done = await self._write(keys=[number_key(tracker.sender_id), *writing.keys], args=[holding.number, *writing.values])
        if done == LOST:
            raise LockLost("another has the conversation by now")
        writing.written(in_stream=done == SAVED)

    def _writing(self, tracker: DialogueStateTracker, entry: Entry | None) -> Writing:
        transcripts = self._transcripts
        stream = transcripts.stream if transcripts and entry and not transcripts.is_behind else None
        for_stream = [stream.most, *fields_of(entry)] if stream and entry else [""] * (1 + _FIELDS)
        values = [self._packed(tracker), max(1, int(self._expires_after * 1000)), *for_stream]
        return Writing([tracker_key(tracker.sender_id), STREAM], values, entry, transcripts)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """A conversation, or None if there is none or it has expired."""
        data = await self._read(sender_id)
        return self._unpacked(sender_id, data) if data is not None else None

    async def _read(self, sender_id: str) -> str | None:
        key, holding = tracker_key(sender_id), held(sender_id)
        if holding and holding.writes:
            return str(holding.writes[-1].packed)
        if holding and key in holding.read:
            return holding.read.pop(key)
        return await self._redis.get(key)

    async def keys(self) -> Iterable[str]:
        """Ids of all conversations."""
        return [key[len(_KEY) :] async for key in self._redis.scan_iter(match=f"{_KEY}*", count=1000)]

    async def delete(self, sender_id: str) -> None:
        """Remove a conversation for good; a turn of it that still runs writes nothing any more."""
        if holding := held(sender_id):
            holding.read.clear()
            if holding.writes is not None:
                holding.writes.clear()
        await self._delete(keys=[tracker_key(sender_id), number_key(sender_id)])

    async def disconnect(self) -> None:
        await self._redis.close(close_connection_pool=True)
