"""Accounts of the console. Passwords are hashed by the console; this keeps the hashes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from bot.transcripts.database import Database


@dataclass(frozen=True)
class Account:
    """See :class:`bot.transcripts.models.Account`."""

    id: int
    name: str
    role: str
    active: bool
    must_change_password: bool
    password_hash: str | None
    created_at: dt.datetime
    last_login_at: dt.datetime | None
    failed_logins: int
    locked_until: dt.datetime | None
    generation: int


class Accounts:
    """Each change is audited and made in one transaction.

    Raises (methods with an id): NotFound. Methods with a name or role: WrongValue, for one that is taken or unknown.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Sequence[Account]:
        """By name."""
        raise NotImplementedError

    def get(self, account_id: int) -> Account:
        """One by id."""
        raise NotImplementedError

    def find(self, name: str) -> Account | None:
        """One by name; capitals do not matter."""
        raise NotImplementedError

    def create(self, name: str, password_hash: str | None, role: str, actor: str, must_change_password: bool = False) -> int:
        """A new account; returns its id."""
        raise NotImplementedError

    def set_password(self, account_id: int, password_hash: str, actor: str, must_change_password: bool = False) -> None:
        """Also unlocks; sessions that were open end (``generation``)."""
        raise NotImplementedError

    def set_role(self, account_id: int, role: str, actor: str) -> None:
        """Refused for the last active admin."""
        raise NotImplementedError

    def set_active(self, account_id: int, active: bool, actor: str) -> None:
        """Refused for the last active admin."""
        raise NotImplementedError

    def login_succeeded(self, account_id: int) -> None:
        """Remember the moment, forget failures."""
        raise NotImplementedError

    def login_failed(self, account_id: int, lock_until: dt.datetime | None) -> int:
        """Count a failure, and lock when told to; returns the failures since the last success."""
        raise NotImplementedError
