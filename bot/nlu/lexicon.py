"""Concepts: word lists that a reader knows and a few thousand examples cannot teach.

``data/lexicon/*.yml`` maps a concept (``place_school``, ``crisis_suicide``) to words and phrases. They are matched on normalised
text. ``*`` at the end of a word matches any ending, ``...`` between words up to four words in between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml

from bot.nlu.text import normalise

GAP = 4

_NEVER = re.compile(r"(?!)")


class LexiconError(ValueError):
    """A word list that cannot be used; the message names file and concept."""


def pattern_of(phrase: str) -> str:
    """One phrase as a regular expression over normalised text, without the word boundaries around it.

    Each piece is normalised as the messages are, so that a list may hold either spelling.
    """
    parts = []
    for part in phrase.split("..."):
        words = []
        for word in part.split():
            open_end = word.endswith("*")
            plain = normalise(word.rstrip("*")) if not open_end else word.rstrip("*").lower()
            words.append(re.escape(plain) + (r"[^\s]*" if open_end else ""))
        parts.append(r"\s".join(words))
    return (r"\s(?:\S+\s){0,%d}" % GAP).join(part for part in parts if part)


class Lexicon:
    """Concepts by name, each one compiled pattern."""

    def __init__(self, concepts: Mapping[str, list[str]]) -> None:
        self.concepts = {name: list(phrases) for name, phrases in sorted(concepts.items())}
        self._patterns = {name: _compile(phrases) for name, phrases in self.concepts.items()}
        self.names: tuple[str, ...] = tuple(self._patterns)

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
        return tuple(name for name, pattern in self._patterns.items() if pattern.search(normalised))

    def find(self, concept: str, normalised: str) -> list[tuple[int, int]]:
        """Places (start, end) where one concept stands in a normalised text."""
        return [match.span() for match in self._patterns[concept].finditer(normalised)]


@lru_cache(maxsize=1024)
def _cached_pattern(phrase: str) -> str:
    return pattern_of(phrase)


def _compile(phrases: list[str]) -> re.Pattern[str]:
    patterns = sorted({pattern for phrase in phrases if (pattern := _cached_pattern(phrase))}, key=len, reverse=True)
    return re.compile(r"(?<!\S)(?:" + "|".join(patterns) + r")(?!\S)") if patterns else _NEVER
