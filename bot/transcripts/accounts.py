"""Accounts of the console. Passwords are hashed by the console; this keeps the hashes."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.transcripts import audit, models
from bot.transcripts.database import Database
from bot.transcripts.errors import NotFound, WrongValue
from bot.transcripts.moments import moment

_LONGEST_NAME = 80


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
        with self._database.reading() as session:
            return [_account(row) for row in session.execute(select(models.Account).order_by(models.Account.name)).scalars()]

    def get(self, account_id: int) -> Account:
        """One by id."""
        with self._database.reading() as session:
            return _account(_found(session, account_id))

    def find(self, name: str) -> Account | None:
        """One by name; capitals do not matter."""
        with self._database.reading() as session:
            row = session.execute(_named(name)).scalar_one_or_none()
            return _account(row) if row else None

    def create(self, name: str, password_hash: str | None, role: str, actor: str, must_change_password: bool = False) -> int:
        """A new account; returns its id."""
        name = " ".join(name.split())
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise WrongValue(f"a name has 1 to {_LONGEST_NAME} characters")
        _check_role(role)
        with self._database.writing() as session:
            self._database.lock(session, models.ACCOUNTS_LOCK)
            if session.execute(_named(name)).first():
                raise WrongValue("there is an account of that name already")
            row = models.Account(
                name=name, password_hash=password_hash, role=role, must_change_password=must_change_password, created_at=time.time()
            )
            session.add(row)
            session.flush()
            audit.append(session, self._database, actor, "account created", subject=f"account {row.id}", detail=f"{name}, {role}")
            return int(row.id)

    def set_password(self, account_id: int, password_hash: str, actor: str, must_change_password: bool = False) -> None:
        """Also unlocks; sessions that were open end (``generation``)."""
        with self._database.writing() as session:
            row = _found(session, account_id)
            row.password_hash, row.must_change_password = password_hash, must_change_password
            row.failed_logins, row.locked_until = 0, None
            row.generation += 1
            audit.append(session, self._database, actor, "password changed", subject=f"account {account_id}")

    def set_role(self, account_id: int, role: str, actor: str) -> None:
        """Refused for the last active admin."""
        _check_role(role)
        with self._database.writing() as session:
            row = self._changeable(session, account_id, stays_admin=role == "admin")
            before, row.role = row.role, role
            row.generation += 1
            audit.append(session, self._database, actor, "role changed", subject=f"account {account_id}", detail=f"{before} to {role}")

    def set_active(self, account_id: int, active: bool, actor: str) -> None:
        """Refused for the last active admin."""
        with self._database.writing() as session:
            row = self._changeable(session, account_id, stays_admin=active)
            row.active = active
            row.generation += 1
            audit.append(session, self._database, actor, "account opened" if active else "account closed", subject=f"account {account_id}")

    def login_succeeded(self, account_id: int) -> None:
        """Remember the moment, forget failures."""
        with self._database.writing() as session:
            row = _found(session, account_id)
            row.last_login_at, row.failed_logins, row.locked_until = time.time(), 0, None
            audit.append(session, self._database, row.name, "logged in", subject=f"account {account_id}")

    def login_failed(self, account_id: int, lock_until: dt.datetime | None) -> int:
        """Count a failure, and lock when told to; returns the failures since the last success."""
        with self._database.writing() as session:
            row = _found(session, account_id)
            row.failed_logins += 1
            if lock_until:
                row.locked_until = lock_until.timestamp()
            audit.append(
                session, self._database, row.name, "login refused", subject=f"account {account_id}", detail=f"failure {row.failed_logins}"
            )
            return int(row.failed_logins)

    def _changeable(self, session: Session, account_id: int, stays_admin: bool) -> models.Account:
        self._database.lock(session, models.ACCOUNTS_LOCK)
        row = _found(session, account_id)
        if row.role == "admin" and row.active and not stays_admin:
            others = select(func.count()).where(models.Account.role == "admin", models.Account.active, models.Account.id != account_id)
            if not session.execute(others).scalar():
                raise WrongValue("this is the last account that may manage accounts")
        return row


def _named(name: str) -> Any:
    return select(models.Account).where(func.lower(models.Account.name) == func.lower(" ".join(name.split())))


def _found(session: Session, account_id: int) -> models.Account:
    row = session.get(models.Account, account_id, with_for_update=True)
    if row is None:
        raise NotFound("there is no such account")
    return row


def _check_role(role: str) -> None:
    if role not in models.ROLES:
        raise WrongValue(f"a role is one of {', '.join(models.ROLES)}")


def _account(row: models.Account) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        role=row.role,
        active=row.active,
        must_change_password=row.must_change_password,
        password_hash=row.password_hash,
        created_at=moment(row.created_at),
        last_login_at=moment(row.last_login_at) if row.last_login_at else None,
        failed_logins=row.failed_logins,
        locked_until=moment(row.locked_until) if row.locked_until else None,
        generation=row.generation,
    )
