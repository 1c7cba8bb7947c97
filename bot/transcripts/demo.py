"""A store full of made-up conversations of made-up people with the real bot, spread over sixty days."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from bot.runtime.bot import Bot
from bot.runtime.settings import Settings
from bot.transcripts.accounts import Accounts
from bot.transcripts.applying import Applier
from bot.transcripts.database import Database
from bot.transcripts.demo_people import People
from bot.transcripts.errors import StoreError
from bot.transcripts.models import Conversation
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
    chance = random.Random(seed)  # noqa: S311 (made-up data, no secret)
    people = People(chance)
    asyncio.run(_talk(database, settings, conversations, people))
    _moderate(database, chance, people.words)
    return f"{conversations} made-up conversations over {_DAYS} days, in {time.monotonic() - began:.0f} seconds"


def _start(chance: random.Random, now: float) -> float:
    """The moment at which a conversation begins."""
    today = dt.datetime.fromtimestamp(now, BRUSSELS).date()
    days = [today - dt.timedelta(days=back) for back in range(1, _DAYS + 1)]
    (day,) = chance.choices(days, weights=[_WEEKDAYS[day.weekday()] for day in days])
    (hour,) = chance.choices(range(24), weights=_HOURS)
    minute, second = chance.randrange(60), chance.random() * 60
    return dt.datetime(day.year, day.month, day.day, hour, minute, int(second), tzinfo=BRUSSELS).timestamp() + second % 1


async def _talk(database: Database, settings: Settings, conversations: int, people: People) -> None:
    collected = _Collected()
    bot = Bot.load(settings, in_memory=True, transcripts=collected)
    applier = Applier(database, settings.tracker_hours * 3600)
    recorder = Recorder(database.keys)
    entries: list[Entry] = []
    now = time.time()
    starts = sorted(_start(people.chance, now) for _ in range(conversations))
    for number, start in enumerate(starts, start=1):
        collected.turns.clear()
        await _converse(bot, f"demo-{number}-{start}", people)
        turns = _moved(collected.turns, start, people.chance)
        made = [recorder.turn(f"demo-{number}-{start}", events, refused) for events, refused in turns]
        entries += [Entry(turn["id"], turn["key"], turn["at"], "turn", database.keys.seal(turn)) for turn in made if turn is not None]
        if number % _AT_ONCE == 0 or number == conversations:
            with database.writing() as session:
                applier.apply(entries, session)
            entries.clear()
    bot.close()


async def _converse(bot: Bot, sender: str, people: People) -> None:
    channel = "telegram" if people.chance.random() < 0.3 else "web"
    person = people.make()
    reply = await bot.respond(sender, person.begin(), channel)
    for _turn in range(_MOST_TURNS):
        shown = [message["id"] for message in reply.messages if message["type"] == "helpline"]
        if shown and people.chance.random() < 0.2:
            await bot.record(sender, "tapped", people.chance.choice(shown), channel)
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


def _moderate(database: Database, chance: random.Random, words: Mapping[str, Sequence[str]]) -> None:
    """What moderators did with them: the older, the more of them are done."""
    repository = Repository(database)
    account = Accounts(database).create("Demo", None, "moderator", _ACTOR)
    with database.reading() as session:
        rows = session.execute(select(Conversation.id, Conversation.last_at)).all()
    for id_, last_at in rows:
        days = (time.time() - last_at) / 86400
        if chance.random() > min(0.9, days / 25):
            continue
        repository.set_status(id_, chance.choices(("done", "seen", "discuss"), weights=(8, 3, 1))[0], _ACTOR)
        if chance.random() < 0.12:
            _work_on(repository, id_, account, chance, words)


def _work_on(repository: Repository, id_: int, account: int, chance: random.Random, words: Mapping[str, Any]) -> None:
    transcript = repository.read(id_, _ACTOR)
    typed = [message for message in transcript.messages if (message.sender, message.kind) == ("user", "text") and message.facets]
    if typed and chance.random() < 0.6:
        message = chance.choice(typed)
        facets = {**message.facets, chance.choice(("role", "context", "kind")): None}
        repository.correct(message.id, None, facets, account_id=account, actor=_ACTOR)
    answers = [message for message in transcript.messages if message.sender == "bot"]
    if answers and chance.random() < 0.6:
        good = chance.random() < 0.7
        repository.judge(chance.choice(answers).id, good, "" if good else chance.choice(words["reasons"]), account_id=account, actor=_ACTOR)
    repository.add_tag(id_, chance.choice(words["tags"]), _ACTOR)
    if chance.random() < 0.5:
        repository.add_note(id_, chance.choice(words["notes"]), account, _ACTOR)
    if chance.random() < 0.3:
        repository.assign(id_, account, _ACTOR)
