"""What happens in conversations elsewhere: one connection on which a process hears of those that somebody here listens to.

A call on it says what there is to read. What was missed while the connection was gone is read again: whenever a conversation is subscribed
to, at first or anew, whoever listens is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError

from bot.runtime.redis_link import PREFIX
from bot.runtime.tasks import Tasks

logger = logging.getLogger(__name__)

#: Before the id of a conversation: the channel of Redis on which it is told that there is something new in it.
CHANNEL = f"{PREFIX}web:news:"
#: A connection that is silent for so long is asked whether it lives, and given up when it is silent once more.
_SILENT_SECONDS = 5.0
_PAUSE_SECONDS = 0.5


class Subscription:
    """The connection.

    Args:
        tell: is called with the id of a conversation in which there may be something new, and with what was said of it, if anything.
    """

    def __init__(self, redis: Redis[str], tell: Callable[[str, str], None]) -> None:
        self._redis, self._tell = redis, tell
        self._watched: set[str] = set()
        self._open: PubSub | None = None
        self._sending = asyncio.Lock()
        self._tasks = Tasks()

    def start(self) -> None:
        """Connect, and connect again whenever it takes."""
        self._tasks.start(self._listen())

    async def stop(self) -> None:
        """Close the connection."""
        await self._tasks.stop()

    async def watch(self, session_id: str) -> None:
        """Hear of a conversation."""
        self._watched.add(session_id)
        if self._open:
            await self._send(self._open, "SUBSCRIBE", {session_id})

    def unwatch(self, session_id: str) -> None:
        """Hear no more of it."""
        self._watched.discard(session_id)
        if self._open:
            self._tasks.start(self._forget(self._open, session_id))

    async def _forget(self, connection: PubSub, session_id: str) -> None:
        # Somebody may have come back before this is sent.
        if session_id not in self._watched:
            await self._send(connection, "UNSUBSCRIBE", {session_id})

    async def _send(self, connection: PubSub, command: str, session_ids: set[str]) -> None:
        channels = [CHANNEL + session_id for session_id in session_ids]
        # Where this fails, the connection is gone, and the next one begins with all that is watched.
        with contextlib.suppress(RedisError, OSError):
            async with self._sending:
                await (connection.subscribe if command == "SUBSCRIBE" else connection.unsubscribe)(*channels)

    async def _listen(self) -> None:
        while True:
            connection = self._redis.pubsub()
            try:
                # The first channel is nobody's: a connection without any cannot be asked whether it lives.
                known = set(self._watched)
                await connection.subscribe(CHANNEL, *(CHANNEL + session_id for session_id in known))
                self._open = connection
                if late := self._watched - known:
                    await self._send(connection, "SUBSCRIBE", late)
                await self._hear(connection)
            except (RedisError, OSError) as error:
                logger.warning("news of conversations: no connection to Redis (%s)", type(error).__name__)
            finally:
                self._open = None
                with contextlib.suppress(RedisError, OSError):
                    await connection.close()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _hear(self, connection: PubSub) -> None:
        asked = False
        while True:
            message = await connection.get_message(timeout=_SILENT_SECONDS)
            if message is None:
                if asked:
                    raise NoConnection("silent")
                async with self._sending:
                    await connection.ping()
                asked = True
                continue
            asked = False
            if message["type"] in ("message", "subscribe"):
                self._tell(message["channel"][len(CHANNEL) :], message["data"] if message["type"] == "message" else "")
