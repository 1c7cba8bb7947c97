"""What was understood of one message, in the form that ``wegwijzer parse`` prints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from bot.nlu.facets import WITH_CONCERN
from bot.wegwijzer.listening import merge, told_anything
from bot.wegwijzer.signpost import Signpost
from bot.wegwijzer.situation import Situation
from bot.wegwijzer.vocabulary import CONCERN, FACETS

#: Acts to which the bot answers with the signpost.
TELLING = frozenset({"describe", "not_dutch", "ask_tips"})


def facets_of(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Every facet by name, ``None`` where unknown, ``forms`` a list."""
    told = parsed.get("facets") or {}
    facets = {facet: told.get(facet) for facet in FACETS}
    facets["forms"] = list(facets["forms"] or [])
    facets["kind"] = facets["kind"] or "none"
    facets["crisis"] = facets["crisis"] or "none"
    return facets


def concern_of(parsed: Mapping[str, Any]) -> bool | None:
    """Whether anybody in a message needs help; None where that is no question, since it tells nothing and asks for no help ("hallo")."""
    if facets_of(parsed)["crisis"] != "none":
        return True
    intent = (parsed.get("intent") or {}).get("name")
    return not parsed.get("at_ease") if intent in WITH_CONCERN else None


def referrals_for(parsed: Mapping[str, Any], signpost: Signpost, now: dt.datetime) -> list[str]:
    """Ids that the signpost names knowing this message alone, best first; none where the message needs none."""
    facets = facets_of(parsed)
    named = [entity["value"] for entity in parsed.get("entities") or [] if entity.get("entity") == "helpline"]
    intent = (parsed.get("intent") or {}).get("name")
    crisis = facets["crisis"] != "none"
    if intent == "ask_helpline" and named and not crisis:
        return [str(name) for name in dict.fromkeys(named)]
    if intent not in TELLING and intent != "ask_helpline" and not crisis:
        return []
    if intent == "not_dutch" and not told_anything(facets):
        return []
    if parsed.get("at_ease") and intent != "ask_helpline":
        return []
    situation = merge(Situation(), facets, parsed.get("facet_confidences"))
    return [referral.id for referral in signpost.advise(situation, now).referrals]


def reading(text: str, parsed: Mapping[str, Any], signpost: Signpost, now: dt.datetime) -> dict[str, Any]:
    """One line of ``wegwijzer parse``."""
    intent = parsed.get("intent") or {}
    return {
        "text": text,
        "intent": intent.get("name"),
        "confidence": intent.get("confidence"),
        "facets": facets_of(parsed),
        CONCERN: concern_of(parsed),
        "confidences": dict(parsed.get("facet_confidences") or {}),
        "referrals": referrals_for(parsed, signpost, now),
    }
