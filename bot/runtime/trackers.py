"""Conversations kept in one SQLite file, in a size that does not grow.

Rasa writes, reads and replays all events of a conversation at every turn, so that a turn costs more the longer the talk lasts.
What this bot must remember lives in slots; of the events only a recent window is kept. A conversation that was not used
for a while is removed.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SerializedTrackerAsDict, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity

EVENT_WINDOW = 40
EXPIRES_AFTER_SECONDS = 24 * 3600
_SWEEP_EVERY_SECONDS = 600


def shrink(tracker: DialogueStateTracker, window: int = EVENT_WINDOW) -> dict[str, Any]:
    """A conversation as JSON-ready data: its slots and its last ``window`` events.

    The window begins at a turn of the user, never in the middle of one, so that policies see whole turns.
    """
    state = tracker.current_state(EventVerbosity.ALL)
    events: list[dict[str, Any]] = state["events"]
    if len(events) > window:
        start = next((i for i in range(len(events) - window, len(events)) if events[i]["event"] == "user"), len(events) - window)
        # A replayed turn starts with the bot listening, as it did when the turn was first handled.
        listening = {"event": "action", "name": "action_listen", "timestamp": events[start]["timestamp"]}
        events = [listening, *events[start:]]
    slots = {name: slot.value for name, slot in tracker.slots.items() if slot.value != slot.initial_value}
    return {"slots": slots, "events": events}


def restore(sender_id: str, data: dict[str, Any], domain: Domain) -> DialogueStateTracker:
    """The conversation that :func:`shrink` wrote."""
    tracker = DialogueStateTracker.from_dict(sender_id, data["events"], domain.slots)
    for name, value in data["slots"].items():
        if name in tracker.slots and tracker.slots[name].value != value:
            tracker._set_slot(name, value)
    return tracker


class SqliteTrackerStore(TrackerStore, SerializedTrackerAsDict):
    """Rasa tracker store over one SQLite file; ``None`` keeps everything in memory."""

    def __init__(
        self,
        domain: Domain | None,
        path: Path | None,
        event_broker: EventBroker | None = None,
        expires_after: float = EXPIRES_AFTER_SECONDS,
    ) -> None:
        super().__init__(domain, event_broker)
        self._expires_after = expires_after
        self._next_sweep = 0.0
        # One connection, used from the event loop's thread only: writes are a few hundred microseconds each.
        self._database = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute("PRAGMA secure_delete=ON")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS tracker (sender_id TEXT PRIMARY KEY, data TEXT NOT NULL, used_at REAL NOT NULL) WITHOUT ROWID"
        )
        self._database.execute("CREATE INDEX IF NOT EXISTS tracker_used_at ON tracker (used_at)")

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Write a conversation in place of what was known of it."""
        await self.stream_events(tracker)
        data = json.dumps(shrink(tracker), ensure_ascii=False, separators=(",", ":"))
        self._database.execute(
            "INSERT INTO tracker VALUES (?, ?, ?) ON CONFLICT (sender_id) DO UPDATE SET data = excluded.data, used_at = excluded.used_at",
            (tracker.sender_id, data, time.time()),
        )
        self._sweep()

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """A conversation, or None if there is none or it has expired."""
        row = self._database.execute(
            "SELECT data FROM tracker WHERE sender_id = ? AND used_at > ?", (sender_id, time.time() - self._expires_after)
        ).fetchone()
        return restore(sender_id, json.loads(row[0]), self.domain) if row else None

    async def keys(self) -> Iterable[str]:
        """Ids of all conversations."""
        return [row[0] for row in self._database.execute("SELECT sender_id FROM tracker")]

    async def delete(self, sender_id: str) -> None:
        """Remove a conversation for good."""
        self._database.execute("DELETE FROM tracker WHERE sender_id = ?", (sender_id,))
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _sweep(self) -> None:
        now = time.time()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_EVERY_SECONDS
            self._database.execute("DELETE FROM tracker WHERE used_at <= ?", (now - self._expires_after,))

