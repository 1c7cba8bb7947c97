"""From probabilities of dialogue acts to Rasa's intent, with a fallback that never hides somebody's story."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DESCRIBE = "describe"
FALLBACK = "nlu_fallback"

#: Below this the act is not known. Chosen on the curve of held-out messages with out-of-scope ones among them.
ACT_THRESHOLD = 0.30

_MAX_RANKED = 5

#: Acts that an answer of ``content/answers.yml`` may suit: a question, whatever is asked.
QUESTIONS = frozenset(
    {"ask_definition", "ask_rights", "ask_prevention", "ask_signs", "ask_talk", "ask_approach", "ask_tips", "ask_platform_steps"}
)
#: The class of questions to which no page is the answer: tips for the situation are, or steps on a platform.
NO_PAGE = "none"
#: Below this no page is known to answer a question. Chosen on questions by other writers: docs/understanding.md.
PAGE_THRESHOLD = 0.5


def page(chances: Mapping[str, float], intent: str) -> str | None:
    """The page that answers a question, or :data:`NO_PAGE`; None where neither is likely enough, or nothing is asked.

    Args:
        chances: by name of a page, and of :data:`NO_PAGE`.
    """
    best = max(chances, key=chances.__getitem__)
    return best if intent in QUESTIONS and chances[best] >= PAGE_THRESHOLD else None


def rank(chances: dict[str, float], normalised: str, facets: dict[str, Any]) -> list[dict[str, Any]]:
    """Intents by probability, best first; ``nlu_fallback`` in front when none is sure enough.

    A message in which something of a situation is told is ``describe`` where no act is sure: it is answered, not refused. So is any
    message with a sign of crisis (safety rule 2), whatever else it does.
    """
    ranking = [
        {"name": name, "confidence": round(chance, 4)} for name, chance in sorted(chances.items(), key=lambda item: -item[1])[:_MAX_RANKED]
    ]
    best = max(chances.values())
    if not normalised or not any(char.isalpha() for char in normalised):
        return [{"name": FALLBACK, "confidence": 1.0}, *ranking]
    if best >= ACT_THRESHOLD:
        return ranking
    crisis = facets.get("crisis") not in (None, "none")
    told = crisis or facets.get("forms") or facets.get("kind") in ("bullying", "cyberbullying", "conflict")
    name = DESCRIBE if told else FALLBACK
    return [{"name": name, "confidence": round(1.0 - best, 4)}, *(item for item in ranking if item["name"] != name)]
