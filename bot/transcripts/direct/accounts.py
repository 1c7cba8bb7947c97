"""Bank accounts and payment cards."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import iban, luhn

from bot.transcripts.direct.common import digits_of
from bot.transcripts.kinds import Found
from bot.transcripts.plain_text import PlainText

_IBAN_START = re.compile(r"(?<![a-z0-9])[a-z]{2}[\s.-]?\d{2}(?=[\s./-]?[a-z0-9])")
_IBAN_REST = re.compile(r"(?:[\s./-]{0,2}[a-z0-9]){1,40}")
_BELGIAN_DIGITS = re.compile(r"(?:[\s./-]{0,3}\d){9,14}")
_OLD_ACCOUNT = re.compile(r"(?<!\d)\d{3}[-\s./]\d{7}[-\s./]\d{2}(?!\d)")
_CARD = re.compile(r"(?<!\d)\d(?:[ .-]?\d){12,18}(?!\d)")
_IBAN_LENGTHS = range(34, 14, -1)


def accounts(text: PlainText) -> Iterator[Found]:
    """IBANs (with right check digits, or Belgian and nearly right), old Belgian account numbers, payment cards."""
    lower = text.lower
    for match in _IBAN_START.finditer(lower):
        end = _iban_end(lower, match.start(), match.end())
        if end:
            yield Found(match.start(), end, "REKENING", re.sub(r"[^a-z0-9]", "", lower[match.start() : end]))
    for match in _OLD_ACCOUNT.finditer(lower):
        yield Found(match.start(), match.end(), "REKENING", digits_of(match.group()))
    for match in _CARD.finditer(lower):
        digits = digits_of(match.group())
        if luhn.is_valid(digits) and not digits.startswith("0"):
            yield Found(match.start(), match.end(), "REKENING", digits)


def _iban_end(lower: str, start: int, digits_end: int) -> int | None:
    if lower.startswith("be", start):
        rest = _BELGIAN_DIGITS.match(lower, digits_end)
        return rest.end() if rest else None
    rest = _IBAN_REST.match(lower, digits_end)
    if not rest:
        return None
    places = [place for place in range(start, rest.end()) if lower[place].isalnum()]
    for length in _IBAN_LENGTHS:
        if length <= len(places) and iban.is_valid("".join(lower[place] for place in places[:length])):
            return places[length - 1] + 1
    return None
