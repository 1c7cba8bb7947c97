"""Moderators' corrections as training messages, in the form of ``data/nlu/*.yml``, for somebody to look through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, TextIO

import yaml
from sqlalchemy import select

from bot.transcripts import audit
from bot.transcripts.database import Database
from bot.transcripts.models import Correction, Message
from bot.wegwijzer.vocabulary import LABELS

_HEAD = """\
# Corrections of moderators. Look each through before it goes into data/nlu/: write it in words of your own, with nobody in it.
# [NAAM-1] and the like stand for something that was taken out. What the bot had read stands above each message.
version: "3.1"
nlu:
"""
#: What is none or so because nobody said otherwise.
_UNSAID = (("kind", "none"), ("crisis", "none"), ("concern", True))
#: No acts that a message could teach.
_NO_ACTS = ("answer", "nlu_fallback")


def export_training(database: Database, file: TextIO, actor: str) -> int:
    """Write all corrections that teach something; returns how many.

    What a message does is known where the bot read it or a moderator said it. Of an answer to a question ("ja") neither is so: it is
    written only if it tells something besides, and then as a message that tells.
    """
    with database.writing() as session:
        audit.append(session, database, actor, "exported", detail="training")
    by_intent: dict[str, list[str]] = defaultdict(list)
    query = select(Correction, Message).join(Message, Message.id == Correction.message_id).order_by(Correction.at)
    with database.reading() as session:
        for correction, message in session.execute(query):
            said = database.keys.unseal(message.sealed)
            read = _told(said.get("facets") or {})
            facets = read if correction.sealed is None else _told(database.keys.unseal(correction.sealed))
            intent = correction.intent or message.intent or "describe"
            if intent in _NO_ACTS:
                intent = "describe"
                facets = {name: value for name, value in facets.items() if name != said.get("question")}
                if not facets:
                    continue
            by_intent[intent].append(_example(said.get("text", ""), facets, f"{message.intent} {_flow(read)}"))
    file.write(_HEAD)
    for intent, examples in sorted(by_intent.items()):
        file.write(f"- intent: {intent}\n  examples:\n{''.join(examples)}")
    if not by_intent:
        file.write("  []\n")
    return sum(len(examples) for examples in by_intent.values())


def _told(facets: Mapping[str, Any]) -> dict[str, Any]:
    """Facets that were told, in the usual order."""
    return {name: facets[name] for name in LABELS if facets.get(name) not in (None, []) and (name, facets[name]) not in _UNSAID}


def _example(text: str, facets: Mapping[str, Any], read: str) -> str:
    quoted = yaml.safe_dump(" ".join(text.split()), default_style='"', allow_unicode=True, width=10**6).strip()
    metadata = f"    metadata: {_flow(facets)}\n" if facets else ""
    return f"  # {read}\n  - text: {quoted}\n{metadata}"


def _flow(facets: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(facets), default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6).strip()
