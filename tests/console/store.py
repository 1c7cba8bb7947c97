"""Conversations put straight into the tables: quick, and with texts that a test chooses."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Iterable
from typing import Any

from bot.transcripts import models
from bot.transcripts.database import Database
from bot.transcripts.spelled import words_of
from bot.wegwijzer.hours import BRUSSELS

ROADS = ("victim", "bystander", "parent", "supervisor", None)
CONTEXTS = ("school", "sport", "online", "youth_movement", None)
PLATFORMS = ("snapchat", "whatsapp", "instagram", None, None)
FORMS = ("insult", "exclusion", "gossip", "threat")
STORIES = (
    "ze sluiten mij uit in de klas en lachen mij uit",
    "iemand deelt een foto van mij op snapchat",
    "mijn dochter wordt gepest in de turnclub",
    "ze roepen elke dag lelijke dingen in de gang",
    "hoe pak ik dit aan in mijn klas",
)
DAY = 86400.0


def conversation(text: str = STORIES[0], **given: Any) -> dict[str, Any]:
    """One conversation; what is not given is ordinary."""
    return {
        "text": text, "channel": "web", "at": time.time() - 3600, "urgency": 0, "crisis": None, "road": "victim", "context": "school", "platform": None,
        "forms": ["insult"], "rating": None, "status": "new", "failures": 0, "answer": "Goed dat je dit vertelt.", "turns": 1, **given,
    }  # fmt: skip


def add(database: Database, conversations: Iterable[dict[str, Any]]) -> list[int]:
    """Store conversations with their messages, words and counts; their ids."""
    ids = []
    with database.writing() as session:
        for number, told in enumerate(conversations):
            here = dt.datetime.fromtimestamp(told["at"], BRUSSELS)
            row = models.Conversation(
                key=f"{random.random()}-{number}", channel=told["channel"], model="test", started_at=told["at"], last_at=told["at"] + 60,
                day=here.date().isoformat(), hour=here.hour, urgency=told["urgency"], crisis=told["crisis"], failures=told["failures"],
                min_confidence=0.8, road=told["road"], kind="bullying", context=told["context"], platform=told["platform"], age_band="12_17",
                rating=told["rating"], n_messages=3 * told["turns"], n_user_messages=told["turns"], n_words=len(told["text"].split()), status=told["status"],
            )  # fmt: skip
            session.add(row)
            session.flush()
            ids.append(int(row.id))
            session.add_all(models.ConversationForm(conversation_id=row.id, form=form) for form in told["forms"])
            session.add(models.ConversationReferral(conversation_id=row.id, helpline="awel", tapped=1))
            hashes = {database.keys.word(word) for word in words_of(told["text"])}
            session.add_all(models.Word(word=word, conversation_id=row.id) for word in hashes)
            for turn in range(told["turns"]):
                _turn(session, database, row.id, told, turn)
    return ids


def _turn(session: Any, database: Database, conversation_id: int, told: dict[str, Any], turn: int) -> None:
    facets = {"role": told["road"], "context": told["context"], "forms": told["forms"], "kind": "bullying", "crisis": told["crisis"]}
    said = {
        "text": told["text"] if not turn else "en wat nu",
        "facets": facets,
        "confidences": {"role": 0.91, "context": 0.24, "forms": {"insult": 0.7}},
    }
    rules = [["child.base", "S12 (002): online/telefonisch"], ["child.school", "S5 (002): zorgleerkracht"]]
    answers = [
        ("user", "text", None, "describe", said),
        ("bot", "text", "acknowledge.heard", None, {"text": told["answer"], "options": [["Meer tips", "/more_tips"]], "rules": rules}),
        ("bot", "helpline", "awel", None, {"text": "Awel: zij luisteren. (Bel 102)", "rules": rules}),
    ]
    for place, (sender, kind, ref, intent, sealed) in enumerate(answers):
        session.add(
            models.Message(
                conversation_id=conversation_id,
                position=3 * turn + place,
                at=told["at"] + turn * 60 + place,
                sender=sender,
                kind=kind,
                ref=ref,
                intent=intent,
                confidence=0.83 if intent else None,
                model="test",
                sealed=database.keys.seal(sealed),
            )
        )


def count(database: Database, day: dt.date, **figures: Any) -> None:
    """Put counts of a day: ``conversation=12, channel={"web": 12}``."""
    with database.writing() as session:
        for figure, value in figures.items():
            for name, n in (value if isinstance(value, dict) else {"": value}).items():
                session.merge(models.DailyCount(day=day.isoformat(), figure=figure, value=str(name), n=n))


def many(number: int, seed: int = 1) -> Iterable[dict[str, Any]]:
    """Ordinary conversations over sixty days, with some of each urgency."""
    chance = random.Random(seed)
    for place in range(number):
        dice = chance.random()
        crisis = chance.choice(("suicide", "danger", "abuse")) if dice < 0.05 else None
        yield conversation(
            f"{chance.choice(STORIES)} nummer{place}",
            channel=chance.choice(("web", "web", "telegram")), at=time.time() - chance.random() * 60 * DAY, crisis=crisis,
            urgency=3 if crisis else 2 if dice < 0.1 else 1 if dice < 0.2 else 0, failures=1 if 0.05 <= dice < 0.1 else 0, road=chance.choice(ROADS),
            context=chance.choice(CONTEXTS), platform=chance.choice(PLATFORMS), forms=chance.sample(FORMS, chance.randrange(3)),
            rating=chance.choice((None, None, True, False)), status=chance.choice(("new", "new", "seen", "discuss", "done")), turns=chance.randrange(1, 4),
        )  # fmt: skip
