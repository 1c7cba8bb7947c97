"""Entries of the audit log in Dutch. The log keeps what the program wrote when it happened; nobody changes that."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.console.filters import DAYS, LISTS, NUMBERS
from bot.console.texts import Texts
from bot.transcripts.audit import Entry

#: Field of the filters -> its name in the address, which is that of its word.
_FILTERS = {field: name for name, field in {**LISTS, **NUMBERS, **DAYS, "urgentie": "urgency", "aan": "assigned_to"}.items()}


@dataclass(frozen=True)
class _Kind:
    """A form that a detail has, the sentence that says it, and the group of names of its parts ``before``, ``after``, ``value``."""

    pattern: str
    message: str
    group: str = ""


_FROM_TO = r"(?P<before>\w+) to (?P<after>\w+)"
_NOTE = _Kind(r"note (?P<number>\d+)", "detail_note")
_MESSAGE = _Kind(r"message (?P<number>\d+)", "detail_message")
_VERDICT = _Kind(r"message (?P<number>\d+): (?P<value>good|wrong|taken back)", "detail_verdict", "verdict")

_KINDS: Mapping[str, tuple[_Kind, ...]] = {
    "account created": (_Kind(r"(?P<name>.*), (?P<value>\w+)", "detail_account", "role"),),
    "role changed": (_Kind(_FROM_TO, "detail_changed", "role"),),
    "login refused": (_Kind(r"failure (?P<number>\d+)", "detail_failure"),),
    "status changed": (_Kind(_FROM_TO, "detail_changed", "status"),),
    "assigned": (_Kind(r"to account (?P<account>\d+)", "detail_assigned"), _Kind("to nobody", "detail_assigned_nobody")),
    "note added": (_NOTE,),
    "note removed": (_NOTE,),
    "corrected": (_MESSAGE, _VERDICT),
    "judged": (_MESSAGE, _VERDICT),
    "view saved": (_Kind("shared", "detail_shared"),),
    "conversations exported": (_Kind(r"(?P<number>\d+) conversations", "detail_conversations"),),
    "looked at the log": (
        _Kind(r"page (?P<number>\d+); everybody", "detail_log_all"),
        _Kind(r"page (?P<number>\d+); (?P<name>.*)", "detail_log"),
    ),
    "exported": (_Kind("training", "detail_training"), _Kind(r"(?P<kind>\w+) (?P<filters>\[.*\])", "detail_exported")),
}


def detail_of(entry: Entry, texts: Texts, people: Mapping[int, str]) -> str:
    """The detail of an entry, in words; one that has no words of its own (a label, a name) is shown as it is.

    Args:
        people: names of accounts by id.
    """
    for kind in _KINDS.get(entry.action, ()):
        if found := re.fullmatch(kind.pattern, entry.detail):
            parts = {name: _part(name, value, kind, texts, people) for name, value in found.groupdict().items()}
            return texts.say(kind.message, **parts)
    return entry.detail


def subject_of(subject: str, texts: Texts, people: Mapping[int, str]) -> str:
    """What an entry is about, in words: "gesprek 12", "account Noor"."""
    kind, _, number = subject.partition(" ")
    known = people.get(int(number)) if kind == "account" and number.isdecimal() else None
    return texts.subject(f"{kind} {known or number}")


def _part(name: str, value: str, kind: _Kind, texts: Texts, people: Mapping[int, str]) -> str:
    if name == "account":
        return people.get(int(value)) or texts.subject(f"account {value}")
    if name == "filters":
        fields = [_FILTERS.get(str(field)) for field in json.loads(value)]
        return ", ".join(texts.name("filter", field).lower() for field in fields if field) or texts.say("nothing")
    if name in ("before", "after", "value"):
        return texts.name(kind.group, value).lower()
    return value
