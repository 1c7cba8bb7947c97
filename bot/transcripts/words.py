"""The words of a text for redaction: spaCy's Dutch tokens with what the word lists say of each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bot.transcripts.plain_text import PlainText
from bot.transcripts.wordlists import WordLists


class Sort(str, Enum):
    """What a word is, as far as the lists know."""

    GIVEN = "GIVEN"  # a given name that is no word
    WORD_NAME = "WORDNAME"  # a given name that is a word too
    SELDOM = "SELDOM"  # a word that is somebody's name now and then
    TOWN = "TOWN"
    WORD = "WORD"
    UNKNOWN = "UNKNOWN"
    CLASS = "CLASS"  # a school class: 3b
    OTHER = "OTHER"  # punctuation, numbers, white space


@dataclass(frozen=True)
class Word:
    """One token of the plain text. ``name`` is the given name in it, without endings; ``name_end`` is where that ends in the text."""

    start: int
    end: int
    lower: str
    sort: Sort
    name: str
    name_end: int
    capital: bool
    upper: bool
    first: bool
    telling: bool

    @property
    def marked(self) -> bool:
        """Whether it has a capital that says something: not the first word of a sentence, and not in a text full of capitals."""
        return self.capital and self.telling and not self.first


_CLASS = re.compile(r"[1-7](?:[a-z]{1,3}\d?|de|e|ste)")
_LETTERS = re.compile(r"[a-z]+(?:['.-][a-z]+)*")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_ENDINGS = ("'s", "'tje", "'ke", "tje", "ske", "eke", "sje", "ke", "je", "s")
_SHORTEST_STEM = 3
_SENTENCE_END = frozenset(".!?…\n\r\"'“”«»:;([*•>|")
_ABBREVIATED = frozenset("dhr mr mevr mvr mw dr prof st burg".split())
_MANY_CAPITALS = 0.34


def read_words(text: PlainText, doc: Any, lists: WordLists) -> list[Word]:
    """The words of a text, token by token of ``doc`` (which was made from ``text.cased``, with what is found already blanked out)."""
    telling = _capitals_tell(doc, lists)
    words: list[Word] = []
    first = True
    for token in doc:
        written, start = token.text, token.idx
        lower = text.lower[start : start + len(written)]
        sort, name = sort_of(lower, lists) if any(map(str.isalnum, written)) else (Sort.OTHER, "")
        words.append(
            Word(
                start=start,
                end=start + len(written),
                lower=lower,
                sort=sort,
                name=name,
                name_end=start + len(lower) - (2 if lower.endswith("'s") else 0),
                capital=written[:1].isupper(),
                upper=len(written) > 1 and written.isupper(),
                first=first,
                telling=telling,
            )
        )
        first = _begins_sentence(written, words[-2].lower if len(words) > 1 else "", first)
    return words


def _begins_sentence(written: str, before: str, first: bool) -> bool:
    """Whether the next word begins a sentence, after this token and the one before it; ``first``: whether this one might have."""
    if any(map(str.isalnum, written)) or (written == "." and ((len(before) == 1 and before.isalpha()) or before in _ABBREVIATED)):
        return False
    return first or not _SENTENCE_END.isdisjoint(written)


def _capitals_tell(doc: Iterable[Any], lists: WordLists) -> bool:
    """Whether capitals are rare enough to mean a name: not where every word, or every ordinary word, begins with one."""
    words = shouted = plain = capitals = 0
    before, first = "", True
    for token in doc:
        written = token.text
        if not first and len(written) > 1 and written.isalpha():
            words += 1
            shouted += written.isupper()
            if written.lower() in lists.common:
                plain += 1
                capitals += written[0].isupper()
        first = _begins_sentence(written, before, first)
        before = written.lower()
    return shouted <= words / 2 and (capitals < 2 or capitals <= _MANY_CAPITALS * plain)


def sort_of(lower: str, lists: WordLists) -> tuple[Sort, str]:
    """What the lists say of a word, and the given name in it."""
    if _CLASS.fullmatch(lower):
        return Sort.CLASS, ""
    if not _LETTERS.fullmatch(lower):
        return Sort.OTHER, ""
    for form in _forms(lower):
        sort = _listed(form, lists)
        if sort:
            return sort, form
    if "-" in lower and lower not in lists.ordinary:
        first, *others = lower.split("-")
        if _listed(first, lists) is Sort.GIVEN and not any(part in lists.common for part in others):
            return Sort.GIVEN, lower
    if lower in lists.ordinary:
        return Sort.WORD, ""
    for ending in _ENDINGS:
        stem = lower.removesuffix(ending)
        if stem != lower and len(stem) >= _SHORTEST_STEM:
            sort = _listed(stem, lists)
            if sort in (Sort.GIVEN, Sort.WORD_NAME):
                return sort, stem
            if ending == "'s" and stem in lists.ordinary:
                return Sort.WORD, ""
    return (Sort.UNKNOWN if len(lower) > 1 else Sort.OTHER), lower


def _forms(lower: str) -> list[str]:
    """The word, and without stretched letters ("lenaaaa", "nooooor")."""
    if not _STRETCHED.search(lower):
        return [lower]
    return [lower, _STRETCHED.sub(r"\1\1", lower), _STRETCHED.sub(r"\1", lower)]


def _listed(word: str, lists: WordLists) -> Sort | None:
    if word in lists.never:
        return Sort.SELDOM
    if word in lists.given:
        return Sort.GIVEN
    if word in lists.word_names:
        return Sort.WORD_NAME
    if word in lists.towns:
        return Sort.TOWN
    return None
