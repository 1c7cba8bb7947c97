"""Where the turns of all bots wait until the database has them: one stream in Redis, read by a group of archivers.

Each entry goes to one archiver, which removes it when the database has it. What an archiver leaves behind when it dies goes to another.
Turns of one conversation are applied in the order in which they came: an archiver leaves alone what stands behind an entry of the same
conversation that another has at hand.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError, ResponseError

from bot.runtime.redis_link import PREFIX
from bot.transcripts.outbox import Entry

if TYPE_CHECKING:
    import redis

KEY = f"{PREFIX}transcripts"
_ASIDE = f"{KEY}:aside"
_GROUP = "archive"

#: Entries that may wait; a turn takes about two kilobytes.
MOST = 100_000
#: After so long an archiver that has not dealt with an entry counts as dead.
_CLAIM_SECONDS = 5.0
_CLAIM_EVERY_SECONDS = 1.0
#: After so long one that has nothing at hand is forgotten.
_FORGET_SECONDS = 3600.0
_PAGE = 1000

#: A turn that comes while too many wait is not taken. Also part of the scripts that write a conversation.
ADD = """
local function add(stream, most, fields)
  if fields[8] == 'turn' and redis.call('XLEN', stream) >= tonumber(most) then return false end
  return redis.call('XADD', stream, '*', unpack(fields))
end
"""

# KEYS: stream. ARGV: most, fields of an entry. Gives 1, or 0 when too many wait.
_APPEND = ADD + "if add(KEYS[1], ARGV[1], {unpack(ARGV, 2)}) then return 1 else return 0 end"

# KEYS: stream. ARGV: group, consumer, last id, most. What other archivers have at hand up to an id: id and key of each.
_OTHERS = """
local found = {}
for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', ARGV[3], ARGV[4])) do
  if pending[2] ~= ARGV[2] then
    local entry = redis.call('XRANGE', KEYS[1], pending[1], pending[1])[1]
    if entry then
      local fields = entry[2]
      for place = 1, #fields, 2 do
        if fields[place] == 'key' then table.insert(found, {entry[1], fields[place + 1]}) end
      end
    end
  end
end
return found
"""

# KEYS: stream. ARGV: group, start, how many, key, at. Removes the turns of a key up to a moment; gives the last id that was looked at.
_ERASE = """
local last = ''
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[2], '+', 'COUNT', ARGV[3])) do
  last = entry[1]
  local named = {}
  for place = 1, #entry[2], 2 do named[entry[2][place]] = entry[2][place + 1] end
  if named['what'] == 'turn' and named['key'] == ARGV[4] and tonumber(named['at']) <= tonumber(ARGV[5]) then
    redis.call('XACK', KEYS[1], ARGV[1], last)
    redis.call('XDEL', KEYS[1], last)
  end
end
return last
"""

# KEYS: stream. ARGV: group, milliseconds, a consumer that leaves. One with entries at hand stays: they would go with it.
_FORGET = """
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local named = {}
  for place = 1, #consumer, 2 do named[consumer[place]] = consumer[place + 1] end
  if named['pending'] == 0 and (named['idle'] > tonumber(ARGV[2]) or named['name'] == ARGV[3]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], named['name'])
  end
end
"""


# KEYS: stream of what was put aside, stream. ARGV: how many. Gives how many went back.
_BRING_BACK = """
local entries = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])
for _, entry in ipairs(entries) do
  redis.call('XADD', KEYS[2], '*', unpack(entry[2]))
  redis.call('XDEL', KEYS[1], entry[1])
