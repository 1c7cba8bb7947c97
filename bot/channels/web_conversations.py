"""Runs the conversations: one message at a time for each, in order; tells whoever listens that there is something new."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from enum import Enum
from typing import Any

from bot.channels.web_sessions import Ended, Incoming, Session, Sessions
from bot.runtime.bot import Bot, Reply

logger = logging.getLogger(__name__)

CHANNEL = "web"
#: Turns that run at once. A turn is mostly computing, so more would only share the same processor.
_TURNS_AT_ONCE = 8


class Closed(str, Enum):
    """Why a connection is closed although the conversation goes on."""

    REPLACED = "replaced"
    STOPPING = "stopping"


class Listener:
    """One open connection of a client; woken when there is something to send or to say."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self.ended: Ended | None = None
        self.closed: Closed | None = None

    def wake(self) -> None:
        """Let it look."""
        self._wake.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for news; False when there was none."""
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        self._wake.clear()
        return True


class Conversations:
    """What the bot is working on."""

    def __init__(self, bot: Bot, sessions: Sessions) -> None:
        self._bot = bot
        self._sessions = sessions
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._listeners: dict[str, list[Listener]] = defaultdict(list)
        self._turns = asyncio.Semaphore(_TURNS_AT_ONCE)

    def resume(self) -> None:
        """Answer what came in before the process was stopped."""
        for session_id in self._sessions.with_waiting():
            self.work_on(session_id)

    def work_on(self, session_id: str) -> None:
        """Answer the waiting messages of a conversation, if nobody does so already."""
        if session_id not in self._workers:
            self._workers[session_id] = asyncio.create_task(self._work(session_id))
        self.wake(session_id)

    def is_working(self, session_id: str) -> bool:
        """Whether an answer is being made."""
        return session_id in self._workers

    async def end(self, session_id: str, why: Ended) -> None:
        """Remove a conversation everywhere and tell every open connection."""
        worker = self._workers.pop(session_id, None)
        if worker and worker is not asyncio.current_task():
            # A turn that still runs would write the conversation again after it was removed.
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
        self._sessions.end(session_id, why)
        if why is Ended.ERASED:
            await self._bot.erase(session_id)
        else:
            await self._bot.forget(session_id)
        for listener in self._listeners.pop(session_id, []):
            listener.ended = why
            listener.wake()

    async def end_idle(self) -> None:
        """Remove the conversations that nobody used for too long."""
        for session_id in self._sessions.idle():
            await self.end(session_id, Ended.EXPIRED)

    async def stop(self) -> None:
        """Close the connections; what has no answer yet gets it after the next start."""
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.closed = Closed.STOPPING
                listener.wake()
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    # --- listeners ---

    def listen(self, session_id: str, most: int) -> Listener:
        """Open a connection; beyond ``most`` of one conversation, the oldest closes."""
        listeners = self._listeners[session_id]
        while len(listeners) >= most:
            oldest = listeners.pop(0)
            oldest.closed = Closed.REPLACED
            oldest.wake()
        listener = Listener()
        listeners.append(listener)
        return listener

    def leave(self, session_id: str, listener: Listener) -> None:
        """Close a connection."""
        listeners = self._listeners.get(session_id, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._listeners.pop(session_id, None)

    def wake(self, session_id: str) -> None:
        """Tell the open connections of a conversation that there is news."""
        for listener in self._listeners.get(session_id, []):
            listener.wake()

    # --- turns ---

    async def _work(self, session_id: str) -> None:
        try:
            while incoming := self._sessions.next_waiting(session_id):
                session = self._sessions.find(session_id)
                async with self._turns:
                    reply = await self._turn(session, incoming)
                if reply.erased:
                    await self.end(session_id, Ended.ERASED)
                    return
                self._sessions.answer(session_id, incoming, reply.messages)
                self.wake(session_id)
        except Exception as error:  # noqa: BLE001 (whatever it is, the server goes on for everybody else)
            # The message stays on disk and is taken up again with the next one; its text must not reach the log.
            logger.error("conversation stopped: %s", type(error).__name__)
        finally:
            if self._workers.get(session_id) is asyncio.current_task():
                del self._workers[session_id]
            self.wake(session_id)

    async def _turn(self, session: Session, incoming: Incoming) -> Reply:
        metadata: dict[str, Any] = {"greeted": session.greeted, "message_id": str(incoming.number)}
        answer = self._bot.tap if incoming.is_button else self._bot.respond
        return await answer(session.id, incoming.value, CHANNEL, metadata)
