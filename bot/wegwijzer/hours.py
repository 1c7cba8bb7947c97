"""Is a service open now? Three answers only: open, closed (and when next), unknown.

Times in ``content/helplines.yml`` are local times in Belgium. Belgian public holidays come from the ``holidays`` package.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from bot.wegwijzer.schema import WEEKDAYS, Channel, Helpline, Hours

BRUSSELS = ZoneInfo("Europe/Brussels")
#: Long enough for a service that opens once a week and closes for two holidays in a row.
_LOOK_AHEAD_DAYS = 21


class State(str, Enum):
    """What can be said of an opening hour."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Opening:
    """State of a channel at a moment: ``next_open`` (time in Belgium) only when closed, ``until`` only when open, and not day and night."""

    state: State
    next_open: dt.datetime | None = None
    until: dt.datetime | None = None
    always: bool = False


@lru_cache(maxsize=16)
def _holidays(year: int) -> frozenset[dt.date]:
    return frozenset(holidays.country_holidays("BE", years=year))


def is_holiday(day: dt.date) -> bool:
    """Whether a date is a public holiday in Belgium."""
    return day in _holidays(day.year)


def is_working_day(day: dt.date) -> bool:
    """Whether offices and schools in Belgium are open on a date: Monday to Friday, and no public holiday."""
    return day.weekday() < 5 and not is_holiday(day)


def _spans(hours: Hours, day: dt.date) -> list[tuple[dt.datetime, dt.datetime]]:
    """Opening times on one date, as moments in Belgium."""
    if hours.closed_on_holidays and is_holiday(day):
        return []
    spans = []
    for span in hours.days.get(WEEKDAYS[day.weekday()], []):
        start, end = (_moment(day, clock) for clock in span.split("-"))
        spans.append((start, end))
    return sorted(spans)


def _moment(day: dt.date, clock: str) -> dt.datetime:
    hour, minute = int(clock[:2]), int(clock[3:])
    if hour == 24:
        day, hour = day + dt.timedelta(days=1), 0
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=BRUSSELS)


def opening(channel: Channel, now: dt.datetime) -> Opening:
    """State of one channel.

    Args:
        now: an aware moment, in any time zone.
    """
    if now.tzinfo is None:
        raise ValueError("'now' needs a time zone")
    hours = channel.hours
    if hours is None:
        return Opening(State.UNKNOWN)
    if hours.always:
        return Opening(State.OPEN, always=True)
    local = now.astimezone(BRUSSELS)
    for ahead in range(_LOOK_AHEAD_DAYS + 1):
        for start, end in _spans(hours, local.date() + dt.timedelta(days=ahead)):
            if start <= local < end:
                return Opening(State.OPEN, until=end)
            if local < start:
                return Opening(State.CLOSED, next_open=start)
    return Opening(State.CLOSED)


def service_opening(helpline: Helpline, now: dt.datetime) -> Opening:
    """State of a service: open when one of its channels is; closed only when every channel that can be open is known to be closed."""
    states = [opening(channel, now) for channel in helpline.channels if channel.kind.value not in ("mail", "web")]
    opened = [state for state in states if state.state is State.OPEN]
    if opened:
        return max(opened, key=lambda state: (state.always, state.until or now))
    if not states or any(state.state is State.UNKNOWN for state in states):
        return Opening(State.UNKNOWN)
    following = [state.next_open for state in states if state.next_open]
    return Opening(State.CLOSED, next_open=min(following) if following else None)
