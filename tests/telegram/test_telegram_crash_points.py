"""The process dies at every single write: whatever was half done, each chat ends with the same messages in the same order.

``test_telegram_process.py`` kills a real process at some moments; here a death is put between any two writes to a file, one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_telegram import FakeTelegram, Person, until
from telegram_host import Host

from bot.runtime.bot import Bot

pytestmark = pytest.mark.asyncio
STORY = ("/start sport", "ze lachen mij elke dag uit", "/stop")


class Killed(BaseException):
    """What a task sees of the death of its process; nothing catches it."""


class Fuse:
    """Lets so many writes through, then none: the process is dead."""

    def __init__(self, writes: int | None) -> None:
        self.left, self.passed = writes, 0

    def burn(self, statement: str) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
            return
        if self.left == 0:
            raise Killed
        self.passed += 1
        if self.left is not None:
            self.left -= 1


class Fused:
    """A connection to SQLite behind a fuse."""

    def __init__(self, database: sqlite3.Connection, fuse: Fuse) -> None:
        self._database, self._fuse = database, fuse

    def execute(self, statement: str, *more: Any) -> Any:
        self._fuse.burn(statement)
        return self._database.execute(statement, *more)

    def executemany(self, statement: str, *more: Any) -> Any:
        self._fuse.burn(statement)
        return self._database.executemany(statement, *more)

    def __enter__(self) -> Fused:
        self._database.__enter__()
        return self

    def __exit__(self, *how: Any) -> Any:
        return self._database.__exit__(*how)

    def close(self) -> None:
        self._database.close()


@contextlib.contextmanager
def fused(host: Host, fuse: Fuse) -> Iterator[None]:
    """The channel's file and the conversations behind one fuse."""
    conversations = host.bot._store
    plain = conversations._database
    host.channel._store._database = Fused(host.channel._store._database, fuse)  # type: ignore[assignment]
    conversations._database = Fused(plain, fuse)  # type: ignore[assignment]
    try:
        yield
    finally:
        conversations._database = plain


async def die(host: Host, blown: bool) -> None:
    """End the channel as a killed process ends: nothing is finished, confirmed or said."""
    channel = host.channel
    tasks = [task for task in asyncio.all_tasks() if str(getattr(task.get_coro(), "__qualname__", "")).startswith("TelegramChannel.")]
    assert tasks or blown  # the task that met the blown fuse is dead already, and may have been the only one
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await channel._api.shutdown()
    channel._store._database.close()
    await host._stack.aclose()


async def told(host: Host, person: Person) -> list[str]:
    for words in STORY:
        person.say(words)
    await host.settled()
    return person.texts


async def test_killed_at_any_write_nothing_is_lost_or_said_twice(
    bot: Bot, telegram: FakeTelegram, people: Callable[..., Person], tmp_path: Path
) -> None:
    host = Host(bot, telegram, tmp_path, "polling")
    await host.start()
    everything = Fuse(None)
    with fused(host, everything):
        expected = await told(host, people("Noor"))
    assert len(expected) >= len(STORY)
    await host.stop()
    writes = everything.passed
    assert writes > 20
    for survives in range(writes):
        person = people(f"P{survives}")
        await host.start()
        fuse = Fuse(survives)
        with fused(host, fuse):
            for words in STORY:
                person.say(words)
            # Files are swept now and then: a later story can have a few writes less than the first.
            await until(lambda fuse=fuse: fuse.left == 0 or (telegram.pending == 0 and host.channel.chats_waiting == 0))
            # What was on its way to Telegram when the process died arrives there.
            await asyncio.sleep(0.05)
            await die(host, blown=fuse.left == 0)
        await host.start()
        await host.settled()
        assert person.texts == expected, f"killed after {survives} of {writes} writes"
        await host.stop()
