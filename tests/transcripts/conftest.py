"""Real databases: SQLite in a file, and PostgreSQL in a process of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import bot  # noqa: F401 (comes before Rasa)
from benchmarks.postgres import Postgres
from bot.transcripts.applying import Applier
from bot.transcripts.database import Database, make_engine
from bot.transcripts.keys import Keys
from bot.transcripts.outbox import Entry
from bot.transcripts.record import Recorder

KEY = bytes(range(32))
PAUSE = 24 * 3600.0
NOON = 1_790_000_000.0


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, one of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'transcripts.db'}"
    return str(request.getfixturevalue("postgres").new_database())


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    made = Database(make_engine(address), Keys([KEY]))
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def apply(database: Database) -> Callable[..., int]:
    """Puts turns or entries into the database, in one transaction."""
    applier = Applier(database, PAUSE)

    def put(*items: Any) -> int:
        entries = [item if isinstance(item, Entry) else entry(database, item) for item in items]
        with database.writing() as session:
            return applier.apply(entries, session)

    return put


def entry(database: Database, turn: dict[str, Any]) -> Entry:
    return Entry(turn["id"], turn["key"], turn["at"], "turn", database.keys.seal(turn))


def erasure(database: Database, sender: str, at: float) -> Entry:
    return Entry(f"erase-{sender}-{at}", database.keys.conversation(sender), at, "erase")


_counter = itertools.count(1)


def user(
    text: str,
    at: float = NOON,
    channel: str = "web",
    intent: str = "describe",
    confidence: float = 0.9,
    sure: dict[str, Any] | None = None,
    at_ease: bool = False,
    **facets: Any,
) -> dict[str, Any]:
    """What Rasa says of a typed message, or of a button when the text begins with a slash."""
    number = next(_counter)
    parsed = {"intent": {"name": intent, "confidence": confidence}, "facets": facets, "facet_confidences": sure or {}, "at_ease": at_ease}
    return {
        "event": "user", "timestamp": at, "text": text, "input_channel": channel, "message_id": f"m{number}", "parse_data": parsed,
        "metadata": {"model_id": "model-1"},
    }  # fmt: skip


def said(
    text: str, at: float = NOON, rules: list[dict[str, str]] | None = None, understood: dict[str, Any] | None = None, **custom: Any
) -> dict[str, Any]:
    """What Rasa says of a message of the bot."""
    custom = {"type": "text", "text": text, **custom}
    noted = {name: value for name, value in (("rules", rules), ("understood", understood)) if value}
    return {"event": "bot", "timestamp": at, "text": text, "data": {"custom": custom}, "metadata": noted}


def answer(question: str, intent: str | None = "answer", **facets: Any) -> dict[str, Any]:
    """What an action notes of a message that answers a question."""
    return {"question": question, "intent": intent, "facets": facets}


def slot(name: str, value: Any, at: float = NOON) -> dict[str, Any]:
    return {"event": "slot", "timestamp": at, "name": name, "value": value}


def turn(sender: str, *events: dict[str, Any], refused: bool = False) -> dict[str, Any]:
    """A turn as the bot records it."""
    made = Recorder(Keys([KEY])).turn(sender, events, refused)
    assert made is not None
    return made


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """What the database holds of conversations, without ids, unsealed."""
    from sqlalchemy import text

    columns = {
        "conversation": "key, channel, started_at, last_at, day, hour, urgency, crisis, failures, min_confidence, road, context, platform, rating, n_messages, n_user_messages, n_words, status",
        "conversation_form": "form",
        "conversation_referral": "helpline, tapped",
        "message": "position, at, sender, kind, ref, intent, confidence",
        "word": "word",
        "placeholder": "token, kind, number",
        "daily_count": "day, figure, value, n",
    }
    found: dict[str, list[tuple[Any, ...]]] = {}
    with database.reading() as session:
        for table, names in columns.items():
            found[table] = sorted((tuple(row) for row in session.execute(text(f"SELECT {names} FROM {table}"))), key=repr)
        found["texts"] = sorted(
            (
                tuple(sorted(database.keys.unseal(bytes(row[0])).items(), key=repr))
                for row in session.execute(text("SELECT sealed FROM message"))
            ),
            key=repr,
        )
    return found
