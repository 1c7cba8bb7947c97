"""Messages as numbers: TF-IDF of word and character n-grams, and the concepts of the lexicon."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from bot.nlu.lexicon import Lexicon
from bot.nlu.parallel import in_parts, on_all_processors

#: Settings of the two n-gram tables; word 1-2 with character 2-5 was best on public few-shot sets (see docs/understanding.md).
_TABLES: dict[str, dict[str, Any]] = {
    "word": {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\S+"},
    "char": {"analyzer": "char_wb", "ngram_range": (2, 5)},
}
_WORD = re.compile(r"\S+")


def _word_ngrams(text: str) -> Iterator[str]:
    words = _WORD.findall(text)
    yield from words
    yield from map(" ".join, pairwise(words))


def _char_ngrams(text: str) -> Iterator[str]:
    shortest, longest = _TABLES["char"]["ngram_range"]
    for word in text.split():
        padded = f" {word} "
        for length in range(shortest, longest + 1):
            if len(padded) <= length:
                yield padded
                break
            for start in range(len(padded) - length + 1):
                yield padded[start : start + length]


_NGRAMS: dict[str, Callable[[str], Iterator[str]]] = {"word": _word_ngrams, "char": _char_ngrams}


class _Table:
    """A learnt n-gram table: scikit-learn's ``TfidfVectorizer`` (sublinear, L2) without scikit-learn, for one message at a time.

    Answering needs no more than this; scikit-learn, which learns the table, costs the process 60 MB and a second at start.
    """

    def __init__(self, vocabulary: Mapping[str, int], idf: np.ndarray, ngrams: Callable[[str], Iterator[str]]) -> None:
        self.vocabulary = vocabulary
        self.idf = np.asarray(idf, np.float32)
        self._ngrams = ngrams

    def row(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Places of the known n-grams of a text, in ascending order, and their weights; the weights have length one."""
        counts: dict[int, int] = {}
        known = self.vocabulary.get
        for ngram in self._ngrams(text):
            place = known(ngram)
            if place is not None:
                counts[place] = counts.get(place, 0) + 1
        places = np.array(sorted(counts), np.int32)
        weights = (1.0 + np.log(np.array([counts[place] for place in places.tolist()], np.float32))) * self.idf[places]
        length = float(np.sqrt(weights @ weights))
        return places, weights / length if length else weights


def _learn(task: tuple[str, Sequence[str], int]) -> tuple[dict[str, int], np.ndarray]:
    """Vocabulary and weights of one table: its name, normalised texts, in how many of them an n-gram must stand."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    name, texts, min_count = task
    table = TfidfVectorizer(**_TABLES[name], sublinear_tf=True, lowercase=False, min_df=min_count, dtype=np.float32)
    table.fit(texts)
    return table.vocabulary_, table.idf_


class NgramVectoriser:
    """Normalised text to a sparse row: word n-grams, character n-grams, lexicon concepts; each block has length one or less.

    Args:
        lexicon: concepts that become features of their own.
        min_count: in how many messages an n-gram must stand to be kept, by table.
        concept_weight: length of the block of concepts, relative to the n-gram blocks.
    """

    def __init__(self, lexicon: Lexicon, min_count: dict[str, int] | None = None, concept_weight: float = 1.0) -> None:
        self.lexicon = lexicon
        self.min_count = {"word": 2, "char": 3} | (min_count or {})
        self.concept_weight = concept_weight
        self._concept_place = {name: place for place, name in enumerate(lexicon.names)}
        self._tables: dict[str, _Table] = {}

    @property
    def size(self) -> int:
        """Number of features."""
        return sum(len(table.vocabulary) for table in self._tables.values()) + len(self.lexicon.names)

    def fit(self, texts: Sequence[str]) -> None:
        """Learn the n-grams and their weights from normalised texts."""
        learnt = on_all_processors(_learn, [(name, texts, self.min_count[name]) for name in _TABLES])
        self._tables = {name: _Table(*found, _NGRAMS[name]) for name, found in zip(_TABLES, learnt, strict=True)}

    def transform_all(self, texts: Sequence[str]) -> sp.csr_matrix:
        """As :meth:`transform`, of very many texts, on all processors."""
        return sp.vstack(on_all_processors(self.transform, in_parts(texts)), format="csr")

    def transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Rows of features, float32."""
        tables = [self._tables[name] for name in _TABLES]
        places: list[np.ndarray] = []
        weights: list[np.ndarray] = []
        starts = [0]
        for text in texts:
            first = 0
            for table in tables:
                found, values = table.row(text)
                places.append(found + first)
                weights.append(values)
                first += len(table.vocabulary)
            concepts = self._concepts(text)
            places.append(concepts + first)
            # One concept counts as much whether it stands alone or with others; the block stays below length two.
            weights.append(np.full(len(concepts), self.concept_weight / max(1.0, len(concepts) ** 0.25), np.float32))
            starts.append(starts[-1] + sum(map(len, places[-len(tables) - 1 :])))
        return sp.csr_matrix((np.concatenate(weights), np.concatenate(places), starts), shape=(len(texts), self.size), dtype=np.float32)

    def concepts_in(self, row: sp.csr_matrix) -> tuple[str, ...]:
        """Names of the concepts in a row of :meth:`transform`, in alphabetical order."""
        first = self.size - len(self.lexicon.names)
        return tuple(self.lexicon.names[place - first] for place in row.indices if place >= first)

    def _concepts(self, text: str) -> np.ndarray:
        return np.array([self._concept_place[name] for name in self.lexicon.found(text)], np.int32)

    # --- persistence: JSON and npz, nothing that can run code ---

    def save(self, folder: Path) -> None:
        """Write into a folder."""
        description = {
            "concept_weight": self.concept_weight,
            "min_count": self.min_count,
            "lexicon": self.lexicon.concepts,
            "vocabulary": {name: sorted(table.vocabulary, key=table.vocabulary.__getitem__) for name, table in self._tables.items()},
        }
        (folder / "features.json").write_text(json.dumps(description, ensure_ascii=False), encoding="utf-8")
        np.savez_compressed(folder / "features.npz", **{name: table.idf for name, table in self._tables.items()})

    @classmethod
    def load(cls, folder: Path) -> NgramVectoriser:
        """Read what :meth:`save` wrote."""
        description = json.loads((folder / "features.json").read_text(encoding="utf-8"))
        vectoriser = cls(Lexicon(description["lexicon"]), description["min_count"], description["concept_weight"])
        with np.load(folder / "features.npz", allow_pickle=False) as weights:
            for name in _TABLES:
                vocabulary = {ngram: place for place, ngram in enumerate(description["vocabulary"][name])}
                vectoriser._tables[name] = _Table(vocabulary, weights[name], _NGRAMS[name])
        return vectoriser