end
return #entries
"""


class StreamFull(RedisError):
    """Too many entries wait; this one was not taken."""


def fields_of(entry: Entry) -> list[Any]:
    """An entry as it stands in the stream; ``what`` is the fourth, which :data:`ADD` relies on."""
    return ["id", entry.id, "key", entry.key, "at", repr(entry.at), "what", entry.what, "sealed", entry.sealed or b""]


class Stream:
    """The stream. May be used by several threads, except what archivers do: one of them is one :class:`Stream`.

    Args:
        claim_seconds: after so long another archiver that has not dealt with an entry counts as dead.

    Raises (all methods): RedisError, when Redis is away.
    """

    errors: tuple[type[Exception], ...] = (RedisError, OSError)

    def __init__(self, client: redis.Redis[bytes], most: int = MOST, claim_seconds: float = _CLAIM_SECONDS) -> None:
        self.most = most
        self._client: Any = client
        self._claim_milliseconds = int(claim_seconds * 1000)
        self._consumer = uuid.uuid4().hex
        self._next_claim = 0.0
        self._append, self._others, self._erase, self._forget, self._bring_back = (
            client.register_script(script) for script in (_APPEND, _OTHERS, _ERASE, _FORGET, _BRING_BACK)
        )

    # --- for bots ---

    def append(self, entries: Iterable[Entry]) -> None:
        """Add, in order.

        Raises:
            StreamFull: from some entry on they were not taken. Those before may come twice.
        """
        for entry in entries:
            if not self._append(keys=[KEY], args=[self.most, *fields_of(entry)]):
                raise StreamFull(f"more than {self.most} turns wait in the stream")

    def erase(self, entry: Entry) -> None:
        """Remove all turns of a key that wait, up to the moment of the entry, also what was put aside."""
        for stream in (KEY, _ASIDE):
            start = "-"
            while last := self._erase(keys=[stream], args=[_GROUP, start, _PAGE, entry.key, repr(entry.at)]):
                start = f"({last.decode()}"

    def waiting(self) -> int:
        """How many wait, those included that an archiver has at hand."""
        return int(self._client.xlen(KEY))

    def aside(self) -> int:
        """How many could not be put into the database."""
        return int(self._client.xlen(_ASIDE))

    def oldest(self) -> float | None:
        """The moment of the turn that waits longest."""
        found = self._client.xrange(KEY, count=1)
        return float(found[0][1][b"at"]) if found else None

    def silence(self) -> float | None:
        """Seconds since any archiver has last looked; None when there is none."""
        try:
            found = self._client.xinfo_consumers(KEY, _GROUP)
        except ResponseError:
            return None
        return min(consumer["idle"] for consumer in found) / 1000 if found else None

    # --- for archivers ---

    def batch(self, most: int) -> Sequence[Entry]:
        """The oldest that wait and are not behind one of the same key that another archiver has at hand, in order."""
        try:
            self._claim()
            mine = self._read("0", most)
            fresh = self._read(">", most - len(mine)) if len(mine) < most else []
        except ResponseError as error:
            # There is no stream yet, or Redis has lost it.
            if not str(error).startswith("NOGROUP"):
                raise
            self._make_group()
            return []
        found = sorted([*mine, *fresh], key=lambda entry: _order(entry.place))
        return self._without_blocked(found)

    def done(self, entries: Iterable[Entry]) -> None:
        """They are in the database: remove them."""
        places = [entry.place for entry in entries]
        with self._client.pipeline() as together:
            together.xack(KEY, _GROUP, *places).xdel(KEY, *places).execute()

    def put_aside(self, entry: Entry) -> None:
        """It cannot be applied as things are: it is kept in a stream of its own, and no longer tried."""
        names = iter(fields_of(entry))
        with self._client.pipeline() as together:
            together.xadd(_ASIDE, dict(zip(names, names, strict=True)))
            together.xack(KEY, _GROUP, entry.place).xdel(KEY, entry.place).execute()

    def try_again(self) -> None:
        """What was put aside waits again, behind the others."""
        while self._bring_back(keys=[_ASIDE, KEY], args=[_PAGE]):
            pass

    def leave(self) -> None:
        """This archiver ends. What it has at hand, another takes over."""
        self._forget(keys=[KEY], args=[_GROUP, int(_FORGET_SECONDS * 1000), self._consumer])

    def _make_group(self) -> None:
        try:
            self._client.xgroup_create(KEY, _GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def _claim(self) -> None:
        """Take over what an archiver that is dead had at hand."""
        now = time.monotonic()
        if now < self._next_claim:
            return
        start: Any = "0-0"
        while True:
            start, *_claimed = self._client.xautoclaim(KEY, _GROUP, self._consumer, self._claim_milliseconds, start)
            if start == b"0-0":
                break
        self._forget(keys=[KEY], args=[_GROUP, int(_FORGET_SECONDS * 1000), ""])
        self._next_claim = now + _CLAIM_EVERY_SECONDS

    def _read(self, after: str, most: int) -> list[Entry]:
        """Entries that this archiver has at hand ("0"), or new ones (">")."""
        answer = self._client.xreadgroup(_GROUP, self._consumer, {KEY: after}, count=most)
        rows = answer[0][1] if answer else []
        if gone := [place for place, fields in rows if not fields]:
            # Erased while it was at hand.
            self._client.xack(KEY, _GROUP, *gone)
        return [_entry(place, fields) for place, fields in rows if fields]

    def _without_blocked(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        if not entries:
            return entries
        last = entries[-1].place
        others = self._others(keys=[KEY], args=[_GROUP, self._consumer, last, _PAGE * 10])
        first: dict[str, tuple[int, int]] = {}
        for place, key in others:
            first.setdefault(key.decode(), _order(place.decode()))
        return [entry for entry in entries if entry.key not in first or _order(entry.place) < first[entry.key]]


def _order(place: int | str | None) -> tuple[int, int]:
    moment, number = str(place).split("-")
    return int(moment), int(number)


def _entry(place: bytes, fields: dict[bytes, bytes]) -> Entry:
    named = {name.decode(): value for name, value in fields.items()}
    sealed = named["sealed"] or None
    return Entry(named["id"].decode(), named["key"].decode(), float(named["at"]), named["what"].decode(), sealed, place.decode())
