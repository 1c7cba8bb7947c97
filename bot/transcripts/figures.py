"""Reads the daily counts (:mod:`bot.transcripts.counting`) for the console."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.transcripts.models import DailyCount
from bot.transcripts.views import Figures
from bot.wegwijzer.hours import is_working_day

_LISTS = {
    "channel": "channels", "road": "roads", "form": "forms", "context": "contexts", "platform": "platforms", "crisis": "crises",
    "shown": "referrals_shown", "tapped": "referrals_tapped",
}  # fmt: skip
_NUMBERS = {"failed": "failed", "helpful": "helpful", "not_helpful": "not_helpful", "refused": "refused"}


def read_figures(session: Session, since: dt.date, until: dt.date) -> Figures:
    """Counts over days, both included."""
    inside = (DailyCount.day >= since.isoformat(), DailyCount.day <= until.isoformat())
    totals = select(DailyCount.figure, DailyCount.value, func.sum(DailyCount.n)).where(*inside)
    counts: dict[str, dict[str, int]] = {}
    for figure, value, n in session.execute(totals.group_by(DailyCount.figure, DailyCount.value)):
        counts.setdefault(figure, {})[value] = int(n)
    days = select(DailyCount.day, DailyCount.n).where(*inside, DailyCount.figure == "conversation").order_by(DailyCount.day)
    hours = select(DailyCount.day, DailyCount.value, DailyCount.n).where(*inside, DailyCount.figure == "hour")
    working: Counter[str] = Counter()
    for day, hour, n in session.execute(hours):
        if is_working_day(dt.date.fromisoformat(day)):
            working[hour] += n
    lists: dict[str, Any] = {name: _most_first(counts.get(figure, {})) for figure, name in _LISTS.items()}
    numbers: dict[str, Any] = {name: counts.get(figure, {}).get("", 0) for figure, name in _NUMBERS.items()}
    return Figures(
        since=since,
        until=until,
        conversations=counts.get("conversation", {}).get("", 0),
        per_day={day: int(n) for day, n in session.execute(days)},
        per_hour={hour: counts.get("hour", {}).get(str(hour), 0) for hour in range(24)},
        per_working_hour={hour: working[str(hour)] for hour in range(24)},
        crisis=sum(counts.get("crisis", {}).values()),
        **lists,
        **numbers,
    )


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
