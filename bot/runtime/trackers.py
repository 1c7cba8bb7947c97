"""Conversations kept in a size that does not grow, here in one SQLite file.

Rasa writes, reads and replays all events of a conversation at every turn, so that a turn costs more the longer the talk lasts.
What this bot must remember lives in slots; of the events only those of the last turns are kept. A conversation that was not used
for a while is removed.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasa.core.tracker_store import SerializedTrackerAsDict, TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, AllSlotsReset, BotUttered, Event, Restarted, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

if TYPE_CHECKING:
    from bot.transcripts.outbox import Entry
    from bot.transcripts.service import Transcripts

#: Turns of the user that are kept beside the one that is being answered. No policy looks further back (``max_history`` in
#: ``config.yml``: four steps, of which a turn has two).
TURN_WINDOW = 2
EXPIRES_AFTER_SECONDS = 24 * 3600
_SWEEP_EVERY_SECONDS = 600
#: On a tracker: how many of its events were there when it was read or written.
_KNOWN_EVENTS = "wegwijzer_known_events"
#: Events of which a transcript keeps something.
_RECORDED = (UserUttered, BotUttered, SlotSet)
#: The channel of the conversation in which the bot tries itself at start.
UNRECORDED = "check"


def shrink(tracker: DialogueStateTracker, turns: int = TURN_WINDOW) -> list[dict[str, Any]]:
    """A conversation as JSON-ready events: what its slots held when the last ``turns`` turns began, and those turns.

    The slots go back in as events: Rasa replays events wherever it copies a tracker, and what is no event is lost there. What the bot said
    is left out: no policy and no action reads it.
    """
    events = [event for event in tracker.events if not isinstance(event, BotUttered)]
    begins = [place for place, event in enumerate(events) if isinstance(event, UserUttered)]
    if len(begins) <= turns:
        return [event.as_dict() for event in events]
    start = begins[-turns]
    # A replayed turn starts with the bot listening, as it did when the turn was first handled.
    before: list[Event] = [ActionExecuted(ACTION_LISTEN_NAME, timestamp=events[start].timestamp)]
    before += [SlotSet(name, value, timestamp=events[start].timestamp) for name, value in _slots_after(events[:start], tracker).items()]
    return [event.as_dict() for event in (*before, *events[start:])]


def _slots_after(events: Sequence[Event], tracker: DialogueStateTracker) -> dict[str, Any]:
    """Slots that differ from their initial value after the events that a conversation began with."""
    values: dict[str, Any] = {}
    for event in events:
        if isinstance(event, SlotSet):
            values[event.key] = event.value
        elif isinstance(event, (AllSlotsReset, Restarted, SessionStarted)):
            values.clear()
    return {name: value for name, value in values.items() if name in tracker.slots and value != tracker.slots[name].initial_value}


def _is_refused(tracker: DialogueStateTracker) -> bool:
    return "review_refused" in tracker.slots and bool(tracker.get_slot("review_refused"))


class SmallTrackerStore(TrackerStore, SerializedTrackerAsDict):
    """Rasa tracker store that keeps conversations small and gives what is new in them to the transcripts; where they are kept is for
    those who inherit.

    Args:
        transcripts: where each turn is written for the moderators; None where nobody reads along.
    """

    def __init__(self, domain: Domain | None, transcripts: Transcripts | None, expires_after: float) -> None:
        super().__init__(domain)
        self._transcripts = transcripts
        self._expires_after = expires_after

    async def replace(self, tracker: DialogueStateTracker) -> None:
        """Write a conversation, and nothing to the transcripts."""
        raise NotImplementedError

    async def refused(self, sender_id: str) -> bool:
        """Whether the user said that nobody may read this conversation."""
        tracker = await self.retrieve(sender_id)
        return tracker is not None and _is_refused(tracker)

    async def latest(self, sender_id: str) -> float:
        """The moment of the last event of a conversation, by the clock of the bot that had the turn; 0 where there is none."""
        tracker = await self.retrieve(sender_id)
        return float(tracker.events[-1].timestamp) if tracker and tracker.events else 0.0

    def close(self) -> None:
        """Close the files."""

    async def disconnect(self) -> None:
        """Close the connections."""

    def _sealed(self, tracker: DialogueStateTracker) -> Entry | None:
        """For the transcripts, what came since it was read or written: Rasa would have it read and compared once more to find that."""
        if self._transcripts is None or tracker.get_latest_input_channel() == UNRECORDED:
            return None
        new = [event.as_dict() for event in islice(tracker.events, self._known(tracker), None) if isinstance(event, _RECORDED)]
        return self._transcripts.seal(tracker.sender_id, new, _is_refused(tracker)) if new else None

    @staticmethod
    def _known(tracker: DialogueStateTracker) -> int:
        """How many events there were when the conversation was read or written."""
        return int(getattr(tracker, _KNOWN_EVENTS, 0))

    @staticmethod
    def _packed(tracker: DialogueStateTracker) -> str:
        setattr(tracker, _KNOWN_EVENTS, len(tracker.events))
        return json.dumps(shrink(tracker), ensure_ascii=False, separators=(",", ":"))

    def _unpacked(self, sender_id: str, data: str) -> DialogueStateTracker:
        tracker = DialogueStateTracker.from_dict(sender_id, json.loads(data), self.domain.slots)
        setattr(tracker, _KNOWN_EVENTS, len(tracker.events))
        return tracker


class SqliteTrackerStore(SmallTrackerStore):
    """Conversations in one SQLite file; ``None`` keeps everything in memory."""

    def __init__(
        self,
        domain: Domain | None,
        path: Path | None,
        transcripts: Transcripts | None = None,
        expires_after: float = EXPIRES_AFTER_SECONDS,
    ) -> None:
        super().__init__(domain, transcripts, expires_after)
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
        """Write a conversation in place of what was known of it, then what is new in it to the transcripts."""
        entry = self._sealed(tracker)
        await self.replace(tracker)
        if self._transcripts and entry:
            self._transcripts.keep(entry)

    async def replace(self, tracker: DialogueStateTracker) -> None:
        data = self._packed(tracker)
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
        return self._unpacked(sender_id, row[0]) if row else None

    async def keys(self) -> Iterable[str]:
        """Ids of all conversations."""
        return [row[0] for row in self._database.execute("SELECT sender_id FROM tracker")]

    async def delete(self, sender_id: str) -> None:
        """Remove a conversation for good."""
        self._database.execute("DELETE FROM tracker WHERE sender_id = ?", (sender_id,))
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._database.close()

    def _sweep(self) -> None:
        now = time.time()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_EVERY_SECONDS
            self._database.execute("DELETE FROM tracker WHERE used_at <= ?", (now - self._expires_after,))
