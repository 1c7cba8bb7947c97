"""Tables that only the console needs: who is logged in, second factors, one-time links, alerts that were sent.

They hang on the tables of :mod:`bot.transcripts.models` and are made by the same migrations.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, LargeBinary, String

from bot.transcripts.models import Base

_Id = BigInteger().with_variant(Integer, "sqlite")


class ConsoleSession(Base):
    """An open login. The token itself is only in the cookie; here is its hash.

    ``generation`` is that of the account when it logged in: once they differ the session no longer holds. ``searches`` is sealed JSON:
    the words that were searched for, by a short key that may stand in an address.
    """

    __tablename__ = "console_session"

    token_hash = Column(String(64), primary_key=True)
    account_id = Column(_Id, ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True)
    generation = Column(Integer, nullable=False)
    created_at = Column(Float, nullable=False)
    seen_at = Column(Float, nullable=False)
    searches = Column(LargeBinary)

    __table_args__ = (Index("console_session_seen_at", "seen_at"),)


class ConsoleFactor(Base):
    """The second factor of an account: the TOTP secret, sealed, and the last time step that was used, so that a code holds once."""

    __tablename__ = "console_factor"

    account_id = Column(_Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    secret = Column(LargeBinary, nullable=False)
    last_step = Column(Integer, nullable=False, default=0)


class ConsoleLink(Base):
    """A one-time link by which somebody chooses a password and takes up a second factor.

    Without an account it makes the first administrator. ``secret`` is the TOTP secret that the page shows, sealed.
    """

    __tablename__ = "console_link"

    token_hash = Column(String(64), primary_key=True)
    account_id = Column(_Id, ForeignKey("account.id", ondelete="CASCADE"), unique=True)
    secret = Column(LargeBinary, nullable=False)
    until = Column(Float, nullable=False)


class ConsoleAlert(Base):
    """A crisis conversation about which an e-mail was sent."""

    __tablename__ = "console_alert"

    conversation_id = Column(_Id, ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    at = Column(Float, nullable=False)
