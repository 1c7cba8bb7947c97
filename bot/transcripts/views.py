"""What the repository gives back: plain data, unsealed. Moments are aware datetimes in UTC; days are days in Belgium."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.transcripts.filters import Filters


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

    ``facets`` and ``confidences`` are those that the bot read, of an answer to a question those that it took from it; ``question`` is the
    facet that was asked for, None where the message answers none; ``options`` pairs of title and payload; ``rules`` pairs of rule id and
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
    question: str | None
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
    """Filters and an order of the list (one of ``ORDERS``) under a name."""

    id: int
    account_id: int
    name: str
    filters: Filters
    order: str
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
    #: Of these, those on working days: Monday to Friday, and no public holiday in Belgium.
    per_working_hour: Mapping[int, int]
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
