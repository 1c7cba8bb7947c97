"""Facets of one message: which heads are learnt, and how their probabilities become an answer.

Unknown is a class of its own that is learnt from examples, and an answer that is not sure enough is unknown too: a facet is never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bot.nlu.linear import UNKNOWN, HeadSpec, LinearHeads
from bot.wegwijzer.vocabulary import Context, Crisis, Form, Kind, Role

_TRUTH = ("true", "false", UNKNOWN)

#: Facets that are learnt. Platform and age are read from the words (see bot/nlu/entities.py).
HEADS: tuple[HeadSpec, ...] = (
    HeadSpec("role", (*(role.value for role in Role), UNKNOWN)),
    HeadSpec("kind", tuple(kind.value for kind in Kind)),
    HeadSpec("context", (*(context.value for context in Context), UNKNOWN)),
    HeadSpec("forms", tuple(form.value for form in Form), exclusive=False, rare_weight=0.2),
    HeadSpec("repeated", _TRUTH),
    HeadSpec("crisis", tuple(crisis.value for crisis in Crisis), rare_weight=0.3),
    HeadSpec("anonymous_bully", _TRUTH),
    HeadSpec("adult_informed", _TRUTH),
    HeadSpec("evidence_saved", _TRUTH),
)

#: How sure an answer must be. From the curves of ``make curves`` on held-out messages; see docs/understanding.md.
THRESHOLDS: dict[str, float] = {
    "role": 0.35,
    "context": 0.35,
    "forms": 0.40,
    "repeated": 0.5,
    "anonymous_bully": 0.6,
    "adult_informed": 0.6,
    "evidence_saved": 0.6,
    "bullying": 0.5,
}

_BULLYING = (Kind.BULLYING.value, Kind.CYBERBULLYING.value)


def labels_of(metadata: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Classes of each head for one training example, from its metadata. What the metadata does not say is unknown."""
    labels: dict[str, frozenset[str]] = {}
    for spec in HEADS:
        value = metadata.get(spec.name)
        if spec.name == "forms":
            labels["forms"] = frozenset(value or ())
        elif spec.classes == _TRUTH:
            labels[spec.name] = frozenset({UNKNOWN if value is None else str(bool(value)).lower()})
        else:
            labels[spec.name] = frozenset({value or ("none" if spec.name in ("kind", "crisis") else UNKNOWN)})
    return labels


def decode(heads: LinearHeads, scores: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facets and confidences of one message.

    Args:
        scores: one row of logits from ``heads``.

    Returns:
        The facets (``None`` is unknown, ``forms`` a list) and, by facet, the probability of what is answered (for ``forms`` by form;
        for an unknown facet that of being unknown).
    """
    facets: dict[str, Any] = {}
    confidences: dict[str, Any] = {}
    for spec in heads.specs:
        chances = heads.probabilities(scores, spec.name)[0]
        by_class = dict(zip(spec.classes, chances.tolist()))
        if spec.name == "forms":
            facets["forms"] = [form for form, chance in by_class.items() if chance >= THRESHOLDS["forms"]]
            confidences["forms"] = {form: round(chance, 4) for form, chance in by_class.items() if chance >= 0.05}
        elif spec.name == "kind":
            facets["kind"], confidences["kind"] = _kind(by_class)
        else:
            facets[spec.name], confidences[spec.name] = _single(spec, by_class)
    return facets, confidences


def _kind(by_class: dict[str, float]) -> tuple[str, float]:
    """Bullying when both bullying kinds together are likely enough; which of the two, or which other kind, by the highest chance."""
    bullying = sum(by_class[kind] for kind in _BULLYING)
    if bullying >= THRESHOLDS["bullying"]:
        return max(_BULLYING, key=by_class.__getitem__), round(bullying, 4)
    others = {kind: chance for kind, chance in by_class.items() if kind not in _BULLYING}
    best = max(others, key=others.__getitem__)
    return best, round(others[best], 4)


def _single(spec: HeadSpec, by_class: dict[str, float]) -> tuple[Any, float]:
    known = {name: chance for name, chance in by_class.items() if name != UNKNOWN}
    best = max(known, key=known.__getitem__)
    sure = known[best] >= THRESHOLDS.get(spec.name, 0.0) and known[best] >= by_class.get(UNKNOWN, 0.0)
    if not sure:
        return None, round(by_class.get(UNKNOWN, 1.0 - known[best]), 4)
    value: Any = {"true": True, "false": False}.get(best, best) if spec.classes == _TRUTH else best
    return value, round(known[best], 4)
