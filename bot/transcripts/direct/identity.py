"""Numbers that state, school and offices give, codes and passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum.be import nn

from bot.transcripts.direct.common import digits_of
from bot.transcripts.kinds import Found
from bot.transcripts.plain_text import PlainText
from bot.transcripts.wordlists import public

_NATIONAL = re.compile(r"(?<!\d)\d{2}[\s./-]?\d{2}[\s./-]?\d{2}[\s./-]{0,3}\d{3}[\s./-]{0,3}\d{2}(?!\d)")
_CARD_ID = re.compile(r"(?<!\d)\d{3}[-\s./]\d{7}[-\s./]\d{2}(?!\d)|(?<![a-z0-9])b[\s.-]?\d{9}[\s.-]?\d{2}(?!\d)")
_IP = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_CUE = re.compile(
    r"\b(?:[a-z-]*(?:nummer|nr|nmr)|id|bsn|rrn|insz|kids[- ]?id|eid|dossier|pincode|code|wachtwoord|paswoord|referentie|ref)\b\.?"
    r"((?:\s*(?:\b(?:is|was|van|bij|de|het|mijn|zijn|haar|school|politie|pv|op)\b|[:=#]))*\s*)"
    r"(?=[a-z0-9./-]*\d)([a-z0-9]+(?:[./-][a-z0-9]+)*)"
)
_FEWEST_CODE, _FEWEST_ID = 4, 5
_IDENTITY_CARD = re.compile(r"identiteit|id-?kaart|paspoort|\beid\b")


def identity_numbers(text: PlainText) -> Iterator[Found]:
    """National register and identity card numbers."""
    lower = text.lower
    for match in _NATIONAL.finditer(lower):
        digits = digits_of(match.group())
        if nn.is_valid(digits) or (not digits.startswith("0") and re.match(r"\d{2}[./-]\d{2}[./-]\d{2}", match.group())):
            yield Found(match.start(), match.end(), "NUMMER", digits)
    for match in _CARD_ID.finditer(lower):
        if match.group().startswith("b") or _IDENTITY_CARD.search(lower):
            yield Found(match.start(), match.end(), "NUMMER", digits_of(match.group()))


def named_numbers(text: PlainText) -> Iterator[Found]:
    """Numbers that are said to be somebody's ("leerlingnummer 20241"), codes and passwords with digits; addresses of computers."""
    for match in _IP.finditer(text.lower):
        yield Found(match.start(), match.end(), "NUMMER", match.group())
    for match in _CUE.finditer(text.lower):
        value = match.group(2)
        digits = digits_of(value)
        secret = "code" in match.group() or "woord" in match.group()
        if len(digits) >= (_FEWEST_CODE if secret else _FEWEST_ID) and digits not in public().numbers:
            yield Found(match.start(2), match.end(2), "NUMMER", re.sub(r"\W", "", value))
