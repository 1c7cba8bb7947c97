"""Conversations as a browser sees them, in one SQLite file: what came in, what went out, which buttons were offered.

Every event of a conversation has a number, so that a client that lost its connection, or a server that was started again, goes on
with exactly what was missed.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from bot.channels.web_tokens import new_session_id
from bot.wegwijzer.render import Message, payload

#: Events that are kept of one conversation.
EVENTS_KEPT = 2000

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
CREATE TABLE IF NOT EXISTS event (
    session TEXT NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (session, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS button (session TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL, payload TEXT NOT NULL,
    PRIMARY KEY (session, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown (session TEXT NOT NULL, what TEXT NOT NULL, PRIMARY KEY (session, what)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended (id TEXT PRIMARY KEY, why TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
"""


#: Stands among the help cards that were shown, for the question whether an answer helped. No id of a helpline looks like it.
QUESTION = "?helpful"
_ADVICE = frozenset({"tip", "step", "helpline"})
#: What the bot's own buttons do with which somebody says whether the advice is of use.
_RATING_PAYLOADS = frozenset({payload("helpful"), payload("helpful_not")})


def asks_whether_it_helped(messages: Iterable[Message]) -> bool:
    """Whether an answer is one to ask about: it advises, it is not for a crisis, and the bot does not ask the same with its own buttons."""
    messages = list(messages)
    crisis = any(str(message.get("id", "")).startswith("crisis.") for message in messages)
    asks_itself = any(option["payload"] in _RATING_PAYLOADS for message in messages for option in message.get("options") or [])
    return any(message["type"] in _ADVICE for message in messages) and not crisis and not asks_itself


class Ended(str, Enum):
    """Why a conversation is no longer there."""

    ERASED = "erased"
    EXPIRED = "expired"


class SessionEnded(Exception):
    """The conversation is gone."""

    def __init__(self, why: Ended) -> None:
        self.why = why
        super().__init__(why.value)


class UnknownButton(Exception):
    """A button that was never offered in this conversation."""


@dataclass(frozen=True)
class Session:
    """A conversation that is there."""

    id: str
    greeted: bool
    last_event: int


@dataclass(frozen=True)
class Incoming:
    """A message of the user that waits for its answer: what was typed, or the payload of a button."""

    number: int
    is_button: bool
    value: str


@dataclass(frozen=True)
class Event:
    """Something that happened in a conversation. ``data`` is JSON."""

    id: int
    kind: str
    data: str


