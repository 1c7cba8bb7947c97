"""What Telegram's channel keeps of one bot, in one SQLite file."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

from bot.channels.telegram_format import Bubble, rows
from bot.channels.telegram_store import REMEMBER_UPDATES_SECONDS, Begun, Button, Outgoing, Secrets, TelegramStore
from bot.channels.telegram_updates import Incoming

_SWEEP_EVERY_SECONDS = 600

_TABLES = """
CREATE TABLE IF NOT EXISTS seen (id INTEGER PRIMARY KEY, chat TEXT, sealed BLOB, before BLOB, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS seen_waiting ON seen (id) WHERE sealed IS NOT NULL;
CREATE TABLE IF NOT EXISTS begun (id INTEGER PRIMARY KEY, times INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outgoing
    (id INTEGER PRIMARY KEY AUTOINCREMENT, chat TEXT NOT NULL, sealed BLOB NOT NULL, after INTEGER, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS outgoing_chat ON outgoing (chat, id);
CREATE TABLE IF NOT EXISTS button (
    id TEXT PRIMARY KEY, keyboard TEXT NOT NULL, chat TEXT NOT NULL, title TEXT NOT NULL, payload TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS button_chat ON button (chat);
CREATE TABLE IF NOT EXISTS asked_helpful (chat TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS left_group (chat TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS highest (only INTEGER PRIMARY KEY CHECK (only = 1), message INTEGER NOT NULL);
INSERT OR IGNORE INTO highest VALUES (1, 0);
"""


class SqliteTelegramStore(TelegramStore):
    """The file. All calls come from the event loop's thread; each takes well under a millisecond.

    Args:
        path: where the file is; made, readable by its owner only, when it is not there.
        keep_seconds: how long a button can be pressed and an unsent message is kept.
    """

    def __init__(self, path: Path, keys: Secrets, keep_seconds: float, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._keys, self._keep, self._clock = keys, keep_seconds, clock
        self._next_sweep = 0.0
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(_TABLES)

    def leading(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def check_lead(self) -> None:
        """There are no others."""

    # --- updates ---

    async def accept(self, updates: Iterable[tuple[int, Incoming | None]]) -> list[Incoming]:
        fresh = []
        with self._database:
            self._database.execute("BEGIN")
            for number, incoming in updates:
                sealed = self._keys.seal(incoming.to_json()) if incoming else None
                chat = self._keys.pseudonym(incoming.chat_id) if incoming else None
                row = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, NULL, ?)", (number, chat, sealed, self._clock()))
                if row.rowcount and incoming:
                    fresh.append(incoming)
        self._sweep()
        return fresh

    async def finish(
        self,
        incoming: Incoming,
        bubbles: Sequence[Bubble] = (),
        *,
        pressed: Button | None = None,
        forget: bool = False,
        left: bool = False,
        asked: bool = False,
    ) -> None:
        chat, now = self._keys.pseudonym(incoming.chat_id), self._clock()
        with self._database:
            self._database.execute("BEGIN")
            # The number alone stays: it names nobody.
            self._database.execute("UPDATE seen SET chat = NULL, sealed = NULL, before = NULL WHERE id = ?", (incoming.update_id,))
            self._database.execute("DELETE FROM begun WHERE id = ?", (incoming.update_id,))
            if forget:
                self._database.execute("DELETE FROM button WHERE chat = ?", (chat,))
                self._database.execute("DELETE FROM asked_helpful WHERE chat = ?", (chat,))
            if asked:
                self._database.execute("INSERT OR REPLACE INTO asked_helpful VALUES (?, ?)", (chat, now))
            if pressed:
                self._database.execute("DELETE FROM button WHERE keyboard = ? AND chat = ?", (pressed.keyboard, chat))
            if left:
                self._database.execute("INSERT OR IGNORE INTO left_group VALUES (?)", (chat,))
            for bubble in bubbles:
                keyboard = self._new_keyboard(chat, bubble, now)
                data = json.dumps([incoming.chat_id, bubble.html, keyboard]).encode()
                self._database.execute("INSERT INTO outgoing (chat, sealed, at) VALUES (?, ?, ?)", (chat, self._keys.seal(data), now))

    def _new_keyboard(self, chat: str, bubble: Bubble, now: float) -> list[list[tuple[str, str]]]:
        keyboard, name = [], secrets.token_urlsafe(9)
        for row in rows(bubble.options):
            keyboard.append([(option["title"], secrets.token_urlsafe(15)) for option in row])
            found = [(identity, name, chat, title, row[place]["payload"], now) for place, (title, identity) in enumerate(keyboard[-1])]
            self._database.executemany("INSERT INTO button VALUES (?, ?, ?, ?, ?, ?)", found)
        return keyboard

    async def arrivals(self) -> list[Incoming]:
        """Nobody else accepts any."""
        return []

    async def unanswered(self) -> list[Incoming]:
        found = self._database.execute("SELECT id, sealed FROM seen WHERE sealed IS NOT NULL ORDER BY id").fetchall()
        opened = [(number, self._keys.unseal(sealed)) for number, sealed in found]
        for number, data in opened:
            if data is None:
                self._database.execute("UPDATE seen SET chat = NULL, sealed = NULL, before = NULL WHERE id = ?", (number,))
        return [Incoming.from_json(data) for _number, data in opened if data is not None]

    async def keep_snapshot(self, update_id: int, conversation: list[dict[str, Any]]) -> None:
        sealed = self._keys.seal(json.dumps(conversation).encode())
        self._database.execute("UPDATE seen SET before = ? WHERE id = ?", (sealed, update_id))

    async def _begin(self, update_id: int, *, alone: bool) -> Begun | None:
        row = self._database.execute("SELECT times FROM begun WHERE id = ?", (update_id,)).fetchone()
        times = int(row[0]) if row else 0
        if times and not alone:
            return None
        self._database.execute("INSERT OR REPLACE INTO begun VALUES (?, ?)", (update_id, times + 1))
        row = self._database.execute("SELECT before FROM seen WHERE id = ?", (update_id,)).fetchone()
        data = self._keys.unseal(row[0]) if row and row[0] else None
        return Begun(times, None if data is None else list(json.loads(data)))

    async def _put_back(self, update_id: int, times: int) -> None:
        self._database.execute("UPDATE begun SET times = ? WHERE id = ?", (times, update_id))

    # --- messages to send ---

    async def chats_with_mail(self) -> list[str]:
        return [row[0] for row in self._database.execute("SELECT DISTINCT chat FROM outgoing")]

    async def next_to_send(self, chat: str) -> Outgoing | None:
        """The oldest message that waits for a chat. What is too old, or sealed under another secret, is dropped."""
        while True:
            row = self._database.execute(
                "SELECT id, sealed, after, at FROM outgoing WHERE chat = ? ORDER BY id LIMIT 1", (chat,)
            ).fetchone()
            if row is None:
                return None
            number, sealed, after, at = row
            data = self._keys.unseal(sealed) if at > self._clock() - self._keep else None
            if data is not None:
                chat_id, html, keyboard = json.loads(data)
                return Outgoing(chat_id, html, [[(title, identity) for title, identity in line] for line in keyboard], number, after, at)
            await self.sent(chat, number)

    async def trying(self, number: int, after: int) -> None:
        self._database.execute("UPDATE outgoing SET after = ? WHERE id = ?", (after, number))

    async def tried(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM outgoing WHERE after IS NOT NULL").fetchone()[0])

    async def sent(self, chat: str, number: int, highest: int = 0) -> None:
        with self._database:
            self._database.execute("BEGIN")
            self._database.execute("DELETE FROM outgoing WHERE id = ?", (number,))
            self._database.execute("UPDATE highest SET message = ? WHERE message < ?", (highest, highest))

    async def highest_message(self) -> int:
        return int(self._database.execute("SELECT message FROM highest").fetchone()[0])

    async def drop_chat(self, chat: str) -> int:
        self._database.execute("DELETE FROM button WHERE chat = ?", (chat,))
        return self._database.execute("DELETE FROM outgoing WHERE chat = ?", (chat,)).rowcount

    # --- buttons and groups ---

    async def button(self, chat_id: int, identity: str) -> Button | None:
        row = self._database.execute(
            "SELECT keyboard, title, payload FROM button WHERE id = ? AND chat = ? AND at > ?",
            (identity, self._keys.pseudonym(chat_id), self._clock() - self._keep),
        ).fetchone()
        return Button(*row) if row else None

    async def was_asked(self, chat: str) -> bool:
        row = self._database.execute("SELECT 1 FROM asked_helpful WHERE chat = ? AND at > ?", (chat, self._clock() - self._keep)).fetchone()
        return row is not None

    async def has_left(self, chat_id: int) -> bool:
        return self._database.execute("SELECT 1 FROM left_group WHERE chat = ?", (self._keys.pseudonym(chat_id),)).fetchone() is not None

    async def close(self) -> None:
        self._database.close()

    def _sweep(self) -> None:
        now = self._clock()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_EVERY_SECONDS
            self._database.execute("DELETE FROM seen WHERE at <= ? AND sealed IS NULL", (now - REMEMBER_UPDATES_SECONDS,))
            self._database.execute("DELETE FROM button WHERE at <= ?", (now - self._keep,))
            self._database.execute("DELETE FROM asked_helpful WHERE at <= ?", (now - self._keep,))
