"""Takes one conversation again and again until it is killed, and writes down when it holds it. Run by the tests in processes of its own."""

from __future__ import annotations

import asyncio
import os
import sys

from pydantic import SecretStr

import bot  # noqa: F401
from bot.runtime.redis_link import connect
from bot.runtime.redis_locks import RedisLockStore, held_number


async def main(url: str, alive_seconds: float) -> None:
    client = connect(SecretStr(url))
    store = RedisLockStore(client, alive_seconds)
    while True:
        async with store.lock("one"):
            await client.rpush("log", f"begin {os.getpid()} {held_number('one')}")
            await asyncio.sleep(0.005)
            await client.rpush("log", f"end {os.getpid()} {held_number('one')}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
