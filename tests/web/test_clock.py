"""The clock of Redis is put forward and back by an hour under what several bots keep there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.channels.web_limits_redis import Hidden, SharedBuckets, SharedSlots
from bot.runtime.redis_locks import RedisLockStore

from .redis_clock import HOUR, move
from .redis_process import RedisServer
from .test_sessions import MOST, answer_next, in_redis, said, stored_in

HIDDEN = Hidden(b"a key")
#: Far less than an hour, and more than anything here takes.
SOON = 15.0
BOTH_WAYS = pytest.mark.parametrize("seconds", [HOUR, -HOUR])


@pytest.fixture
def run(redis_server: RedisServer) -> Callable[[Callable[[Redis], Awaitable[Any]]], Any]:
    """Runs a story that takes far less than an hour."""

    def go(story: Callable[[Redis], Awaitable[Any]]) -> Any:
        began = time.monotonic()
        found = in_redis(redis_server, story)
        assert time.monotonic() - began < SOON
        return found

    return go


@BOTH_WAYS
def test_conversations_go_on_in_order(run: Any, seconds: int) -> None:
    async def story(client: Redis) -> None:
        store = stored_in(client, idle=24 * 3600)
        session = await store.create(greeted=False)
        for number in range(4):
            await store.accept_text(session, f"message-{number}", str(number), MOST)
            if number == 1:
                await move(client, seconds)
            if number == 2:
                await answer_next(store, session)
        while await answer_next(store, session):
            pass
        words = [words for *_, words in await said(store, session)]
        assert [one for one in words if not one.startswith("antwoord")] == ["0", "1", "2", "3"]
        assert [one for one in words if one.startswith("antwoord")] == [f"antwoord op {number}" for number in range(4)]

    run(story)


@BOTH_WAYS
def test_a_turn_that_runs_is_written_once_whoever_else_takes_it(run: Any, seconds: int) -> None:
    async def story(client: Redis) -> None:
        one, other = stored_in(client, 24 * 3600), stored_in(client, 24 * 3600)
        session = await one.create(greeted=False)
        await one.accept_text(session, "message-1", "een", MOST)
        async with one.taking(session) as incoming:
            assert incoming
            await move(client, seconds)
            second = asyncio.create_task(answer_next(other, session))
            await asyncio.sleep(0.1)
            await one.answer(session, incoming, [{"type": "text", "text": "antwoord op een"}])
        await second
        assert [words for *_, words in await said(one, session)] == ["een", "antwoord op een"]

    run(story)


def test_what_a_lost_bot_left_is_found_although_its_moment_is_still_to_come(run: Any) -> None:
    async def story(client: Redis) -> None:
        store = stored_in(client)
        session = await store.create(greeted=False)
        await store.accept_text(session, "message-1", "een", MOST)
        assert await store.left_over() == []
        await move(client, -HOUR)
        assert await store.left_over() == [session]
        assert await store.left_over() == [], "somebody is at it from now on"

    run(story)


@pytest.mark.parametrize("what", ["holder", "waiter"])
def test_who_died_as_the_clock_was_put_back_holds_nobody_up_for_an_hour(run: Any, what: str) -> None:
    async def story(client: Redis) -> None:
        key = "wegwijzer:holder:one" if what == "holder" else "wegwijzer:waiter:dead:1"
        await client.set(key, "dead:1", px=10_000)
        if what == "waiter":
            await client.rpush("wegwijzer:queue:one", "dead:1")
        await move(client, -HOUR)
        assert await client.pttl(key) > 3_000_000

        async def enter() -> None:
            async with RedisLockStore(client, 0.2).lock("one"):
                pass

        entering = asyncio.create_task(enter())
        while await client.pttl(key) > 10_000:  # noqa: ASYNC110 (the other side is a server)
            await asyncio.sleep(0.01)
        await client.pexpire(key, 1)
        await entering

    run(story)


@BOTH_WAYS
def test_nobody_waits_an_hour_to_write_or_to_listen(run: Any, seconds: int) -> None:
    async def story(client: Redis) -> None:
        buckets = SharedBuckets(client, HIDDEN, "x", 10, 5)
        for _ in range(5):
            assert not await buckets.take("one")
        assert await buckets.take("one")
        slots = SharedSlots(client, HIDDEN, 2, 10)
        # As a bot that was killed leaves it.
        assert await SharedSlots(client, HIDDEN, 2, 10).enter("one")
        await move(client, seconds)
        assert not await buckets.take("one")
        assert [await slots.enter("one") for _ in range(3)] == [True, True, False]

    run(story)
