"""A store full of made-up conversations: training messages, answered by the real bot, spread over sixty days."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from bot.nlu.dataset import Example, read_training
from bot.runtime.bot import Bot, Reply
from bot.runtime.settings import Settings
from bot.transcripts.accounts import Accounts
from bot.transcripts.applying import Applier
from bot.transcripts.database import Database
from bot.transcripts.errors import StoreError
from bot.transcripts.models import Conversation
from bot.transcripts.outbox import Entry
from bot.transcripts.record import Recorder
from bot.transcripts.repository import Repository
from bot.transcripts.service import Events, Transcripts
from bot.wegwijzer.hours import BRUSSELS

_DAYS = 60
_AT_ONCE = 50
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
    words = yaml.safe_load(Path(__file__).with_name("demo.yml").read_text(encoding="utf-8"))
    asyncio.run(_talk(database, settings, conversations, _Script(chance, words)))
    _moderate(database, chance, words)
    return f"{conversations} made-up conversations over {_DAYS} days, in {time.monotonic() - began:.0f} seconds"


class _Script:
    """What made-up users do."""

    def __init__(self, chance: random.Random, words: Mapping[str, Sequence[str]]) -> None:
        self.chance, self.words = chance, words
        examples = [example for example in read_training() if len(example.text) > 2]
        told = [example for example in examples if example.intent == "describe" and len(example.text) > 25]
        self._crises = [example for example in told if example.facets.get("crisis") not in (None, "none")]
        self._stories = [example for example in told if example.facets.get("crisis") in (None, "none")]
        self._others = [example for example in examples if example.intent != "describe"]

    def opening(self) -> Example:
        """The message that a conversation begins with."""
        dice = self.chance.random()
        return self.chance.choice(self._crises if dice < 0.05 else self._others if dice < 0.2 else self._stories)

    def text(self, example: Example) -> str:
        """A message, now and then with somebody's name in it."""
        return f"{example.text} {self.chance.choice(self.words['named'])}" if self.chance.random() < 0.12 else example.text

    def next(self, reply: Reply) -> tuple[str, str] | None:
        """What the user does after a reply: ``("tap", payload)``, ``("say", text)``, or None when they leave."""
        offered = [option["payload"] for message in reply.messages for option in message.get("options") or []]
        options = [payload for payload in offered if "erase" not in payload and "delete" not in payload]
        question = any(message["type"] == "question" for message in reply.messages)
        dice = self.chance.random()
        if question and options and dice < 0.75:
            return "tap", self.chance.choice(options)
        if dice < 0.3 and options:
            return "tap", self.chance.choice(options)
        if dice < 0.34:
            return "say", self.chance.choice(self.words["thanks"])
        if dice < 0.355:
            return "say", self.chance.choice(self.words["refusals"])
        if dice < 0.55:
            return "say", self.text(self.chance.choice(self._stories if self.chance.random() < 0.6 else self._others))
        return None

    def start(self, now: float) -> float:
        """The moment at which a conversation begins."""
        today = dt.datetime.fromtimestamp(now, BRUSSELS).date()
        days = [today - dt.timedelta(days=back) for back in range(1, _DAYS + 1)]
        (day,) = self.chance.choices(days, weights=[_WEEKDAYS[day.weekday()] for day in days])
        (hour,) = self.chance.choices(range(24), weights=_HOURS)
        minute, second = self.chance.randrange(60), self.chance.random() * 60
        return dt.datetime(day.year, day.month, day.day, hour, minute, int(second), tzinfo=BRUSSELS).timestamp() + second % 1


async def _talk(database: Database, settings: Settings, conversations: int, script: _Script) -> None:
    collected = _Collected()
    bot = Bot.load(settings, in_memory=True, transcripts=collected)
    applier = Applier(database, settings.tracker_hours * 3600)
    recorder = Recorder(database.keys)
    entries: list[Entry] = []
    now = time.time()
    starts = sorted(script.start(now) for _ in range(conversations))
    for number, start in enumerate(starts, start=1):
        collected.turns.clear()
        await _converse(bot, f"demo-{number}-{start}", script)
        turns = _moved(collected.turns, start, script.chance)
        made = [recorder.turn(f"demo-{number}-{start}", events, refused) for events, refused in turns]
        entries += [Entry(turn["id"], turn["key"], turn["at"], "turn", database.keys.seal(turn)) for turn in made if turn is not None]
        if number % _AT_ONCE == 0 or number == conversations:
            with database.writing() as session:
                applier.apply(entries, session)
            entries.clear()
    bot.close()


async def _converse(bot: Bot, sender: str, script: _Script) -> None:
    channel = "telegram" if script.chance.random() < 0.3 else "web"
    reply = await bot.respond(sender, script.text(script.opening()), channel)
    for _turn in range(script.chance.choice((1, 2, 2, 3, 3, 4, 6))):
        shown = [message["id"] for message in reply.messages if message["type"] == "helpline"]
        if shown and script.chance.random() < 0.2:
            await bot.record(sender, "tapped", script.chance.choice(shown), channel)
        following = script.next(reply)
        if following is None or reply.erased:
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
