"""The filters of the list as they stand in an address, and back. Words to search for never stand there: see ``Logins.keep_search``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.transcripts.repository import ORDERS, Filters

#: Lists of values: name in the address -> field of :class:`Filters`.
LISTS = {
    "status": "status",
    "kanaal": "channel",
    "wie": "road",
    "vorm": "form",
    "waar": "context",
    "platform": "platform",
    "crisis": "crisis",
    "oordeel": "rating",
    "label": "tag",
}
NUMBERS = {"min_berichten": "min_messages", "max_berichten": "max_messages", "min_woorden": "min_words", "max_woorden": "max_words"}
DAYS = {"van": "since", "tot": "until"}

#: Conversations on a page.
SIZES = (50, 100, 200)

_MOST_VALUES = 40
_LARGEST = 1_000_000


@dataclass(frozen=True)
class Query:
    """What a list shows: filters, order, page. ``key`` stands in the address for the words that are searched for."""

    filters: Filters
    order: str = "urgency"
    page: int = 1
    size: int = 50
    key: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)

    def with_args(self, **changes: Any) -> dict[str, Any]:
        """The arguments of an address with some changed; None leaves one out."""
        changed = {**self.args, **changes}
        return {name: value for name, value in changed.items() if value not in (None, "", [], ())}

    def without(self, name: str, value: str | None = None) -> dict[str, Any]:
        """The arguments without one filter, or without one value of it; back on the first page."""
        left = [item for item in self.args.get(name, []) if item != value] if value is not None and name in LISTS else None
        return self.with_args(**{name: left, "p": None})

    @property
    def active(self) -> list[tuple[str, str]]:
        """Pairs of name and value, as the chips above the list show them."""
        found: list[tuple[str, str]] = []
        for name, value in self.args.items():
            if name in ("p", "aantal", "volgorde", "z"):
                continue
            found += [(name, item) for item in value] if isinstance(value, list) else [(name, str(value))]
        return found


def read_query(args: Any, words: str, me: int) -> Query:
    """The filters of an address. What makes no sense in it is left out, so that an old address still opens.

    Args:
        args: a multi-dict.
        words: what is searched for.
        me: id of the account that asks.
    """
    given: dict[str, Any] = {}
    fields: dict[str, Any] = {"text": words}
    for name, field_name in LISTS.items():
        values = list(dict.fromkeys(value for value in args.getlist(name) if 0 < len(value) <= 60))[:_MOST_VALUES]
        if name == "oordeel":
            values = [value for value in values if value in ("yes", "no", "none")]
        if values:
            given[name] = values
            fields[field_name] = tuple(values)
    urgencies = [value for value in dict.fromkeys(args.getlist("urgentie")) if value in ("0", "1", "2", "3")]
    if urgencies:
        given["urgentie"] = urgencies
        fields["urgency"] = tuple(int(value) for value in urgencies)
    for name, field_name in DAYS.items():
        day = _day(args.get(name, ""))
        if day:
            given[name], fields[field_name] = day.isoformat(), day
    for name, field_name in NUMBERS.items():
        number = _number(args.get(name, ""), _LARGEST)
        if number is not None:
            given[name], fields[field_name] = number, number
    if args.get("aan") == "mij":
        given["aan"], fields["assigned_to"] = "mij", me
    order = args.get("volgorde", "")
    if order in ORDERS[1:]:
        given["volgorde"] = order
    page = max(1, _number(args.get("p", ""), 100_000) or 1)
    if page > 1:
        given["p"] = page
    size = _number(args.get("aantal", ""), SIZES[-1])
    if size in SIZES[1:]:
        given["aantal"] = size
    key = args.get("z", "") if words else ""
    if key:
        given["z"] = key
    return Query(Filters(**fields), order if order in ORDERS else ORDERS[0], page, size if size in SIZES else SIZES[0], key, given)


def address_args(filters: Filters, order: str) -> dict[str, Any]:
    """The arguments that stand for filters and an order, without the words. Whoever opens them is who conversations are assigned to."""
    args: dict[str, Any] = {name: list(getattr(filters, field_name)) for name, field_name in LISTS.items()}
    args["urgentie"] = [str(value) for value in filters.urgency]
    args |= {name: getattr(filters, field_name) for name, field_name in NUMBERS.items()}
    args |= {name: day.isoformat() for name, field_name in DAYS.items() if (day := getattr(filters, field_name))}
    args["aan"] = "mij" if filters.assigned_to is not None else None
    args["volgorde"] = order if order != ORDERS[0] else None
    return {name: value for name, value in args.items() if value not in (None, [])}


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _number(text: str, largest: int) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 and int(text) <= largest else None
