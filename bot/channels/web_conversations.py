"""Runs the conversations: one message at a time for each, in order; tells whoever listens that there is something new."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from enum import Enum
from typing import Any

from bot.channels.web_sessions import Ended, Event, Incoming, News, SessionEnded, Sessions
from bot.runtime.bot import MOST_BEGUN, Bot, Reply
from bot.runtime.tasks import end

logger = logging.getLogger(__name__)

CHANNEL = "web"
#: Turns that run at once. A turn is mostly computing, so more would only share the same processor.
_TURNS_AT_ONCE = 8
#: News of which a connection that sends slowly is told; beyond them it looks.
_TOLD_AT_ONCE = 50
#: How long turns that run may go on when the process is told to stop.
_FINISH_SECONDS = 5.0


class Closed(str, Enum):
    """Why a connection is closed although the conversation goes on."""

    REPLACED = "replaced"
    STOPPING = "stopping"


class Away(Exception):
    """A turn could not be taken because Redis is away; the message waits."""


class Listener:
    """One open connection of a client; woken when there is something to send or to say."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._told: list[News] | None = None
        self.closed: Closed | None = None

    def wake(self, news: News | None = None) -> None:
        """Let it look, or let it have the news."""
        if news is None:
            self._told = None
        elif self._told is not None:
            self._told = [*self._told, news] if len(self._told) < _TOLD_AT_ONCE else None
        self._wake.set()

    def news(self, after: int) -> News | None:
        """What it was told since it asked last, after an event; None where it has to look, because something may be missing."""
        told, self._told = self._told, []
        if not told:
            return None
        events: list[Event] = []
        working: bool | None = None
        for news in told:
            if news.last < after or (news.last == after and news.events):
                # It has been seen by looking.
                continue
            if not news.follows(after):
                return None
            events += news.events
            working, after = news.working, news.last
        return None if working is None else News(events, working, reset=False, last=after)

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
        # Those for which somebody asked for work since their worker last looked for some.
        self._asked: set[str] = set()
        self._stopping = False
        self._listeners: dict[str, list[Listener]] = defaultdict(list)
        self._turns = asyncio.Semaphore(_TURNS_AT_ONCE)
        sessions.tell = self._wake

    def work_on(self, session_id: str) -> None:
        """Answer the waiting messages of a conversation, if this process does not do so already."""
        self._asked.add(session_id)
        if session_id not in self._workers and not self._stopping:
            self._workers[session_id] = asyncio.create_task(self._work(session_id))

    async def end(self, session_id: str, why: Ended) -> None:
        """Remove a conversation everywhere. Every open connection hears of it."""
        worker = self._workers.pop(session_id, None)
        if worker and worker is not asyncio.current_task():
            # A turn that still runs would write the conversation again after it was removed.
            await end([worker])
        try:
            await self._sessions.end(session_id, why)
        finally:
            # Also when the store is away: what can be removed is removed.
            await (self._bot.erase if why is Ended.ERASED else self._bot.forget)(session_id)

    async def sweep(self) -> None:
        """Answer what somebody left without an answer, and remove the conversations that nobody used for too long."""
        for session_id in await self._sessions.left_over():
            self.work_on(session_id)
        for session_id in await self._sessions.expired():
            await self.end(session_id, Ended.EXPIRED)

    async def stop(self) -> None:
        """Close the connections and finish the turns that run; what has no answer yet gets it from another bot, or after the next start."""
        self._stopping = True
        for session_id in list(self._listeners):
            for listener in self._listeners[session_id]:
                listener.closed = Closed.STOPPING
            self._wake(session_id)
        workers = list(self._workers.values())
        if workers:
            await asyncio.wait(workers, timeout=_FINISH_SECONDS)
        await end(workers)

    # --- listeners ---

    async def listen(self, session_id: str, most: int) -> Listener:
        """Open a connection; beyond ``most`` of one conversation, the oldest closes."""
        listeners = self._listeners[session_id]
        while len(listeners) >= most:
            oldest = listeners.pop(0)
            oldest.closed = Closed.REPLACED
            oldest.wake()
        listener = Listener()
        listeners.append(listener)
        if len(listeners) == 1:
            await self._sessions.watch(session_id)
        return listener

    def leave(self, session_id: str, listener: Listener) -> None:
        """Close a connection."""
        listeners = self._listeners.get(session_id, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners and self._listeners.pop(session_id, None) is not None:
            self._sessions.unwatch(session_id)

    def _wake(self, session_id: str, news: News | None = None) -> None:
        for listener in self._listeners.get(session_id, []):
            listener.wake(news)

    # --- turns ---

    async def _work(self, session_id: str) -> None:
        try:
            more = True
            while more and not self._stopping:
                self._asked.discard(session_id)
                more = await self._answer_next(session_id) or session_id in self._asked
            if more:
                await self._sessions.hand_over(session_id)
        except SessionEnded:
            pass
        except Exception as error:  # noqa: BLE001 (whatever it is, the server goes on for everybody else)
            # The message is kept and taken up again; its text must not reach the log.
            logger.error("conversation stopped: %s", type(error).__name__)
        finally:
            if self._workers.get(session_id) is asyncio.current_task():
                del self._workers[session_id]

    async def _answer_next(self, session_id: str) -> bool:
        """Answer the oldest message; whether another one waits."""
        async with self._sessions.taking(session_id) as incoming:
            if incoming is None:
                return False
            async with self._turns:
                reply = await self._turn(session_id, incoming)
            if reply.erased:
                await self.end(session_id, Ended.ERASED)
                return False
            if reply.away:
                raise Away
            return await self._sessions.answer(session_id, incoming, reply.messages)

    async def _turn(self, session_id: str, incoming: Incoming) -> Reply:
        if incoming.begun >= MOST_BEGUN:
            return await self._bot.give_up(session_id, CHANNEL, incoming.id)
        metadata: dict[str, Any] = {"greeted": incoming.greeted, "message_id": incoming.id}
        answer = self._bot.tap if incoming.is_button else self._bot.respond
        return await answer(session_id, incoming.value, CHANNEL, metadata)
