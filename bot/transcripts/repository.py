"""What the console does with conversations: list, read, correct, note, assign, count.

Every change names its actor and is written to the audit log in the same transaction. Moments are aware datetimes in UTC; days are days in
Belgium. Nothing here returns a text that was not redacted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.transcripts.database import Database
from bot.transcripts.errors import Conflict, NotFound, WrongValue

__all__ = [
    "Conflict",
    "Filters",
    "MessageView",
    "NotFound",
    "Note",
    "Page",
    "Repository",
    "SavedView",
    "Summary",
    "Transcript",
    "WrongValue",
]  # fmt: skip

#: Ways to sort a list: ``urgency`` is crisis, then bot failed, then unsure, then newest.
ORDERS = ("urgency", "newest", "oldest")
MAX_PAGE_SIZE = 200


@dataclass(frozen=True)
class Filters:
    """Which conversations. Everything left empty asks for nothing; several values of one field are "one of these".

    ``text``: words that must all occur in what the user typed (whole words, spelling is normalised). ``crisis`` may hold ``any``,
    ``rating`` holds ``yes``, ``no``, ``none``. ``since`` and ``until`` are days, both included. Lengths are counts of messages of both
    sides, words those that the user typed.
    """

    text: str = ""
    status: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    road: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    crisis: tuple[str, ...] = ()
    rating: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    urgency: tuple[int, ...] = ()
    assigned_to: int | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    min_messages: int | None = None
    max_messages: int | None = None
    min_words: int | None = None
    max_words: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without what is empty."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Filters:
        """What :meth:`to_dict` gave.

        Raises:
            WrongValue: unknown field, or a value of another type.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Summary:
    """A conversation as a line of the list. ``opening``: the beginning of the first text of the user, redacted."""

    id: int
    channel: str
    started_at: dt.datetime
    last_at: dt.datetime
    urgency: int
    crisis: str | None
    failures: int
    min_confidence: float | None
    road: str | None
    kind: str | None
    context: str | None
    platform: str | None
    age_band: str | None
    forms: tuple[str, ...]
    rating: bool | None
    n_messages: int
    n_words: int
    status: str
    assigned_to: int | None
    version: int
    tags: tuple[str, ...]
    opening: str


@dataclass(frozen=True)
class Page:
    """A page of a list. ``total`` is exact up to ``Repository.COUNTED``; beyond that ``more`` is true."""

    items: tuple[Summary, ...]
    total: int
    more: bool
    number: int
    size: int


@dataclass(frozen=True)
class MessageView:
    """One message. For ``sender``, ``kind`` and ``ref`` see :class:`bot.transcripts.models.Message`.

    ``facets`` and ``confidences`` are those that the bot read; ``options`` pairs of title and payload; ``rules`` pairs of rule id and
    source. ``corrected_intent`` and ``corrected_facets`` are None where no moderator changed them. ``good`` is a moderator's verdict.
    """

    id: int
    position: int
    at: dt.datetime
    sender: str
    kind: str
    ref: str | None
    text: str
    intent: str | None
    confidence: float | None
    model: str | None
    facets: Mapping[str, Any]
    confidences: Mapping[str, Any]
    options: tuple[tuple[str, str], ...]
    rules: tuple[tuple[str, str], ...]
    corrected_intent: str | None
    corrected_facets: Mapping[str, Any] | None
    corrected_by: str | None
    good: bool | None
    reason: str
    judged_by: str | None


@dataclass(frozen=True)
class Note:
    """A private note; ``author`` is the name of an account, None when the account is gone."""

    id: int
    at: dt.datetime
    author: str | None
    text: str


@dataclass(frozen=True)
class Transcript:
    """A whole conversation. ``referrals``: helplines shown, with the number of taps. ``model``: of the last turn."""

    summary: Summary
    model: str | None
    messages: tuple[MessageView, ...]
    notes: tuple[Note, ...]
    referrals: Mapping[str, int]


@dataclass(frozen=True)
class SavedView:
    """Filters under a name."""

    id: int
    account_id: int
    name: str
    filters: Filters
    shared: bool


