"""Moves what waits in the outbox to the database, and keeps trying while that is away. Also runs the scheduled removal."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.transcripts.applying import Applier
from bot.transcripts.database import Database
from bot.transcripts.errors import StoreError
from bot.transcripts.outbox import Entry, Outbox

logger = logging.getLogger(__name__)

_BATCH = 20
_LINGER = 0.3
#: Pause after a batch, as a multiple of the time that it took: while nobody talks, and while turns keep coming in.
_REST = 2.0
_REST_WHILE_BUSY = 9.0
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
#: What passes by itself: no connection, a full disk, a database that is locked. Everything else would come again and again.
_PASSING = (OperationalError, InterfaceError, PoolTimeout, sqlite3.Error, OSError)


class Archiver:
    """A thread. :meth:`wake` it when there is something; :meth:`stop` it before the outbox is closed.

    Args:
        chores: called between batches, often; whatever it raises that passes is tried again later.
    """

    def __init__(self, outbox: Outbox, database: Database, applier: Applier, chores: Callable[[], None]) -> None:
        self._outbox, self._database, self._applier, self._chores = outbox, database, applier, chores
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._idle = threading.Condition()
        self._behind = True
        self._thread = threading.Thread(target=self._run, name="transcripts-archiver", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something in the outbox."""
        with self._idle:
            self._behind = True
        self._news.set()

    def stop(self) -> None:
        """Finish the batch that is being moved; what waits is moved after the next start."""
        self._stopping.set()
        self._news.set()
        self._thread.join(timeout=10)

    def caught_up(self, seconds: float) -> bool:
        """Wait until everything that was there has been moved; False when that takes longer."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._behind, seconds)

    def _run(self) -> None:
        wait, failing, migrated = _FIRST_WAIT, False, False
        while not self._stopping.is_set():
            try:
                if not migrated:
                    self._database.migrate()
                    migrated = True
                self._move_all()
                self._chores()
            except (*_PASSING, SQLAlchemyError, StoreError) as error:
                if not failing:
                    logger.error("transcripts wait on disk: the database cannot take them (%s)", _name(error))
                failing = True
                self._stopping.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            except Exception as error:  # noqa: BLE001 (the thread goes on, whatever it is; the text of an error may hold a user's)
                logger.error("transcripts wait on disk: moving them failed (%s)", type(error).__name__)
                self._stopping.wait(_LONGEST_WAIT)
                continue
            if failing:
                logger.warning("the database takes transcripts again")
            wait, failing = _FIRST_WAIT, False
            if self._news.wait(timeout=30):
                # The reply goes out first, and more turns are moved at once; a thread that works holds up the one that answers.
                self._stopping.wait(_LINGER)

    def _move_all(self) -> None:
        while not self._stopping.is_set():
            self._news.clear()
            entries = self._outbox.batch(_BATCH)
            if not entries:
                with self._idle:
                    self._behind = self._news.is_set()
                    self._idle.notify_all()
                return
            began = time.monotonic()
            self._move(entries)
            # The chat comes first: this takes no more than its share of the time, also after the database was away for long.
            rest = _REST_WHILE_BUSY if self._news.is_set() else _REST
            self._stopping.wait(rest * (time.monotonic() - began))

    def _move(self, entries: Sequence[Entry]) -> None:
        try:
            self._apply(entries)
        except _PASSING:
            raise
        except Exception as error:  # noqa: BLE001 (one that cannot be applied must not hold up the others)
            if len(entries) > 1:
                for entry in entries:
                    self._move([entry])
                return
            self._outbox.put_aside(entries[0])
            logger.error("a turn cannot be put into the database and is kept in the outbox (%s)", type(error).__name__)
            return
        self._outbox.done(entries)

    def _apply(self, entries: Sequence[Entry]) -> None:
        with self._database.writing() as session:
            self._applier.apply(entries, session)


def _name(error: BaseException) -> str:
    """The type of an error, the driver's where there is one."""
    return type(getattr(error, "orig", None) or error).__name__


class Hourly:
    """Calls something at once and then every hour."""

    def __init__(self, work: Callable[[], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._work, self._clock = work, clock
        self._next = 0.0

    def __call__(self) -> None:
        if self._clock() >= self._next:
            self._work()
            self._next = self._clock() + 3600
