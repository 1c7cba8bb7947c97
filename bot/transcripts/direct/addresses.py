"""Street addresses and postcodes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.transcripts.direct.common import HAND, any_of
from bot.transcripts.kinds import Found
from bot.transcripts.plain_text import PlainText
from bot.transcripts.wordlists import word_lists

_STREET_END = any_of("street_endings")
_UNIT = rf"(?!\s*(?:(?:{any_of('units')})\b|[:.,]\d))"
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
_BARE_STREET = HAND["street_endings"]
#: Streets of nobody: words that end like a street.
_NO_STREET = HAND["no_streets"]


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
