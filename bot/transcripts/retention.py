"""Removal of what is old enough, with a log of how much that was. Counts stay: they hold no conversation."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from bot.runtime.settings import Settings
from bot.transcripts.database import Database
from bot.transcripts.models import Applied, Conversation, Removal, Tombstone

_DAY = 86400.0
#: Removed in one transaction: others who write wait no longer than that takes.
_AT_ONCE = 200
#: Names of turns that were taken in are kept this long beyond the longest retention: a turn that waited is still recognised.
_REMEMBER_DAYS = 30
_LOCK = 0x72657465


@dataclass(frozen=True)
class Removed:
    """What was removed."""

    conversations: int
    messages: int


def remove_old(database: Database, settings: Settings, now: float | None = None) -> Removed:
    """Remove conversations whose last message is older than the settings allow.

    Returns:
        How much; the same stands in the table ``removal``, where there was anything.
    """
    now = time.time() if now is None else now
    normal = now - settings.retention_days * _DAY
    crisis = now - (settings.crisis_retention_days or settings.retention_days) * _DAY
    old = or_(
        and_(Conversation.crisis.is_(None), Conversation.last_at < normal),
        and_(Conversation.crisis.is_not(None), Conversation.last_at < crisis),
    )
    conversations = messages = 0
    while True:
        with database.writing() as session:
            database.lock(session, _LOCK)
            removed = _remove_some(session, old, now, normal)
        if removed is None:
            break
        conversations, messages = conversations + removed.conversations, messages + removed.messages
    _forget_names(database, now, max(settings.retention_days, settings.crisis_retention_days or 0))
    if conversations:
        database.checkpoint()
    database.look_around()
    return Removed(conversations, messages)


def _remove_some(session: Session, old: object, now: float, before: float) -> Removed | None:
    found = session.execute(select(Conversation.id, Conversation.n_messages).where(old).limit(_AT_ONCE)).all()
    if not found:
        return None
    ids = [row.id for row in found]
    session.execute(delete(Conversation).where(Conversation.id.in_(ids)).execution_options(synchronize_session=False))
    removed = Removed(len(found), sum(row.n_messages for row in found))
    # One line for one run, however many transactions it took.
    line = session.execute(select(Removal).where(Removal.at == now, Removal.why == "retention")).scalar_one_or_none()
    if line is None:
        line = Removal(at=now, why="retention", conversations=0, messages=0, before=before)
        session.add(line)
    line.conversations += removed.conversations
    line.messages += removed.messages
    return removed


def _forget_names(database: Database, now: float, longest_days: int) -> None:
    """Names of turns and keys that nothing can come for any more."""
    before = now - (longest_days + _REMEMBER_DAYS) * _DAY
    with database.writing() as session:
        for table in (Applied, Tombstone):
            session.execute(delete(table).where(table.at < before).execution_options(synchronize_session=False))


def removals(database: Database, most: int = 100) -> list[Removal]:
    """The log, newest first."""
    with database.reading() as session:
        rows = session.execute(select(Removal).order_by(Removal.at.desc(), Removal.id.desc()).limit(most)).scalars().all()
        session.expunge_all()
        return list(rows)
