"""Messages as numbers: TF-IDF of word and character n-grams, and the concepts of the lexicon."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.nlu.lexicon import Lexicon

#: Settings of the two n-gram tables; word 1-2 with character 2-5 was best on public few-shot sets (see docs/understanding.md).
_TABLES: dict[str, dict[str, Any]] = {
    "word": {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\S+"},
    "char": {"analyzer": "char_wb", "ngram_range": (2, 5)},
}


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
        self._tables: dict[str, TfidfVectorizer] = {}

    @property
    def size(self) -> int:
        """Number of features."""
        return sum(len(table.vocabulary_) for table in self._tables.values()) + len(self.lexicon.names)

    def fit_transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Learn the n-grams and their weights from normalised texts; returns the rows of these texts."""
        blocks = []
        for name, settings in _TABLES.items():
            table = TfidfVectorizer(**settings, sublinear_tf=True, lowercase=False, min_df=self.min_count[name], dtype=np.float32)
            blocks.append(table.fit_transform(texts))
            self._tables[name] = table
        return sp.hstack([*blocks, self._concepts(texts)], format="csr", dtype=np.float32)

    def transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Rows of features, float32."""
        blocks = [self._tables[name].transform(texts) for name in _TABLES]
        return sp.hstack([*blocks, self._concepts(texts)], format="csr", dtype=np.float32)

    def _concepts(self, texts: Sequence[str]) -> sp.csr_matrix:
        indices: list[int] = []
        values: list[float] = []
        starts = [0]
        for text in texts:
            found = self.lexicon.found(text)
            indices.extend(self._concept_place[name] for name in found)
            # One concept counts as much whether it stands alone or with others; the block stays below length two.
            values.extend([self.concept_weight / max(1.0, len(found) ** 0.25)] * len(found))
            starts.append(len(indices))
        return sp.csr_matrix((np.array(values, np.float32), indices, starts), shape=(len(texts), len(self._concept_place)))

    # --- persistence: JSON and npz, nothing that can run code ---

    def save(self, folder: Path) -> None:
        """Write into a folder."""
        description = {
            "concept_weight": self.concept_weight,
            "min_count": self.min_count,
            "lexicon": self.lexicon.concepts,
            "vocabulary": {name: sorted(table.vocabulary_, key=table.vocabulary_.get) for name, table in self._tables.items()},
        }
        (folder / "features.json").write_text(json.dumps(description, ensure_ascii=False), encoding="utf-8")
        np.savez_compressed(folder / "features.npz", **{name: table.idf_.astype(np.float32) for name, table in self._tables.items()})

    @classmethod
    def load(cls, folder: Path) -> NgramVectoriser:
        """Read what :meth:`save` wrote."""
        description = json.loads((folder / "features.json").read_text(encoding="utf-8"))
        vectoriser = cls(Lexicon(description["lexicon"]), description["min_count"], description["concept_weight"])
        with np.load(folder / "features.npz", allow_pickle=False) as weights:
            for name, settings in _TABLES.items():
                vocabulary = {ngram: place for place, ngram in enumerate(description["vocabulary"][name])}
                table = TfidfVectorizer(**settings, sublinear_tf=True, lowercase=False, vocabulary=vocabulary, dtype=np.float32)
                table.idf_ = weights[name].astype(np.float64)
                vectoriser._tables[name] = table
        return vectoriser