@dataclass(frozen=True)
class Figures:
    """Counts over days, both included. Every mapping goes from value to number of conversations, unless it says otherwise.

    Those who refused review, and conversations that retention removed, are in them.
    """

    since: dt.date
    until: dt.date
    conversations: int
    per_day: Mapping[str, int]
    per_hour: Mapping[int, int]
    channels: Mapping[str, int]
    roads: Mapping[str, int]
    forms: Mapping[str, int]
    contexts: Mapping[str, int]
    platforms: Mapping[str, int]
    crises: Mapping[str, int]
    #: Helplines: times shown and times tapped (a conversation counts once for each).
    referrals_shown: Mapping[str, int]
    referrals_tapped: Mapping[str, int]
    #: Conversations with a crisis, with a failure, rated helpful, rated not helpful, whose user refused review.
    crisis: int
    failed: int
    helpful: int
    not_helpful: int
    refused: int


class Repository:
    """The store as the console uses it. Methods may be called from any thread; each is one transaction.

    Raises (all methods that take an id): NotFound. All methods that take a value: WrongValue, with one line. All that take a ``version``:
    Conflict when the conversation is another version by now; None does not ask. They return the new version.
    """

    #: Totals are counted up to here.
    COUNTED = 10_000

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- reading ---

    def list(self, filters: Filters = Filters(), order: str = "urgency", page: int = 1, size: int = 50) -> Page:
        """A page of the conversations that fit; pages count from 1."""
        raise NotImplementedError

    def status_counts(self) -> dict[str, int]:
        """Number of conversations by status."""
        raise NotImplementedError

    def values(self, column: str) -> list[str]:
        """Values that occur of ``channel``, ``platform`` or ``tag``, for the choices of a filter."""
        raise NotImplementedError

    def read(self, conversation_id: int, actor: str) -> Transcript:
        """A whole conversation. That it was read goes into the audit log; a ``new`` one becomes ``seen``."""
        raise NotImplementedError

    def neighbours(self, conversation_id: int, filters: Filters = Filters(), order: str = "urgency") -> tuple[int | None, int | None]:
        """Ids of the conversations before and after this one in a list; None at its ends."""
        raise NotImplementedError

    def figures(self, since: dt.date, until: dt.date) -> Figures:
        """Counts over days."""
        raise NotImplementedError

    # --- moderating ---

    def set_status(self, conversation_id: int, status: str, actor: str, version: int | None = None) -> int:
        """One of ``models.STATUSES``."""
        raise NotImplementedError

    def assign(self, conversation_id: int, account_id: int | None, actor: str, version: int | None = None) -> int:
        """Give it to somebody, or to nobody."""
        raise NotImplementedError

    def add_tag(self, conversation_id: int, tag: str, actor: str, version: int | None = None) -> int:
        """A tag is 1 to 40 characters; lower case, spaces around it go. One that is there stays."""
        raise NotImplementedError

    def remove_tag(self, conversation_id: int, tag: str, actor: str, version: int | None = None) -> int:
        """One that is not there is no error."""
        raise NotImplementedError

    def add_note(self, conversation_id: int, text: str, account_id: int, actor: str) -> int:
        """A private note, 1 to 4,000 characters, redacted like a message; returns its id."""
        raise NotImplementedError

    def remove_note(self, note_id: int, actor: str) -> None:
        """Remove a note."""
        raise NotImplementedError

    def correct(
        self,
        message_id: int,
        intent: str | None,
        facets: Mapping[str, Any] | None,
        *,
        account_id: int,
        actor: str,
        version: int | None = None,
    ) -> int:
        """What a user's text means. ``None`` leaves what the bot read; both None takes the correction back.

        ``facets`` are all that the message tells (what is not in it, is not told); values of ``bot.wegwijzer.vocabulary``.
        """
        raise NotImplementedError

    def judge(self, message_id: int, good: bool | None, reason: str, *, account_id: int, actor: str, version: int | None = None) -> int:
        """ "This was a good answer", or wrong because; ``None`` takes it back. Reason up to 1,000 characters."""
        raise NotImplementedError

    def erase(self, conversation_id: int, actor: str) -> None:
        """Remove one conversation with all that hangs on it, for somebody who asks for that in another way than in the chat."""
        raise NotImplementedError

    # --- saved views ---

    def views(self, account_id: int) -> Sequence[SavedView]:
        """One's own and shared ones, by name."""
        raise NotImplementedError

    def save_view(self, account_id: int, name: str, filters: Filters, shared: bool, actor: str) -> int:
        """Keep filters under a name of 1 to 80 characters; one's own of the same name is replaced."""
        raise NotImplementedError

    def remove_view(self, view_id: int, account_id: int, actor: str) -> None:
        """Remove one's own view."""
        raise NotImplementedError
