"""Runs a test with a client of a real Redis in an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import SecretStr
from redis.asyncio import Redis

from bot.runtime.redis_link import connect

T = TypeVar("T")


def run(url: str, test: Callable[[Redis], Awaitable[T]]) -> T:
    """The result of a test; one that hangs fails."""

    async def whole() -> T:
        client = connect(SecretStr(url))
        try:
            return await asyncio.wait_for(test(client), 120)
        finally:
            await client.close(close_connection_pool=True)

    return asyncio.run(whole())
