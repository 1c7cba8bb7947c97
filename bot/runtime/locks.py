"""One turn at a time for each conversation, in order of arrival, without polling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from rasa.core.lock import TicketLock
from rasa.core.lock_store import LOCK_LIFETIME, InMemoryLockStore, LockError


class QueueLockStore(InMemoryLockStore):
    """In-memory locks that wake the next message at once.

    Rasa's own store looks again once a second, so that the fourth of four quick messages waits three seconds.
    :class:`asyncio.Lock` is first come, first served. One process only.
    """

    def __init__(self) -> None:
        super().__init__()
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def lock(
        self, conversation_id: str, lock_lifetime: float = LOCK_LIFETIME, wait_time_in_seconds: float = 1
    ) -> AsyncGenerator[TicketLock, None]:
        """Hold the conversation. Raises :class:`LockError` after ``lock_lifetime`` seconds of waiting for others."""
        lock = self._locks.setdefault(conversation_id, asyncio.Lock())
        self._users[conversation_id] = self._users.get(conversation_id, 0) + 1
        try:
            try:
                # Waiting with a limit takes a task of its own: only where there is somebody to wait for.
                alone = self._users[conversation_id] == 1
                await (lock.acquire() if alone else asyncio.wait_for(lock.acquire(), timeout=lock_lifetime))
            except asyncio.TimeoutError:
                raise LockError(f"conversation busy for more than {lock_lifetime} s") from None
            try:
                yield TicketLock(conversation_id)
            finally:
                lock.release()
        finally:
            self._users[conversation_id] -= 1
            if not self._users[conversation_id]:
                del self._users[conversation_id], self._locks[conversation_id]
