"""Moments as the store keeps them (seconds since 1970, UTC) and as people name them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

# Not from bot.wegwijzer.hours, which would bring all holidays along.
_BELGIUM = ZoneInfo("Europe/Brussels")


def moment(seconds: float) -> dt.datetime:
    """An aware datetime in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)


def belgian(seconds: float) -> dt.datetime:
    """The same moment on a clock in Belgium."""
    return dt.datetime.fromtimestamp(seconds, _BELGIUM)


def start_of(day: dt.date) -> float:
    """When a day begins in Belgium."""
    return dt.datetime.combine(day, dt.time(), _BELGIUM).timestamp()
