"""Conversations that hold a word, a form or a tag, as arrays of their ids.

Ids come out of the database as one text, which costs a fifth of as many rows. Words of which each stands in tens of thousands of
conversations are compared by PostgreSQL itself; SQLite would look up each row, so it hands them over and numpy compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Text, and_, cast, func, select
from sqlalchemy.orm import Session, aliased

#: In any order; one may stand there more than once.
Ids = NDArray[np.int64]

#: So few are named in a query, in place of reading all that a word has.
_FEW = 1000
#: The first ones are looked for among so many of a list, and so many more for each that is wanted; then among all.
_AT_FIRST, _MANY_TIMES = 1000, 40


def holding(session: Session, column: Any, choices: Sequence[Sequence[Any]]) -> Ids:
    """Ids of the conversations that have, for every choice, a row with one of its values.

    Args:
        column: where the values stand, in a table with a ``conversation_id``.
    """
    tables = [aliased(column.class_) for _choice in choices]
    (first, first_row), *others = [(table, getattr(table, column.key).in_(choice)) for table, choice in zip(tables, choices, strict=True)]
    query = select(first.conversation_id).where(first_row)
    if session.get_bind().dialect.name != "sqlite":
        # PostgreSQL reads the rows of each choice off an index, in order, and merges them: much less work than to hand all of them over.
        for table, row in others:
            query = query.join(table, and_(table.conversation_id == first.conversation_id, row))
        return _ids(session, query)
    found = _ids(session, query)
    for table, row in others:
        query = select(table.conversation_id).where(row)
        if len(found) <= _FEW:
            query = query.where(table.conversation_id.in_(found.tolist()))
        found = both(found, _ids(session, query))
    return found


def both(ids: Ids, others: Ids) -> Ids:
    """The ids that are among others, in their order."""
    if not (len(ids) and len(others)):
        return ids[:0]
    # Ids are given out one after the other and go when they are old: those that are there lie close together.
    lowest, highest = others.min(), others.max()
    known = np.zeros(highest - lowest + 1, dtype=bool)
    known[others - lowest] = True
    ids = ids[(ids >= lowest) & (ids <= highest)]
    return ids[known[ids - lowest]]


def among(session: Session, query: Any, held: Ids | None) -> Ids:
    """The ids that a query gives (one column, the id of a conversation) that are held, all for None, in the order of the query."""
    ids = _ids(session, query)
    return ids if held is None else both(ids, held)


def first_among(session: Session, query: Any, held: Ids, number: int) -> list[int]:
    """As many of the first ids that a query gives and that are held, in the order of the query."""
    found = among(session, query.limit(_AT_FIRST + _MANY_TIMES * number), held)
    return (found if len(found) >= number else among(session, query, held))[:number].tolist()


def _ids(session: Session, query: Any) -> Ids:
    """What a query gives, in its order: both databases join the rows of a sorted subquery as they come."""
    rows = query.subquery()
    (column,) = rows.c
    joined = func.group_concat(column) if session.get_bind().dialect.name == "sqlite" else func.string_agg(cast(column, Text), ",")
    return np.fromstring(session.execute(select(joined)).scalar() or "", dtype=np.int64, sep=",")
