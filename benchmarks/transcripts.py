"""How fast the console is with 100,000 conversations: ``python -m benchmarks.transcripts``.

Fills an empty store with made-up conversations, then measures lists, every filter alone and combined, searches, pages deep in a
list, a conversation, figures, and whole pages as a browser gets them. On SQLite in a temporary folder and on a PostgreSQL server of its
own, in one table; or on the databases that ``--database`` names: filled when empty, measured as they are when not. Beside the time that
each takes: the processor time of this process and of the one of PostgreSQL that works for it, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pyotp

import bot  # noqa: F401 (comes before Rasa)
from benchmarks.postgres import Postgres
from benchmarks.report import keep, machine, table
from bot.console.app import create_app
from bot.console.logins import Logins
from bot.nlu.dataset import read_training
from bot.runtime.settings import Settings
from bot.transcripts import models
from bot.transcripts.database import Database, make_engine
from bot.transcripts.filters import Filters, words_of
from bot.transcripts.keys import Keys
from bot.transcripts.moments import belgian
from bot.transcripts.repository import Repository
from bot.wegwijzer.vocabulary import Context, Crisis, Form, Role

#: What the console does must take less than so many milliseconds (the median).
TARGET = 100.0
_DAYS = 60
_AT_ONCE = 2000
_PLATFORMS = ("snapchat", "whatsapp", "instagram", "tiktok", "discord", "xbox")
_PASSWORD = "vier gewone woorden samen"  # noqa: S105 (of a made-up account)

#: Median, 95th percentile and mean processor time in milliseconds, and what was found.
Measured = tuple[float, float, float, int]


def main(arguments: list[str] | None = None) -> int:
    """Fill, measure, print, keep; 1 when something takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--database", action="append", help="address of a database; may be given more than once")
    chosen = parser.parse_args(arguments)
    measured: dict[str, dict[str, Measured]] = {}
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="wegwijzer-bench-")))
        for address in chosen.database or _both(folder, open_):
            database = Database(make_engine(address), Keys([bytes(32)]))
            open_.callback(database.close)
            measured[database.engine.dialect.name] = _measure_database(database, folder, chosen.conversations, chosen.rounds)
    (first, *others) = measured.values()
    rows = [(name, *(f"{value:.1f}" for one in (first, *others) for value in one[name][:3]), str(first[name][3])) for name in first]
    heads = ("what", *(f"{kind}: {column}" for kind in measured for column in ("median", "95th", "processor")), "found")
    over = sorted({name for one in measured.values() for name, (median, *_rest) in one.items() if median > TARGET})
    text = "\n".join((
        f"{chosen.conversations} conversations. Milliseconds, of {chosen.rounds} times. {machine()}.",
        "",
        table(heads, rows),
        "",
        f"Over {TARGET:.0f} ms: {', '.join(over) or 'nothing'}.",
    ))  # fmt: skip
    print(f"\n{text}\n\nkept in {keep('transcripts', text, measured)}")
    return int(bool(over))


def _both(folder: Path, open_: ExitStack) -> Iterator[str]:
    yield f"sqlite:///{folder / 'transcripts.db'}"
    server = Postgres()
    open_.callback(server.close)
    yield server.new_database()


def _measure_database(database: Database, folder: Path, conversations: int, rounds: int) -> dict[str, Measured]:
    database.migrate()
    began = time.monotonic()
    if not Repository(database).list().total:
        _fill(database, conversations)
        print(f"{conversations} conversations made on {database.engine.dialect.name} in {time.monotonic() - began:.0f} s", file=sys.stderr)
    clock = _processor_clock(database)
    return {name: _timed(do, rounds, clock) for name, do in {**_repository_work(Repository(database)), **_pages(database, folder)}.items()}


def _processor_clock(database: Database) -> Callable[[], float]:
    """Seconds of processor time of this process and, of a PostgreSQL on this machine, of the one process of it that works for us."""
    if database.is_sqlite:
        return time.process_time
    with database.engine.connect() as connection:
        server = Path(f"/proc/{connection.exec_driver_sql('SELECT pg_backend_pid()').scalar()}/stat")

    def both() -> float:
        user, system = server.read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
        return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    return both if server.exists() else time.process_time


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
            # As PostgreSQL does by itself before long.
            connection.exec_driver_sql("VACUUM (ANALYZE)")
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


def _filters() -> dict[str, Filters]:
    """Each filter alone; values as they occur."""
    today = dt.datetime.now(dt.timezone.utc).date()
    return {
        "channel": Filters(channel=("telegram",)),
        "dates": Filters(since=today - dt.timedelta(days=21), until=today - dt.timedelta(days=7)),
        "road": Filters(road=("parent",)),
        "form": Filters(form=("insult",)),
        "rare form": Filters(form=("doxing",)),
        "context": Filters(context=("school", "sport")),
        "platform": Filters(platform=("xbox",)),
        "crisis": Filters(crisis=("abuse",)),
        "any crisis": Filters(crisis=("any",)),
        "status": Filters(status=("new", "seen", "discuss")),
        "rating": Filters(rating=("no",)),
        "no rating": Filters(rating=("none",)),
        "messages": Filters(min_messages=8),
        "words": Filters(min_words=60),
        "urgency": Filters(urgency=(1, 2)),
        "common words": Filters(text="ik niet"),
    }


