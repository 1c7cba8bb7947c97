"""Redaction: whatever names a person or a place is replaced before anything is stored.

Two steps: direct identifiers by their form (:mod:`bot.transcripts.direct`), then names by lists and context
(:mod:`bot.transcripts.names`) in what is left. How well it works is measured: docs/redaction.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from bot.transcripts.direct import FINDERS, harmless_dates
from bot.transcripts.kinds import Found, Kind
from bot.transcripts.names import NameFinder
from bot.transcripts.plain_text import PlainText, plain
from bot.transcripts.wordlists import word_lists

__all__ = ["Found", "Kind", "find", "redact"]

#: What no telephone number stands in.
_NO_PHONE = frozenset({"MAIL", "WEB", "REKENING"})
#: A text is searched in pieces of at most this many characters, so that no pattern meets an endless one.
_PIECE = 4000
_OVERLAP = 200


def find(text: str) -> list[Found]:
    """Everything personal in a text, in order, not overlapping. Depends on nothing but the text (and, for dates of birth, on the year)."""
    found: list[Found] = []
    for start in range(0, max(1, len(text)), _PIECE - _OVERLAP):
        found.extend(Found(item.start + start, item.end + start, item.kind, item.key) for item in _find(text[start : start + _PIECE]))
        if start + _PIECE >= len(text):
            break
    return _apart(found)


def redact(text: str, number: Callable[[Kind, str], int]) -> str:
    """The text with a typed placeholder ("[NAAM-1]") for everything personal.

    Args:
        text: what somebody wrote.
        number: the number of a thing within its conversation, the same for the same kind and key.
    """
    pieces: list[str] = []
    place = 0
    for item in find(text):
        pieces += [text[place : item.start], f"[{item.kind}-{number(item.kind, item.key)}]"]
        place = item.end
    return "".join([*pieces, text[place:]])


@lru_cache(maxsize=1)
def _names() -> NameFinder:
    return NameFinder(word_lists())


def _find(text: str) -> list[Found]:
    whole = plain(text)
    found: list[Found] = []
    dates = harmless_dates(whole)
    for kind, finder in FINDERS:
        # Telephone numbers are looked for in other numbers too: part of one may look like a date, an address of a computer, an id.
        blank = [(item.start, item.end) for item in found if kind != "TELEFOON" or item.kind in _NO_PHONE]
        found = _apart([*found, *finder(_without(whole, [*blank, *dates] if kind in ("NUMMER", "TELEFOON") else blank))])
    for item in _names().find(_without(whole, [(item.start, item.end) for item in found])):
        if all(item.end <= other.start or item.start >= other.end for other in found):
            found.append(item)
    found.sort(key=lambda item: item.start)
    return [Found(*whole.span(item.start, item.end), item.kind, item.key) for item in found]


def _without(text: PlainText, spans: Iterable[tuple[int, int]]) -> PlainText:
    """The text with spans blanked out, every character in its place."""
    cased = text.cased
    for start, end in spans:
        cased = f"{cased[:start]}{_blank(end - start)}{cased[end:]}"
    if cased is text.cased:
        return text
    lower = "".join(low if wide != "\0" else wide for low, wide in zip(text.lower, cased, strict=True))
    return PlainText(text.original, cased, lower, text.places)


def _blank(length: int) -> str:
    return "\0" * length


def _apart(found: list[Found]) -> list[Found]:
    """In order, those that overlap made one, so that no part of either stays: of the kind of the first that was found."""
    apart: list[Found] = []
    for _, item in sorted(enumerate(found), key=lambda pair: (pair[1].start, pair[0])):
        last = apart[-1] if apart else None
        if last is None or item.start >= last.end:
            apart.append(item)
        elif item.end > last.end:
            apart[-1] = Found(last.start, item.end, last.kind, last.key)
    return apart
