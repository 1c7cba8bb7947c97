"""From Rasa's events of one turn to what is kept of it: redacted, and without anything that names who wrote it.

A turn is plain JSON-ready data::

    {"id": ..., "key": ..., "at": ..., "channel": ..., "model": ..., "refused": ..., "told": {...}, "tokens": [[kind, token], ...],
     "messages": [{"at", "sender", "kind", "ref", "text", "intent", "confidence", "facets", "confidences", "options", "rules", "payload"}]}

Placeholders carry provisional numbers, from ``FIRST_NUMBER`` on, which stand for the tokens of the turn in order; whoever applies the turn
knows the conversation and gives the numbers that people read.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from bot.transcripts.keys import Keys
from bot.transcripts.redaction import redact

#: Provisional numbers of placeholders begin here; nobody types those.
FIRST_NUMBER = 900_000

#: Slots that tell of the situation, and the columns that they fill.
_SLOTS = {
    "role": "road",
    "kind": "kind",
    "context": "context",
    "platform": "platform",
    "age_band": "age_band",
    "forms": "forms",
    "crisis_open": "crisis",
}
_REFUSED_SLOT = "review_refused"

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
_WORD = re.compile(r"^[a-z0-9_.]{1,80}$")

Turn = dict[str, Any]


class Recorder:
    """Makes records; knows the keys, no database."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def turn(self, sender_id: str, events: Iterable[Mapping[str, Any]], refused: bool = False) -> Turn | None:
        """What is kept of the events of one turn; None when nothing is.

        Args:
            events: Rasa's events as dictionaries, in order, and those that :func:`feedback` and :func:`failure` make.
            refused: the user said before that nobody may read this conversation. The turn then holds no texts.
        """
        key = self._keys.conversation(sender_id)
        numbers: dict[tuple[str, str], int] = {}
        turn: Turn = {"id": None, "key": key, "at": None, "channel": None, "model": None, "refused": refused, "told": {}, "messages": []}
        for event in events:
            self._add(turn, event, numbers)
        if not turn["messages"] and not turn["told"] and turn["refused"] == refused:
            return None
        turn["id"] = self._keys.placeholder(key, "turn", turn["id"] or uuid.uuid4().hex)
        turn["at"] = turn["at"] or time.time()
        turn["tokens"] = [[kind, self._keys.placeholder(key, kind, value)] for kind, value in numbers]
        return without_texts(turn) if turn["refused"] else turn

    def _add(self, turn: Turn, event: Mapping[str, Any], numbers: dict[tuple[str, str], int]) -> None:
        kind = event.get("event")
        if kind == "slot":
            self._add_slot(turn, str(event.get("name")), event.get("value"))
            return
        if kind == "user":
            message = self._typed(event, numbers)
            turn["channel"] = event.get("input_channel") or turn["channel"]
            turn["model"] = (event.get("metadata") or {}).get("model_id") or turn["model"]
            turn["id"] = turn["id"] or event.get("message_id")
        elif kind == "bot":
            message = _said(event)
        elif kind in ("feedback", "failure"):
            message = {"sender": "user" if kind == "feedback" else "system", "kind": kind, "ref": event.get("ref"), "text": ""}
            turn["channel"] = event.get("input_channel") or turn["channel"]
        else:
            return
        message["at"] = float(event.get("timestamp") or time.time())
        turn["at"] = turn["at"] or message["at"]
        turn["messages"].append(message)

    @staticmethod
    def _add_slot(turn: Turn, name: str, value: Any) -> None:
        if name == _REFUSED_SLOT and value:
            turn["refused"] = True
        elif name in _SLOTS and value:
            turn["told"][_SLOTS[name]] = value

    def _typed(self, event: Mapping[str, Any], numbers: dict[tuple[str, str], int]) -> dict[str, Any]:
        parsed = event.get("parse_data") or {}
        text = str(event.get("text") or "")
        intent = parsed.get("intent") or {}
        message = {"sender": "user", "intent": intent.get("name")}
        if text.startswith("/"):
            # A button: what it carries was written by us.
            return {**message, "kind": "tap", "ref": None, "text": "", "payload": text}
        # What the bot puts before a text that begins with "/" is no part of it.
        text = text.lstrip("\u2060")
        return {
            **message,
            "kind": "text",
            "ref": None,
            "text": redact(text, lambda kind, key: numbers.setdefault((kind, key), FIRST_NUMBER + len(numbers))),
            "confidence": intent.get("confidence"),
            "facets": {name: value for name, value in (parsed.get("facets") or {}).items() if value not in (None, [])},
            "confidences": parsed.get("facet_confidences") or {},
        }


def _said(event: Mapping[str, Any]) -> dict[str, Any]:
    data = event.get("data") or {}
    custom = data.get("custom") or {}
    kind = custom.get("type") if custom.get("type") in ("tip", "step", "helpline", "question") else "text"
    ref = custom.get("id")
    rules = (event.get("metadata") or {}).get("rules") or []
    return {
        "sender": "bot",
        "kind": kind,
        "ref": ref if isinstance(ref, str) and len(ref) <= 80 else None,
        # Every text of the bot comes from content/: nothing in it is anybody's.
        "text": str(custom.get("text") or event.get("text") or ""),
        "options": [[option["title"], option["payload"]] for option in custom.get("options") or data.get("buttons") or []],
        "rules": [[rule["id"], rule["source"]] for rule in rules],
    }


def feedback(what: str, value: Any, channel: str) -> dict[str, Any]:
    """An event for what a user did beside the messages.

    Args:
        what: ``helpful`` (value true or false) or ``tapped`` (value: the id of a helpline, tip or step).

    Raises:
        ValueError: something else.
    """
    if what == "helpful" and isinstance(value, bool):
        ref = "yes" if value else "no"
    elif what == "tapped" and isinstance(value, str) and _WORD.match(value):
        ref = f"tapped.{value}"[:80]
    else:
        raise ValueError("feedback is helpful (true or false) or tapped (an id)")
    return {"event": "feedback", "ref": ref, "input_channel": channel, "timestamp": time.time()}


def failure(error: BaseException, channel: str) -> dict[str, Any]:
    """An event for a turn that broke down. Only the type of the error is kept: its text may hold what the user wrote."""
    return {"event": "failure", "ref": type(error).__name__[:80], "input_channel": channel, "timestamp": time.time()}


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
