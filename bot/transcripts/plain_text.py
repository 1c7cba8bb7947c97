"""A text as it is searched: one plain letter or digit a place, with the way back to the places of the original.

Zero-width characters, accents and keycap frames are gone, digits of every script are 0 to 9, full-width and look-alike letters are Latin.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

#: Cyrillic and Greek letters that look Latin; letters that Unicode does not take apart.
_LOOKALIKES = str.maketrans("аеорсухіјѕԁһӏАЕОРСТУХВНКМνοαρτıłøđßΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeopcyxijsdhlAEOPCTYXBHKMvoaptilodsABEZHIKMNOPTYX")
_PUNCTUATION = str.maketrans("’‘`´＠。．‐‑‒–—―−⁃·•∙‧⋅", "''''@..--------.....")
#: Marks, invisible and unassigned characters: they hide nothing but what stands around them.
_DROPPED = frozenset({"Mn", "Me", "Cf", "Cc", "Cn", "Co", "Cs"})
_KEPT_CONTROLS = "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85"
_FILLERS = "\u115f\u1160\u3164\uffa0\u17b4\u17b5\u2800"


@dataclass(frozen=True)
class PlainText:
    """``cased`` and ``lower`` have equal length; ``places[i]`` is where character ``i`` came from (None: everything at its own place)."""

    original: str
    cased: str
    lower: str
    places: list[int] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original for a span (not empty) of the plain text, with the invisible characters inside and right after it."""
        if self.places is None:
            return start, end
        last = self.places[end - 1] + 1
        following = self.places[end] if end < len(self.places) else len(self.original)
        return self.places[start], max(last, following)


def plain(text: str) -> PlainText:
    """See :class:`PlainText`. Ordinary text is handed on as it is."""
    if text.isascii() and (text.isprintable() or not any(_is_odd(char) for char in text)):
        return PlainText(text, text, text.lower(), None)
    cased: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for piece in _pieces(char):
            cased.append(piece)
            places.append(place)
    joined = "".join(cased)
    return PlainText(text, joined, "".join(map(_lower, joined)), places)


def _is_odd(char: str) -> bool:
    return not char.isprintable() and char not in _KEPT_CONTROLS


def _lower(char: str) -> str:
    small = char.lower()
    return small if len(small) == 1 else char


def _pieces(char: str) -> str:
    """What one character of a text comes down to: mostly one, none or a few characters."""
    if char in _FILLERS:
        return ""
    if char.isascii():
        return "" if _is_odd(char) else char
    wide = unicodedata.normalize("NFKD", char.translate(_PUNCTUATION))
    return "".join(_piece(piece) for piece in wide).translate(_LOOKALIKES).translate(_PUNCTUATION)


def _piece(char: str) -> str:
    if char in _KEPT_CONTROLS or char in "\u2028\u2029":
        return "\n"
    category = unicodedata.category(char)
    if category in _DROPPED or char in _FILLERS:
        return ""
    if category in ("Nd", "No"):
        return str(unicodedata.digit(char, char))
    return char
