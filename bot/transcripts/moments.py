"""Moments as the store keeps them (seconds since 1970, UTC) and as people name them."""

from __future__ import annotations

import datetime as dt

from bot.wegwijzer.hours import BRUSSELS


def moment(seconds: float) -> dt.datetime:
    """An aware datetime in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)


def belgian(seconds: float) -> dt.datetime:
    """The same moment on a clock in Belgium."""
    return dt.datetime.fromtimestamp(seconds, BRUSSELS)


def start_of(day: dt.date) -> float:
    """When a day begins in Belgium."""
    return dt.datetime.combine(day, dt.time(), BRUSSELS).timestamp()
