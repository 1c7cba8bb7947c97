"""The transcripts as the bot uses them: take a turn without waiting for a network or a database, erase, and nothing else.

A turn is redacted and sealed here, in the thread that answers: that costs less than handing it to another. Then it is put on disk, in the
outbox, from which others carry it on: to the database (:mod:`bot.transcripts.child`), or with Redis to the stream
(:mod:`bot.transcripts.forwarder`). When the disk is full, sealed turns are kept in memory, and tried again; the stream takes them too.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from bot.runtime.settings import Settings
from bot.transcripts.applying import Applier
from bot.transcripts.child import ArchiveProcess
from bot.transcripts.database import Database, open_database
from bot.transcripts.errors import StoreError
from bot.transcripts.forwarder import Forwarder
from bot.transcripts.outbox import OUTBOX_FILE, Entry, Outbox
from bot.transcripts.record import Recorder
from bot.transcripts.redaction import redact

if TYPE_CHECKING:
    from bot.transcripts.stream import Stream

logger = logging.getLogger(__name__)

#: Longest time that erasing waits for the database.
_ERASE_SECONDS = 5.0
#: Turns that are kept in memory while the disk takes none.
_MOST_IN_MEMORY = 5000
_RETRY_SECONDS = 1.0

Events = Sequence[Mapping[str, Any]]


class Transcripts:
    """Make one with :meth:`start`, end it with :meth:`close`. Methods are called from the event loop.

    Args:
        stream: where turns go on to; without one, a process beside this one moves them to the database.
    """

    def __init__(self, settings: Settings, database: Database, stream: Stream | None = None) -> None:
        self.database = database
        self.stream = stream
        path = settings.data_dir / OUTBOX_FILE
        self._outbox, self._patient_outbox = Outbox(path, patient=False), Outbox(path)
        self._recorder = Recorder(database.keys)
        self._applier = Applier(database, settings.tracker_hours * 3600)
        self._guard = threading.Lock()
        self._unwritten: deque[Entry] = deque()
        self._lost = 0
        self._closing = threading.Event()
        self._retrying: threading.Thread | None = None
        self._eraser = ThreadPoolExecutor(1, thread_name_prefix="transcripts-eraser")
        # The word lists are read now and not while somebody waits for the first reply.
        redact("", lambda _kind, _key: 1)
        self._carrier = ArchiveProcess(settings) if stream is None else Forwarder(Outbox(path), stream)

    @classmethod
    def start(cls, settings: Settings) -> Transcripts:
        """Open the outbox and begin.

        Raises:
            UserError: a setting, key or folder that cannot be used; a Redis that does not answer. A database that is away is no error.
        """
        database = open_database(settings)
        try:
            return cls(settings, database, _stream(settings))
        except sqlite3.Error as error:
            raise StoreError(f"{settings.data_dir / OUTBOX_FILE} cannot be used: {error}") from None

    # --- for the bot ---

    def take(self, sender_id: str, events: Events, refused: bool = False) -> None:
        """Take in the events of a turn. They are on disk then, unless it is full: a crash cannot lose what the user sees next."""
        entry = self.seal(sender_id, events, refused)
        if entry:
            self.keep(entry)

    def seal(self, sender_id: str, events: Events, refused: bool = False) -> Entry | None:
        """What is kept of a turn, redacted and sealed, for whoever keeps it; None when nothing is."""
        try:
            turn = self._recorder.turn(sender_id, events, refused)
            return Entry(turn["id"], turn["key"], turn["at"], "turn", self.database.keys.seal(turn)) if turn else None
        except Exception as error:  # noqa: BLE001 (the chat goes on; an error's text may hold a user's)
            self._lost += 1
            logger.error("a turn could not be kept as a transcript: %s (%d since the start)", type(error).__name__, self._lost)
            return None

    def keep(self, entry: Entry) -> bool:
        """Put an entry on disk; False when the disk does not take it: then it is in memory, and follows later."""
        with self._guard:
            if self._unwritten:
                self._remember(entry)
                return False
            try:
                self._outbox.append([entry])
            except sqlite3.Error as error:
                logger.error("transcripts wait in memory: the disk takes none (%s)", error)
                self._remember(entry)
                return False
            self._carrier.wake()
            return True

    @property
    def is_behind(self) -> bool:
        """With a stream: whether something waits here that has to go into it first."""
        return bool(self._unwritten) or self._carrier_is_behind

    @property
    def _carrier_is_behind(self) -> bool:
        return isinstance(self._carrier, Forwarder) and self._carrier.is_behind

    async def erase(self, sender_id: str, latest: float = 0.0) -> bool:
        """Remove all that was ever kept of a sender, also what still waits; what comes late is dropped.

        Args:
            latest: the moment of the last turn that is known, which another clock may have put after now.

        Returns:
            Whether the database has done so; if not, it follows as soon as it can.
        """
        entry = Entry(uuid.uuid4().hex, self.database.keys.conversation(sender_id), max(time.time(), latest), "erase")
        work = asyncio.get_running_loop().run_in_executor(self._eraser, self._erase, entry)
        finished, _ = await asyncio.wait([work], timeout=_ERASE_SECONDS)
        return bool(finished) and work.result()

    def waiting(self) -> int:
        """Turns in this process and on its disk that have to go on."""
        return len(self._unwritten) + self._outbox.waiting()

    def counts(self) -> dict[str, Callable[[], int]]:
        """How many turns wait, by place: ``disk`` (this bot's), ``stream`` (of all bots), ``aside`` (that the database does not take)."""
        if self.stream is None:
            return {"disk": self.waiting, "aside": self._outbox.aside}
        return {"disk": self.waiting, "stream": self.stream.waiting, "aside": self.stream.aside}

    @property
    def lost(self) -> int:
        """Turns that could not be kept since the start, for want of disk and memory."""
        return self._lost

    def caught_up(self, seconds: float) -> bool:
        """Wait until the database has all turns; False when that takes longer. Not for the event loop."""
        deadline = time.monotonic() + seconds
        while self.waiting() or (self.stream and self.stream.waiting()):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def close(self) -> None:
        """Write what is there, and stop. What the database does not have yet waits on disk, or in the stream."""
        self._closing.set()
        retrying = self._retrying
        if retrying:
            retrying.join()
        if not self._flush():
            self._hand_on()
            if self._unwritten:
                logger.error("the disk takes no transcripts: %d turns are lost with this stop", len(self._unwritten))
        self._eraser.shutdown()
        self._carrier.stop()
        for outbox in (self._outbox, self._patient_outbox):
            outbox.close()
        self.database.close()

    # --- while the disk takes nothing ---

    def _remember(self, entry: Entry) -> None:
        if len(self._unwritten) >= _MOST_IN_MEMORY:
            self._lost += 1
            if self._lost % 100 == 1:
                logger.error("the disk takes no transcripts and memory is full: %d turns lost since the start", self._lost)
            return
        self._unwritten.append(entry)
        if self._retrying is None:
            self._retrying = threading.Thread(target=self._try_again, name="transcripts-retry", daemon=True)
            self._retrying.start()

    def _try_again(self) -> None:
        while not self._closing.wait(_RETRY_SECONDS):
            if self._flush():
                return
            self._hand_on()

    def _hand_on(self) -> None:
        """Put what is in memory into the stream, past the disk, unless something waits there that comes before."""
        if self.stream is None or self._carrier_is_behind:
            return
        with self._guard:
            waiting = list(self._unwritten)
        try:
            # Without the guard: it must not wait for Redis who answers a user.
            self.stream.append(waiting)
        except self.stream.errors:
            return
        with self._guard:
            # Some may have been erased meanwhile; what comes to the database after that is dropped there.
            taken = {entry.id for entry in waiting}
            self._unwritten = deque(entry for entry in self._unwritten if entry.id not in taken)

    def _flush(self) -> bool:
        """Put what is in memory on disk; False when the disk does not take it."""
        with self._guard:
            if not self._unwritten:
                self._retrying = None
                return True
            try:
                self._outbox.append(self._unwritten)
            except sqlite3.Error:
                return False
            logger.warning("the disk takes transcripts again: %d turns had waited", len(self._unwritten))
            self._carrier.wake()
            self._unwritten.clear()
            self._retrying = None
            return True

    # --- erasing, in a thread of its own ---

    def _erase(self, entry: Entry) -> bool:
        with self._guard:
            self._unwritten = deque(waiting for waiting in self._unwritten if waiting.key != entry.key)
        try:
            self._patient_outbox.erase(entry)
        except sqlite3.Error as error:
            logger.error("erasing in the outbox waits: the disk does not take it (%s)", error)
            with self._guard:
                self._remember(entry)
        self._erase_in_stream(entry)
        try:
            with self.database.writing() as session:
                self._applier.apply([entry], session)
            self._patient_outbox.erased(entry)
        except (SQLAlchemyError, sqlite3.Error) as error:
            logger.error("erasing in the database waits: it is away (%s)", type(error).__name__)
            self._carrier.wake()
            return False
        self.database.checkpoint()
        return True

    def _erase_in_stream(self, entry: Entry) -> None:
        if self.stream:
            try:
                self.stream.erase(entry)
            except self.stream.errors as error:
                logger.error("erasing in the stream waits: Redis is away (%s)", type(error).__name__)


def _stream(settings: Settings) -> Stream | None:
    if settings.redis_url is None:
        return None
    from bot.runtime.redis_link import connect_blocking
    from bot.transcripts.stream import Stream

    return Stream(connect_blocking(settings.redis_url))
