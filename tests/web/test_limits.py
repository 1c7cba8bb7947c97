"""Limits that several bots share."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.channels import web_limits_redis
from bot.channels.web_limits import Buckets, Slots
from bot.channels.web_limits_redis import Hidden, SharedBuckets, SharedSlots

from .redis_process import RedisServer
from .test_sessions import in_redis

HIDDEN = Hidden(b"a key")


@pytest.mark.parametrize("shared", [False, True])
def test_a_bucket_gives_its_burst_and_then_so_many_a_second(redis_server: RedisServer, shared: bool) -> None:
    async def story(client: Redis) -> None:
        bots: list[Any] = [SharedBuckets(client, HIDDEN, "x", 10, 5) for _ in range(2)] if shared else [Buckets(10, 5)]
        given = [await bots[number % len(bots)].take("one") for number in range(8)]
        assert given[:5] == [0] * 5
        assert all(0 < wait <= 0.1 for wait in given[5:])
        assert await bots[0].take("two") == 0
        await asyncio.sleep(max(given[5:]))
        assert await bots[-1].take("one") == 0

    in_redis(redis_server, story)


def test_no_address_stands_in_redis_and_none_for_long(redis_server: RedisServer) -> None:
    async def story(client: Redis) -> dict[str, int]:
        assert not await SharedBuckets(client, HIDDEN, "address", 10, 600).take("192.0.2.17")
        assert await SharedSlots(client, HIDDEN, 5, 5).enter("192.0.2.17")
        return {key: await client.pttl(key) async for key in client.scan_iter("wegwijzer:web:*")}

    keys = in_redis(redis_server, story)
    assert len(keys) == 2
    assert not any("192" in key for key in keys)
    limit, streams = sorted(keys)
    assert 0 < keys[limit] <= 100
    assert 0 < keys[streams] <= 30_000
    assert Hidden(b"a key").name("x") == HIDDEN.name("x") != Hidden(b"other").name("x")


@pytest.mark.parametrize("shared", [False, True])
def test_an_address_has_so_many_streams_over_all_bots(redis_server: RedisServer, shared: bool) -> None:
    async def story(client: Redis) -> None:
        one = SharedSlots(client, HIDDEN, 3, 10) if shared else Slots(3, 10)
        other = SharedSlots(client, HIDDEN, 3, 10) if shared else one
        assert [await slots.enter("a") for slots in (one, other, one, other)] == [True, True, True, False]
        assert await other.enter("b")
        one.leave("a")
        await asyncio.sleep(0.1)
        assert await other.enter("a")
        assert one.count() == (1 if shared else 4)
        await one.stop()
        await other.stop()

    in_redis(redis_server, story)


def test_streams_of_a_bot_that_is_gone_are_forgotten_and_what_redis_forgot_is_told_again(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_limits_redis, "_SAY_SECONDS", 0.2)
    monkeypatch.setattr(web_limits_redis, "_COUNTS_SECONDS", 1)

    async def story(client: Redis) -> None:
        gone, alive = SharedSlots(client, HIDDEN, 2, 10), SharedSlots(client, HIDDEN, 2, 10)
        await alive.start()
        assert await gone.enter("a") and await alive.enter("a")
        assert not await alive.enter("a")
        await asyncio.sleep(2.5)
        assert await alive.enter("a"), "the place of the one that says nothing"
        assert not await alive.enter("a")
        await client.flushall()
        await asyncio.sleep(0.5)
        assert not await alive.enter("a")
        await alive.stop()

    in_redis(redis_server, story)
