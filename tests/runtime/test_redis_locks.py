"""One turn at a time for each conversation, first come, first served, over several processes and a real Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from rasa.core.lock_store import LockError
from redis.asyncio import Redis
from redis_run import run

from bot.runtime.redis_link import RedisUrlError, connect
from bot.runtime.redis_locks import RedisLockStore, held_number

#: Long beside a test: whoever is not woken is not there in time by chance either.
NEVER = 3600.0


async def in_queue(client: Redis, conversation: str = "one") -> int:
    return await client.llen(f"wegwijzer:queue:{conversation}")


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():  # noqa: ASYNC110 (the other side is a server that tells nobody)
        await asyncio.sleep(0.002)


async def left_behind(client: Redis) -> list[str]:
    """Keys that are there although nobody holds or wants anything."""
    return [key async for key in client.scan_iter() if not key.startswith(("wegwijzer:number:", "wegwijzer:wake:", "wegwijzer:tried"))]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["stays", "stays", "gives up", "fails"])), min_size=1, max_size=9))
def test_whoever_comes_first_is_first_and_nobody_is_in_together(redis_url: str, comers: list[tuple[int, str]]) -> None:
    async def order(client: Redis) -> None:
        await client.flushall()
        stores = [RedisLockStore(client, NEVER) for _ in range(3)]
        seen: list[tuple[str, int]] = []
        numbers: list[int] = []
        go = asyncio.Event()

        async def turn(place: int, store: RedisLockStore, fate: str) -> None:
            async with store.lock("one", NEVER):
                seen.append(("begin", place))
                numbers.append(held_number("one") or 0)
                if place == -1:
                    await go.wait()
                await asyncio.sleep(0)
                seen.append(("end", place))
                if fate == "fails":
                    raise ValueError

        tasks = [asyncio.create_task(turn(-1, stores[0], "stays"))]
        await until(lambda: client.exists("wegwijzer:holder:one"))
        for place, (store, fate) in enumerate(comers):
            tasks.append(asyncio.create_task(turn(place, stores[store], fate)))

            async def stands(count: int = place + 1) -> bool:
                return await in_queue(client) == count

            await until(stands)
        for task, (_store, fate) in zip(tasks[1:], comers, strict=True):
            if fate == "gives up":
                task.cancel()
        stay = [place for place, (_store, fate) in enumerate(comers) if fate != "gives up"]

        async def gave_up() -> bool:
            return await in_queue(client) == len(stay)

        await until(gave_up)
        go.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert seen == [(word, place) for place in [-1, *stay] for word in ("begin", "end")]
        assert numbers == sorted(set(numbers))
        assert await left_behind(client) == []

    run(redis_url, order)


def test_messages_of_one_process_keep_their_order(redis_url: str) -> None:
    async def order(client: Redis) -> list[int]:
        store, seen = RedisLockStore(client, NEVER), []

        async def turn(place: int) -> None:
            async with store.lock("one", NEVER):
                seen.append(place)

        await asyncio.gather(*(turn(place) for place in range(40)))
        return seen

    assert run(redis_url, order) == list(range(40))


def test_another_conversation_does_not_wait_and_each_has_its_own_number(redis_url: str) -> None:
    async def numbers(client: Redis) -> tuple[int | None, ...]:
        store = RedisLockStore(client, NEVER)
        async with store.lock("one"):
            async with store.lock("two"):
                both = (held_number("one"), held_number("two"))
            return (*both, held_number("one"), held_number("two"))

    one, two, still, gone = run(redis_url, numbers)
    assert one and two and still == one and gone is None


def test_who_holds_a_conversation_takes_a_turn_in_it_and_others_wait_until_all_of_it_is_over(redis_url: str) -> None:
    async def seen(client: Redis) -> list[str]:
        store, other, order = RedisLockStore(client, NEVER), RedisLockStore(client, NEVER), []

        async def comes_later(locks: RedisLockStore, name: str) -> None:
            async with locks.lock("one", NEVER):
                order.append(name)

        # Made before, so that they do not hold what this task holds.
        go = asyncio.Event()

        async def waits_to_come(locks: RedisLockStore, name: str) -> None:
            await go.wait()
            await comes_later(locks, name)

        later = [asyncio.create_task(waits_to_come(locks, name)) for locks, name in ((store, "same process"), (other, "other process"))]
        async with store.lock("one", NEVER):
            go.set()
            await until(lambda: _is(client, 2))
            number = held_number("one")
            for _ in range(2):
                async with store.lock("one"):
                    assert held_number("one") == number
            # A turn is a task of its own, with a time limit.
            await asyncio.wait_for(comes_later(store, "own task"), 10)
            assert await client.exists("wegwijzer:holder:one")
            order.append("holder")
        await asyncio.gather(*later)
        return order

    async def _is(client: Redis, count: int) -> bool:
        return await in_queue(client) == count

    order = run(redis_url, seen)
    assert order[:2] == ["own task", "holder"]
    assert set(order[2:]) == {"same process", "other process"}


def test_who_waits_too_long_is_told_and_the_next_one_still_gets_in(redis_url: str) -> None:
    async def told(client: Redis) -> list[str]:
        one, other = RedisLockStore(client), RedisLockStore(client)
        async with one.lock("one"):
            with pytest.raises(LockError, match="busy"):
                async with other.lock("one", lock_lifetime=0.05):
                    pass
        async with other.lock("one"):
            pass
        return await left_behind(client)

    assert run(redis_url, told) == []


def test_a_long_turn_keeps_its_conversation(redis_url: str) -> None:
    async def refused(client: Redis) -> None:
        one, other = RedisLockStore(client, 0.3), RedisLockStore(client, 0.3)
        async with one.lock("one"):
            with pytest.raises(LockError):
                async with other.lock("one", lock_lifetime=1.2):
                    pass

    run(redis_url, refused)


def test_a_holder_that_stood_still_has_the_older_number_and_cannot_free_the_newer_one(redis_url: str) -> None:
    async def numbers(client: Redis) -> tuple[int, int]:
        one, other, third = (RedisLockStore(client, seconds) for seconds in (0.1, NEVER, NEVER))
        async with one.lock("one"):
            before = held_number("one")
            # The process stands still: nothing of it runs, also not what keeps the lock.
            time.sleep(0.3)  # noqa: ASYNC251
            holder = other.lock("one")
            await asyncio.create_task(enter(holder))
        with pytest.raises(LockError):
            async with third.lock("one", lock_lifetime=0.05):
                pass
        after = int(await client.get("wegwijzer:number:one"))
        return before or 0, after

    async def enter(holder: Any) -> None:
        await holder.__aenter__()

    before, after = run(redis_url, numbers)
    assert 0 < before < after


def test_redis_that_forgot_everything_gives_no_number_twice(redis_url: str) -> None:
    async def numbers(client: Redis) -> list[int]:
        store, found = RedisLockStore(client), []
        for _ in range(5):
            async with store.lock("one"):
                found.append(held_number("one") or 0)
            await client.flushall()
            await client.script_flush()
        return found

    found = run(redis_url, numbers)
    assert found == sorted(set(found))


def test_a_clock_that_is_put_back_gives_no_number_twice(redis_url: str) -> None:
    async def numbers(client: Redis) -> tuple[int, int | None]:
        ahead = int((time.time() + 86400) * 1_000_000)
        await client.set("wegwijzer:number:one", ahead)
        async with RedisLockStore(client).lock("one"):
            return ahead, held_number("one")

    ahead, found = run(redis_url, numbers)
    assert found == ahead + 1


def start_taker(url: str, alive_seconds: float) -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parents[2]
    script = str(Path(__file__).with_name("lock_taker.py"))
    return subprocess.Popen([sys.executable, script, url, str(alive_seconds)], cwd=root, env={**os.environ, "PYTHONPATH": str(root)})


def test_processes_that_are_killed_or_paused_are_passed_over(redis_url: str) -> None:
    takers = [start_taker(redis_url, 1.0) for _ in range(3)]
    killed, paused, last = (taker.pid for taker in takers)

    async def story(client: Redis) -> list[list[str]]:
        async def log() -> list[list[str]]:
            return [line.split() for line in await client.lrange("log", 0, -1)]

        async def taken(pid: int, times: int) -> None:
            async def enough() -> bool:
                return sum(line[:2] == ["begin", str(pid)] for line in await log()) >= times

            await until(enough)

        async def stopped_while_holding(pid: int) -> None:
            """It stands still in the middle of a turn: elsewhere it goes on, and is stopped again."""
            while True:
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(0.01)
                if (await client.lrange("log", -1, -1))[0].startswith(f"begin {pid} "):
                    return
                os.kill(pid, signal.SIGCONT)
                await asyncio.sleep(0.003)

        for pid in (killed, paused, last):
            await taken(pid, 20)
        await stopped_while_holding(killed)
        os.kill(killed, signal.SIGKILL)
        so_far = sum(line[:2] == ["begin", str(last)] for line in await log())
        await taken(last, so_far + 10)
        await stopped_while_holding(paused)
        so_far = sum(line[:2] == ["begin", str(last)] for line in await log())
        await taken(last, so_far + 10)
        os.kill(paused, signal.SIGCONT)
        so_far = sum(line[:2] == ["begin", str(paused)] for line in await log())
        await taken(paused, so_far + 5)
        return await log()

    try:
        log = run(redis_url, story)
    finally:
        for taker in takers:
            taker.kill()
            taker.wait()
    numbers = [int(number) for what, _pid, number in log if what == "begin"]
    assert numbers == sorted(set(numbers))
    inside = None
    for what, pid, number in log:
        if what == "begin":
            assert inside is None or inside[0] in (str(killed), str(paused)), "two at once"
            inside = (pid, number)
        elif inside == (pid, number):
            inside = None
        else:
            assert pid == str(paused), "only who stood still says something after it was passed over"
    assert ["end", str(paused)] in [line[:2] for line in log]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:6379", "write redis://"),
        ("http://:geheim@localhost", "write redis://"),
        ("redis://:geheim@localhost:poort/0", "no address of a Redis"),
        ("redis://:geheim@localhost:1/?geheim=x", "no address of a Redis"),
        ("redis://:geheim@127.0.0.1:1/0", "no Redis answers at this address .Connection refused."),
        ("unix:///geheim/nothing.sock", "no Redis answers at this address .No such file or directory."),
    ],
)
def test_an_address_that_cannot_be_used_is_one_line_without_the_secret(url: str, said: str) -> None:
    with pytest.raises(RedisUrlError, match=f"^REDIS_URL: .*{said}") as error:
        connect(SecretStr(url))
    assert "geheim" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_redis_that_refuses_is_one_line(redis_url: str, redis_server: Any) -> None:
    redis_server.config_set("requirepass", "geheim")
    try:
        with pytest.raises(RedisUrlError, match="wants another user or password"):
            connect(SecretStr(redis_url))
        connect(SecretStr(redis_url.replace("unix://", "unix://:geheim@")))
    finally:
        redis_server.execute_command("AUTH", "geheim")
        redis_server.config_set("requirepass", "")
