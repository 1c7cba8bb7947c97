"""The audit log: who did what. Append-only, each entry bound to the one before it by a keyed hash."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.transcripts.database import Database
from bot.transcripts.models import AuditEntry
from bot.transcripts.moments import moment

#: Looking at the same thing again within so many seconds is the same look: a page that is loaded again writes no second entry.
LOOK_SECONDS = 600.0

_LOCK = 0x61756474
_LONGEST = {"actor": 80, "action": 40, "subject": 80, "detail": 2000}


@dataclass(frozen=True)
class Entry:
    """See :class:`bot.transcripts.models.AuditEntry`."""

    id: int
    at: dt.datetime
    actor: str
    action: str
    subject: str
    detail: str


class AuditLog:
    """Adds and reads entries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, actor: str, action: str, subject: str = "", detail: str = "") -> None:
        """For what happens outside the repository: logging in, an export."""
        with self._database.writing() as session:
            append(session, self._database, actor, action, subject=subject, detail=detail)

    def add_look(self, actor: str, action: str, subject: str = "", detail: str = "") -> None:
        """For looking at something outside the repository, a list for instance (see :func:`append_look`)."""
        with self._database.writing() as session:
            append_look(session, self._database, actor, action, subject=subject, detail=detail)

    def entries(self, page: int = 1, size: int = 100, actor: str | None = None, subject: str | None = None) -> Sequence[Entry]:
        """Newest first."""
        query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(size).offset((max(1, page) - 1) * size)
        if actor is not None:
            query = query.where(AuditEntry.actor == actor)
        if subject is not None:
            query = query.where(AuditEntry.subject == subject)
        with self._database.reading() as session:
            rows = session.execute(query).scalars()
            return [Entry(row.id, moment(row.at), row.actor, row.action, row.subject, row.detail) for row in rows]

    def broken_at(self) -> int | None:
        """Id of the first entry that was changed, or before which one is missing; None when the chain holds.

        Entries cut off at the end leave no trace in the chain itself: a copy of the last hash elsewhere shows those.
        """
        previous = ""
        with self._database.reading() as session:
            for row in session.execute(select(AuditEntry).order_by(AuditEntry.id)).scalars():
                if row.previous != previous or row.hash != _hash(self._database, row):
                    return int(row.id)
                previous = row.hash
        return None


def append_look(
    session: Session, database: Database, actor: str, action: str, *, subject: str = "", detail: str = "", since: float = 0.0
) -> None:
    """Add an entry for a look, unless the same one by the same person stands there for :data:`LOOK_SECONDS` or less.

    Args:
        since: what is looked at is as it is from this moment on; a look from before it was another look.
    """
    database.lock(session, _LOCK)
    same = (AuditEntry.actor == actor, AuditEntry.action == action, AuditEntry.subject == subject, AuditEntry.detail == detail)
    recent = AuditEntry.at >= max(time.time() - LOOK_SECONDS, since)
    if session.execute(select(AuditEntry.id).where(*same, recent).limit(1)).first() is None:
        append(session, database, actor, action, subject=subject, detail=detail)


def append(session: Session, database: Database, actor: str, action: str, *, subject: str = "", detail: str = "") -> None:
    """Add an entry in a transaction that changes something."""
    database.lock(session, _LOCK)
    given = {"actor": actor, "action": action, "subject": subject, "detail": detail}
    last = session.execute(select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)).scalar()
    entry = AuditEntry(at=time.time(), previous=last or "", **{name: value[: _LONGEST[name]] for name, value in given.items()})
    entry.hash = _hash(database, entry)
    session.add(entry)
    session.flush()


def _hash(database: Database, entry: AuditEntry) -> str:
    told = json.dumps([entry.at, entry.actor, entry.action, entry.subject, entry.detail])
    return database.keys.audit(entry.previous, told)
