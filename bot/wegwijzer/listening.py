"""What a message adds to what is known: merging facets into the situation, reading answers to a question."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.wegwijzer import schema
from bot.wegwijzer.signpost import facet_value
from bot.wegwijzer.situation import Situation
from bot.wegwijzer.vocabulary import BOOLEAN_FACETS, FACETS, Context, Role

#: From this confidence a later message changes what an earlier one told.
SURE = 0.75
#: A role of which the reading is less sure than this is asked for.
LIKELY = 0.3
_BULLYING = ("bullying", "cyberbullying")
_SIMPLE = ("role", "context", "platform", "age_band", "repeated", *(facet for facet in BOOLEAN_FACETS if facet != "repeated"))
#: Facets that a reader infers well for somebody of whom nothing is known ("ze lachen mij uit": at school), and badly against what is known.
_INFERRED = ("context", "role")
_WORD = re.compile(r"\w+")


def merge(
    situation: Situation,
    facets: Mapping[str, Any],
    confidences: Mapping[str, Any] | None = None,
    named: Mapping[str, Sequence[str]] | None = None,
) -> Situation:
    """The situation after one more message.

    What was unknown becomes known. What was known (told in words, by a button, by the link somebody came by) changes only for a sure
    reading, so that a short follow-up ("op snap") does not turn a parent into a victim; place and role only where the message also names
    the new one. Forms add up. Bullying once told stays bullying. A crisis once told stays until it is taken back.

    Args:
        named: by facet the values that words of the message stand for.
    """
    confidences, named = confidences or {}, named or {}
    known = situation
    for facet in _SIMPLE:
        told = facets.get(facet)
        if told is None or told == getattr(known, facet) or (facet == "role" and not _likely(confidences.get(facet))):
            continue
        if getattr(known, facet) is None or (
            _changes(facet, told, confidences.get(facet), named.get(facet, ())) and not _speaks_for_a_child(known, facet, told, facets)
        ):
            known = known.with_facet(facet, told)
    if facets.get("forms"):
        known = known.with_facet("forms", facets["forms"])
    if facets.get("crisis") not in (None, "none"):
        known = replace(known, crisis=facets["crisis"])
    return replace(known, kind=_merged_kind(known.kind, facets.get("kind"), confidences.get("kind")))


def corrected(situation: Situation, facets: Mapping[str, Any]) -> Situation:
    """The situation after a message was rewritten: what the new words tell takes the place of what was known."""
    told = {facet: facets[facet] for facet in (*_SIMPLE, "kind") if facets.get(facet) is not None}
    forms = {"forms": tuple(facets["forms"])} if facets.get("forms") else {}
    return merge(replace(situation, **{**told, **forms}), facets)


def _changes(facet: str, told: Any, confidence: Any, named: Sequence[str]) -> bool:
    """Whether a reading takes the place of what was known."""
    if facet not in _INFERRED:
        return _sure(confidence)
    if told == Context.HOME.value and _sure(confidence):
        # Who may be hurt at home is never sent back to the parents: here the reader is believed without a word that names the place.
        return True
    return told in named and (_sure(confidence) or list(named) == [told])


def _speaks_for_a_child(known: Situation, facet: str, told: Any, facets: Mapping[str, Any]) -> bool:
    """Whether "mij" is only a parent's or teacher's ("ze is nu bij mij"): they become a victim where something is told that was done."""
    speaks = known.role in (Role.PARENT.value, Role.SUPERVISOR.value)
    return facet == "role" and told == Role.VICTIM.value and speaks and not facets.get("forms")


def _likely(confidence: Any) -> bool:
    """Whether a role is more than a guess: to ask "about whom is it?" is better than to speak to a child as to a teacher."""
    return not isinstance(confidence, (int, float)) or confidence >= LIKELY


def _sure(confidence: Any) -> bool:
    return isinstance(confidence, (int, float)) and confidence >= SURE


def _merged_kind(known: str | None, told: str | None, confidence: Any) -> str | None:
    if told is None:
        return known
    if known is None or told == known:
        return told
    if told in _BULLYING:
        # What happens in class and goes on in the chat is cyberbullying as well (document 004: "in combinatie met klassiek pesten").
        return "cyberbullying" if "cyberbullying" in (known, told) and known in _BULLYING else told
    if known in _BULLYING or told == "none":
        return known
    if known in ("none", "unclear") or _sure(confidence):
        return told
    return known


def answer(situation: Situation, facet: str, value: str) -> Situation:
    """The situation after a button. A form of bullying that is chosen makes the kind at least unclear."""
    told = situation.with_facet(facet, facet_value(facet, value))
    return replace(told, asked=tuple(dict.fromkeys((*situation.asked, facet))))


def skipped(situation: Situation, facet: str) -> Situation:
    """The situation after "I don't know" or "rather not say": the facet stays unknown and is not asked again."""
    return replace(situation, asked=tuple(dict.fromkeys((*situation.asked, facet))))


def chosen_option(text: str, options: Sequence[schema.Option]) -> str | None:
    """The value of the option that somebody typed instead of tapping: its number, its label, or else a word that stands for it.

    Words that stand for options with different values ("mijn zoon zit op school" says two things) choose none.
    """
    words = _WORD.findall(text.lower())
    if not words:
        return None
    if len(words) == 1 and words[0].isdecimal() and len(words[0]) < 3:
        place = int(words[0])
        return options[place - 1].value if 1 <= place <= len(options) else None
    for option in options:
        label = _WORD.findall(option.label.lower())
        if words == label or (len(words) >= 2 and words == label[: len(words)]):
            return option.value
    padded = f" {' '.join(words)} "
    named = {option.value for option in options for also in option.also if f" {' '.join(_WORD.findall(also))} " in padded}
    return named.pop() if len(named) == 1 else None


def yes_or_no(facet: str, yes: bool) -> str | None:
    """The value that "yes" or "no" stands for, where the question is one of yes or no."""
    return str(yes).lower() if facet in BOOLEAN_FACETS else None


def told_anything(facets: Mapping[str, Any]) -> bool:
    """Whether a message told something of a situation."""
    for facet in FACETS:
        value = facets.get(facet)
        if facet in ("kind", "crisis"):
            if value not in (None, "none"):
                return True
        elif value not in (None, [], ()):
            return True
    return False
