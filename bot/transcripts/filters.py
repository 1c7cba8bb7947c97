"""Which conversations a list shows, and what finds them fast.

What stands in the row of a conversation is found by the database, over an index in the order of the list. Conversations that hold a word, a
form or a tag are looked up first (:mod:`bot.transcripts.held`): few become a condition like the others, with many the list is compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any

from sqlalchemy import and_, func, literal_column, or_, select
from sqlalchemy.orm import Session

from bot.transcripts.errors import WrongValue
from bot.transcripts.held import Ids, both, holding
from bot.transcripts.keys import Keys
from bot.transcripts.models import Conversation, ConversationForm, Tag, Word
from bot.transcripts.moments import start_of
from bot.transcripts.spelled import words_of

#: A condition in SQL, whose types the checker does not follow.
Condition = Any

#: Up to this many conversations that hold a thing are named in the query itself.
_FEW = 500
_LONGEST_TEXT = 200
_MOST_WORDS = 12
_MOST_CHOICES = 60


@dataclass(frozen=True)
class Filters:
    """Which conversations. Everything left empty asks for nothing; several values of one field are "one of these".

    ``text``: words that must all occur in what the user typed (whole words, spelling is normalised). ``crisis`` may hold ``any``,
    ``rating`` holds ``yes``, ``no``, ``none``. ``since`` and ``until`` are days, both included, of the last message. Lengths are counts of
    messages of both sides, words those that the user typed.
    """

    text: str = ""
    status: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    road: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    crisis: tuple[str, ...] = ()
    rating: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    urgency: tuple[int, ...] = ()
    assigned_to: int | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    min_messages: int | None = None
    max_messages: int | None = None
    min_words: int | None = None
    max_words: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without what is empty."""
        told = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: _plain(value) for name, value in told.items() if value not in (None, "", ())}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Filters:
        """What :meth:`to_dict` gave.

        Raises:
            WrongValue: unknown field, or a value of another type.
        """
        types = {item.name: str(item.type) for item in fields(cls)}
        if not isinstance(data, Mapping) or not set(data) <= set(types):
            raise WrongValue("these filters cannot be read")
        return cls(**{name: _read(types[name], value) for name, value in data.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _read(kind: str, value: Any) -> Any:
    if kind == "str" and isinstance(value, str):
        return value
    if kind == "int | None" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind == "dt.date | None" and isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    wanted = int if kind == "tuple[int, ...]" else str
    if kind.startswith("tuple") and isinstance(value, (list, tuple)) and all(type(item) is wanted for item in value):
        return tuple(value)
    raise WrongValue("these filters cannot be read")


_RATING: dict[str, bool | None] = {"yes": True, "no": False, "none": None}
_COLUMNS = ("status", "channel", "road", "context", "platform", "urgency")
_LENGTHS = (("messages", Conversation.n_messages), ("words", Conversation.n_words))


@dataclass(frozen=True)
class Wanted:
    """What a list shows: conversations for which conditions hold, and that are among some ids besides; None: all are."""

    conditions: list[Condition]
    held: Ids | None = None

    @property
    def to_compare(self) -> Ids | None:
        """Ids with which the outcome of :meth:`query` has to be compared; None when the query says it all."""
        return None if self._is_few else self.held

    @property
    def _is_few(self) -> bool:
        return self.held is not None and len(self.held) <= _FEW

    def query(self, *columns: Any, further: Sequence[Condition] = ()) -> Any:
        """Ids of conversations, or other columns of them, in no order yet.

        Several conditions are answered by the index of the queue: SQLite would take an index for one, and look up rows by the thousand.
        """
        conditions_ = [*self.conditions, *further]
        query = select(*(columns or [Conversation.id])).select_from(Conversation).where(*conditions_)
        if self._is_few and self.held is not None:
            return query.where(Conversation.id.in_(self.held.tolist()))
        return query.with_hint(Conversation, "INDEXED BY conversation_queue", "sqlite") if len(conditions_) > 1 else query


def wanted_by(filters: Filters, session: Session, keys: Keys) -> Wanted:
    """What filters ask for.

    Raises:
        WrongValue: a value that nothing can be looked for by.
    """
    if len(filters.text) > _LONGEST_TEXT or any(len(_plain_choices(filters, name)) > _MOST_CHOICES for name in (*_COLUMNS, "form", "tag")):
        raise WrongValue("that is more than can be looked for at once")
    found: list[Condition] = []
    for name in _COLUMNS:
        if chosen := getattr(filters, name):
            found.append(getattr(Conversation, name).in_(chosen))
    if filters.crisis:
        among = Conversation.crisis.in_(filters.crisis)
        # Whatever has a crisis stands in one stretch of the queue.
        found.append(Conversation.crisis.is_not(None) if "any" in filters.crisis else among)
    if filters.rating:
        if not set(filters.rating) <= set(_RATING):
            raise WrongValue(f"a rating is one of {', '.join(_RATING)}")
        wanted = [_RATING[rating] for rating in filters.rating]
        found.append(or_(*(Conversation.rating.is_(value) for value in wanted)))
    if filters.assigned_to is not None:
        found.append(Conversation.assigned_to == filters.assigned_to)
    if filters.since:
        found.append(Conversation.last_at >= start_of(filters.since))
    if filters.until:
        found.append(Conversation.last_at < start_of(filters.until + dt.timedelta(days=1)))
    for name, column in _LENGTHS:
        if (least := getattr(filters, f"min_{name}")) is not None:
            found.append(column >= least)
        if (most := getattr(filters, f"max_{name}")) is not None:
            found.append(column <= most)
    return Wanted(found, _held(filters, session, keys))


def _plain_choices(filters: Filters, name: str) -> tuple[Any, ...]:
    return tuple(getattr(filters, name))


def _held(filters: Filters, session: Session, keys: Keys) -> Ids | None:
    """Conversations that hold all words, one of the forms and one of the tags that are asked for; None when none are."""
    found = []
    if filters.text:
        found.append(holding(session, Word.word, [[keys.word(word)] for word in _searched(filters.text)]))
    if filters.form:
        found.append(holding(session, ConversationForm.form, [filters.form]))
    if filters.tag:
        found.append(holding(session, Tag.tag, [filters.tag]))
    return reduce(both, found) if found else None


def _searched(text: str) -> list[str]:
    words = words_of(text)
    if not words:
        raise WrongValue("there is no word in what is looked for")
    if len(words) > _MOST_WORDS:
        raise WrongValue(f"at most {_MOST_WORDS} words can be looked for at once")
    return words


_ORDERS: dict[str, tuple[Any, ...]] = {
    "urgency": (Conversation.urgency.desc(), Conversation.last_at.desc(), Conversation.id.desc()),
    "newest": (Conversation.last_at.desc(), Conversation.id.desc()),
    "oldest": (Conversation.last_at, Conversation.id),
}

#: Ways to sort a list: ``urgency`` is crisis, then bot failed, then unsure, then newest.
ORDERS = tuple(_ORDERS)


def order_by(order: str) -> tuple[Any, ...]:
    """Columns to sort by.

    Raises:
        WrongValue: no such order.
    """
    if order not in _ORDERS:
        raise WrongValue(f"an order is one of {', '.join(ORDERS)}")
    return _ORDERS[order]


def beyond(order: str, row: Conversation, after: bool) -> tuple[Condition, tuple[Any, ...]]:
    """What comes after a conversation in an order (or before it), and how to sort to have the nearest first."""
    columns = {"urgency": ("urgency", "last_at", "id")}.get(order, ("last_at", "id"))
    smaller = (order != "oldest") == after
    parts = []
    for place, name in enumerate(columns):
        same = [getattr(Conversation, before) == getattr(row, before) for before in columns[:place]]
        column, value = getattr(Conversation, name), getattr(row, name)
        parts.append(and_(*same, column < value if smaller else column > value))
    sort = tuple(getattr(Conversation, name).desc() if smaller else getattr(Conversation, name) for name in columns)
    return or_(*parts), sort


def count_up_to(session: Session, wanted: Wanted, limit: int) -> int:
    """How many conversations fit, counted no further than one beyond a limit."""
    some = wanted.query(literal_column("1")).limit(limit + 1)
    return int(session.execute(select(func.count()).select_from(some.subquery())).scalar() or 0)
