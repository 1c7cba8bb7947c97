"""How fast moderators get a page: 100,000 made-up conversations, then lists, filters, searches, a conversation, figures.

On SQLite in a temporary folder, or on the database that ``--database`` names: filled when it is empty, measured as it is when not. Beside
the time that a page takes: the processor time of this process, which a busy machine hardly changes (of PostgreSQL it shows our own part).
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.report import keep, machine, table
from bot.nlu.dataset import read_training
from bot.transcripts import models
from bot.transcripts.database import Database, make_engine
from bot.transcripts.filters import Filters, words_of
from bot.transcripts.keys import Keys
from bot.transcripts.moments import belgian
from bot.transcripts.repository import Repository
from bot.wegwijzer.vocabulary import Context, Crisis, Form, Role

#: A page must come within this many milliseconds (the 95th of a hundred).
TARGET = 100.0
_DAYS = 60
_AT_ONCE = 2000
_PLATFORMS = ("snapchat", "whatsapp", "instagram", "tiktok", "discord", "xbox")


def main(arguments: list[str] | None = None) -> int:
    """Fill, measure, print, keep; 1 when a page takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--database", help="address of a database, for instance of PostgreSQL")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="wegwijzer-bench-") as folder:
        address = chosen.database or f"sqlite:///{Path(folder) / 'transcripts.db'}"
        database = Database(make_engine(address), Keys([bytes(32)]))
        database.migrate()
        began = time.monotonic()
        if not Repository(database).list().total:
            _fill(database, chosen.conversations)
        print(f"{chosen.conversations} conversations made in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 2**20
        measured = _measure(Repository(database), chosen.rounds)
        database.close()
    rows = [(name, *(f"{value:.1f}" for value in values), f"{found}") for name, (*values, found) in measured.items()]
    text = "\n".join((
        f"{chosen.conversations} conversations on {database.engine.dialect.name}, {size:.0f} MB. Milliseconds. {machine()}.",
        "",
        table(("what", "median", "95th of 100", "processor time", "found"), rows),
    ))  # fmt: skip
    print(f"\n{text}\n\nkept in {keep('transcripts', text, measured)}")
    return int(any(high > TARGET for _median, high, _work, _found in measured.values()))


# --- a store full of conversations ---


def _fill(database: Database, conversations: int) -> None:
    chance = random.Random(1)  # noqa: S311 (made-up data, no secret)
    texts = [example.text for example in read_training() if len(example.text) > 15]
    # Pairs of a text and its words in the index.
    known = [(text, [database.keys.word(word) for word in words_of(text)]) for text in texts]
    now = time.time()
    rows: dict[Any, list[dict[str, Any]]] = {}
    for id_ in range(1, conversations + 1):
        for table_, row in _conversation(database, id_, now - chance.random() * _DAYS * 86400, chance, known):
            rows.setdefault(table_, []).append(row)
        if id_ % _AT_ONCE == 0 or id_ == conversations:
            with database.writing() as session:
                for table_, some in rows.items():
                    session.execute(table_.__table__.insert(), some)
            rows = {}
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("ANALYZE")
    # As the hourly job does.
    database.look_around()
    database.checkpoint()


def _conversation(
    database: Database, id_: int, at: float, chance: random.Random, known: Sequence[tuple[str, list[int]]]
) -> Iterator[tuple[Any, dict[str, Any]]]:
    chosen = [chance.choice(known) for _ in range(chance.choice((1, 2, 3, 4)))]
    said = [text for text, _words in chosen]
    crisis = chance.choice(list(Crisis)[1:]).value if chance.random() < 0.05 else None
    failures = int(chance.random() < 0.1)
    sure = chance.random() ** 0.2
    start = belgian(at)
    yield (
        models.Conversation,
        {
            "id": id_,
            "key": f"{id_:048x}",
            "channel": chance.choice(("web", "web", "telegram")),
            "model": "bench",
            "started_at": at,
            "last_at": at + 300,
            "day": start.date().isoformat(),
            "hour": start.hour,
            "urgency": 3 if crisis else 2 if failures else 1 if sure < 0.5 else 0,
            "crisis": crisis,
            "failures": failures,
            "min_confidence": sure,
            "road": chance.choice(list(Role)).value,
            "kind": "bullying",
            "context": chance.choice(list(Context)).value,
            "platform": chance.choice(_PLATFORMS) if chance.random() < 0.3 else None,
            "age_band": None,
            "rating": chance.choice((True, False)) if chance.random() < 0.2 else None,
            "n_messages": len(said) * 2,
            "n_user_messages": len(said),
            "n_words": sum(len(text.split()) for text in said),
            "status": chance.choices(models.STATUSES, weights=(3, 2, 1, 8))[0],
            "assigned_to": None,
            "version": 0,
        },
    )
    forms = list(Form)
    for form in {chance.choice(forms[: 4 if chance.random() < 0.7 else None]) for _ in range(2)}:
        yield models.ConversationForm, {"conversation_id": id_, "form": form.value}
    for position, text in enumerate(said):
        for place, (sender, words) in enumerate(
            (("user", text), ("bot", "Ik geloof je. Dat ligt niet aan jou. Je kan er iets tegen doen."))
        ):
            sealed = database.keys.seal({"text": words, "facets": {"role": "victim"}})
            row = {"conversation_id": id_, "position": 2 * position + place, "at": at + position, "sender": sender, "kind": "text"}
            yield models.Message, {**row, "ref": None, "intent": "describe", "confidence": 0.9, "model": None, "sealed": sealed}
    for word in {word for _text, words in chosen for word in words}:
        yield models.Word, {"word": word, "conversation_id": id_}


# --- what moderators do ---


def _measure(repository: Repository, rounds: int) -> dict[str, tuple[float, float, float, int]]:
    today = dt.datetime.now(dt.timezone.utc).date()
    month = (today - dt.timedelta(days=30), today)
    lists: dict[str, Any] = {
        "queue, first page": Filters(),
        "queue, new ones": Filters(status=("new",)),
        "one road": Filters(road=("parent",)),
        "a common form": Filters(form=("insult",)),
        "a rare form": Filters(form=("doxing",)),
        "rare in all ways": Filters(platform=("xbox",), road=("bully",), context=("work",), rating=("no",)),
        "two weeks, long ones": Filters(since=today - dt.timedelta(days=14), min_words=60),
        "crisis of one kind, new": Filters(crisis=("abuse",), status=("new",)),
        "a common word": Filters(text="ik"),
        "two common words": Filters(text="school klas"),
        "three common words": Filters(text="ik niet school"),
        "a rare word": Filters(text="trefbal"),
        "a common and a rare word": Filters(text="ik trefbal"),
        "a word that is not there": Filters(text="quasar"),
        "words and filters": Filters(text="ik school", road=("parent",), status=("new",)),
    }
    work: dict[str, Callable[[], int]] = {name: partial(_total, repository, filters) for name, filters in lists.items()}
    work["queue, newest first"] = lambda: repository.list(order="newest").total
    work["queue, page 1,000"] = lambda: len(repository.list(page=1000).items)
    work["common form, page 100"] = lambda: len(repository.list(Filters(form=("insult",)), page=100).items)
    ids = [item.id for item in repository.list(page=3).items]
    work["neighbours in the queue"] = lambda: len(repository.neighbours(ids[0]))
    work["neighbours in a search"] = lambda: len(repository.neighbours(ids[0], Filters(text="ik school")))
    work["one conversation"] = lambda: len(repository.read(ids[0], "bench").messages)
    work["figures of a month"] = lambda: repository.figures(*month).conversations
    work["counts by status"] = lambda: sum(repository.status_counts().values())
    return {name: _timed(do, rounds) for name, do in work.items()}


def _total(repository: Repository, filters: Filters) -> int:
    return repository.list(filters).total


def _timed(do: Callable[[], int], rounds: int) -> tuple[float, float, float, int]:
    """Median and 95th percentile in milliseconds, mean processor time, and what it gave."""
    found = do()
    taken = []
    work = time.process_time()
    for _ in range(rounds):
        began = time.perf_counter()
        do()
        taken.append((time.perf_counter() - began) * 1000)
    work = (time.process_time() - work) * 1000 / rounds
    return statistics.median(taken), sorted(taken)[round(0.95 * (len(taken) - 1))], work, found


if __name__ == "__main__":
    sys.exit(main())
