"""Direct identifiers: what names a person by its form alone (numbers, addresses, accounts), found by patterns and check digits.

Every function reads a :class:`PlainText` and yields spans of that plain text. Numbers are read generously: eight digits that begin like
a telephone number are one, in whatever layout, and nine digits in a row are personal whatever they are.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator

import phonenumbers
from stdnum import iban, luhn
from stdnum.be import nn

from bot.transcripts.kinds import Found, Kind
from bot.transcripts.plain_text import PlainText
from bot.transcripts.wordlists import Public, WordLists, public, word_lists

Finder = Callable[[PlainText], Iterator[Found]]

_HAND = word_lists().hand


def _any_of(name: str) -> str:
    """The words of a list as the choices of a pattern, longest first."""
    return "|".join(sorted(_HAND[name], key=lambda word: (-len(word), word)))


# --- e-mail ---

_S, _SS = r"\s{0,9}", r"\s{1,9}"
_AT = rf"(?:{_S}@{_S}|{_S}[\[({{<]{_S}(?:@|at|apenstaart(?:je)?){_S}[\])}}>]{_S}|{_SS}(?:at|apenstaart(?:je|ke)?){_SS}|[-_]at[-_])"
_DOT = rf"(?:{_S}\.{_S}|{_S}[\[({{<]{_S}(?:\.|punt|dot|point){_S}[\])}}>]{_S}|{_SS}(?:punt|dot|point){_SS}|[-_](?:punt|dot)[-_])"
_JOIN = rf"(?:{_DOT}|\s+(?:underscore|liggend streepje|laag streepje|koppelteken|streepje|min|plus)\s+)"
_ATOM = r"[^\s@\[\](){}<>\"',;:!?.]+"
_LOCAL_END = re.compile(rf"{_ATOM}(?:{_JOIN}{_ATOM})*\.?$")
_DOMAIN = re.compile(rf"[^\W_][\w-]*(?:{_DOT}[^\W_][\w-]*)*")
_AT_SIGN = re.compile(_AT)
_PROVIDERS = _HAND["mail_providers"]
#: The longest local part that mail allows, with room for dots in words.
_LOCAL_REACH = 160


def mails(text: PlainText) -> Iterator[Found]:
    """E-mail addresses, with a sign or with words ("lena punt p at gmail punt com")."""
    floor = 0
    for sign in _AT_SIGN.finditer(text.lower):
        if sign.start() < floor:
            continue
        before = _LOCAL_END.search(text.lower, max(floor, sign.start() - _LOCAL_REACH), sign.start())
        domain = _DOMAIN.match(text.lower, sign.end())
        if not domain:
            continue
        labels = re.split(_DOT, domain.group())
        end = domain.end()
        while len(labels) > 1 and not _is_tld(labels[-1]):
            end = _last_dot(domain.group(), domain.start(), end)
            labels.pop()
        tight = sign.group() == "@"
        if len(labels) < 2 and labels[0] not in _PROVIDERS and not (tight and before and before.end() == sign.start()):
            continue
        word_only = sign.group().strip() in ("at", "-at-", "_at_") and labels[0] not in _PROVIDERS
        if word_only and (labels[-1] not in _SURE_TLDS or re.search(r"\S\.\s", domain.group())):
            continue
        if (not before or re.fullmatch(r"\s+@", sign.group())) and labels[0] not in _PROVIDERS and labels[-1] not in _SURE_TLDS:
            continue
        start = before.start() if before else sign.start()
        local = re.sub(_DOT, ".", before.group()) if before else ""
        key = f"{local}@{'.'.join(labels)}"
        floor = end
        if key not in public().mails:
            yield Found(start, end, "MAIL", key)


def _is_tld(label: str) -> bool:
    return 2 <= len(label) <= 24 and (label.isalpha() or label.startswith("xn--"))


def _last_dot(domain: str, offset: int, end: int) -> int:
    *_, last = re.finditer(_DOT, domain[: end - offset])
    return offset + last.start()


# --- web ---

_SURE_TLDS = frozenset(
    "be com nl net org eu fr gg io info biz co uk tv vlaanderen brussels gent xyz online site app blog link club".split()
)
_URL = re.compile(
    r"(?:https?|hxxps?|ftp)\s?:\s?/\s?/\s?[^\s<>\"']+"
    r"|\bwww\d?(?:\s?\.\s?|\s+punt\s+|\s+dot\s+)[^\s<>\"']+(?:(?:\s+(?:punt|dot)\s+|\s\.\s)[a-z0-9-]+)*"
)
_HOST = re.compile(r"(?<![\w@.-])((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,12}))(?::\d{2,5})?(?![\w@-])(/[^\s<>\"']*)?")
_SPOKEN_HOST = re.compile(
    r"(?<![\w@.-])[a-z0-9][a-z0-9-]{1,62}(?:\s+(?:punt|dot)\s+[a-z0-9-]+)*\s+(?:punt|dot)\s+(be|com|nl|net|org|eu|gg|io)\b(?:/\S*)?"
)
_CLOSING = ".,;:!?)]}'\""


def web_addresses(text: PlainText) -> Iterator[Found]:
    """Web addresses, except those of help services and the bare names of well-known sites."""
    known = public()
    for match in _URL.finditer(text.lower):
        found = _web(match.start(), match.group().rstrip(_CLOSING), known)
        if found:
            yield found
    for match in _HOST.finditer(text.lower):
        if match.group(2) in _SURE_TLDS or match.group(3):
            found = _web(match.start(), match.group().rstrip(_CLOSING), known)
            if found:
                yield found
    for match in _SPOKEN_HOST.finditer(text.lower):
        found = _web(match.start(), match.group(), known)
        if found:
            yield found


def _web(start: int, written: str, known: Public) -> Found | None:
    spoken = re.sub(r"\s+(?:punt|dot)\s+", ".", written)
    address = re.sub(r"^(?:\w+:/+)?(?:www\d?\.)?", "", re.sub(r"\s", "", spoken)).rstrip("/")
    host, _, path = address.partition("/")
    if host in known.help_hosts or (host in known.hosts and not path) or any(address == _bare(url) for url in known.addresses if path):
        return None
    return Found(start, start + len(written), "WEB", address)


def _bare(url: str) -> str:
    return re.sub(r"^(?:\w+:/+)?(?:www\d?\.)?", "", url).rstrip("/")


# --- bank accounts and cards ---

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
        yield Found(match.start(), match.end(), "REKENING", _digits(match.group()))
    for match in _CARD.finditer(lower):
        digits = _digits(match.group())
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


# --- numbers that state and offices give ---

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
        digits = _digits(match.group())
        if nn.is_valid(digits) or (not digits.startswith("0") and re.match(r"\d{2}[./-]\d{2}[./-]\d{2}", match.group())):
            yield Found(match.start(), match.end(), "NUMMER", digits)
    for match in _CARD_ID.finditer(lower):
        if match.group().startswith("b") or _IDENTITY_CARD.search(lower):
            yield Found(match.start(), match.end(), "NUMMER", _digits(match.group()))


def named_numbers(text: PlainText) -> Iterator[Found]:
    """Numbers that are said to be somebody's ("leerlingnummer 20241"), codes and passwords with digits; addresses of computers."""
    for match in _IP.finditer(text.lower):
        yield Found(match.start(), match.end(), "NUMMER", match.group())
    for match in _CUE.finditer(text.lower):
        value = match.group(2)
        digits = _digits(value)
        secret = "code" in match.group() or "woord" in match.group()
        if len(digits) >= (_FEWEST_CODE if secret else _FEWEST_ID) and digits not in public().numbers:
            yield Found(match.start(2), match.end(2), "NUMMER", re.sub(r"\W", "", value))


