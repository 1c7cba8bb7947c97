"""Where turns wait on disk until they can go on: one SQLite file beside the conversations.

:mod:`bot.transcripts.stream` is the same over Redis, for bots on several machines.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

OUTBOX_FILE = "outbox.db"

_WAIT_SECONDS = 5
_SHORT_WAIT_MILLISECONDS = 250
_TABLES = """
CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, key TEXT NOT NULL, at REAL NOT NULL, what TEXT NOT NULL, sealed BLOB,
    aside INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS waiting_key ON waiting (key);
"""


@dataclass(frozen=True)
class Entry:
    """One thing to do in the database.

    ``what``: ``turn`` (``sealed`` holds it) or ``erase`` (all of a key up to the moment ``at``). ``id`` makes it known when it comes again.
    ``place`` is where it stands in the outbox or stream, which alone can read it; None before it is there.
    """

    id: str
    key: str
    at: float
    what: str
    sealed: bytes | None = None
    place: int | str | None = None


class Outbox:
    """The file. May be used by several threads, and opened by several processes.

    Args:
        patient: False for the one that must not wait: it gives up after a quarter of a second in which another writes, and leaves it to the
            others to copy the write-ahead log into the file, which waits for the disk.

    Raises (all methods): sqlite3.Error, for instance when the disk is full; nothing is changed then.
    """

    #: What passes by itself.
    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)

    def __init__(self, path: Path, patient: bool = True) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_WAIT_SECONDS)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(_TABLES)
        if not patient:
            for pragma in (f"busy_timeout={_SHORT_WAIT_MILLISECONDS}", "wal_autocheckpoint=0"):
                self._database.execute(f"PRAGMA {pragma}")

    def append(self, entries: Iterable[Entry]) -> None:
        """Add, all or none."""
        rows = [(entry.id, entry.key, entry.at, entry.what, entry.sealed) for entry in entries]
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT INTO waiting (id, key, at, what, sealed) VALUES (?, ?, ?, ?, ?)", rows)

    def batch(self, most: int) -> Sequence[Entry]:
        """The oldest that wait, in order."""
        query = "SELECT id, key, at, what, sealed, number FROM waiting WHERE aside = 0 ORDER BY number LIMIT ?"
        with self._lock:
            return [Entry(*row) for row in self._database.execute(query, (most,))]

    def done(self, entries: Iterable[Entry]) -> None:
        """They are in the database: remove them."""
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("DELETE FROM waiting WHERE number = ?", [(entry.place,) for entry in entries])

    def put_aside(self, entry: Entry) -> None:
        """It cannot be applied as things are: it is kept, and no longer tried."""
        with self._lock, self._database:
            self._database.execute("UPDATE waiting SET aside = 1 WHERE number = ?", (entry.place,))

    def try_again(self) -> None:
        """What was put aside waits again, in its old place."""
        with self._lock, self._database:
            self._database.execute("UPDATE waiting SET aside = 0 WHERE aside = 1")

    def erase(self, entry: Entry) -> None:
        """Remove all that waits for a key, and add the entry that erases it in the database."""
        with self._lock:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.execute("DELETE FROM waiting WHERE key = ? AND what = 'turn' AND at <= ?", (entry.key, entry.at))
                self._database.execute(
                    "INSERT INTO waiting (id, key, at, what) VALUES (?, ?, ?, ?)", (entry.id, entry.key, entry.at, entry.what)
                )
            # Otherwise it would stay, sealed, in the write-ahead log until the next checkpoint.
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def erased(self, entry: Entry) -> None:
        """An entry of :meth:`erase` has been applied."""
        with self._lock, self._database:
            self._database.execute("DELETE FROM waiting WHERE id = ? AND what = 'erase'", (entry.id,))

    def waiting(self) -> int:
        """How many wait."""
        with self._lock:
            return int(self._database.execute("SELECT count(*) FROM waiting WHERE aside = 0").fetchone()[0])

    def aside(self) -> int:
        """How many could not be put into the database."""
        with self._lock:
            return int(self._database.execute("SELECT count(*) FROM waiting WHERE aside = 1").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()
