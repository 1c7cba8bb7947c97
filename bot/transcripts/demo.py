"""A store full of made-up conversations of made-up people with the real bot, spread over sixty days."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from bot.nlu.dataset import Example
from bot.runtime.bot import Bot
from bot.runtime.settings import Settings
from bot.transcripts.accounts import Accounts
from bot.transcripts.applying import Applier
from bot.transcripts.database import Database
from bot.transcripts.demo_moderators import Moderators
from bot.transcripts.demo_people import People, Person
from bot.transcripts.errors import StoreError
from bot.transcripts.models import URGENCY_CRISIS, Conversation
from bot.transcripts.outbox import Entry
from bot.transcripts.record import Recorder
from bot.transcripts.repository import Repository
from bot.transcripts.service import Events, Transcripts
from bot.wegwijzer.hours import BRUSSELS

_DAYS = 60
_AT_ONCE = 50
_MOST_TURNS = 9
_ACTOR = "demo"
#: How busy each hour of the day is, from midnight on: after school most of all.
_HOURS = (4, 2, 1, 1, 1, 1, 2, 5, 7, 6, 8, 7, 12, 10, 7, 9, 16, 18, 16, 17, 20, 22, 16, 9)
#: Monday to Sunday.
_WEEKDAYS = (12, 11, 9, 11, 10, 6, 8)


class _Collected(Transcripts):
    """Takes turns and keeps their events, in place of a store."""

    def __init__(self) -> None:
        self.turns: list[tuple[Events, bool]] = []

    def seal(self, sender_id: str, events: Events, refused: bool = False) -> Entry | None:
        self.turns.append((events, refused))
        return None

    def close(self) -> None:
        """Nothing is open."""


def fill(database: Database, settings: Settings, conversations: int, seed: int = 1) -> str:
    """Fill an empty store; returns a line that says with what.

    Raises:
        UserError: the store is not empty, or there is no model.
    """
    with database.reading() as session:
        if session.execute(select(Conversation.id).limit(1)).first():
            raise StoreError("the store holds conversations already; made-up ones do not belong among them")
    began = time.monotonic()
    people = People(random.Random(seed))  # noqa: S311 (made-up data, no secret)
    beginnings = asyncio.run(_talk(database, settings, conversations, people))
    _moderate(database, people, beginnings)
    return f"{conversations} made-up conversations over {_DAYS} days, in {time.monotonic() - began:.0f} seconds"


def _start(chance: random.Random, now: float) -> float:
    """The moment at which a conversation begins."""
    today = dt.datetime.fromtimestamp(now, BRUSSELS).date()
    days = [today - dt.timedelta(days=back) for back in range(1, _DAYS + 1)]
    (day,) = chance.choices(days, weights=[_WEEKDAYS[day.weekday()] for day in days])
    (hour,) = chance.choices(range(24), weights=_HOURS)
    minute, second = chance.randrange(60), chance.random() * 60
    return dt.datetime(day.year, day.month, day.day, hour, minute, int(second), tzinfo=BRUSSELS).timestamp() + second % 1


async def _talk(database: Database, settings: Settings, conversations: int, people: People) -> dict[str, tuple[Example, ...]]:
    """Let them talk with the bot; returns what each began with, by the key of the conversation."""
    collected = _Collected()
    bot = Bot.load(settings, in_memory=True, transcripts=collected)
    applier = Applier(database, settings.tracker_hours * 3600)
    recorder = Recorder(database.keys)
    entries: list[Entry] = []
    beginnings: dict[str, tuple[Example, ...]] = {}
    now = time.time()
    starts = sorted(_start(people.chance, now) for _ in range(conversations))
    for number, start in enumerate(starts, start=1):
        collected.turns.clear()
        sender, person = f"demo-{number}-{start}", people.make()
        beginnings[database.keys.conversation(sender)] = person.told
        await _converse(bot, sender, person, people.chance)
        turns = _moved(collected.turns, start, people.chance)
        made = [recorder.turn(sender, events, refused) for events, refused in turns]
        entries += [Entry(turn["id"], turn["key"], turn["at"], "turn", database.keys.seal(turn)) for turn in made if turn is not None]
        if number % _AT_ONCE == 0 or number == conversations:
            with database.writing() as session:
                applier.apply(entries, session)
            entries.clear()
    bot.close()
    return beginnings


async def _converse(bot: Bot, sender: str, person: Person, chance: random.Random) -> None:
    channel = "telegram" if chance.random() < 0.3 else "web"
    reply = await bot.respond(sender, person.begin(), channel)
    for _turn in range(_MOST_TURNS):
        shown = [message["id"] for message in reply.messages if message["type"] == "helpline"]
        if shown and chance.random() < 0.2:
            await bot.record(sender, "tapped", chance.choice(shown), channel)
        following = person.next(reply)
        if following is None:
            break
        what, value = following
        reply = await (bot.tap(sender, value, channel) if what == "tap" else bot.respond(sender, value, channel))
    await bot.forget(sender)


def _moved(turns: Sequence[tuple[Events, bool]], start: float, chance: random.Random) -> list[tuple[Events, bool]]:
    """The turns of a conversation as if it had begun at another moment, and as if somebody had typed them."""
    moved: list[tuple[Events, bool]] = []
    for events, refused in turns:
        moved.append(([{**event, "timestamp": start + place / 100} for place, event in enumerate(events)], refused))
        start += chance.uniform(8, 90)
    return moved


def _moderate(database: Database, people: People, beginnings: Mapping[str, Sequence[Example]]) -> None:
    """What moderators did with them: the older, the more of them are done. Crises are looked at first."""
    repository, chance = Repository(database), people.chance
    account = Accounts(database).create("Demo", None, "moderator", _ACTOR)
    moderators = Moderators(repository, chance, people.words["moderators"], account, _ACTOR)
    with database.reading() as session:
        rows = session.execute(select(Conversation.id, Conversation.key, Conversation.last_at, Conversation.urgency)).all()
    for id_, key, last_at, urgency in rows:
        days = (time.time() - last_at) / 86400
        if chance.random() > min(0.9, days / (5 if urgency == URGENCY_CRISIS else 25)):
            continue
        repository.set_status(id_, chance.choices(("done", "seen", "discuss"), weights=(8, 3, 1))[0], _ACTOR)
        moderators.work_on(id_, beginnings[key])
