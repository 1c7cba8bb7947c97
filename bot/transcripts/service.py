"""The transcripts as the bot uses them: take a turn without waiting for a disk or a database, erase, and nothing else.

Two threads. The writer redacts, seals and puts turns into the outbox; the archiver moves them to the database. When the disk is full the
writer keeps sealed turns in memory and goes on trying.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bot.runtime.settings import Settings
from bot.transcripts.applying import Applier
from bot.transcripts.archiver import Archiver, Hourly
from bot.transcripts.database import Database, open_database
from bot.transcripts.errors import StoreError
from bot.transcripts.outbox import Entry, Outbox
from bot.transcripts.record import Recorder
from bot.transcripts.redaction import redact
from bot.transcripts.retention import remove_old

logger = logging.getLogger(__name__)

OUTBOX_FILE = "outbox.db"

#: Longest time that a reply waits until its turn is on disk, and that erasing waits for the database.
_WRITE_SECONDS = 0.25
_ERASE_SECONDS = 5.0
#: Turns that are kept in memory while the disk takes none.
_MOST_IN_MEMORY = 5000
_RETRY_SECONDS = 1.0

Events = Sequence[Mapping[str, Any]]


class Transcripts:
    """Make one with :meth:`start`, end it with :meth:`close`. Methods are called from the event loop."""

    def __init__(self, settings: Settings, database: Database, outbox: Outbox) -> None:
        self.database = database
        self._outbox = outbox
        self._recorder = Recorder(database.keys)
        self._applier = Applier(database, settings.tracker_hours * 3600)
        self._work: queue.SimpleQueue[tuple[str, Any, Future[bool]] | None] = queue.SimpleQueue()
        self._unwritten: deque[Entry] = deque()
        self._lost = 0
        self._failing = False
        self._archiver = Archiver(outbox, database, self._applier, Hourly(lambda: self._remove_old(settings)))
        self._writer = threading.Thread(target=self._write_all, name="transcripts-writer", daemon=True)
        self._writer.start()

    @classmethod
    def start(cls, settings: Settings) -> Transcripts:
        """Open the outbox and begin.

        Raises:
            UserError: a setting, key or folder that cannot be used. A database that is away is no error.
        """
        database = open_database(settings)
        try:
            return cls(settings, database, Outbox(settings.data_dir / OUTBOX_FILE))
        except sqlite3.Error as error:
            raise StoreError(f"{settings.data_dir / OUTBOX_FILE} cannot be used: {error}") from None

    # --- for the bot ---

    def take(self, sender_id: str, events: Events, refused: bool = False) -> Future[bool]:
        """Take in the events of a turn. The future tells when they are on disk; nobody has to wait for it."""
        done: Future[bool] = Future()
        self._work.put(("turn", (sender_id, events, refused), done))
        return done

    @staticmethod
    async def written(done: Future[bool]) -> None:
        """Wait until a turn is on disk, so that a crash cannot lose what the user has seen; not long, whatever happens."""
        await asyncio.wait([asyncio.wrap_future(done)], timeout=_WRITE_SECONDS)

    async def erase(self, sender_id: str) -> bool:
        """Remove all that was ever kept of a sender, also what still waits; what comes late is dropped.

        Returns:
            Whether the database has done so; if not, it follows as soon as it can.
        """
        done: Future[bool] = Future()
        self._work.put(("erase", sender_id, done))
        finished, _ = await asyncio.wait([asyncio.wrap_future(done)], timeout=_ERASE_SECONDS)
        return bool(finished) and done.result()

    def waiting(self) -> int:
        """Turns that the database does not have yet."""
        return len(self._unwritten) + self._outbox.waiting()

    @property
    def lost(self) -> int:
        """Turns that could not be kept since the start, for want of disk and memory."""
        return self._lost

    def caught_up(self, seconds: float) -> bool:
        """Wait until the database has all turns; False when that takes longer. Not for the event loop."""
        done: Future[bool] = Future()
        self._work.put(("nothing", None, done))
        deadline = time.monotonic() + seconds
        return done.result(seconds) and self._archiver.caught_up(deadline - time.monotonic())

    def close(self) -> None:
        """Write what is there, and stop. What the database does not have yet waits on disk."""
        self._work.put(None)
        self._writer.join(timeout=10)
        self._archiver.stop()
        self._outbox.close()
        self.database.close()

    # --- the writer's thread ---

    def _write_all(self) -> None:
        # The word lists are read now and not while somebody waits for the first reply.
        redact("", lambda _kind, _key: 1)
        while True:
            try:
                item = self._work.get(timeout=_RETRY_SECONDS if self._unwritten else None)
            except queue.Empty:
                self._flush()
                continue
            if item is None:
                if not self._flush():
                    logger.error("the disk takes no transcripts: %d turns are lost with this stop", len(self._unwritten))
                return
            what, given, done = item
            try:
                done.set_result(self._do(what, given))
            except Exception as error:  # noqa: BLE001 (the thread goes on for the next turn; an error's text may hold a user's)
                self._lost += what == "turn"
                logger.error("a turn could not be kept as a transcript: %s (%d since the start)", type(error).__name__, self._lost)
                done.set_result(False)

    def _do(self, what: str, given: Any) -> bool:
        if what == "erase":
            return self._erase(given)
        if what == "turn":
            turn = self._recorder.turn(*given)
            if turn is not None:
                self._keep(Entry(turn["id"], turn["key"], turn["at"], "turn", self.database.keys.seal(turn)))
        return self._flush()

    def _keep(self, entry: Entry) -> None:
        if len(self._unwritten) >= _MOST_IN_MEMORY:
            self._lost += 1
            if self._lost % 100 == 1:
                logger.error("the disk takes no transcripts and memory is full: %d turns lost since the start", self._lost)
            return
        self._unwritten.append(entry)

    def _flush(self) -> bool:
        """Put what is in memory on disk; False when the disk does not take it."""
        if not self._unwritten:
            return True
        try:
            self._outbox.append(self._unwritten)
        except sqlite3.Error as error:
            if not self._failing:
                logger.error("transcripts wait in memory: the disk takes none (%s)", error)
            self._failing = True
            return False
        if self._failing:
            logger.warning("the disk takes transcripts again: %d turns had waited", len(self._unwritten))
        self._failing = False
        self._unwritten.clear()
        self._archiver.wake()
        return True

    def _erase(self, sender_id: str) -> bool:
        key = self.database.keys.conversation(sender_id)
        entry = Entry(uuid.uuid4().hex, key, time.time(), "erase")
        self._unwritten = deque(waiting for waiting in self._unwritten if waiting.key != key)
        try:
            self._outbox.erase(entry)
        except sqlite3.Error as error:
            logger.error("erasing in the outbox waits: the disk does not take it (%s)", error)
            self._unwritten.append(entry)
        try:
            with self.database.writing() as session:
                self._applier.apply([entry], session)
            self._outbox.erased(entry)
        except (SQLAlchemyError, sqlite3.Error) as error:
            logger.error("erasing in the database waits: it is away (%s)", type(error).__name__)
            self._archiver.wake()
            return False
        self.database.checkpoint()
        return True

    def _remove_old(self, settings: Settings) -> None:
        removed = remove_old(self.database, settings)
        if removed.conversations:
            logger.warning("retention: %d conversations with %d messages removed", removed.conversations, removed.messages)
