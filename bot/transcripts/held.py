"""Conversations that hold a word, a form or a tag, as arrays of their ids.

Ids come out of the database as one text, which costs a fifth of as many rows, and are compared with numpy: words of which each stands in
tens of thousands of conversations are found together in milliseconds, whatever the database thinks of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

#: In any order; one may stand there more than once.
Ids = NDArray[np.int64]

#: The first ones are looked for among so many of a list, and so many more for each that is wanted; then among all.
_AT_FIRST, _MANY_TIMES = 1000, 40


def holding(session: Session, column: Any, conditions: Sequence[Any]) -> Ids:
    """Ids of the conversations for which every condition has a row.

    Args:
        column: the id of the conversation, in the table of the conditions.
    """
    return reduce(both, (_ids(session, select(column).where(condition)) for condition in conditions))


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
