"""The crisis detector: a lexicon with context and negation first, a classifier beside it.

A published two-stage design (keyword filter and logistic regression; CMD-1, npj Digital Medicine 2023) with the stages side by side,
since a miss costs more than a false alarm: a phrase that stands on its own raises the alarm even where the rest of a long message speaks
of something else, and the classifier finds what no list holds. What takes a phrase back (said to the writer, a film, a joke, long ago)
leaves the decision to the classifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.wegwijzer.vocabulary import Crisis

#: Probability of any crisis from which the classifier alone raises the alarm; chosen on held-out messages (see docs/understanding.md).
ALONE = 0.42
#: The same where the lexicon has a sign that something in the message excuses.
EXCUSED = 0.35

_SURE = "sure_"
_EXCUSE = "excuse_"


def decide(chances: Mapping[str, float], concepts: Iterable[str]) -> tuple[str, float]:
    """The crisis of a message and how sure it is.

    Args:
        chances: the classifier's probability by type of crisis, ``none`` among them.
        concepts: names of the lexicon's concepts in the message.
    """
    found = set(concepts)
    signs = [crisis.value for crisis in Crisis if _SURE + crisis.value in found]
    excused = any(name.startswith(_EXCUSE) for name in found)
    any_crisis = 1.0 - chances[Crisis.NONE.value]
    if signs and (not excused or any_crisis >= EXCUSED):
        return max(signs, key=chances.__getitem__), round(max(any_crisis, ALONE), 4)
    if any_crisis < ALONE:
        return Crisis.NONE.value, round(chances[Crisis.NONE.value], 4)
    types = [crisis.value for crisis in Crisis if crisis is not Crisis.NONE]
    return max(types, key=chances.__getitem__), round(any_crisis, 4)
