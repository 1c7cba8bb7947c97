"""Linear heads over shared features: one logistic regression a class, many heads in one matrix.

Trained with scikit-learn, run as one sparse product: a message costs the same whether it has one head or fifty classes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from bot.nlu.parallel import on_all_processors

UNKNOWN = "unknown"

#: A weight that is stored as nothing.
_NO_WEIGHT = 0.005


@dataclass(frozen=True)
class HeadSpec:
    """A decision to learn. ``exclusive``: exactly one of the classes holds; otherwise each holds or not by itself.

    ``strength`` is the inverse of regularisation (C of logistic regression). ``temperature`` divides the scores before they become
    probabilities; it is set by calibration. ``rare_weight``: how much more an example of a rare class counts (0: not at all,
    1: fully balanced).
    """

    name: str
    classes: tuple[str, ...]
    exclusive: bool = True
    strength: float = 10.0
    temperature: float = 1.0
    rare_weight: float = 0.0


def _fit_binary(features: sp.csr_matrix, wanted: np.ndarray, spec: HeadSpec, weights: np.ndarray | None) -> tuple[np.ndarray, float]:
    # Imported here: answering messages needs no scikit-learn, which costs 60 MB and a second at start.
    from sklearn.linear_model import LogisticRegression

    positives = int(wanted.sum())
    if positives == 0 or positives == len(wanted):
        return np.zeros(features.shape[1], np.float32), -8.0 if positives == 0 else 8.0
    ratio = (len(wanted) - positives) / positives
    # The dual solver with a loose tolerance is six times as fast on sparse text; the mean of each score moves by 0.001 at most.
    model = LogisticRegression(
        C=spec.strength,
        solver="liblinear",
        dual=True,
        tol=0.3,
        max_iter=200,
        random_state=0,
        class_weight={0: 1.0, 1: max(1.0, ratio) ** spec.rare_weight},
    )
    model.fit(features, wanted, sample_weight=weights)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


#: One class to learn: features, which rows hold it, its head, weights of the rows.
Job = tuple[sp.csr_matrix, np.ndarray, HeadSpec, "np.ndarray | None"]
_jobs: list[Job] = []


def _take(jobs: list[Job]) -> None:
    _jobs[:] = jobs


def _fit_one(number: int) -> tuple[np.ndarray, float]:
    return _fit_binary(*_jobs[number])


class LinearHeads:
    """Several heads over the same features.

    Scores are logits of one-versus-rest regressions. For an exclusive head the probabilities are their sigmoids, normalised;
    for the others each class has its own sigmoid.
    """

    def __init__(self, specs: Sequence[HeadSpec], weights: np.ndarray, bias: np.ndarray) -> None:
        self.specs = tuple(specs)
        # Features x outputs, C-contiguous: a message touches a few hundred rows. Loaded weights stay in half precision, as stored.
        self._weights = weights
        self._bias = bias
        self._slices: dict[str, slice] = {}
        start = 0
        for spec in self.specs:
            self._slices[spec.name] = slice(start, start + len(spec.classes))
            start += len(spec.classes)

    @classmethod
    def train(
        cls,
        features: sp.csr_matrix,
        specs: Sequence[HeadSpec],
        labels: dict[str, list[frozenset[str] | None]],
        sample_weights: np.ndarray | None = None,
    ) -> LinearHeads:
        """Fit every head.

        Args:
            labels: per head, per row the classes that hold; ``None`` leaves the row out for that head.
        """
        jobs: list[Job] = []
        for spec in specs:
            rows = np.array([i for i, label in enumerate(labels[spec.name]) if label is not None])
            known = features if len(rows) == features.shape[0] else features[rows]
            weights = None if sample_weights is None else sample_weights[rows]
            for name in spec.classes:
                wanted = np.array([name in (labels[spec.name][i] or ()) for i in rows], dtype=np.int8)
                jobs.append((known, wanted, spec, weights))
        columns, bias = zip(*on_all_processors(_fit_one, range(len(jobs)), _take, jobs), strict=True)
        return cls(specs, np.ascontiguousarray(np.stack(columns, axis=1)), np.array(bias, np.float32))

    def scores(self, features: sp.csr_matrix) -> np.ndarray:
        """Logits, one row a message and one column a class of each head in turn."""
        if features.shape[0] == 1:
            return (features.data @ self._weights[features.indices].astype(np.float32) + self._bias)[None, :]
        return np.asarray(features @ self._weights.astype(np.float32)) + self._bias

    def probabilities(self, scores: np.ndarray, head: str) -> np.ndarray:
        """Probabilities of one head from :meth:`scores`."""
        spec = next(spec for spec in self.specs if spec.name == head)
        # np.clip costs several times this on the few numbers of one message.
        chances = 1.0 / (1.0 + np.exp(-np.maximum(np.minimum(scores[:, self._slices[head]] / spec.temperature, 30), -30)))
        return chances / np.maximum(chances.sum(axis=1, keepdims=True), 1e-9) if spec.exclusive else chances

    def with_specs(self, specs: Sequence[HeadSpec]) -> LinearHeads:
        """The same weights with other temperatures."""
        return LinearHeads(specs, self._weights, self._bias)

    def save(self, folder: Path, name: str) -> None:
        """Write ``<name>.json`` and ``<name>.npz``; half precision, and no smallest weights: less than 0.001 in any probability."""
        described = [{**spec.__dict__, "classes": list(spec.classes)} for spec in self.specs]
        (folder / f"{name}.json").write_text(json.dumps(described), encoding="utf-8")
        weights = self._weights.astype(np.float16)
        # A fifth less to store.
        weights[np.abs(weights) < _NO_WEIGHT] = 0
        np.savez_compressed(folder / f"{name}.npz", weights=weights, bias=self._bias)

    @classmethod
    def load(cls, folder: Path, name: str) -> LinearHeads:
        """Read what :meth:`save` wrote."""
        described = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        specs = [HeadSpec(**{**item, "classes": tuple(item["classes"])}) for item in described]
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            return cls(specs, np.ascontiguousarray(arrays["weights"]), arrays["bias"])
