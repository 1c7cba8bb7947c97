"""Facets of one message: which heads are learnt, and how their probabilities become an answer.

Unknown is a class of its own that is learnt from examples, and an answer that is not sure enough is unknown too. Role and place are told
from a low confidence on; in a conversation a role that is hardly likely is asked for (:data:`bot.wegwijzer.listening.LIKELY`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from bot.nlu.linear import UNKNOWN, HeadSpec, LinearHeads
from bot.wegwijzer.vocabulary import CONCERN, HARMLESS, Context, Crisis, Form, Kind, Role

_TRUTH = ("true", "false", UNKNOWN)

#: Facets that are learnt. Platform and age are read from the words (see bot/nlu/entities.py).
HEADS: tuple[HeadSpec, ...] = (
    # Role and kind are told by the whole of a message: more regularised, they lean less on single words (docs/understanding.md).
    HeadSpec("role", (*(role.value for role in Role), UNKNOWN), strength=3.0, temperature=0.6),
    HeadSpec("kind", tuple(kind.value for kind in Kind), strength=3.0, temperature=0.8),
    HeadSpec("context", (*(context.value for context in Context), UNKNOWN), temperature=0.8),
    HeadSpec("forms", tuple(form.value for form in Form), exclusive=False, rare_weight=0.2, strength=5.0),
    HeadSpec("repeated", _TRUTH),
    HeadSpec("crisis", tuple(crisis.value for crisis in Crisis), rare_weight=0.3),
    HeadSpec("anonymous_bully", _TRUTH),
    HeadSpec("adult_informed", _TRUTH),
    HeadSpec("evidence_saved", _TRUTH),
    # No facet of the situation, but whether it is one: see :func:`at_ease`.
    HeadSpec(CONCERN, ("true", "false")),
)

#: How sure an answer must be. From the curves of `make curves` on messages by other writers than the training data;
#: see docs/understanding.md.
THRESHOLDS: dict[str, float] = {
    "role": 0.15,
    "context": 0.15,
    "repeated": 0.5,
    "anonymous_bully": 0.6,
    "adult_informed": 0.6,
    "evidence_saved": 0.6,
    "bullying": 0.4,
    CONCERN: 0.5,
}

#: The same for each form: those that are told in few ways need less.
FORM_THRESHOLDS: dict[str, float] = {
    "insult": 0.3,
    "exclusion": 0.4,
    "gossip": 0.35,
    "threat": 0.35,
    "physical": 0.25,
    "public_shaming": 0.35,
    "theft_damage": 0.35,
    "other": 0.5,
    "image_sharing": 0.35,
    "sextortion": 0.35,
    "gaming": 0.35,
    "nude_images": 0.15,
    "stalking": 0.25,
    "hate_page": 0.35,
    "impersonation": 0.35,
    "doxing": 0.35,
    "discrimination_lgbt": 0.3,
    "discrimination_race": 0.3,
    "discrimination_disability": 0.35,
}

_BULLYING = (Kind.BULLYING.value, Kind.CYBERBULLYING.value)
#: Acts of people who may need help, unless the message says otherwise, and of people who do not. The others teach nothing about it.
WITH_CONCERN = ("describe", "not_dutch", "ask_tips", "ask_talk", "ask_helpline")
_WITHOUT_CONCERN = ("chitchat", "out_of_scope", "im_ok")


def labels_of(metadata: Mapping[str, Any], intent: str) -> dict[str, frozenset[str] | None]:
    """Classes of each head for one training example, from its metadata and act; None where it teaches a head nothing.

    What the metadata does not say is unknown. ``concern: false`` marks a message that tells of something with which nobody needs help.
    """
    labels: dict[str, frozenset[str] | None] = {}
    for spec in HEADS:
        value = metadata.get(spec.name)
        if spec.name == CONCERN:
            concerned = intent in WITH_CONCERN and value is not False
            labels[CONCERN] = frozenset({str(concerned).lower()}) if intent in (*WITH_CONCERN, *_WITHOUT_CONCERN) else None
        elif spec.name == "forms":
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
        by_class = dict(zip(spec.classes, chances.tolist(), strict=True))
        if spec.name == "forms":
            facets["forms"] = [form for form, chance in by_class.items() if chance >= FORM_THRESHOLDS[form]]
            confidences["forms"] = {form: round(chance, 4) for form, chance in by_class.items() if chance >= 0.05}
        elif spec.name == "kind":
            facets["kind"], confidences["kind"] = _kind(by_class)
        elif spec.name != CONCERN:
            facets[spec.name], confidences[spec.name] = _single(spec, by_class)
    return facets, confidences


def at_ease(heads: LinearHeads, scores: np.ndarray, facets: Mapping[str, Any]) -> tuple[bool, float]:
    """Whether nobody in a message needs help (a match, a joke, a quarrel that is over), and the probability of that answer.

    Args:
        facets: what was read of the same message.
    """
    concern = float(heads.probabilities(scores, CONCERN)[0][0])
    calm = facets["crisis"] == Crisis.NONE.value and facets["kind"] in HARMLESS and concern < THRESHOLDS[CONCERN]
    return calm, round(1.0 - concern if calm else concern, 4)


#: What the lexicon's concepts tell where the classifier is not sure: facet, value, concepts; the first that is found counts.
_BY_CONCEPT: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
    # Fear of telling, and help that failed, are clues for the classifier; by themselves they do not say that an adult knows.
    ("adult_informed", False, ("nobody_knows",)),
    ("adult_informed", True, ("adult_knows",)),
    ("anonymous_bully", True, ("anonymous",)),
)


def add_from_concepts(facets: dict[str, Any], concepts: Collection[str]) -> None:
    """Fill in yes-or-no facets that the classifier left open, where the lexicon knows."""
    for facet, value, names in _BY_CONCEPT:
        if facets.get(facet) is None and any(name in concepts for name in names):
            facets[facet] = value


#: Concepts of the lexicon that name a place or a role in so many words.
_NAMING: dict[str, tuple[str, str]] = {
    **{f"place_{context.value}": ("context", context.value) for context in Context},
    "place_game": ("context", Context.ONLINE.value),
    **{f"role_{role.value}": ("role", role.value) for role in Role},
}


def named(concepts: Collection[str], platforms: Collection[str] = ()) -> dict[str, list[str]]:
    """Places and roles that a message names, by facet. A reader may be sure of one that no word names: most are bullied at school."""
    found = {_NAMING[concept] for concept in concepts if concept in _NAMING}
    if platforms:
        found.add(("context", Context.ONLINE.value))
    return {facet: sorted(value for owner, value in found if owner == facet) for facet in ("context", "role")}


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
    sure = known[best] >= THRESHOLDS.get(spec.name, 0.0)
    if not sure:
        return None, round(by_class.get(UNKNOWN, 1.0 - known[best]), 4)
    value: Any = {"true": True, "false": False}.get(best, best) if spec.classes == _TRUTH else best
    return value, round(known[best], 4)
