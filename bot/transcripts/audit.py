"""The audit log: who did what. Append-only, each entry bound to the one before it by a hash."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from bot.transcripts.database import Database


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
        raise NotImplementedError

    def entries(self, page: int = 1, size: int = 100, actor: str | None = None, subject: str | None = None) -> Sequence[Entry]:
        """Newest first."""
        raise NotImplementedError

    def broken_at(self) -> int | None:
        """Id of the first entry that was tampered with; None when the chain holds."""
        raise NotImplementedError