class Sessions:
    """The store. Calls take well under a millisecond, so they run on the event loop."""

    def __init__(self, path: Path, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        path.touch(mode=0o600)
        path.chmod(0o600)
        self._database = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # --- life of a conversation ---

    def create(self, greeted: bool) -> Session:
        """A new conversation. ``greeted``: the client has already shown the bot's first words."""
        session = Session(new_session_id(), greeted, 0)
        self._database.execute("INSERT INTO session (id, greeted, used_at) VALUES (?, ?, ?)", (session.id, greeted, time.time()))
        return session

    def find(self, session_id: str) -> Session:
        """A conversation.

        Raises:
            SessionEnded: it was erased or has expired.
        """
        row = self._database.execute("SELECT greeted, last_event, used_at FROM session WHERE id = ?", (session_id,)).fetchone()
        if row is None:
            ended = self._database.execute("SELECT why FROM ended WHERE id = ?", (session_id,)).fetchone()
            raise SessionEnded(Ended(ended[0]) if ended else Ended.EXPIRED)
        if row[2] <= time.time() - self._idle_seconds:
            raise SessionEnded(Ended.EXPIRED)
        return Session(session_id, bool(row[0]), row[1])

    def touch(self, session_id: str) -> None:
        """Somebody is there: the time until expiry starts again."""
        self._database.execute("UPDATE session SET used_at = ? WHERE id = ?", (time.time(), session_id))

    def end(self, session_id: str, why: Ended) -> None:
        """Remove a conversation for good; only its random id and why it ended stay for a while."""
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            for table in ("incoming", "event", "button", "shown"):
                self._database.execute(f"DELETE FROM {table} WHERE session = ?", (session_id,))  # noqa: S608 (names above)
            self._database.execute("DELETE FROM session WHERE id = ?", (session_id,))
            self._database.execute("INSERT OR IGNORE INTO ended VALUES (?, ?, ?)", (session_id, why.value, time.time()))
        # Otherwise the text would stay in the write-ahead log until the next checkpoint.
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def idle(self) -> list[str]:
        """Conversations that have expired; forgets which ones ended long ago."""
        before = time.time() - self._idle_seconds
        self._database.execute("DELETE FROM ended WHERE at <= ?", (before,))
        return [row[0] for row in self._database.execute("SELECT id FROM session WHERE used_at <= ?", (before,))]

    # --- what comes in ---

    def known_message(self, session_id: str, client_id: str) -> bool:
        """Whether this message was accepted before."""
        row = self._database.execute("SELECT 1 FROM incoming WHERE session = ? AND client_id = ?", (session_id, client_id)).fetchone()
        return row is not None

    def accept_text(self, session_id: str, client_id: str, text: str) -> None:
        """Take in what was typed; it waits for its answer on disk."""
        self._accept(session_id, client_id, False, text, text)

    def accept_button(self, session_id: str, client_id: str, button_id: str) -> None:
        """Take in a tap.

        Raises:
            UnknownButton: never offered in this conversation.
        """
        row = self._database.execute("SELECT title, payload FROM button WHERE session = ? AND id = ?", (session_id, button_id)).fetchone()
        if row is None:
            raise UnknownButton
        self._accept(session_id, client_id, True, row[1], row[0])

    def _accept(self, session_id: str, client_id: str, is_button: bool, value: str, shown: str) -> None:
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute(
                "INSERT INTO incoming (session, client_id, is_button, value) VALUES (?, ?, ?, ?)", (session_id, client_id, is_button, value)
            )
            self._add_events(session_id, "user", [{"client": client_id, "text": shown}])
            self.touch(session_id)

    def next_waiting(self, session_id: str) -> Incoming | None:
        """The oldest message without an answer."""
        row = self._database.execute(
            "SELECT number, is_button, value FROM incoming WHERE session = ? AND value IS NOT NULL ORDER BY number LIMIT 1", (session_id,)
        ).fetchone()
        return Incoming(row[0], bool(row[1]), row[2]) if row else None

    def waiting_count(self, session_id: str) -> int:
        """Messages without an answer."""
        query = "SELECT count(*) FROM incoming WHERE session = ? AND value IS NOT NULL"
        return int(self._database.execute(query, (session_id,)).fetchone()[0])

    def with_waiting(self) -> list[str]:
        """Conversations with a message that has no answer yet."""
        return [row[0] for row in self._database.execute("SELECT DISTINCT session FROM incoming WHERE value IS NOT NULL")]

    # --- what goes out ---

    def answer(self, session_id: str, incoming: Incoming, messages: Iterable[Message]) -> None:
        """Write the answer to a message: all of it, or nothing when the process dies."""
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            said = [self._with_button_ids(session_id, message) for message in self._with_question(session_id, list(messages))]
            self._add_events(session_id, "bot", said)
            # The text is no longer needed here; the client's id stays, so that the same message sent again is recognised.
            self._database.execute("UPDATE incoming SET value = NULL WHERE number = ?", (incoming.number,))

    def events(self, session_id: str, after: int) -> list[Event]:
        """Events with a higher number, in order."""
        rows = self._database.execute("SELECT id, kind, data FROM event WHERE session = ? AND id > ? ORDER BY id", (session_id, after))
        return [Event(*row) for row in rows]

    def first_event(self, session_id: str) -> int:
        """Number of the oldest event that is kept; 0 when there is none."""
        return int(self._database.execute("SELECT coalesce(min(id), 0) FROM event WHERE session = ?", (session_id,)).fetchone()[0])

    def _add_events(self, session_id: str, kind: str, items: list[dict[str, Any]]) -> None:
        (last,) = self._database.execute("SELECT last_event FROM session WHERE id = ?", (session_id,)).fetchone()
        rows = [(session_id, last + number, kind, _json(item)) for number, item in enumerate(items, start=1)]
        self._database.executemany("INSERT INTO event VALUES (?, ?, ?, ?)", rows)
        self._database.execute("UPDATE session SET last_event = ? WHERE id = ?", (last + len(rows), session_id))
        self._database.execute("DELETE FROM event WHERE session = ? AND id <= ?", (session_id, last + len(rows) - EVENTS_KEPT))

    def was_shown(self, session_id: str, what: str) -> bool:
        """Whether this conversation had a help card (by its id), or :data:`QUESTION`."""
        row = self._database.execute("SELECT 1 FROM shown WHERE session = ? AND what = ?", (session_id, what)).fetchone()
        return row is not None

    def _with_question(self, session_id: str, messages: list[Message]) -> list[Message]:
        """Remember the help cards; once in a conversation, the client asks under an answer whether it helped."""
        shown = {str(message["id"]) for message in messages if message["type"] == "helpline"}
        if asks_whether_it_helped(messages) and not self.was_shown(session_id, QUESTION):
            shown.add(QUESTION)
            messages = [*messages[:-1], {**messages[-1], "asks_helpful": True}]
        self._database.executemany("INSERT OR IGNORE INTO shown VALUES (?, ?)", [(session_id, what) for what in shown])
        return messages

    def _with_button_ids(self, session_id: str, message: Message) -> Message:
        """The message with an id for each button, in place of what the button makes the bot do."""
        options = []
        for option in message.get("options") or []:
            button_id = secrets.token_urlsafe(9)
            self._database.execute("INSERT INTO button VALUES (?, ?, ?, ?)", (session_id, button_id, option["title"], option["payload"]))
            options.append({"id": button_id, "title": option["title"]})
        return {**message, "options": options}


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
