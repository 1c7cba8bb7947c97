"""The figures of a year and of its months, with small numbers hidden across all that can be asked for.

Periods are whole months and whole years, nothing between: the difference of two periods would else be a number of its own.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bot.console.disclosure import SMALLEST, protect
from bot.transcripts.repository import Figures

#: Stands for the whole year where a month would stand.
YEAR = 0
#: The rest of a total, about which nothing is known.
UNKNOWN = "?"
#: Hours at which most services and all schools are open, on working days.
OFFICE_HOURS = range(9, 17)

#: Breakdowns whose values exclude each other and make up the total, once those of which nothing is known are added.
_PARTITIONS = ("channels", "roads", "contexts", "platforms", "crises")
#: Breakdowns of which one conversation can have several values.
_MULTIPLE = ("forms", "referrals_shown", "referrals_tapped")
#: Single numbers; what is left of the total could be worked out from each.
_SINGLE = ("failed", "helpful", "not_helpful", "refused")

#: Rows of conversations outside office hours, and inside them.
_OUTSIDE, _INSIDE = "outside", "inside"
#: Rows that are shown nowhere, but are left when the charts of hours and of days are laid beside the share out of hours:
#: by day and by night, on working days and on free ones.
_DAY, _NIGHT, _FREE_DAY, _FREE_NIGHT, _WORKING_NIGHT = "day", "night", "free day", "free night", "working night"
#: On free days: it follows from the chart of the days.
_FREE = "free"

_Cell = tuple[str, int]
_Sum = tuple[_Cell, list[_Cell]]


@dataclass(frozen=True)
class _Groups:
    """Further rows of a table: value -> month -> count.

    ``sums``: pairs of a row and those that it is the sum of. ``unshown``: rows that stand nowhere; ``known``: rows that stand elsewhere.
    """

    rows: Mapping[str, Mapping[int, int]]
    sums: Sequence[tuple[str, Sequence[str]]]
    unshown: Collection[str]
    known: Collection[str]


@dataclass(frozen=True)
class Report:
    """What may be shown of one period. None: hidden.

    ``breakdowns``: by name, values with their counts, largest first. ``steps``: by month (of a year) or by day (of a month).
    """

    year: int
    month: int
    total: int | None
    steps: dict[int, int | None]
    breakdowns: dict[str, dict[str, int | None]]
    single: dict[str, int | None]
    empty: bool = field(default=False)

    def share(self, count: int | None) -> float | None:
        """Part of the total, between 0 and 1."""
        return count / self.total if count is not None and self.total else None


class YearFigures:
    """A year, read once; the reports of the year and of each month agree on what is hidden.

    Args:
        read: figures over days, both included.
    """

    def __init__(self, year: int, read: Callable[[dt.date, dt.date], Figures]) -> None:
        self.year = year
        self._of: dict[int, Figures] = {YEAR: read(dt.date(year, 1, 1), dt.date(year, 12, 31))}
        for month in range(1, 13):
            self._of[month] = read(dt.date(year, month, 1), dt.date(year, month, calendar.monthrange(year, month)[1]))
        totals = {month: self._of[month].conversations for month in range(1, 13)}
        totals[YEAR] = sum(totals.values())
        self._totals = totals
        self._hidden_totals = protect(totals, [(YEAR, list(range(1, 13)))])
        self._tables = {name: self._partition(self._by(name)) for name in _PARTITIONS}
        self._tables["per_hour"] = self._partition(self._by("per_hour"), self._office())
        self._tables |= {name: self._multiple(self._by(name)) for name in _MULTIPLE}
        self._tables |= {name: self._partition(self._number(name)) for name in _SINGLE}

    def report(self, month: int = YEAR) -> Report:
        """What may be shown of a month, or of the whole year."""
        total = None if month in self._hidden_totals else self._totals[month]
        tables = {name: self._column(table, month) for name, table in self._tables.items()}
        single = {name: tables.pop(name).get(name, 0) for name in _SINGLE}
        single["out_of_hours"] = tables["per_hour"].get(_OUTSIDE, 0)
        tables["per_hour"] = {hour: count for hour, count in tables["per_hour"].items() if hour == UNKNOWN or hour.isdecimal()}
        none = tables["crises"].pop(UNKNOWN, 0)
        single["crisis"] = None if total is None or none is None else total - none
        return Report(self.year, month, total, self._steps(month), tables, single, empty=not self._totals[month])

    # --- tables: value -> month -> count -----------------------------------------------------------------------------

    def _by(self, name: str) -> dict[str, dict[int, int]]:
        table: dict[str, dict[int, int]] = {}
        for month in range(1, 13):
            counts: Mapping[object, int] = getattr(self._of[month], name)
            for value, count in counts.items():
                table.setdefault(str(value), {})[month] = count
        return table

    def _number(self, name: str) -> dict[str, dict[int, int]]:
        return {name: {month: getattr(self._of[month], name) for month in range(1, 13)}}

    def _office(self) -> _Groups:
        """The rows about office hours, beside those of the hours."""
        hours = {value: counts for value, counts in self._by("per_hour").items() if any(counts.values())}
        working = self._by("per_working_hour")
        by_day = [value for value in hours if int(value) in OFFICE_HOURS]
        by_night = [value for value in hours if value not in by_day]

        def of(table: Mapping[str, Mapping[int, int]], values: Sequence[str]) -> dict[int, int]:
            return {month: sum(table.get(value, {}).get(month, 0) for value in values) for month in range(1, 13)}

        rows = {_DAY: of(hours, by_day), _NIGHT: of(hours, by_night), _INSIDE: of(working, by_day), _WORKING_NIGHT: of(working, by_night)}
        rows[_FREE_DAY] = {month: rows[_DAY][month] - rows[_INSIDE][month] for month in range(1, 13)}
        rows[_FREE_NIGHT] = {month: rows[_NIGHT][month] - rows[_WORKING_NIGHT][month] for month in range(1, 13)}
        rows[_FREE] = {month: rows[_FREE_DAY][month] + rows[_FREE_NIGHT][month] for month in range(1, 13)}
        rows[_OUTSIDE] = {month: rows[_NIGHT][month] + rows[_FREE_DAY][month] for month in range(1, 13)}
        sums = [
            (_DAY, by_day),
            (_NIGHT, by_night),
            (_DAY, [_INSIDE, _FREE_DAY]),
            (_NIGHT, [_WORKING_NIGHT, _FREE_NIGHT]),
            (_FREE, [_FREE_DAY, _FREE_NIGHT]),
            (_OUTSIDE, [_NIGHT, _FREE_DAY]),
            ("", [_OUTSIDE, _INSIDE, UNKNOWN]),
        ]
        return _Groups(rows, sums, unshown=(_DAY, _NIGHT, _INSIDE, _FREE_DAY, _FREE_NIGHT, _WORKING_NIGHT), known=(_FREE,))

    def _partition(self, table: dict[str, dict[int, int]], groups: _Groups | None = None) -> dict[str, dict[int, int | None]]:
        """Hide in a table whose values make up the total of each month; ``groups``: more rows."""
        known = {month: sum(counts.get(month, 0) for counts in table.values()) for month in range(1, 13)}
        # A count can be ahead of the total by what happens while it is read; it is never allowed to make a negative rest.
        rest = {month: max(0, self._totals[month] - known[month]) for month in range(1, 13)}
        full = {**table, UNKNOWN: rest}
        sums: list[_Sum] = [(("", month), [(value, month) for value in full]) for month in range(13)]
        totals = {("", month): sum(full[value].get(month, 0) for value in full) for month in range(1, 13)}
        if groups:
            sums += [((name, month), [(value, month) for value in parts]) for name, parts in groups.sums for month in range(13)]
            full |= {name: dict(counts) for name, counts in groups.rows.items()}
        return self._protected(full, sums, totals, groups)

    def _multiple(self, table: dict[str, dict[int, int]]) -> dict[str, dict[int, int | None]]:
        """Hide in a table whose values overlap: only the year follows from its months."""
        return self._protected(table, [], {})

    def _protected(
        self, table: Mapping[str, Mapping[int, int]], sums: list[_Sum], totals: dict[_Cell, int], groups: _Groups | None = None
    ) -> dict[str, dict[int, int | None]]:
        months = range(1, 13)
        cells: dict[_Cell, int] = {(value, month): counts.get(month, 0) for value, counts in table.items() for month in months}
        cells |= totals
        rows = [*table, *([""] if totals else [])]
        cells |= {(value, YEAR): sum(cells[value, month] for month in months) for value in rows}
        sums = [*sums, *(((value, YEAR), [(value, month) for month in months]) for value in rows)]
        shown = [("", month) for month in range(13) if totals and month not in self._hidden_totals]
        unshown: list[_Cell] = []
        if groups:
            unshown = [(value, month) for value in groups.unshown for month in range(13)]
            shown += [(value, month) for value in groups.known for month in range(13) if not 0 < cells[value, month] < SMALLEST]
        hidden = protect(cells, sums, shown, unshown)
        # Of a month that is hidden as a whole nothing is shown.
        hidden |= {(value, month) for value in table for month in self._hidden_totals if cells[value, month]}
        return {value: {month: None if (value, month) in hidden else cells[value, month] for month in range(13)} for value in table}

    # --- one period --------------------------------------------------------------------------------------------------

    @staticmethod
    def _column(table: Mapping[str, Mapping[int, int | None]], month: int) -> dict[str, int | None]:
        column = {value: counts[month] for value, counts in table.items() if counts[month] != 0}
        return dict(sorted(column.items(), key=lambda pair: (pair[0] == UNKNOWN, pair[1] is None, -(pair[1] or 0), pair[0])))

    def _steps(self, month: int) -> dict[int, int | None]:
        if month == YEAR:
            return {number: None if number in self._hidden_totals else self._totals[number] for number in range(1, 13)}
        days = range(1, calendar.monthrange(self.year, month)[1] + 1)
        counts = {day: self._of[month].per_day.get(dt.date(self.year, month, day).isoformat(), 0) for day in days}
        if month in self._hidden_totals:
            return {day: None if count else 0 for day, count in counts.items()}
        hidden = protect({YEAR: sum(counts.values()), **counts}, [(YEAR, list(days))], shown=[YEAR])
        return {day: None if day in hidden else count for day, count in counts.items()}
