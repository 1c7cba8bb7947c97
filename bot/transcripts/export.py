"""Conversations as files: JSON Lines, one conversation a line, or CSV, one message a line. Redacted, as everything in the store is."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, TextIO

from sqlalchemy import select

from bot.transcripts import audit, opening
from bot.transcripts.database import Database
from bot.transcripts.filters import Filters, wanted_by
from bot.transcripts.held import among
from bot.transcripts.models import Conversation
from bot.transcripts.views import MessageView, Transcript

FORMATS = ("jsonl", "csv")

_AT_ONCE = 200
_COLUMNS = (
    "conversation", "channel", "model", "status", "urgency", "road", "kind", "context", "platform", "forms", "crisis", "rating", "position",
    "at", "sender", "type", "id", "intent", "confidence", "corrected_intent", "good", "text",
)  # fmt: skip
#: A cell that begins with one of these is a formula to a spreadsheet, also in the wide forms of East Asian typing.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")


def transcripts(database: Database, filters: Filters) -> Iterator[Transcript]:
    """All conversations that fit, oldest first; not all in memory at once."""
    with database.reading() as session:
        wanted = wanted_by(filters, session, database.keys)
        ids = among(session, wanted.query().order_by(Conversation.id), wanted.to_compare).tolist()
    for place in range(0, len(ids), _AT_ONCE):
        with database.reading() as session:
            query = select(Conversation).where(Conversation.id.in_(ids[place : place + _AT_ONCE])).order_by(Conversation.id)
            found = [opening.transcript(session, database.keys, row) for row in session.execute(query).scalars().all()]
        yield from found


def export(database: Database, filters: Filters, kind: str, file: TextIO, actor: str) -> int:
    """Write to a file; returns the number of conversations. That it was done goes into the audit log, before the first line is written."""
    with database.writing() as session:
        audit.append(session, database, actor, "exported", detail=f"{kind} {json.dumps(sorted(filters.to_dict()))}")
    write = _write_jsonl if kind == "jsonl" else _write_csv
    return write(transcripts(database, filters), file)


def _write_jsonl(found: Iterator[Transcript], file: TextIO) -> int:
    number = 0
    for transcript in found:
        told = asdict(transcript)
        # Private notes are for the moderators among themselves.
        del told["notes"]
        file.write(json.dumps(told, ensure_ascii=False, default=_plain) + "\n")
        number += 1
    return number


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _write_csv(found: Iterator[Transcript], file: TextIO) -> int:
    # Spreadsheets take a file without this mark for one of an older encoding.
    file.write("\ufeff")
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    number = 0
    for transcript in found:
        writer.writerows([_cell(value) for value in _row(transcript, message)] for message in transcript.messages)
        number += 1
    return number


def _row(transcript: Transcript, message: MessageView) -> tuple[Any, ...]:
    summary = transcript.summary
    rating = {True: "yes", False: "no", None: None}[summary.rating]
    return (
        summary.id, summary.channel, message.model or transcript.model, summary.status, summary.urgency, summary.road, summary.kind,
        summary.context, summary.platform, " ".join(summary.forms), summary.crisis, rating, message.position, message.at.isoformat(),
        message.sender, message.kind, message.ref, message.intent, message.confidence, message.corrected_intent, message.good, message.text,
    )  # fmt: skip


def _cell(value: Any) -> Any:
    """A value that a spreadsheet shows and does not run."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    return f"'{value}" if value.lstrip(" \u00a0\ufeff\u200b").startswith(_FORMULA) else value
