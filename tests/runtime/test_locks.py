"""One turn at a time for each conversation, first come, first served."""

from __future__ import annotations

import asyncio

import pytest
from rasa.core.lock_store import LockError

from bot.runtime.locks import QueueLockStore


def test_messages_of_one_conversation_are_answered_in_order() -> None:
    async def order() -> list[str]:
        store, seen = QueueLockStore(), []

        async def turn(number: int) -> None:
            async with store.lock("one"):
                seen.append(f"begin {number}")
                for _ in range(3):
                    await asyncio.sleep(0)
                seen.append(f"end {number}")

        await asyncio.gather(*(turn(number) for number in range(20)))
        return seen

    assert asyncio.run(order()) == [f"{word} {number}" for number in range(20) for word in ("begin", "end")]


def test_another_conversation_does_not_wait() -> None:
    async def answered() -> bool:
        store = QueueLockStore()
        async with store.lock("one"), store.lock("two"):
            return True

    assert asyncio.run(answered())


def test_who_waits_too_long_is_told_and_the_next_one_still_gets_in() -> None:
    async def entered() -> bool:
        store = QueueLockStore()
        async with store.lock("one"):
            with pytest.raises(LockError):
                async with store.lock("one", lock_lifetime=0.01):
                    pass
        async with store.lock("one", lock_lifetime=1):
            return True

    assert asyncio.run(entered())


def test_a_turn_that_fails_or_is_broken_off_leaves_the_lock_free_and_nothing_behind() -> None:
    async def left() -> QueueLockStore:
        store = QueueLockStore()

        async def fail() -> None:
            async with store.lock("one"):
                raise ValueError("the turn failed")

        with pytest.raises(ValueError, match="the turn failed"):
            await fail()
        holder_in = asyncio.Event()

        async def hold() -> None:
            async with store.lock("one"):
                holder_in.set()
                await asyncio.Event().wait()

        async def wait() -> None:
            async with store.lock("one"):
                pass

        holder = asyncio.create_task(hold())
        await holder_in.wait()
        waiter, last = asyncio.create_task(wait()), asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiter.cancel()
        holder.cancel()
        await asyncio.gather(holder, waiter, return_exceptions=True)
        await last
        return store

    store = asyncio.run(left())
    assert not store._locks
    assert not store._users
