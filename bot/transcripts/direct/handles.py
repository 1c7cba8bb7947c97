"""User names and handles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.transcripts.direct.common import any_of
from bot.transcripts.kinds import Found
from bot.transcripts.plain_text import PlainText
from bot.transcripts.wordlists import word_lists

_HANDLE = re.compile(r"(?<![\w@.])@[a-z0-9_](?:[\w.-]*[\w])?")
_UNDERSCORED = re.compile(r"(?<![\w.@])(?=[\w.-]*_)[\w.-]{3,}(?![\w@])")
_TAGGED = re.compile(r"(?<![\w.])[a-z][\w.-]{1,31}#\d{4}\b")
_WITH_DIGITS = re.compile(r"(?<![\w.@-])(?:[a-z][a-z.-]*[a-z])(?:[.-]?\d{2,}[a-z.]*(?:\d[a-z]*)*|\d[a-z]{4,})(?![\w@])")
_DOTTED = re.compile(r"(?<![\w.@])[a-z0-9]+(?:\.[a-z0-9]+)+(?![\w@])")
_ACCOUNT = any_of("account_words")
_ACCOUNT_CUE = re.compile(rf"\b(?:{_ACCOUNT})\b[^.!?\n]{{0,40}}$|\b(?:add|volg)\s+$")
_ACCOUNT_NAME = re.compile(
    rf"\b(?:{_ACCOUNT})(?:[- ](?:naam|account|id|profiel|name))?(?:\s+op\s+\w+)?\s*"
    r"(?:\b(?:is|heet|noemt|was)\b|:|=)\s*(?:nu\s+)?@?([a-z0-9][\w.-]{2,})"
)
_NO_HANDLE = re.compile(rf"(?:{any_of('before_numbers')})[.-]?\d[\d.,ueh]*(?:uur)?")


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
