"""Dates of birth, and dates that are none."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from bot.transcripts.direct.common import any_of
from bot.transcripts.kinds import Found
from bot.transcripts.plain_text import PlainText

_MONTHS = any_of("months")
_DATE = re.compile(
    rf"(?<![\d/.-])(?:(?P<day>\d{{1,2}})(?:ste|de|e)?(?:\s*[-/.]\s*|\s)(?P<month>\d{{1,2}})(?:\s*[-/.]\s*|\s)(?P<year>(?:19|20)\d{{2}}|\d{{2}})"
    r"|(?P<iso_year>(?:19|20)\d{2})[-/.](?P<iso_month>\d{1,2})[-/.](?P<iso_day>\d{1,2})"
    rf"|(?P<named_day>\d{{1,2}})(?:ste|de|e)?\s*[-/]?(?P<name>{_MONTHS})\b\.?(?:[\s,/-]*(?P<named_year>(?:19|20)\d{{2}}|'\d{{2}}))?"
    r"|(?P<short_day>\d{1,2})\s?[-/.]\s?(?P<short_month>\d{1,2}))(?![\d/]|[.-]\d|\s?[-/.]\s?\d|\s\d{2,3}\b(?![:.]\d|\s*(?:uur|u\b)))"
)
_BIRTH_BEFORE = re.compile(
    r"(?:gebo?ren|geboorte|\bgeb\b|jarig|verjaar|verjaren|b-?day|birthday|bouwjaar|\bben van|\bis van)[^.!?\n]{0,30}$"
)
_BIRTH_AFTER = re.compile(
    r"^[\s,)]*(?:\w+\s){0,2}(?:geboren|jarig|is mijn (?:geboorte|verjaardag)|verjaar|verjaardag"
    r"|(?:d|i)?(?:a|i)s (?:mijn|men|mn) (?:geboorte|verjaar))"
)
_YOUNGEST = 5
_WHOLE_DATE = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")


def birth_dates(text: PlainText) -> Iterator[Found]:
    """Dates of birth: any date beside a word of birth, and any whole date at least five years back (pure but for today's date)."""
    lower = text.lower
    latest = dt.date.today().year - _YOUNGEST  # noqa: DTZ011 (a year; no moment is meant)
    for match in _DATE.finditer(lower):
        part = match.groupdict()
        day, month = (
            part["day"] or part["iso_day"] or part["named_day"] or part["short_day"],
            part["month"] or part["iso_month"] or part["short_month"],
        )
        if not 1 <= int(day) <= 31 or (month and not 1 <= int(month) <= 12):
            continue
        cue = _BIRTH_BEFORE.search(lower, 0, match.start()) or _BIRTH_AFTER.search(lower[match.end() : match.end() + 40])
        year = part["year"] or part["iso_year"] or (part["named_year"] or "").lstrip("'")
        if cue or (len(year) == 4 and int(year) <= latest):
            yield Found(match.start(), match.end(), "GEBOORTEDATUM", f"{int(day)}-{month or part['name'][:3]}-{year}")


def harmless_dates(text: PlainText) -> list[tuple[int, int]]:
    """Where whole dates stand that are nobody's birthday: their digits are no telephone number."""
    births = {(found.start, found.end) for found in birth_dates(text)}
    return [
        match.span()
        for match in _DATE.finditer(text.lower)
        if match.span() not in births and _WHOLE_DATE.search(match.group()) and not re.search(r"\d[\s./-]*$", text.lower[: match.start()])
    ]
