"""The patterns of ``data/redaction/context.yml``, compiled to spaCy's Matcher: where in a text a name is expected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any

import yaml
from spacy.matcher import Matcher
from spacy.vocab import Vocab

from bot.transcripts.words import Sort

FILE = Path(__file__).resolve().parents[2] / "data" / "redaction" / "context.yml"

_SLOTS: dict[str, tuple[Sort, ...]] = {
    "any_name": (Sort.GIVEN, Sort.WORD_NAME, Sort.SELDOM, Sort.UNKNOWN, Sort.TOWN, Sort.WORD),
    "word_name": (Sort.WORD_NAME,),
}
_SORTS = {"CLASS": Sort.CLASS, "NAME": Sort.GIVEN, "WORDNAME": Sort.WORD_NAME}
#: The tag of the last word, and of a sign that ends a clause.
_END = "END"


class Context:
    """Says at which token a name of which group is expected."""

    def __init__(self, vocab: Vocab, file: Path = FILE) -> None:
        groups = yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (a SafeLoader)
        lists = {name: str(words).split() for name, words in groups.pop("lists").items()}
        self._matchers: dict[str, Any] = {}
        #: By group, for each of its patterns: the words of which one must occur, for each of its places that asks for some.
        self._needed: dict[str, list[list[frozenset[str]]]] = {}
        self._slots: dict[int, int] = {}
        for group, lines in groups.items():
            self._matchers[group], self._needed[group] = Matcher(vocab), []
            for number, line in enumerate(lines):
                for variant, parts in enumerate(_variants(line.split())):
                    label = f"{group} {number} {variant}"
                    tokens = [_token(part, lists, group) for part in parts]
                    self._matchers[group].add(label, [tokens])
                    self._needed[group].append([frozenset(token["LOWER"]["IN"]) for token in tokens if "LOWER" in token])
                    self._slots[vocab.strings[label]] = parts.index("_")

    def expected(self, doc: Any, sorts: Set[Sort]) -> Iterator[tuple[str, int]]:
        """Group and token index of every place.

        Args:
            doc: its tokens' tags are values of :class:`Sort` (or END).
            sorts: those that occur; a group of which no name occurs is not looked for.
        """
        words = {token.lower_ for token in doc}
        for group, matcher in self._matchers.items():
            # The Matcher takes longer than all the rest: mostly a word is missing for every pattern.
            if not sorts.isdisjoint(_SLOTS[group]) and any(_all_occur(needed, words) for needed in self._needed[group]):
                for label, start, _end in matcher(doc):
                    yield group, start + self._slots[label]


def _all_occur(needed: Sequence[frozenset[str]], words: Set[str]) -> bool:
    """Whether of each set a word is there. Written out: it is called for every pattern."""
    for choice in needed:  # noqa: SIM110
        if choice.isdisjoint(words):
            return False
    return True


def _variants(parts: Sequence[str]) -> Iterator[list[str]]:
    """The pattern with and without each word that may be missing (``mijn?``)."""
    for place, part in enumerate(parts):
        if part.endswith("?") and len(part) > 1:
            yield from _variants([*parts[:place], part[:-1], *parts[place + 1 :]])
            yield from _variants([*parts[:place], *parts[place + 1 :]])
            return
    yield list(parts)


def _token(part: str, lists: dict[str, list[str]], group: str) -> dict[str, Any]:
    if part == "_":
        return {"TAG": {"IN": [sort.value for sort in _SLOTS[group]]}}
    if part == _END:
        return {"TAG": _END}
    if part in _SORTS:
        return {"TAG": _SORTS[part].value}
    words = [word for choice in part.split("|") for word in (lists[choice[1:]] if choice.startswith("$") else [choice])]
    return {"LOWER": {"IN": words}}
