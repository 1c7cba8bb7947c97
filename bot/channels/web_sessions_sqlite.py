"""Web conversations of one bot, in one SQLite file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from bot.channels.web_limits import Pace, keep_to
from bot.channels.web_sessions import (
    EVENTS_KEPT,
    QUESTION,
    Answer,
    Ended,
    Event,
    Incoming,
    News,
    SessionEnded,
    Sessions,
    TooManyWaiting,
    UnknownButton,
    as_json,
)
from bot.channels.web_tokens import new_session_id

_SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
    id TEXT PRIMARY KEY, greeted INTEGER NOT NULL, used_at REAL NOT NULL, last_event INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS session_used_at ON session (used_at);
CREATE TABLE IF NOT EXISTS incoming (
    number INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, client_id TEXT NOT NULL, is_button INTEGER NOT NULL, value TEXT,
    UNIQUE (session, client_id)
);
CREATE INDEX IF NOT EXISTS incoming_waiting ON incoming (session, number) WHERE value IS NOT NULL;
CREATE TABLE IF NOT EXISTS begun (number INTEGER PRIMARY KEY, session TEXT NOT NULL, times INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS event (
    session TEXT NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (session, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS button (session TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL, payload TEXT NOT NULL,
    PRIMARY KEY (session, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown (session TEXT NOT NULL, what TEXT NOT NULL, PRIMARY KEY (session, what)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended (id TEXT PRIMARY KEY, why TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
"""


