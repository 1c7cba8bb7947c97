"""Moves what waits, in the outbox or the stream, to the database, and keeps trying while that is away. Also runs the scheduled removal."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.transcripts.applying import Applier
from bot.transcripts.database import Database
from bot.transcripts.errors import StoreError
from bot.transcripts.outbox import Entry

logger = logging.getLogger(__name__)

_BATCH = 50
#: Between two looks at what waits: turns that come in meanwhile are moved together.
_LINGER = 0.3
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
#: What passes by itself: no connection, a full disk, a database that is locked. Everything else would come again and again.
_PASSING = (OperationalError, InterfaceError, PoolTimeout, OSError)


class Source(Protocol):
    """Where turns wait: :class:`~bot.transcripts.outbox.Outbox` or :class:`~bot.transcripts.stream.Stream`."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What passes by itself."""

    def batch(self, most: int) -> Sequence[Entry]:
        """The oldest that wait and may be applied now, in order."""

    def done(self, entries: Iterable[Entry]) -> None:
        """They are in the database: they are forgotten."""

    def put_aside(self, entry: Entry) -> None:
        """It cannot be applied as things are: it is kept, and no longer tried."""

    def try_again(self) -> None:
        """What was put aside waits again: there is another version by now, or another key."""


class Archiver:
    """Call :meth:`run` in a thread of its own; the other methods from any thread.

    Args:
        chores: called between batches, often; whatever it raises that passes is tried again later.
        look_every: seconds after which it looks for turns without having been woken.
    """

    def __init__(
        self, source: Source, database: Database, applier: Applier, chores: Callable[[], None], look_every: float = _LINGER
    ) -> None:
        self._source, self._database, self._applier, self._chores = source, database, applier, chores
        self._look_every = look_every
        self._passing: tuple[type[Exception], ...] = (*_PASSING, *source.errors)
        self._retried: tuple[type[Exception], ...] = (*self._passing, SQLAlchemyError, StoreError)
        self._news = threading.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        """There is something to move."""
        self._news.set()

    def stop(self) -> None:
        """Finish the batch that is being moved; what waits is moved by another, or after the next start."""
        self._stopping.set()
        self._news.set()

    def run(self) -> None:
        """Move, until told to stop."""
        wait, failing, migrated = _FIRST_WAIT, False, False
        while not self._stopping.is_set():
            try:
                if not migrated:
                    self._database.migrate()
                    self._source.try_again()
                    migrated = True
                self._move_all()
                self._chores()
            except self._retried as error:
                if not failing:
                    logger.error("transcripts wait: the database cannot take them (%s)", _name(error))
                failing = True
                self._stopping.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            except Exception as error:  # noqa: BLE001 (it goes on, whatever it is; the text of an error may hold a user's)
                logger.error("transcripts wait: moving them failed (%s)", type(error).__name__)
                self._stopping.wait(_LONGEST_WAIT)
                continue
            if failing:
                logger.warning("the database takes transcripts again")
            wait, failing = _FIRST_WAIT, False
            self._news.wait(timeout=self._look_every)
            self._stopping.wait(_LINGER)

    def _move_all(self) -> None:
        self._news.clear()
        while not self._stopping.is_set() and (entries := self._source.batch(_BATCH)):
            self._move(entries)

    def _move(self, entries: Sequence[Entry]) -> None:
        try:
            self._apply(entries)
        except self._passing:
            raise
        except Exception as error:  # noqa: BLE001 (one that cannot be applied must not hold up the others)
            if len(entries) > 1:
                for entry in entries:
                    self._move([entry])
                return
            self._source.put_aside(entries[0])
            logger.error("a turn cannot be put into the database and is put aside (%s)", type(error).__name__)
            return
        self._source.done(entries)

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
