"""Who may come in: one-time links, second factors, sessions, lock-out. All of it is in the database, so that it outlives a restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot.console import models, passwords
from bot.transcripts import models as store
from bot.transcripts.accounts import Account, Accounts
from bot.transcripts.audit import AuditLog
from bot.transcripts.database import Database
from bot.transcripts.errors import NotFound, WrongValue

LINK_SECONDS = 3600
FAILURES_BEFORE_LOCK = 5
LOCK_SECONDS = 900
#: A session is written again at most this often, though it is used at every click.
_SEEN_EVERY = 60
_MOST_SEARCHES = 20

ADMIN, MODERATOR, READER = "admin", "moderator", "reader"
_RANK = {role: rank for rank, role in enumerate(store.ROLES)}


def may(role: str, wanted: str) -> bool:
    """Whether a role has the rights of another."""
    return _RANK[role] >= _RANK[wanted]


@dataclass(frozen=True)
class Visitor:
    """Somebody who is logged in. ``session`` is the hash of the token, never the token."""

    account: Account
    session: str

    @property
    def name(self) -> str:
        """The name under which things are done."""
        return self.account.name

    def may(self, role: str) -> bool:
        """Whether this account has the rights of a role."""
        return may(self.account.role, role)


@dataclass(frozen=True)
class Link:
    """A one-time link that still holds. ``name`` is None for the link that makes the first administrator."""

    token_hash: str
    account_id: int | None
    name: str | None
    secret: str


class Logins:
    """Coming in and going out.

    Args:
        idle: seconds without a click after which a session ends.
        longest: seconds after which it ends in any case.
        clock: seconds since 1970; tests give their own.
    """

    def __init__(self, database: Database, idle: float, longest: float, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._idle = idle
        self._longest = longest
        self._clock = clock
        self.accounts = Accounts(database)
        self.audit = AuditLog(database)

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock()

    # --- one-time links ---

    def first_link(self) -> str | None:
        """A link that makes the first administrator, as a token; None when there is one that can log in. Older first links end."""
        with self._database.writing() as session:
            if _has_admin(session):
                return None
            session.execute(delete(models.ConsoleLink).where(models.ConsoleLink.account_id.is_(None)))
            return self._add_link(session, None)

    def make_link(self, account_id: int, actor: str) -> str:
        """A link by which an account gets a new password and a new second factor, as a token; an older one no longer holds.

        The account keeps what it has until the link is used.
        """
        account = self.accounts.get(account_id)
        with self._database.writing() as session:
            session.execute(delete(models.ConsoleLink).where(models.ConsoleLink.account_id == account_id))
            token = self._add_link(session, account_id)
        self.audit.add(actor, "link made", f"account {account_id}", account.name)
        return token

    def _add_link(self, session: Session, account_id: int | None) -> str:
        token = passwords.new_token()
        session.add(
            models.ConsoleLink(
                token_hash=passwords.token_hash(token),
                account_id=account_id,
                secret=self._database.keys.seal(passwords.new_secret()),
                until=self._clock() + LINK_SECONDS,
            )
        )
        return token

    def link(self, token: str) -> Link | None:
        """The link of a token, if it still holds."""
        with self._database.reading() as session:
            row: Any = session.get(models.ConsoleLink, passwords.token_hash(token))
            if row is None or row.until <= self._clock():
                return None
            if row.account_id is None:
                return None if _has_admin(session) else Link(row.token_hash, None, None, self._database.keys.unseal(row.secret))
            account: Any = session.get(store.Account, row.account_id)
            if account is None or not account.active:
                return None
            return Link(row.token_hash, row.account_id, account.name, self._database.keys.unseal(row.secret))

    def use_link(self, link: Link, name: str, password: str, code: str) -> Account | None:
        """Set the password and the second factor; None when the code does not fit. The link is used up, open sessions end.

        Raises:
            WrongValue: a name that cannot be taken.
            NotFound: the link was used in the meantime.
        """
        step = passwords.step_of_code(link.secret, code, self._clock(), 0)
        if step is None:
            return None
        hashed = passwords.hash_password(password)
        with self._database.writing() as session:
            used: Any = session.execute(delete(models.ConsoleLink).where(models.ConsoleLink.token_hash == link.token_hash))
            if used.rowcount != 1:
                raise NotFound("this link was used already")
        account_id = link.account_id
        if account_id is None:
            account_id = self._first_admin(link, name, hashed)
        else:
            self.accounts.set_password(account_id, hashed, actor=link.name or "")
        self._set_factor(account_id, link.secret, step)
        self.end_sessions(account_id)
        self.audit.add(self.accounts.get(account_id).name, "link used", f"account {account_id}")
        return self.accounts.get(account_id)

    def _first_admin(self, link: Link, name: str, hashed: str) -> int:
        try:
            return self.accounts.create(name, hashed, ADMIN, actor="first link")
        except WrongValue:
            # The link holds on: only the name has to be another one.
            with self._database.writing() as session:
                session.add(
                    models.ConsoleLink(
                        token_hash=link.token_hash, secret=self._database.keys.seal(link.secret), until=self._clock() + LINK_SECONDS
                    )
                )
            raise

    def _set_factor(self, account_id: int, secret: str, step: int) -> None:
        with self._database.writing() as session:
            session.merge(models.ConsoleFactor(account_id=account_id, secret=self._database.keys.seal(secret), last_step=step))

    # --- logging in ---

    def log_in(self, name: str, password: str, code: str) -> tuple[str, Account] | None:
        """A new session, as its token, and the account; None when anything is wrong, without saying what."""
        account = self.accounts.find(name)
        if account is None:
            passwords.password_fits(None, password)
            return None
        locked = account.locked_until is not None and account.locked_until.timestamp() > self._clock()
        fits = passwords.password_fits(account.password_hash, password)
        if locked or not account.active:
            return None
        if not fits or not self._code_fits(account.id, code):
            self._count_failure(account)
            return None
        self.accounts.login_succeeded(account.id)
        return self._open_session(account), account

    def confirm(self, account: Account, password: str, code: str) -> bool:
        """Whether somebody who is logged in is who they were; failures count towards the lock."""
        if passwords.password_fits(account.password_hash, password) and self._code_fits(account.id, code):
            return True
        self._count_failure(account)
        return False

    def _count_failure(self, account: Account) -> None:
        # A lock that has run out leaves five more tries, not one.
        if self.accounts.login_failed(account.id, None) % FAILURES_BEFORE_LOCK:
            return
        with self._database.writing() as session:
            row: Any = session.get(store.Account, account.id)
            if row is not None:
                row.locked_until = self._clock() + LOCK_SECONDS
        self.end_sessions(account.id)
        self.audit.add(account.name, "locked out", f"account {account.id}")

    def _code_fits(self, account_id: int, code: str) -> bool:
        """Whether a code is right; it is then used up."""
        with self._database.writing() as session:
            factor: Any = session.get(models.ConsoleFactor, account_id)
            if factor is None:
                return False
            step = passwords.step_of_code(self._database.keys.unseal(factor.secret), code, self._clock(), factor.last_step)
            if step is None:
                return False
            factor.last_step = step
            return True

    # --- sessions ---

    def _open_session(self, account: Account) -> str:
        token, now = passwords.new_token(), self._clock()
        with self._database.writing() as session:
            session.execute(
                delete(models.ConsoleSession).where(
                    (models.ConsoleSession.seen_at < now - self._idle) | (models.ConsoleSession.created_at < now - self._longest)
                )
            )
            session.add(
                models.ConsoleSession(
                    token_hash=passwords.token_hash(token),
                    account_id=account.id,
                    generation=account.generation,
                    created_at=now,
                    seen_at=now,
                )
            )
        return token

    def visitor(self, token: str) -> Visitor | None:
        """Who holds a token, if its session still holds."""
        now, hashed = self._clock(), passwords.token_hash(token)
        with self._database.reading() as session:
            row: Any = session.get(models.ConsoleSession, hashed)
            if row is None or row.seen_at < now - self._idle or row.created_at < now - self._longest:
                return None
            account_id, generation, seen_at = row.account_id, row.generation, row.seen_at
        try:
            account = self.accounts.get(account_id)
        except NotFound:
            return None
        if not account.active or account.generation != generation:
            return None
        if now - seen_at > _SEEN_EVERY:
            with self._database.writing() as session:
                again: Any = session.get(models.ConsoleSession, hashed)
                if again is not None:
                    again.seen_at = now
        return Visitor(account, hashed)

    def log_out(self, visitor: Visitor) -> None:
        """End one session."""
        with self._database.writing() as session:
            session.execute(delete(models.ConsoleSession).where(models.ConsoleSession.token_hash == visitor.session))
        self.audit.add(visitor.name, "logged out", f"account {visitor.account.id}")

    def end_sessions(self, account_id: int) -> None:
        """End all sessions of an account."""
        with self._database.writing() as session:
            session.execute(delete(models.ConsoleSession).where(models.ConsoleSession.account_id == account_id))

    def open_sessions(self) -> dict[int, int]:
        """Number of sessions that still hold, by account."""
        now = self._clock()
        table = models.ConsoleSession
        with self._database.reading() as session:
            rows = session.execute(
                select(table.account_id, func.count())
                .where(table.seen_at >= now - self._idle, table.created_at >= now - self._longest)
                .group_by(table.account_id)
            )
            return {int(account_id): int(count) for account_id, count in rows}

    def change_password(self, visitor: Visitor, password: str) -> str:
        """A new password: all sessions end, and a new one is opened for who changed it; its token."""
        self.accounts.set_password(visitor.account.id, passwords.hash_password(password), actor=visitor.name)
        self.end_sessions(visitor.account.id)
        return self._open_session(self.accounts.get(visitor.account.id))

    # --- words that were searched for ---

    def keep_search(self, visitor: Visitor, words: str) -> str:
        """Keep words under a short key for as long as the session holds, so that no address needs to hold them."""
        with self._database.writing() as session:
            row: Any = session.get(models.ConsoleSession, visitor.session)
            searches = self._searches(row)
            key = next((known for known, value in searches.items() if value == words), None) or passwords.new_token()[:8]
            searches.pop(key, None)
            searches[key] = words
            if row is not None:
                row.searches = self._database.keys.seal(dict(list(searches.items())[-_MOST_SEARCHES:]))
        return key

    def search(self, visitor: Visitor, key: str) -> str:
        """The words under a key; empty when there are none (any more)."""
        with self._database.reading() as session:
            return self._searches(session.get(models.ConsoleSession, visitor.session)).get(key, "")

    def _searches(self, row: Any) -> dict[str, str]:
        return dict(self._database.keys.unseal(row.searches)) if row is not None and row.searches else {}


def _has_admin(session: Session) -> bool:
    """Whether an administrator can log in."""
    able = (
        select(store.Account.id)
        .join(models.ConsoleFactor, models.ConsoleFactor.account_id == store.Account.id)
        .where(store.Account.role == ADMIN, store.Account.active.is_(True), store.Account.password_hash.is_not(None))
    )
    return session.execute(able.limit(1)).first() is not None
