"""From Rasa's events of one turn to what is kept of it (:mod:`bot.transcripts.turns`): redacted, and without anything that names who
wrote it.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from bot.nlu.reading import concern_of
from bot.transcripts.keys import Keys
from bot.transcripts.redaction import redact
from bot.transcripts.turns import FIRST_NUMBER, Turn, without_texts
from bot.wegwijzer.vocabulary import CONCERN

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

_WORD = re.compile(r"^[a-z0-9_.]{1,80}$")


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
            _note_understood(turn, event)
        elif kind in ("feedback", "failure"):
            message = {"sender": "user" if kind == "feedback" else "system", "kind": kind, "ref": event.get("ref"), "text": ""}
            turn["channel"] = event.get("input_channel") or turn["channel"]
            turn["id"] = turn["id"] or event.get("message_id")
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
            "facets": {**_told(parsed.get("facets") or {}), **({CONCERN: False} if concern_of(parsed) is False else {})},
            "confidences": parsed.get("facet_confidences") or {},
        }


def _told(facets: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facets.items() if value not in (None, [])}


def _note_understood(turn: Turn, event: Mapping[str, Any]) -> None:
    """What an action took from the message that it answers takes the place of what was read in its words alone."""
    noted = (event.get("metadata") or {}).get("understood")
    message = next((message for message in reversed(turn["messages"]) if message["sender"] == "user"), None)
    if not noted or message is None:
        return
    message["question"] = noted["question"]
    if message["kind"] != "text":
        # A button says by itself what it means.
        return
    message["facets"] = _told(noted["facets"])
    # What was asked for was told, and not guessed.
    told = {name for name in message["facets"] if name != noted["question"]}
    message["confidences"] = {name: sure for name, sure in message["confidences"].items() if name in told}
    if noted["intent"]:
        message |= {"intent": noted["intent"], "confidence": None}


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


def failure(error: BaseException, channel: str, message_id: str | None = None) -> dict[str, Any]:
    """An event for a turn that broke down. Only the type of the error is kept: its text may hold what the user wrote.

    Args:
        message_id: of the message, so that this stands once, whoever takes that message again; beside its turn, should that succeed.
    """
    name = type(error).__name__[:80]
    known = {"message_id": f"{message_id} {name}"} if message_id else {}
    return {"event": "failure", "ref": name, "input_channel": channel, "timestamp": time.time(), **known}
