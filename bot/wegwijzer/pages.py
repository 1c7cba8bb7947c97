"""Which answer fits a question, and which variant of it fits the situation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.wegwijzer import schema
from bot.wegwijzer.content import Content
from bot.wegwijzer.signpost import compile_condition
from bot.wegwijzer.situation import Situation


def page_for(content: Content, intent: str, normalised: str, read: str | None = None) -> str | None:
    """The answer or walk-through for a question, or None where no page is meant.

    The page that was read as its answer; where none was sure, of those with its intent the one with the most words in it.

    Args:
        intent: for instance ``ask_rights``.
        normalised: the question in normalised spelling.
        read: what the language understanding says: a page, ``none`` (no page answers this), or None (not sure).
    """
    pages = _pages(content)
    if read in pages:
        return read
    if read is not None:
        return None
    scores = {name: _matches(page.words, normalised) for name, page in pages.items() if intent in page.asked_as}
    best = max(scores, key=scores.__getitem__, default=None)
    return best if best and scores[best] else None


def page_about(content: Content, intent: str, situation: Situation) -> str | None:
    """The page for a question of which no more is known than its intent.

    The first one whose ``default_when`` holds; else the first one without words, or else the first.
    """
    candidates = {name: page for name, page in _pages(content).items() if intent in page.asked_as}
    tokens = situation.tokens()
    for name, page in candidates.items():
        if page.default_when is not None and compile_condition(page.default_when)(tokens):
            return name
    return next((name for name, page in candidates.items() if not page.words), next(iter(candidates), None))


def _pages(content: Content) -> Mapping[str, schema.Answer | schema.Walkthrough]:
    return {**content.answers, **content.walkthroughs}


def _matches(words: Iterable[str], normalised: str) -> int:
    """How many of the beginnings stand at the beginning of a word."""
    padded = f" {normalised} "
    return sum(f" {word}" in padded for word in words)


def variant_for(answer: schema.Answer, situation: Situation) -> schema.Variant:
    """The first variant whose condition holds; the last one where none does."""
    tokens = situation.tokens()
    return next((variant for variant in answer.variants if compile_condition(variant.when)(tokens)), answer.variants[-1])


def speaks_of_crisis(content: Content, page: str, situation: Situation) -> bool:
    """Whether a page has words of its own for the crisis of a situation."""
    answer = content.answers.get(page)
    when = variant_for(answer, situation).when if answer else schema.Condition()
    return situation.crisis is not None and any(situation.crisis in condition.crisis for condition in (when, *when.any))
