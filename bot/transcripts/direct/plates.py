"""Licence plates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.transcripts.kinds import Found
from bot.transcripts.plain_text import PlainText
from bot.transcripts.wordlists import word_lists

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