def _merged(chosen: Sequence[Filters]) -> Filters:
    return Filters.from_dict({name: value for filters in chosen for name, value in filters.to_dict().items()})


def _repository_work(repository: Repository) -> dict[str, Callable[[], int]]:
    alone = _filters()
    searches = {
        "a common word": "ik", "two common words": "school klas", "three common words": "ik niet school",
        "six common words": "ik en niet is de het", "a rare word": "trefbal",
        "a common and a rare word": "ik trefbal", "a word that is not there": "quasar",
    }  # fmt: skip
    lists = {"queue, first page": Filters(), **{f"filter: {name}": filters for name, filters in alone.items()}}
    lists |= {f"search: {name}": Filters(text=words) for name, words in searches.items()}
    lists["search: words, road, status"] = Filters(text="ik school", road=("parent",), status=("new",))
    work: dict[str, Callable[[], int]] = {name: partial(_total, repository, filters) for name, filters in lists.items()}
    pairs = [_merged(pair) for pair in itertools.combinations(alone.values(), 2)]
    chance = random.Random(1)  # noqa: S311 (which combinations are measured is no secret)
    more = [_merged(chance.sample(list(alone.values()), number)) for number in (3, 4, 5) for _ in range(20)]
    work["the slowest of all pairs of filters"] = _slowest(repository, pairs)
    work["the slowest of 60 combinations of 3 to 5"] = _slowest(repository, more)
    work["queue, newest first"] = lambda: repository.list(order="newest").total
    deep = {
        "queue, page 1,000": Filters(),
        "common form, page 100": Filters(form=("insult",)),
        "common words, page 100": Filters(text="ik niet"),
    }
    deep |= {"road and status, page 30": Filters(road=("parent",), status=("new", "seen"))}
    for name, filters in deep.items():
        work[name] = partial(_rows, repository, filters, int(name.split()[-1].replace(",", "")))
    ids = [item.id for item in repository.list(page=3).items]
    work["neighbours in the queue"] = lambda: len(repository.neighbours(ids[0]))
    work["neighbours in a search"] = lambda: len(repository.neighbours(ids[0], Filters(text="ik school")))
    work["neighbours in a search that finds little"] = lambda: len(repository.neighbours(ids[0], Filters(text="trefbal")))
    work["one conversation"] = lambda: len(repository.read(ids[0], "bench").messages)
    today = dt.datetime.now(dt.timezone.utc).date()
    work["figures of a month"] = lambda: repository.figures(today - dt.timedelta(days=30), today).conversations
    work["counts by status"] = lambda: sum(repository.status_counts().values())
    return work


def _rows(repository: Repository, filters: Filters, page: int) -> int:
    return len(repository.list(filters, page=page).items)


def _slowest(repository: Repository, combinations: Sequence[Filters]) -> Callable[[], int]:
    """The list with the combination that takes the most time, of three times the best."""

    def once(filters: Filters) -> float:
        began = time.perf_counter()
        repository.list(filters)
        return time.perf_counter() - began

    slowest = max(combinations, key=lambda filters: min(once(filters) for _ in range(3)))
    print(f"slowest of {len(combinations)}: {slowest.to_dict()}", file=sys.stderr, flush=True)
    return partial(_total, repository, slowest)


def _pages(database: Database, folder: Path) -> dict[str, Callable[[], int]]:
    """Whole pages, made in this process as for a browser, by somebody who is logged in."""
    settings = Settings(data_dir=folder)
    client, logins = create_app(settings, database).test_client(), Logins(database, 1800, 36000)
    name = f"bench {time.time()}"
    link = logins.link(logins.make_link(logins.accounts.create(name, None, "moderator", "bench"), "bench"))
    assert link
    now = time.time()
    logins.use_link(link, name, _PASSWORD, pyotp.TOTP(link.secret).at(now - 30))

    def send(path: str, **fields: str) -> str:
        page = client.get("/aanmelden" if path == "/aanmelden" else "/gesprekken").get_data(as_text=True)
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        return str(client.post(path, data={"csrf_token": token, **fields}).location)

    def get(path: str) -> int:
        answer = client.get(path)
        assert answer.status_code == 200, path
        return len(answer.data)

    send("/aanmelden", naam=name, wachtwoord=_PASSWORD, code=pyotp.TOTP(link.secret).at(now))
    queue = "/gesprekken?status=new&status=seen&status=discuss"
    found = send("/zoeken", woorden="ik niet school")
    opened = Repository(database).list(Filters(text="ik niet school")).items[0].id
    pages = {"the queue": queue, "a search": found, "a conversation in the queue": queue.replace("?", f"/{opened}?")}
    pages |= {"a conversation in a search": found.replace("?", f"/{opened}?"), "figures": "/cijfers"}
    return {f"page: {name}, bytes": partial(get, path) for name, path in pages.items()}


def _total(repository: Repository, filters: Filters) -> int:
    return repository.list(filters).total


def _timed(do: Callable[[], int], rounds: int, processor: Callable[[], float]) -> Measured:
    """Median and 95th percentile in milliseconds, mean processor time, and what it gave."""
    found = do()
    taken = []
    work = processor()
    for _ in range(rounds):
        began = time.perf_counter()
        do()
        taken.append((time.perf_counter() - began) * 1000)
    work = (processor() - work) * 1000 / rounds
    return statistics.median(taken), sorted(taken)[round(0.95 * (len(taken) - 1))], work, found


if __name__ == "__main__":
    sys.exit(main())
