"""What is kept of one turn, and what follows from it.

A turn is plain JSON-ready data::

    {"id": ..., "key": ..., "at": ..., "channel": ..., "model": ..., "refused": ..., "told": {...}, "tokens": [[kind, token], ...],
     "messages": [{"at", "sender", "kind", "ref", "text", "intent", "confidence", "facets", "confidences", "question", "options", "rules",
                  "payload"}]}

Placeholders carry provisional numbers, from ``FIRST_NUMBER`` on, which stand for the tokens of the turn in order; whoever applies the turn
knows the conversation and gives the numbers that people read.
"""

from __future__ import annotations

from typing import Any

#: Provisional numbers of placeholders begin here; nobody types those.
FIRST_NUMBER = 900_000


#: Texts of the bot with which it says that it did not understand, or is told so.
FAILURES = frozenset(
    {
        "dialogue.fallback_first",
        "dialogue.fallback_person",
        "dialogue.correct_bot",
        "dialogue.correct_bot_after_crisis",
        "errors.only_symbols",
        "errors.internal",
    }
)
_RATINGS = {"dialogue.helpful_yes": True, "dialogue.helpful_no": False, "yes": True, "no": False}

Turn = dict[str, Any]


def without_texts(turn: Turn) -> Turn:
    """What may be counted of a turn whose texts nobody may read."""
    counted = [{name: message.get(name) for name in ("at", "sender", "kind", "ref")} for message in turn["messages"]]
    # Forms come as a list that grows: they would be counted again and again.
    told = {name: value for name, value in turn["told"].items() if name != "forms"}
    return {**turn, "refused": True, "tokens": [], "told": told, "messages": counted}


# --- what follows from a turn ---


def crisis_of(turn: Turn) -> str | None:
    """The first crisis that was read in a turn, or to which the bot answered."""
    read = [(message.get("facets") or {}).get("crisis") for message in turn["messages"]]
    return next((str(crisis) for crisis in [*read, turn["told"].get("crisis")] if crisis and crisis != "none"), None)


def failures_of(turn: Turn) -> int:
    """How often the bot did not understand, or broke down."""
    return sum(message["kind"] == "failure" or (message["sender"] == "bot" and message["ref"] in FAILURES) for message in turn["messages"])


def rating_of(turn: Turn) -> bool | None:
    """What the user said of the advice, the last time in a turn."""
    said = [_RATINGS[message["ref"]] for message in turn["messages"] if message["sender"] != "system" and message["ref"] in _RATINGS]
    return said[-1] if said else None


def shown_by(turn: Turn) -> list[str]:
    """Helplines that were shown, each once."""
    return list(dict.fromkeys(message["ref"] for message in turn["messages"] if message["kind"] == "helpline" and message["ref"]))


def tapped_in(turn: Turn) -> list[str]:
    """Ids of what was tapped beside the buttons: a helpline's number, a tip."""
    refs = (str(message["ref"]) for message in turn["messages"] if message["kind"] == "feedback")
    return [ref.partition(".")[2] for ref in refs if ref.startswith("tapped.")]