# --- telephone ---

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
_NUMBER_WORD = rf"(?:{_TWO_WORDS}|{'|'.join(sorted(_SPOKEN, key=len, reverse=True))})"
_SPOKEN_RUN = re.compile(rf"(?<![a-z0-9])(?:plus\s+)?(?:{_NUMBER_WORD}|\d+)(?:[\s,.;:/()+-]*(?:{_NUMBER_WORD}|\d+))+(?![a-z0-9])")
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
            or _is_public(_digits(written))
        ):
            yield Found(match.start(), match.end(), "NUMMER", _digits(written))


def _spoken_phones(lower: str) -> Iterator[Found]:
    for run in _SPOKEN_RUN.finditer(lower):
        parts = list(_SPOKEN_PART.finditer(lower, run.start(), run.end()))
        if all(part.group().isdigit() for part in parts):
            continue
        values = [part.group() if part.group().isdigit() else _spoken_value(part.group()) for part in parts]
        for first, part in enumerate(parts):
            digits = "".join(values[first:])
            plus = lower[run.start() : part.start()].rstrip().endswith("plus")
            if len(digits) >= _FEWEST and (plus or digits.startswith(("0", "32"))) and not _is_public(digits):
                yield Found(run.start() if plus else part.start(), run.end(), "TELEFOON", _phone_key(digits))
                break


