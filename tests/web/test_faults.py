"""Two bots, one Redis, one PostgreSQL and an archiver, with a fault that lasts: what was accepted is answered once and in order, and stands
in the database once.

Each test prints how long it took until everything was well again.
"""

from __future__ import annotations

import base64
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import select
from sqlalchemy.engine import make_url

from actions.base import renderer
from benchmarks.postgres import Postgres
from bot.transcripts import models
from bot.transcripts.database import Database, make_engine
from bot.transcripts.keys import Keys

from .conftest import PROJECT, Client, Server
from .faulty_bot import DAY, POISON
from .redis_clock import HOUR, move
from .redis_process import RedisServer
from .slow_database import SlowDatabase
from .test_shared import SECRET, STORY, answered, at, check, tell, undisturbed

KEY = bytes(range(32))
#: Nobody waits so long for anything here.
LONG = 60.0


def eventually(holds: Callable[[], Any], seconds: float = LONG) -> float:
    """Seconds until something holds; it has to."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)
    return time.monotonic() - began


class FaultyServer(Server):
    """A bot that has :mod:`faulty_bot` in it."""

    program = (str(Path(__file__).with_name("faulty_bot.py")),)

    def __init__(self, data_dir: Path, **env: str) -> None:
        self._clock = data_dir.parent / f"{data_dir.name}.clock"
        self.wrong_by(0)
        super().__init__(data_dir, WRONG_BY=str(self._clock), PYTHONPATH=str(PROJECT), **env)

    def wrong_by(self, seconds: int) -> None:
        """Put its clock forward or back."""
        self._clock.touch()
        os.utime(self._clock, (0, DAY + seconds))

    def die(self) -> None:
        """Wait until it has been killed by a message."""
        assert self.process
        assert self.process.wait(LONG) == -signal.SIGKILL
        self.process = None

    def full_disk(self) -> None:
        """Its outbox may not grow."""
        assert self.process
        size = (self.data_dir / "outbox.db-wal").stat().st_size
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def free_disk(self) -> None:
        """The disk has room again."""
        assert self.process
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Deployment:
    """All of it."""

    def __init__(self, server: RedisServer, postgres: Postgres, folder: Path) -> None:
        self.redis = server
        address = make_url(postgres.new_database())
        self.slow = SlowDatabase(f"{address.query['host']}/.s.PGSQL.5432")
        self.database = Database(make_engine(str(address)), Keys([KEY]))
        self.database.migrate()
        env = {
            "REDIS_URL": server.url,
            "WEGWIJZER_WEB_SECRET": SECRET,
            "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{self.slow.port}/{address.database}",
            "WEGWIJZER_TRANSCRIPT_KEY": base64.b64encode(KEY).decode(),
        }
        self.one, self.other = (FaultyServer(folder / name, **env) for name in ("one", "other"))
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(Server.start, (self.one, self.other)))
        environment = {**os.environ, **env, "WEGWIJZER_DATA_DIR": str(folder / "archive")}
        self._archiver = subprocess.Popen([sys.executable, "-m", "bot", "archive"], cwd=PROJECT, env=environment)
        self.expected = undisturbed(self.one)

    def as_if_long_ago(self) -> None:
        """Who was lost has been silent for long enough: nobody waits for its locks, and what it left is taken up."""
        client = self.redis.client
        client.delete("wegwijzer:tried", *client.keys("wegwijzer:holder:*"))
        client.zadd("wegwijzer:web:work", dict.fromkeys(client.zrange("wegwijzer:web:work", 0, -1), 0), xx=True)

    def clients(self, number: int) -> list[Client]:
        """So many conversations."""
        return [(self.one, self.other)[place % 2].open_session() for place in range(number)]

    def lead(self, clients: list[Client], story: tuple[str, ...] = STORY, first: int = 0, servers: tuple[Server, ...] = ()) -> None:
        """Say a story in each conversation, to one bot and the other in turn."""

        def one(client: Client) -> None:
            there = [at(server, client) for server in servers or (self.one, self.other)]
            for number, text in enumerate(story, start=first):
                tell(there[number % len(there) :] + there[: number % len(there)], text, f"{client.token[:8]}-{number}")

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(one, clients))

    def said(self, client: Client) -> list[tuple[str, str]]:
        """Who said what in a conversation, as the database has it: in one conversation, or none."""
        key = self.database.keys.conversation(client.token.split(".")[0])
        with self.database.reading() as session:
            rows = session.execute(
                select(models.Message.sender, models.Message.kind, models.Message.sealed)
                .join(models.Conversation)
                .where(models.Conversation.key == key)
                .order_by(models.Message.conversation_id, models.Message.position)
            ).all()
        return [
            (sender, kind if kind in ("failure", "feedback") else self.database.keys.unseal(bytes(sealed))["text"])
            for sender, kind, sealed in rows
        ]

    def check(self, clients: list[Client]) -> float:
        """Everything was answered once and in order, and stands in the database once; seconds until it did."""
        began = time.monotonic()
        for client in clients:
            check(at(self.other, client), self.expected)
        for client in clients:
            eventually(lambda client=client: len(self.said(client)) >= len(STORY) + len(self.expected))  # type: ignore[misc]
        for client in clients:
            found = [one for one in self.said(client) if one != ("user", "feedback")]
            assert [text for sender, text in found if sender == "user"] == list(STORY)
            assert [text for sender, text in found if sender == "bot"] == self.expected
            assert len(found) == len(STORY) + len(self.expected)
        return time.monotonic() - began

    def end(self) -> None:
        for server in (self.one, self.other):
            if server.process:
                server.stop(signal.SIGKILL)
        self._archiver.kill()
        self._archiver.wait()
        self.database.close()
        self.slow.close()


@pytest.fixture(scope="module")
def deployment(redis_process: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    postgres = Postgres()
    whole = Deployment(redis_process, postgres, tmp_path_factory.mktemp("faults"))
    yield whole
    whole.end()
    postgres.close()


def test_a_message_that_kills_its_bot_is_given_up_and_the_conversation_goes_on(deployment: Deployment) -> None:
    one, other = deployment.one, deployment.other
    client, beside = one.open_session(), deployment.clients(3)
    deployment.lead([client, *beside], STORY[:1])
    assert client.send(POISON, "message-poison").status_code == 202
    # They take it over by themselves.
    for dies in (one, other, one):
        if dies.process is None:
            with contextlib.suppress(RuntimeError):  # it may be over before it is ready
                dies.start()
        dies.die()
        deployment.as_if_long_ago()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(Server.start, (one, other)))
    tell([at(one, client)], STORY[1], "message-afterwards")
    events = answered(at(one, client), 3)
    (sorry,) = (message["text"] for message in renderer().say("internal", "errors"))
    said = [event["data"]["text"] for event in events]
    assert said.count(sorry) == 1
    assert events[-1]["kind"] == "bot", "the next message has its answer"
    assert one.process and other.process
    assert not one.process.poll() and not other.process.poll()
    deployment.lead(beside, STORY[1:], first=1)
    print(f"a message that kills: everything was well {deployment.check(beside):.1f} s later")
    eventually(lambda: ("user", STORY[1]) in deployment.said(client))
    found = deployment.said(client)
    assert [text for sender, text in found if sender != "bot"] == [STORY[0], "failure", STORY[1]]
    assert "a message is given up" in one.log.read_text() + other.log.read_text()
    assert POISON not in one.log.read_text() + other.log.read_text()


def test_clocks_that_jump_an_hour_forward_and_back(deployment: Deployment) -> None:
    one, other, client = deployment.one, deployment.other, deployment.redis.client
    clients, erased = deployment.clients(6), one.open_session()
    for place, (seconds, text) in enumerate(zip((0, HOUR, HOUR, 0, -HOUR), STORY, strict=True)):
        # Of the bot that has the turn.
        (one, other)[place % 2].wrong_by(seconds)
        deployment.lead(clients, (text,), first=place)
        # That of Redis too, at other moments.
        move(client, (HOUR, -HOUR)[place % 2])
    one.wrong_by(HOUR)
    deployment.lead([erased], STORY[:1], servers=(one,))
    eventually(lambda: deployment.said(erased))
    one.wrong_by(0)
    # What it said an hour from now goes too.
    assert at(other, erased).http.delete("/chat/session").status_code == 200
    eventually(lambda: not deployment.said(erased), 10)
    print(f"clocks that jump: everything was well {deployment.check(clients):.1f} s later")


def test_a_slow_database_slows_no_answer(deployment: Deployment) -> None:
    clients = deployment.clients(2)
    deployment.slow.seconds, deployment.slow.answers = 0.3, 0
    try:
        began = time.monotonic()
        deployment.lead(clients)
        for client in clients:
            check(client, deployment.expected)
        answers, waited = time.monotonic() - began, deployment.slow.answers
        followed = deployment.check(clients)
        assert deployment.slow.answers > waited, "the transcripts followed through it"
    finally:
        deployment.slow.seconds = 0.0
    print(f"a slow database: answers within {answers:.1f} s in all, transcripts {followed:.1f} s later")


def test_the_disk_of_one_bot_is_full(deployment: Deployment) -> None:
    one = deployment.one
    clients = deployment.clients(6)
    deployment.lead(clients, STORY[:4])
    one.full_disk()
    try:
        # What is no turn goes by way of the disk.
        shown = [event["data"]["id"] for event in answered(clients[0], 4) if event["data"].get("type") == "helpline"]
        assert at(one, clients[0]).http.post("/chat/feedback", json={"tapped": shown[0]}).status_code == 202
        deployment.lead(clients, STORY[4:], first=4, servers=(one,))
        well = deployment.check(clients)
        well += eventually(lambda: ("user", "feedback") in deployment.said(clients[0]))
        assert deployment.said(clients[0]).count(("user", "feedback")) == 1
        assert "transcripts wait in memory" in one.log.read_text()
    finally:
        one.free_disk()
    print(f"a full disk under one bot: everything was well {well:.1f} s later")


def test_the_disk_of_redis_is_full(deployment: Deployment) -> None:
    server, client = deployment.redis, deployment.redis.client
    clients = deployment.clients(6)
    deployment.lead(clients, STORY[:2])
    size = (server.folder / "appendonly.aof").stat().st_size
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    with ThreadPoolExecutor(1) as threads:
        rest = threads.submit(deployment.lead, clients, STORY[2:], 2)
        eventually(lambda: _refuses(client))
        refused = clients[0].send("hallo")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2"), "nothing is accepted that may be lost"
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        rest.result()
    well = deployment.check(clients)
    print(f"a full disk under Redis: everything was well {well:.1f} s later")


def test_a_bot_that_dies_as_the_clock_of_redis_is_put_back(deployment: Deployment) -> None:
    one, client = deployment.one, deployment.redis.client
    clients = deployment.clients(6)
    deployment.lead(clients, STORY[:4])
    with ThreadPoolExecutor(1) as threads:
        last = threads.submit(deployment.lead, clients, STORY[4:], 4)
        eventually(lambda: client.zcard("wegwijzer:web:work"))
        one.stop(signal.SIGKILL)
        move(client, -HOUR)
        last.result()
    print(f"a clock put back at a death: everything was well {deployment.check(clients):.1f} s later")


def _refuses(client: Any) -> bool:
    try:
        client.set("wegwijzer:tried", 1, px=1000)
    except redis.ResponseError as error:
        return str(error).startswith("MISCONF")
    return False
