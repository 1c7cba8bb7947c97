"""Telephone numbers in any layout, with digits or with words; and other long numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from bot.transcripts.direct.common import digits_of
from bot.transcripts.kinds import Found
from bot.transcripts.plain_text import PlainText
from bot.transcripts.wordlists import public

_ONES = {"een": 1, "twee": 2, "drie": 3, "vier": 4, "vijf": 5, "zes": 6, "zeven": 7, "acht": 8, "negen": 9}
_TEENS = {
    "tien": 10,
    "elf": 11,
    "twaalf": 12,
    "dertien": 13,
    "veertien": 14,
    "vijftien": 15,
    "zestien": 16,
    "zeventien": 17,
    "achttien": 18,
    "negentien": 19,
}
_TENS = {"twintig": 20, "dertig": 30, "veertig": 40, "vijftig": 50, "zestig": 60, "zeventig": 70, "tachtig": 80, "negentig": 90}
_SPOKEN = {"nul": "0", "zero": "0"} | {word: str(value) for words in (_ONES, _TEENS, _TENS) for word, value in words.items()}
_TWO_WORDS = rf"(?:{'|'.join(_ONES)})[\s-]?en[\s-]?(?:{'|'.join(_TENS)})"
_TWICE = rf"(?:dubbele?|double)[\s-]?(?:nul|{'|'.join(_ONES)})"
_NUMBER_WORD = rf"(?:{_TWICE}|{_TWO_WORDS}|{'|'.join(sorted(_SPOKEN, key=len, reverse=True))})"
#: A zero that is said as a letter begins a number, and is none within one.
_SPOKEN_RUN = re.compile(
    rf"(?<![a-z0-9])(?:plus\s+|oh?\s+(?=vier|4))?(?:{_NUMBER_WORD}|\d+)(?:[\s,.;:/()+-]*(?:{_NUMBER_WORD}|\d+))+(?![a-z0-9])"
)
_SPOKEN_PART = re.compile(rf"{_NUMBER_WORD}|\d+")
_ZERO = r"(?:\d|(?<=\d)o(?=[\s./-]?\d)|(?<![a-z0-9])o(?=\d))"
#: Between two digits of one number; a line break too. Commas, colons and bars only in a number that begins like a telephone number.
_GAP = r"[\s./()\[\]\\_~*+'-]{0,4}"
_WIDE_GAP = r"[\s./()\[\]\\_~*+',;:|-]{0,4}"
_PHONE = re.compile(rf"(?:\+\s*[(]?\s*|[(]\s*)?(?<!\d)(?:\+\s?)?(?=0|o\d|3|\+|4){_ZERO}(?:{_WIDE_GAP}{_ZERO}){{7,}}")
_LONG_NUMBER = re.compile(rf"(?<![\d.,]){_ZERO}(?:{_GAP}{_ZERO}){{8,}}|(?<![\d.,])\d{{7,}}")
_TIMES = re.compile(r"^\D*\d{1,2}[:.]\d{2}(?:[\s,;/-]|tot|en)+\d{1,2}[:.]\d{2}\D*$")
_MONEY = re.compile(r"^\d{1,3}(?:\.\d{3})+(?:,\d+)?$")
_YEARS_ONLY = re.compile(r"^(?:(?:19|20)\d{2}\D*)+$")
_FREE = ("0800", "0900", "0902", "0903", "0904", "0905", "0909")
#: Digits of a number: the fewest that are looked at, and those of a whole Belgian one.
_FEWEST, _WHOLE = 8, 9


def phones(text: PlainText) -> Iterator[Found]:
    """Telephone numbers in any layout, with digits, with words or both; and other long numbers, as NUMMER."""
    found = [*_spoken_phones(text.lower), *_written_phones(text.lower)]
    yield from found
    for match in _LONG_NUMBER.finditer(text.lower):
        written = match.group()
        groups = re.findall(r"\d+", written)
        counting = all(len(group) <= 2 for group in groups)
        known = any(other.start < match.end() and other.end > match.start() for other in found)
        if not (
            known
            or counting
            or _MONEY.match(written)
            or _YEARS_ONLY.match(written)
            or _TIMES.match(written)
            or _is_public(digits_of(written))
        ):
            yield Found(match.start(), match.end(), "NUMMER", digits_of(written))


def _spoken_phones(lower: str) -> Iterator[Found]:
    for run in _SPOKEN_RUN.finditer(lower):
        parts = list(_SPOKEN_PART.finditer(lower, run.start(), run.end()))
        if all(part.group().isdigit() for part in parts):
            continue
        values = [part.group() if part.group().isdigit() else _spoken_value(part.group()) for part in parts]
        if run.group().startswith("o"):
            values[0] = f"0{values[0]}"
        for first, part in enumerate(parts):
            digits = "".join(values[first:])
            plus = lower[run.start() : part.start()].rstrip().endswith("plus")
            if len(digits) >= _FEWEST and (plus or digits.startswith(("0", "32"))) and not _is_public(digits):
                yield Found(run.start() if plus or not first else part.start(), run.end(), "TELEFOON", _phone_key(digits))
                break


def _written_phones(lower: str) -> Iterator[Found]:
    place = 0
    while match := _PHONE.search(lower, place):
        written = match.group()
        if _TIMES.match(written) or not _looks_like_phone(written, digits_of(written)):
            # A number may begin further on: "3, 0461 12 34 56".
            place = match.start() + 1
            continue
        for start, end in _numbers_in(lower, match.start(), match.end()):
            digits = digits_of(lower[start:end])
            if not _is_public(digits):
                yield Found(start, end, "TELEFOON", _phone_key(digits))
        place = match.end()


def _numbers_in(lower: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The numbers of a row of them: a new one begins with 0 or +, after nine digits."""
    for gap in re.finditer(r"\D+(?=0)|\D*[+]\D*", lower[start:end]):
        before, after = lower[start : start + gap.start()], lower[start + gap.end() : end]
        if len(digits_of(before)) >= _WHOLE and len(digits_of(after)) >= _FEWEST:
            yield start, start + gap.start()
            yield from _numbers_in(lower, start + gap.end(), end)
            return
    yield start, end


def _is_public(digits: str) -> bool:
    return digits in public().numbers or (len(digits) <= _WHOLE + 1 and digits.startswith(_FREE))


def _looks_like_phone(written: str, digits: str) -> bool:
    if digits.startswith("0"):
        return True
    if "+" in written[:3] or re.match(r"3[12]\d{8,}", digits):
        return True
    return len(digits) == 9 and digits.startswith("4") and not _MONEY.match(written)


def _phone_key(digits: str) -> str:
    """The number as the whole world dials it, so that 0461..., +32 461... and 0032461... are one."""
    digits = re.sub(r"^(00|\+)?(3[12])\(?0", r"\1\2", digits)
    country = "NL" if digits.startswith("06") and len(digits) == 10 else "BE"
    dialled = f"+{digits}" if re.match(r"3[12]\d{8,}$", digits) else digits
    try:
        number = phonenumbers.parse(dialled if not dialled.startswith("4") else f"0{dialled}", country)
    except phonenumbers.NumberParseException:
        return digits
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _spoken_value(word: str) -> str:
    if word in _SPOKEN:
        return _SPOKEN[word]
    if word.startswith(("dubbel", "double")):
        return 2 * _SPOKEN[re.split(r"dubbele?|double", word)[1].strip(" -")]
    ones, tens = re.split(r"[\s-]?en[\s-]?(?=(?:twin|der|veer|vijf|zes|zeven|tach|negen)tig)", word, maxsplit=1)
    return str(_ONES[ones] + _TENS[tens])