def _written_phones(lower: str) -> Iterator[Found]:
    place = 0
    while match := _PHONE.search(lower, place):
        written = match.group()
        if _TIMES.match(written) or not _looks_like_phone(written, _digits(written)):
            # A number may begin further on: "3, 0461 12 34 56".
            place = match.start() + 1
            continue
        for start, end in _numbers_in(lower, match.start(), match.end()):
            digits = _digits(lower[start:end])
            if not _is_public(digits):
                yield Found(start, end, "TELEFOON", _phone_key(digits))
        place = match.end()


def _numbers_in(lower: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The numbers of a row of them: a new one begins with 0 or +, after nine digits."""
    for gap in re.finditer(r"\D+(?=0)|\D*[+]\D*", lower[start:end]):
        before, after = lower[start : start + gap.start()], lower[start + gap.end() : end]
        if len(_digits(before)) >= _WHOLE and len(_digits(after)) >= _FEWEST:
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
    ones, tens = re.split(r"[\s-]?en[\s-]?(?=(?:twin|der|veer|vijf|zes|zeven|tach|negen)tig)", word, maxsplit=1)
    return str(_ONES[ones] + _TENS[tens])


# --- licence plates ---

_PLATE = re.compile(r"(?<![a-z0-9])(\d)([-. ]?)([a-z]{3})([-. ]?)(\d{3})(?![a-z0-9])")
_OTHER_PLATE = re.compile(
    r"(?<![a-z0-9-])(?:[a-z]-[a-z]{3}-\d{3}|[a-z]{3}-\d{3}|\d{3}-[a-z]{3}"
    r"|(?=[a-z0-9-]{8}(?![a-z0-9-]))[a-z0-9]{1,3}-[a-z0-9]{1,3}-[a-z0-9]{1,3})(?![a-z0-9-])"
)
_PLATE_CUE = re.compile(
    r"(?:nummerplaat|plaat|kenteken)\b(?:\s+(?:is|was|van|de|die|auto|het|:))*[\s:]*"
    r"((?=[a-z0-9 .-]{0,9}\d)[a-z0-9]{1,3}(?:[-. ]?[a-z0-9]{1,3}){1,2})(?![a-z0-9])"
)


_PLATE_SIGNS = 6


def plates(text: PlainText) -> Iterator[Found]:
    """Belgian and Dutch licence plates."""
    lower, words = text.lower, word_lists()
    for match in _PLATE.finditer(lower):
        letters, capitals = match.group(3), text.cased[match.start(3) : match.end(3)].isupper()
        joined = match.group(2) == match.group(4) and match.group(2) != " "
        if (joined and (match.group(2) or letters not in words.ordinary)) or capitals or letters not in words.ordinary:
            yield _plate(match.start(), match.end(), match.group())
    for match in _OTHER_PLATE.finditer(lower):
        written = match.group()
        groups = written.split("-")
        mixed = not any(group.isalnum() and not group.isalpha() and not group.isdigit() for group in groups)
        letters = "".join(group for group in groups if group.isalpha())
        if (
            mixed
            and any(map(str.isdigit, groups))
            and len(letters) >= 2
            and not any(group in words.ordinary for group in groups if len(group) > 2)
        ):
            yield _plate(match.start(), match.end(), written)
    for match in _PLATE_CUE.finditer(lower):
        written = match.group(1)
        whole = next(
            (part.end() for part in re.finditer(r"[a-z0-9]+", written) if len(re.sub(r"\W", "", written[: part.end()])) >= _PLATE_SIGNS),
            len(written),
        )
        yield _plate(match.start(1), match.start(1) + whole, written[:whole])


def _plate(start: int, end: int, written: str) -> Found:
    return Found(start, end, "NUMMERPLAAT", re.sub(r"\W", "", written))


# --- dates of birth ---

_MONTHS = _any_of("months")
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


# --- street addresses ---

_STREET_END = _any_of("street_endings")
_UNIT = rf"(?!\s*(?:(?:{_any_of('units')})\b|[:.,]\d))"
_HOUSE = rf"(?P<number>\d{{1,4}}(?!\d)(?:\s?-\s?\d{{1,4}}(?!\d))?(?:\s?[a-z](?![a-z]))?){_UNIT}(?:[\s,]*(?:bus|bte|b\.)\s*\w{{1,4}}|/\d+)?"
_TOWN_AFTER = r"(?:[\s,]+(?:b-?)?[1-9]\d{3}(?:\s?[a-z]{2}\b)?(?:\s+[a-z][a-z-]+)?)?"
_ADDRESS = re.compile(
    rf"(?<![a-z0-9-])(?P<street>(?:[a-z][a-z'.-]{{0,40}}?)?(?:{_STREET_END})(?:\s+(?:op|naar|van)\s+[a-z-]{{3,}})?)"
    rf"\.?,?\s*(?:nr\.?|nummer|huisnummer)?\s*{_HOUSE}{_TOWN_AFTER}"
)
_STREET_ONLY = re.compile(r"(?<![a-z0-9-])[a-z][a-z'-]{2,}(?:straat|laan|steenweg|dreef|plein|gracht|singel|kaai|kade)(?![a-z0-9])")
_POSTCODE = re.compile(r"(?<!\d)(?:b-?)?[1-9]\d{3}\s+([a-z][a-z-]{2,})(?![a-z])")
#: A street of any name, known by the number after it and the postcode beside it.
_BEFORE_POSTCODE = re.compile(r"(?<![a-z0-9-])[a-z][a-z'-]+(?:\s+[a-z][a-z'-]+)?\s+\d{1,4}[a-z]?(?:\s*(?:bus|/)\s*\w{1,4})?\s*,?\s*$")
_DUTCH_POSTCODE = re.compile(r"(?<![\w])[1-9]\d{3}\s?[A-Z]{2}(?!\w)")
_LARGE = frozenset("grote oude korte lange nieuwe kleine hoge lage brede smalle".split())
_BARE_STREET = _HAND["street_endings"]
#: Streets of nobody: words that end like a street.
_NO_STREET = _HAND["no_streets"]


def street_addresses(text: PlainText) -> Iterator[Found]:
    """Street with house number; street alone when its name is no ordinary word; postcode with town."""
    lower, words = text.lower, word_lists()
    known: list[Found] = []
    for match in _ADDRESS.finditer(lower):
        street = match.group("street")
        start, qualified = _start_of_street(text, match.start())
        plain_word = street in _NO_STREET or street in _BARE_STREET or street in words.ordinary
        plain_word = plain_word and street not in _ADDRESS_WORDS
        if qualified or not plain_word or _LIVES.search(lower, max(0, match.start() - _NEAR), match.start()):
            known.append(_address(lower, start, match.end()))
    for match in _STREET_ONLY.finditer(lower):
        if match.group() not in _NO_STREET and match.group() not in words.ordinary and not match.group().endswith("slaan"):
            known.append(_address(lower, _start_of_street(text, match.start())[0], match.end()))
    yield from known
    for match in _POSTCODE.finditer(lower):
        if match.group(1) in words.towns or match.group(1) in words.word_towns:
            street_before = _BEFORE_POSTCODE.search(lower, max(0, match.start() - _NEAR), match.start())
            new = street_before and not any(found.end > street_before.start() for found in known if found.start < match.end())
            yield _address(lower, street_before.start() if street_before and new else match.start(), match.end())
    for match in _DUTCH_POSTCODE.finditer(text.cased):
        yield _address(lower, match.start(), match.end())


#: Ordinary words that are an address as soon as a house number follows.
_ADDRESS_WORDS = frozenset(
    "dorpsplein marktplein kerkplein stationsplein schoolstraat kerkstraat dorpsstraat stationsstraat hoofdstraat".split()
)
_LIVES = re.compile(r"\b(?:woon|woont|wonen|adres|verhuis\w*|kwoon)\b")
_NEAR = 30
_STREET_NAMES = frozenset(
    "koning koningin prins prinses burgemeester pastoor dokter kardinaal frans oude oud sint baron graaf gouverneur minister".split()
)
_WORD_BEFORE = re.compile(r"([\w.'-]+)\s+$")


def _start_of_street(text: PlainText, start: int) -> tuple[int, bool]:
    """Where the name of the street begins, with the words before it that belong to it, and whether there are any."""
    qualified = False
    while match := _WORD_BEFORE.search(text.cased, max(0, start - 30), start):
        word = match.group(1)
        named = word[:1].isupper() and text.cased[start].isupper() and not text.cased.isupper()
        if word.lower() not in _LARGE and not (
            named and (word.lower().strip(".") in _STREET_NAMES or word.lower() not in word_lists().ordinary)
        ):
            break
        start, qualified = match.start(1), True
    return start, qualified


def _address(lower: str, start: int, end: int) -> Found:
    return Found(start, end, "ADRES", re.sub(r"[^a-z0-9]", "", lower[start:end]))


# --- user names ---

_HANDLE = re.compile(r"(?<![\w@.])@[a-z0-9_](?:[\w.-]*[\w])?")
_UNDERSCORED = re.compile(r"(?<![\w.@])(?=[\w.-]*_)[\w.-]{3,}(?![\w@])")
_TAGGED = re.compile(r"(?<![\w.])[a-z][\w.-]{1,31}#\d{4}\b")
_WITH_DIGITS = re.compile(r"(?<![\w.@-])(?:[a-z][a-z.-]*[a-z])(?:[.-]?\d{2,}[a-z.]*(?:\d[a-z]*)*|\d[a-z]{4,})(?![\w@])")
_DOTTED = re.compile(r"(?<![\w.@])[a-z0-9]+(?:\.[a-z0-9]+)+(?![\w@])")
_ACCOUNT = _any_of("account_words")
_ACCOUNT_CUE = re.compile(rf"\b(?:{_ACCOUNT})\b[^.!?\n]{{0,40}}$|\b(?:add|volg)\s+$")
_ACCOUNT_NAME = re.compile(
    rf"\b(?:{_ACCOUNT})(?:[- ](?:naam|account|id|profiel|name))?(?:\s+op\s+\w+)?\s*"
    r"(?:\b(?:is|heet|noemt|was)\b|:|=)\s*(?:nu\s+)?@?([a-z0-9][\w.-]{2,})"
)
_NO_HANDLE = re.compile(rf"(?:{_any_of('before_numbers')})[.-]?\d[\d.,ueh]*(?:uur)?")


def handles(text: PlainText) -> Iterator[Found]:
    """User names: by their sign, by their form, or after the name of a platform."""
    lower, words = text.lower, word_lists()
    for pattern in (_HANDLE, _TAGGED):
        for match in pattern.finditer(lower):
            yield _handle(match.start(), match.group().rstrip(".-"))
    for match in _UNDERSCORED.finditer(lower):
        written = match.group().rstrip(".-")
        bare = written.strip("_.-")
        if (
            any(map(str.isalpha, bare))
            and (bare not in words.ordinary or bare.strip("_") != written.strip("_"))
            and ("_" in bare or "." in bare or bare not in words.ordinary)
        ):
            yield _handle(match.start(), written)
    for match in _WITH_DIGITS.finditer(lower):
        written = match.group().rstrip(".-")
        stem = re.split(r"[.-]?\d", written, maxsplit=1)[0]
        if (
            len(stem) >= 3
            and not _NO_HANDLE.fullmatch(written)
            and (stem not in words.ordinary or _ACCOUNT_CUE.search(lower, 0, match.start()))
        ):
            yield _handle(match.start(), written)
    for match in _DOTTED.finditer(lower):
        first, *rest = match.group().split(".")
        cue = _ACCOUNT_CUE.search(lower, 0, match.start())
        if not any(map(str.isalpha, match.group())):
            continue
        if (cue and not all(part in words.ordinary for part in (first, *rest))) or (
            first in words.given and (rest[0] not in words.ordinary or len(rest[0]) == 1)
        ):
            yield _handle(match.start(), match.group())
    for match in _ACCOUNT_NAME.finditer(lower):
        name = match.group(1).rstrip(".-")
        if name not in words.ordinary and name not in words.given:
            yield _handle(match.start(1), name)


def _handle(start: int, written: str) -> Found:
    return Found(start, start + len(written), "GEBRUIKER", written.lstrip("@ "))


def _digits(written: str) -> str:
    return "".join("0" if char == "o" else char for char in written if char.isdigit() or char == "o")


#: In the order of their authority: a span that an earlier one takes is not looked at by a later one.
FINDERS: tuple[tuple[Kind, Finder], ...] = (
    ("MAIL", mails),
    ("WEB", web_addresses),
    ("REKENING", accounts),
    ("GEBOORTEDATUM", birth_dates),
    ("NUMMER", identity_numbers),
    ("TELEFOON", phones),
    ("NUMMER", named_numbers),
    ("NUMMERPLAAT", plates),
    ("ADRES", street_addresses),
    ("GEBRUIKER", handles),
)

__all__ = ["FINDERS", "WordLists", "harmless_dates"]