class SqliteSessions(Sessions):
    """The file. Calls take well under a millisecond, so they run on the event loop; none of them waits."""

    def __init__(self, path: Path, idle_seconds: float) -> None:
        super().__init__()
        self._idle_seconds = idle_seconds
        path.touch(mode=0o600)
        path.chmod(0o600)
        self._database = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(_SCHEMA)

    async def start(self) -> None:
        """There are no others."""

    async def close(self) -> None:
        self._database.close()

    # --- life of a conversation ---

    async def create(self, greeted: bool) -> str:
        session_id = new_session_id()
        self._database.execute("INSERT INTO session (id, greeted, used_at) VALUES (?, ?, ?)", (session_id, greeted, time.time()))
        return session_id

    async def check(self, session_id: str) -> None:
        self._session(session_id)

    def _session(self, session_id: str) -> tuple[bool, int]:
        """Whether the client has greeted, and the number of the last event."""
        row = self._database.execute("SELECT greeted, last_event, used_at FROM session WHERE id = ?", (session_id,)).fetchone()
        if row is None:
            ended = self._database.execute("SELECT why FROM ended WHERE id = ?", (session_id,)).fetchone()
            raise SessionEnded(Ended(ended[0]) if ended else Ended.EXPIRED)
        if row[2] <= time.time() - self._idle_seconds:
            raise SessionEnded(Ended.EXPIRED)
        return bool(row[0]), int(row[1])

    async def touch(self, session_id: str) -> None:
        self._touch(session_id)

    def _touch(self, session_id: str) -> None:
        self._database.execute("UPDATE session SET used_at = ? WHERE id = ?", (time.time(), session_id))

    async def end(self, session_id: str, why: Ended) -> None:
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            for table in ("incoming", "begun", "event", "button", "shown"):
                self._database.execute(f"DELETE FROM {table} WHERE session = ?", (session_id,))  # noqa: S608 (names above)
            self._database.execute("DELETE FROM session WHERE id = ?", (session_id,))
            self._database.execute("INSERT OR IGNORE INTO ended VALUES (?, ?, ?)", (session_id, why.value, time.time()))
        # Otherwise the text would stay in the write-ahead log until the next checkpoint.
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.tell(session_id, None)

    async def expired(self) -> list[str]:
        """Conversations that have expired; forgets which ones ended long ago."""
        before = time.time() - self._idle_seconds
        self._database.execute("DELETE FROM ended WHERE at <= ?", (before,))
        return [row[0] for row in self._database.execute("SELECT id FROM session WHERE used_at <= ?", (before,))]

    # --- what comes in ---

    def _knows(self, session_id: str, client_id: str) -> bool:
        row = self._database.execute("SELECT 1 FROM incoming WHERE session = ? AND client_id = ?", (session_id, client_id)).fetchone()
        return row is not None

    async def accept_text(self, session_id: str, client_id: str, text: str, most: int, pace: Pace = ()) -> bool:
        if not await self._is_new(session_id, client_id, pace):
            return False
        self._accept(session_id, client_id, most, value=text, shown=text, is_button=False)
        return True

    async def accept_button(self, session_id: str, client_id: str, button_id: str, most: int, pace: Pace = ()) -> bool:
        if not await self._is_new(session_id, client_id, pace):
            return False
        row = self._database.execute("SELECT title, payload FROM button WHERE session = ? AND id = ?", (session_id, button_id)).fetchone()
        if row is None:
            raise UnknownButton
        self._accept(session_id, client_id, most, value=row[1], shown=row[0], is_button=True)
        return True

    async def _is_new(self, session_id: str, client_id: str, pace: Pace) -> bool:
        """Whether a message was not accepted before; then the limits hold for it. (Those of one bot never wait: nothing comes between.)"""
        self._session(session_id)
        if self._knows(session_id, client_id):
            return False
        await keep_to(pace)
        return True

    def _accept(self, session_id: str, client_id: str, most: int, *, value: str, shown: str, is_button: bool) -> None:
        if self._waiting_count(session_id) >= most:
            raise TooManyWaiting
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute(
                "INSERT INTO incoming (session, client_id, is_button, value) VALUES (?, ?, ?, ?)", (session_id, client_id, is_button, value)
            )
            self._add_events(session_id, "user", [as_json({"client": client_id, "text": shown})])
            self._touch(session_id)
        self.tell(session_id, None)

    def _waiting_count(self, session_id: str) -> int:
        query = "SELECT count(*) FROM incoming WHERE session = ? AND value IS NOT NULL"
        return int(self._database.execute(query, (session_id,)).fetchone()[0])

    async def left_over(self) -> list[str]:
        """All that have a waiting message: nobody else works at them."""
        return [row[0] for row in self._database.execute("SELECT DISTINCT session FROM incoming WHERE value IS NOT NULL")]

    async def waiting(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM incoming WHERE value IS NOT NULL").fetchone()[0])

    # --- turns ---

    @asynccontextmanager
    async def taking(self, session_id: str) -> AsyncIterator[Incoming | None]:
        greeted, _last = self._session(session_id)
        row = self._database.execute(
            "SELECT number, is_button, value FROM incoming WHERE session = ? AND value IS NOT NULL ORDER BY number LIMIT 1", (session_id,)
        ).fetchone()
        if row is None:
            yield None
            return
        number, is_button, value = row
        asked, begun = await self.was_shown(session_id, QUESTION), self._begun(number)
        async with self._alone if begun else nullcontext():
            self._set_begun(session_id, number, begun + 1)
            try:
                yield Incoming(str(number), bool(is_button), value, greeted, asked, begun)
            finally:
                # This process lives: whatever became of the turn, it did not end that.
                self._set_begun(session_id, number, begun)

    def _begun(self, number: int) -> int:
        row = self._database.execute("SELECT times FROM begun WHERE number = ?", (number,)).fetchone()
        return int(row[0]) if row else 0

    def _set_begun(self, session_id: str, number: int, times: int) -> None:
        """Nothing for a message that waits no more: it was answered, or its conversation is over."""
        self._database.execute(
            "INSERT OR REPLACE INTO begun SELECT number, session, ? FROM incoming WHERE number = ? AND session = ? AND value IS NOT NULL",
            (times, number, session_id),
        )

    async def _write(self, session_id: str, incoming: Incoming, answer: Answer) -> bool:
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            rows = [(session_id, *button) for button in answer.buttons]
            self._database.executemany("INSERT INTO button VALUES (?, ?, ?, ?)", rows)
            self._database.executemany("INSERT OR IGNORE INTO shown VALUES (?, ?)", [(session_id, what) for what in answer.shown])
            self._add_events(session_id, "bot", answer.messages)
            # The text is no longer needed here; the client's id stays, so that the same message sent again is recognised.
            self._database.execute("UPDATE incoming SET value = NULL WHERE number = ?", (incoming.id,))
            self._database.execute("DELETE FROM begun WHERE number = ?", (incoming.id,))
        self.tell(session_id, None)
        return self._waiting_count(session_id) > 0

    async def hand_over(self, session_id: str) -> None:
        """It waits for the next start."""

    def _add_events(self, session_id: str, kind: str, items: Sequence[str]) -> None:
        (last,) = self._database.execute("SELECT last_event FROM session WHERE id = ?", (session_id,)).fetchone()
        rows = [(session_id, last + number, kind, item) for number, item in enumerate(items, start=1)]
        self._database.executemany("INSERT INTO event VALUES (?, ?, ?, ?)", rows)
        self._database.execute("UPDATE session SET last_event = ? WHERE id = ?", (last + len(rows), session_id))
        self._database.execute("DELETE FROM event WHERE session = ? AND id <= ?", (session_id, last + len(rows) - EVENTS_KEPT))

    # --- what goes out ---

    async def look(self, session_id: str, after: int) -> News:
        _greeted, last = self._session(session_id)
        first = int(self._database.execute("SELECT coalesce(min(id), 0) FROM event WHERE session = ?", (session_id,)).fetchone()[0])
        reset = after > last or 0 < after < first - 1
        rows = self._database.execute(
            "SELECT id, kind, data FROM event WHERE session = ? AND id > ? ORDER BY id", (session_id, 0 if reset else after)
        )
        return News([Event(*row) for row in rows], self._waiting_count(session_id) > 0, reset, last)

    async def was_shown(self, session_id: str, what: str) -> bool:
        row = self._database.execute("SELECT 1 FROM shown WHERE session = ? AND what = ?", (session_id, what)).fetchone()
        return row is not None

    async def watch(self, session_id: str) -> None:
        """All that happens is told anyway."""

    def unwatch(self, session_id: str) -> None:
        """See :meth:`watch`."""
