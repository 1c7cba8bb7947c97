"""Which answer fits a question, and which variant of it fits the situation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.wegwijzer import schema
from bot.wegwijzer.content import Content
from bot.wegwijzer.signpost import compile_condition
from bot.wegwijzer.situation import Situation


def page_for(content: Content, intent: str, normalised: str) -> str | None:
    """The answer or walk-through for a question: of those with its intent the one with the most words in it.

    Without any such word it is the first one of the file that names no words, or else the first.

    Args:
        intent: for instance ``ask_rights``.
        normalised: the question in normalised spelling.
    """
    pages: Mapping[str, schema.Answer | schema.Walkthrough] = {**content.answers, **content.walkthroughs}
    candidates = [name for name, page in pages.items() if intent in page.asked_as]
    if not candidates:
        return None
    scores = {name: _matches(pages[name].words, normalised) for name in candidates}
    best = max(candidates, key=lambda name: scores[name])
    if scores[best]:
        return best
    return next((name for name in candidates if not pages[name].words), candidates[0])


def _matches(words: Iterable[str], normalised: str) -> int:
    """How many of the beginnings stand at the beginning of a word."""
    padded = f" {normalised} "
    return sum(f" {word}" in padded for word in words)


def variant_for(answer: schema.Answer, situation: Situation) -> schema.Variant:
    """The first variant whose condition holds; the last one where none does."""
    tokens = situation.tokens()
    return next((variant for variant in answer.variants if compile_condition(variant.when)(tokens)), answer.variants[-1])
