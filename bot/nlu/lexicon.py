"""Concepts: word lists that a reader knows and a few thousand examples cannot teach.

``data/lexicon/*.yml`` maps a concept (``place_school``, ``suicide_direct``) to words and phrases. They are matched on normalised
text, word by word. ``*`` at the end of a word matches any ending, ``...`` between words up to four words in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.nlu.text import normalise

GAP = 4

_SHORTEST_PREFIX = 2


class LexiconError(ValueError):
    """A word list that cannot be used; the message names file and concept."""


@dataclass(frozen=True)
class _Word:
    """A word of a phrase: exact or as a beginning, at once after the word before it or with up to ``GAP`` words in between."""

    text: str
    open_end: bool
    after_gap: bool

    def matches(self, word: str) -> bool:
        return word.startswith(self.text) if self.open_end else word == self.text


@dataclass(frozen=True)
class _Phrase:
    """A phrase of a concept. ``whole`` are the words that must stand in a text as they are: a check that most texts fail at once."""

    concept: str
    words: tuple[_Word, ...]
    whole: frozenset[str]


def _words(phrase: str) -> tuple[_Word, ...]:
    """A phrase as words. Each is normalised as the messages are, so that a list may hold either spelling."""
    words: list[_Word] = []
    for part in phrase.split("..."):
        gap = bool(words)
        for word in part.split():
            if word.endswith("*"):
                words.append(_Word(word.rstrip("*").lower(), True, gap))
                gap = False
                continue
            for plain in normalise(word).split():
                words.append(_Word(plain, False, gap))
                gap = False
    return tuple(words)


class Lexicon:
    """Concepts by name. Phrases are indexed by their longest whole word, so that a message costs the same for ten concepts or a hundred."""

    def __init__(self, concepts: Mapping[str, list[str]]) -> None:
        self.concepts = {name: list(phrases) for name, phrases in sorted(concepts.items())}
        self.names: tuple[str, ...] = tuple(self.concepts)
        self._exact: dict[str, list[_Phrase]] = {}
        self._prefix: dict[str, list[_Phrase]] = {}
        for name, phrases in self.concepts.items():
            for phrase in phrases:
                words = _words(phrase)
                if words:
                    # Many phrases begin with "ik" or "ze"; few share their longest word.
                    anchor = max(words, key=lambda word: (not word.open_end, len(word.text)))
                    index = self._prefix if anchor.open_end else self._exact
                    whole = frozenset(word.text for word in words if not word.open_end)
                    index.setdefault(anchor.text, []).append(_Phrase(name, words, whole))
        self._longest_prefix = max(map(len, self._prefix), default=0)

    @classmethod
    def from_folder(cls, folder: Path) -> Lexicon:
        """Read every ``*.yml`` of a folder.

        Raises:
            LexiconError: a file that is no mapping of concepts to lists, or a concept that stands twice.
        """
        concepts: dict[str, list[str]] = {}
        for path in sorted(folder.glob("*.yml")):
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
            if not isinstance(data, dict):
                raise LexiconError(f"{path.name}: must map concepts to lists of words")
            for name, phrases in data.items():
                if not isinstance(phrases, list) or not phrases:
                    raise LexiconError(f"{path.name}: '{name}' must be a list of words")
                if name in concepts:
                    raise LexiconError(f"{path.name}: '{name}' stands twice")
                concepts[name] = [str(phrase) for phrase in phrases]
        return cls(concepts)

    def found(self, normalised: str) -> tuple[str, ...]:
        """Names of the concepts in a normalised text, in alphabetical order."""
        words = normalised.split()
        places: dict[str, list[int]] = {}
        for place, word in enumerate(words):
            places.setdefault(word, []).append(place)
        found: set[str] = set()
        for word in places:
            for phrase in self._anchored_at(word):
                if phrase.concept not in found and phrase.whole <= places.keys() and _stands_in(phrase.words, words, places):
                    found.add(phrase.concept)
        return tuple(sorted(found))

    def _anchored_at(self, word: str) -> list[_Phrase]:
        phrases = list(self._exact.get(word, ()))
        for length in range(_SHORTEST_PREFIX, min(len(word), self._longest_prefix) + 1):
            phrases.extend(self._prefix.get(word[:length], ()))
        return phrases


def _stands_in(phrase: tuple[_Word, ...], words: list[str], places: Mapping[str, list[int]]) -> bool:
    first = phrase[0]
    if first.open_end:
        return any(first.matches(word) and _stands_at(phrase, words, place) for place, word in enumerate(words))
    begins = places[first.text]
    return len(phrase) == 1 or any(_stands_at(phrase, words, place) for place in begins)


def _stands_at(phrase: tuple[_Word, ...], words: list[str], place: int) -> bool:
    """Whether a phrase whose first word matches at ``place`` goes on there."""
    for wanted in phrase[1:]:
        reach = GAP + 1 if wanted.after_gap else 1
        following = range(place + 1, min(place + 1 + reach, len(words)))
        match = next((at for at in following if wanted.matches(words[at])), None)
        if match is None:
            return False
        place = match
    return True
