"""The tables of the transcript store.

What could hold words of a person (texts, what was read in them, notes, reasons) is sealed: see :mod:`bot.transcripts.keys`. What a queue
or a figure needs stands in columns: facets, counts, moments. Moments are seconds since 1970, UTC.

A change here needs a migration in ``migrations/versions/``; a test holds that both agree.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy import Column as _Column
from sqlalchemy.orm import declarative_base

#: A column is one thing on the class and another on a row; the type checker's plugin for that does not know our newest mypy.
Column: Any = _Column
Base: Any = declarative_base()

#: SQLite counts up by itself only in a column of exactly this type.
_Id = BigInteger().with_variant(Integer, "sqlite")

#: Values of ``Conversation.urgency``: the order of the queue.
URGENCY_CRISIS, URGENCY_FAILED, URGENCY_UNSURE, URGENCY_NONE = 3, 2, 1, 0

#: Values of ``Conversation.status``.
STATUSES = ("new", "seen", "discuss", "done")

#: Held while accounts are made or lose rights (see ``Database.lock``).
ACCOUNTS_LOCK = 0x61636374

#: Roles of accounts, each with the rights of those before it: look; correct, note, tag; export, accounts, settings.
ROLES = ("reader", "moderator", "admin")


def _of_conversation(**kwargs: Any) -> Any:
    """A column that points to a conversation and goes with it."""
    return Column(_Id, ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False, **kwargs)


_FILTERED = ("status", "channel", "road", "context", "platform", "crisis", "rating", "assigned_to")


class Conversation(Base):
    """One conversation, as the queue of the moderators lists it.

    ``key`` is an HMAC of the sender's id. Somebody who comes back after a long pause begins another conversation under the same key.
    """

    __tablename__ = "conversation"

    id = Column(_Id, primary_key=True)
    key = Column(String(64), nullable=False)
    channel = Column(String(20), nullable=False)
    model = Column(String(64))
    started_at = Column(Float, nullable=False)
    last_at = Column(Float, nullable=False)
    #: Date (ISO) and hour of the day of the start, in Belgium: what figures count by.
    day = Column(String(10), nullable=False)
    hour = Column(SmallInteger, nullable=False)

    urgency = Column(SmallInteger, nullable=False, default=URGENCY_NONE)
    #: The first crisis that was read; stays when the user says that it was a mistake.
    crisis = Column(String(20))
    #: Times that the bot did not understand, was told that it had misunderstood, or broke down.
    failures = Column(Integer, nullable=False, default=0)
    #: Lowest confidence in what a typed message does, or in a facet of it that decided the advice; null when nothing was typed.
    min_confidence = Column(Float)

    road = Column(String(20))
    kind = Column(String(20))
    context = Column(String(20))
    platform = Column(String(40))
    age_band = Column(String(20))
    #: What the user said of the advice: true helpful, false not; null when nothing.
    rating = Column(Boolean)

    n_messages = Column(Integer, nullable=False, default=0)
    n_user_messages = Column(Integer, nullable=False, default=0)
    #: Words that the user typed.
    n_words = Column(Integer, nullable=False, default=0)

    status = Column(String(10), nullable=False, default="new")
    assigned_to = Column(_Id, ForeignKey("account.id", ondelete="SET NULL"))
    #: Counts up with each change that a moderator makes: who changes an older version is told so.
    version = Column(Integer, nullable=False, default=0)

    __table_args__ = (
        Index("conversation_key", "key", "last_at"),
        Index("conversation_last_at", "last_at"),
        # With all that filters ask about: one walk over the index finds what fits, in order, without the rows themselves.
        Index("conversation_queue", "urgency", "last_at", "id", *_FILTERED, "n_messages", "n_words"),
        # One for each filter, in the order of the queue: a page is read off without sorting.
        *(Index(f"conversation_{column}_queue", column, "urgency", "last_at", "id") for column in _FILTERED),
        # An id is never used again: the audit log goes on naming it.
        {"sqlite_autoincrement": True},
    )


class ConversationForm(Base):
    """A form of bullying that was told."""

    __tablename__ = "conversation_form"

    conversation_id = _of_conversation()
    form = Column(String(40), nullable=False)

    __table_args__ = (PrimaryKeyConstraint("form", "conversation_id"), Index("conversation_form_conversation", "conversation_id"))


class ConversationReferral(Base):
    """A helpline that was shown, and how many times it was tapped."""

    __tablename__ = "conversation_referral"

    conversation_id = _of_conversation()
    helpline = Column(String(60), nullable=False)
    tapped = Column(Integer, nullable=False, default=0)

    __table_args__ = (PrimaryKeyConstraint("helpline", "conversation_id"), Index("conversation_referral_conversation", "conversation_id"))


class Message(Base):
    """One message, tap or other thing that happened, in order.

    ``sender``: ``user``, ``bot`` or ``system``. ``kind``: ``text``, ``tip``, ``step``, ``helpline``, ``question`` (bot); ``text``, ``tap``,
    ``feedback`` (user); ``failure`` (system). ``ref``: id of the text, tip, step, helpline or question. ``sealed`` is JSON: text, options,
    facets, confidences, question (the facet that it answers), rules.
    """

    __tablename__ = "message"

    id = Column(_Id, primary_key=True)
    conversation_id = _of_conversation()
    position = Column(Integer, nullable=False)
    at = Column(Float, nullable=False)
    sender = Column(String(6), nullable=False)
    kind = Column(String(12), nullable=False)
    ref = Column(String(80))
    intent = Column(String(40))
    confidence = Column(Float)
    model = Column(String(64))
    sealed = Column(LargeBinary, nullable=False)

    __table_args__ = (UniqueConstraint("conversation_id", "position"),)


class Word(Base):
    """The blind index: which conversation holds which word. A word is known by a keyed hash only."""

    __tablename__ = "word"

    word = Column(BigInteger, nullable=False)
    conversation_id = _of_conversation()

    __table_args__ = (
        PrimaryKeyConstraint("word", "conversation_id"),
        Index("word_conversation", "conversation_id"),
        {"sqlite_with_rowid": False},
    )


class Placeholder(Base):
    """Which number a redacted name, place, ... has in a conversation; the thing itself is known by a keyed hash only."""

    __tablename__ = "placeholder"

    conversation_id = _of_conversation()
    token = Column(String(64), nullable=False)
    kind = Column(String(20), nullable=False)
    number = Column(Integer, nullable=False)

    __table_args__ = (PrimaryKeyConstraint("conversation_id", "token"),)


class Applied(Base):
    """Turns that were taken in, so that one that is delivered again is not taken in twice."""

    __tablename__ = "applied"

    id = Column(String(64), primary_key=True)
    at = Column(Float, nullable=False)

    __table_args__ = (Index("applied_at", "at"),)


class Tombstone(Base):
    """A key whose events up to a moment are to be dropped.

    ``why``: ``erased``, or ``refused`` (no review): then all later events of the conversation leave only counts. Or ``counted``: then
    ``key`` is a keyed hash of a conversation that nobody may read together with one thing that it has added to the counts.
    """

    __tablename__ = "tombstone"

    key = Column(String(64), nullable=False)
    why = Column(String(10), nullable=False)
    at = Column(Float, nullable=False)

    __table_args__ = (PrimaryKeyConstraint("key", "why"), Index("tombstone_at", "at"))


class DailyCount(Base):
    """How often something happened on a day, in Belgium. Holds no conversation, so it stays when conversations go."""

    __tablename__ = "daily_count"

    day = Column(String(10), nullable=False)
    figure = Column(String(20), nullable=False)
    value = Column(String(60), nullable=False, default="")
    n = Column(Integer, nullable=False)

    __table_args__ = (PrimaryKeyConstraint("day", "figure", "value"),)


class Removal(Base):
    """What was removed: the log of retention, erasure and refusal. Numbers only."""

    __tablename__ = "removal"

    id = Column(_Id, primary_key=True)
    at = Column(Float, nullable=False)
    why = Column(String(12), nullable=False)
    conversations = Column(Integer, nullable=False)
    messages = Column(Integer, nullable=False)
    #: Conversations whose last message was before this moment were removed; null when it was one on request.
    before = Column(Float)


class Account(Base):
    """Somebody who may use the console."""

    __tablename__ = "account"

    id = Column(_Id, primary_key=True)
    name = Column(String(80), nullable=False, unique=True)
    #: Null until the owner has chosen a password.
    password_hash = Column(String(255))
    role = Column(String(12), nullable=False)
    active = Column(Boolean, nullable=False, default=True)
    must_change_password = Column(Boolean, nullable=False, default=False)
    created_at = Column(Float, nullable=False)
    last_login_at = Column(Float)
    failed_logins = Column(Integer, nullable=False, default=0)
    locked_until = Column(Float)
    #: Counts up when the password, the role or ``active`` changes: sessions that were opened before no longer hold.
    generation = Column(Integer, nullable=False, default=0)

    __table_args__ = ({"sqlite_autoincrement": True},)


class Correction(Base):
    """What a moderator says that a message means. Null leaves what the bot read."""

    __tablename__ = "correction"

    id = Column(_Id, primary_key=True)
    message_id = Column(_Id, ForeignKey("message.id", ondelete="CASCADE"), nullable=False, unique=True)
    conversation_id = _of_conversation(index=True)
    intent = Column(String(40))
    #: JSON, sealed: the facets as they should have been read, all of them.
    sealed = Column(LargeBinary)
    account_id = Column(_Id, ForeignKey("account.id", ondelete="SET NULL"))
    at = Column(Float, nullable=False)


class Verdict(Base):
    """ "This was a good answer", or wrong because. On a message of the bot or of the user; one for each."""

    __tablename__ = "verdict"

    id = Column(_Id, primary_key=True)
    message_id = Column(_Id, ForeignKey("message.id", ondelete="CASCADE"), nullable=False, unique=True)
    conversation_id = _of_conversation(index=True)
    good = Column(Boolean, nullable=False)
    #: The reason, sealed; null when none was given.
    sealed = Column(LargeBinary)
    account_id = Column(_Id, ForeignKey("account.id", ondelete="SET NULL"))
    at = Column(Float, nullable=False)


class Tag(Base):
    """A word that a moderator put on a conversation."""

    __tablename__ = "tag"

    conversation_id = _of_conversation()
    tag = Column(String(40), nullable=False)

    __table_args__ = (PrimaryKeyConstraint("tag", "conversation_id"), Index("tag_conversation", "conversation_id"))


class Note(Base):
    """A private note of a moderator, sealed."""

    __tablename__ = "note"

    id = Column(_Id, primary_key=True)
    conversation_id = _of_conversation(index=True)
    account_id = Column(_Id, ForeignKey("account.id", ondelete="SET NULL"))
    at = Column(Float, nullable=False)
    sealed = Column(LargeBinary, nullable=False)


class SavedView(Base):
    """Filters that somebody keeps; ``shared`` ones are seen by everybody."""

    __tablename__ = "saved_view"

    id = Column(_Id, primary_key=True)
    account_id = Column(_Id, ForeignKey("account.id", ondelete="CASCADE"), nullable=False)
    name = Column(String(80), nullable=False)
    #: JSON, as ``Filters.to_dict`` gives it, and the ``order``; sealed, for it may hold words that were searched for.
    sealed = Column(LargeBinary, nullable=False)
    shared = Column(Boolean, nullable=False, default=False)

    __table_args__ = (UniqueConstraint("account_id", "name"),)


class AuditEntry(Base):
    """Who did what. Only ever added to: triggers refuse the rest, and each entry holds the hash of the one before it."""

    __tablename__ = "audit"

    id = Column(_Id, primary_key=True)
    at = Column(Float, nullable=False)
    #: Name of the account, or of the part of the program.
    actor = Column(String(80), nullable=False)
    action = Column(String(40), nullable=False)
    #: What it was done to, for instance ``conversation 12``. Never a word of a conversation.
    subject = Column(String(80), nullable=False, default="")
    detail = Column(Text, nullable=False, default="")
    previous = Column(String(64), nullable=False)
    hash = Column(String(64), nullable=False)

    __table_args__ = (Index("audit_look", "actor", "action", "at"),)
