"""Numbers under five are not shown, and cannot be worked out from those that are.

A table is a set of cells and of sums: one cell is the sum of others. Hiding the small cells is not enough: where one cell of a sum is
hidden and the rest is shown, it is the difference. So more cells are hidden, smallest first, until no small one follows from what is
shown: that is a question about linear equations, and is answered as such.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

#: Numbers below this are not shown; none at all is.
SMALLEST = 5

_Key = TypeVar("_Key", bound=Hashable)


def protect(
    cells: Mapping[_Key, int], sums: Sequence[tuple[_Key, Sequence[_Key]]], shown: Collection[_Key] = (), unshown: Collection[_Key] = ()
) -> set[_Key]:
    """The cells to hide.

    Args:
        cells: the numbers.
        sums: pairs of a total and its parts; every total is the sum of its parts.
        shown: cells that are shown elsewhere already and cannot be hidden here.
        unshown: cells that are shown nowhere; that they cannot be worked out, when they are small, matters all the same.
    """
    hidden = {key for key, count in cells.items() if _is_small(count)} | set(unshown)
    while True:
        at_risk = _first_at_risk(cells, sums, hidden)
        if at_risk is None:
            return hidden
        more = _beside(at_risk, sums, {key for key, count in cells.items() if count and key not in hidden and key not in shown})
        if not more:
            # Nothing is left to hide beside it: then nothing of the table is shown.
            return {key for key in cells if key not in shown}
        hidden.add(min(more, key=lambda key: cells[key]))


def _beside(cell: _Key, sums: Sequence[tuple[_Key, Sequence[_Key]]], wanted: Collection[_Key]) -> list[_Key]:
    """The wanted cells nearest to a cell: those in a sum with it, else those in a sum with one of these, and so on."""
    near = {cell}
    while True:
        grown = near.union(*({total, *parts} for total, parts in sums if not near.isdisjoint((total, *parts))))
        found = [key for key in grown if key in wanted]
        if found or grown == near:
            return sorted(found, key=str)
        near = grown


def _is_small(count: int) -> bool:
    return 0 < count < SMALLEST


def _first_at_risk(cells: Mapping[_Key, int], sums: Sequence[tuple[_Key, Sequence[_Key]]], hidden: set[_Key]) -> _Key | None:
    """A hidden cell that is small, or part of a group whose sum is small, and follows from what is shown."""
    for total, parts in sums:
        away = [cells[key] for key in parts if key in hidden]
        alone = len(away) == 1 and _is_small(away[0])
        if total not in hidden and (alone or _is_small(sum(away))):
            return next(key for key in parts if key in hidden)
    return next((key for key in _determined(sums, hidden) if _is_small(cells[key])), None)


def _determined(sums: Sequence[tuple[_Key, Sequence[_Key]]], hidden: set[_Key]) -> list[_Key]:
    """Hidden cells with only one possible value: those on which no solution of the equations leaves any freedom."""
    order = [key for total, parts in sums for key in (total, *parts) if key in hidden]
    unknowns = list(dict.fromkeys(order))
    if not unknowns:
        return []
    place = {key: number for number, key in enumerate(unknowns)}
    equations = np.zeros((len(sums), len(unknowns)))
    for row, (total, parts) in enumerate(sums):
        for key in parts:
            if key in place:
                equations[row, place[key]] += 1
        if total in place:
            equations[row, place[total]] -= 1
    _left, sizes, right = np.linalg.svd(equations)
    rank = int((sizes > 1e-9).sum())
    freedom = np.abs(right[rank:]).sum(axis=0) if rank < len(unknowns) else np.zeros(len(unknowns))
    return [key for key in unknowns if freedom[place[key]] < 1e-9]
