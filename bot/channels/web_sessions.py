"""Conversations as a browser sees them: what came in, what went out, which buttons were offered.

Every event of a conversation has a number, so that a client that lost its connection, or that talks to another bot by now, goes on with
exactly what was missed. Where it is kept is for those who inherit: :mod:`~bot.channels.web_sessions_sqlite` for one bot,
:mod:`~bot.channels.web_sessions_redis` for any number.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bot.channels.web_limits import Pace
from bot.wegwijzer.render import Message, payload

#: Events that are kept of one conversation.
EVENTS_KEPT = 2000

#: Stands among the help cards that were shown, for the question whether an answer helped. No id of a helpline looks like it.
QUESTION = "?helpful"
_ADVICE = frozenset({"tip", "step", "helpline"})
#: What the bot's own buttons do with which somebody says whether the advice is of use.
_RATING_PAYLOADS = frozenset({payload("helpful"), payload("helpful_not")})


def asks_whether_it_helped(messages: Iterable[Message]) -> bool:
    """Whether an answer is one to ask about: it advises, it is not for a crisis, and the bot does not ask the same with its own buttons."""
    messages = list(messages)
    crisis = any(str(message.get("id", "")).startswith("crisis.") for message in messages)
    asks_itself = any(option["payload"] in _RATING_PAYLOADS for message in messages for option in message.get("options") or [])
    return any(message["type"] in _ADVICE for message in messages) and not crisis and not asks_itself


class Ended(str, Enum):
    """Why a conversation is no longer there."""

    ERASED = "erased"
    EXPIRED = "expired"


class SessionEnded(Exception):
    """The conversation is gone."""

    def __init__(self, why: Ended) -> None:
        self.why = why
        super().__init__(why.value)


class UnknownButton(Exception):
    """A button that was never offered in this conversation."""


class TooManyWaiting(Exception):
    """As many messages of this conversation wait for an answer as may."""


@dataclass(frozen=True)
class Incoming:
    """A message that waits for its answer.

    ``value`` is the text, or what the button does. ``greeted``: the client has shown the bot's first words itself. ``asked``: whether an
    answer helped was asked before. ``begun``: turns of it that were begun before and never ended, each in a process that was lost.
    """

    id: str
    is_button: bool
    value: str
    greeted: bool
    asked: bool
    begun: int = 0


@dataclass(frozen=True)
class Event:
    """Something that happened in a conversation. ``data`` is JSON."""

    id: int
    kind: str
    data: str


@dataclass(frozen=True)
class News:
    """What a client does not know yet.

    ``working``: a message waits for its answer. ``reset``: the client's number is none of this conversation, or so old that events between
    are no longer kept; the events are all there are. ``last``: number of the last event, also where that is no news.
    """

    events: list[Event]
    working: bool
    reset: bool
    last: int

    def follows(self, after: int) -> bool:
        """Whether nothing is missing between an event and these."""
        return self.last - len(self.events) == after


@dataclass(frozen=True)
class Answer:
    """An answer as it is kept: messages as JSON, with an id for each button; buttons as id, title, payload; what was shown with it."""

    messages: list[str]
    buttons: list[tuple[str, str, str]]
    shown: list[str]


def as_answer(messages: list[Message], asks: bool) -> Answer:
    """What is kept of an answer. ``asks``: the client shall ask under it whether it helped."""
    shown = sorted({str(message["id"]) for message in messages if message["type"] == "helpline"})
    if asks:
        shown.append(QUESTION)
        messages = [*messages[:-1], {**messages[-1], "asks_helpful": True}]
    said, buttons = [], []
    for message in messages:
        options = []
        for option in message.get("options") or []:
            buttons.append((secrets.token_urlsafe(9), option["title"], option["payload"]))
            options.append({"id": buttons[-1][0], "title": option["title"]})
        said.append(as_json({**message, "options": options}))
    return Answer(said, buttons, shown)


def as_json(data: Any) -> str:
    """JSON without room between."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


class Sessions(ABC):
    """The store. Methods that take a conversation's id raise :class:`SessionEnded` when it is over, but where they say otherwise."""

    #: How often to ask :meth:`left_over`.
    sweep_seconds = 60.0
    #: Is told the id of a conversation that is watched when something has happened in it, and what, if that is known; in the event loop.
    tell: Callable[[str, News | None], None] = staticmethod(lambda _session_id, _news: None)

    def __init__(self) -> None:
        # A message that was begun before may be what ends the process: one at a time, so that no other is taken for it.
        self._alone = asyncio.Lock()

    @abstractmethod
    async def start(self) -> None:
        """Begin to hear what others do."""

    @abstractmethod
    async def close(self) -> None:
        """Close files and connections."""

    # --- life of a conversation ---

    @abstractmethod
    async def create(self, greeted: bool) -> str:
        """The id of a new conversation. ``greeted``: the client has already shown the bot's first words."""

    @abstractmethod
    async def check(self, session_id: str) -> None:
        """Raises where the conversation is over."""

    @abstractmethod
    async def touch(self, session_id: str) -> None:
        """Somebody is there: the time until expiry starts again. Nothing where the conversation is over."""

    @abstractmethod
    async def end(self, session_id: str, why: Ended) -> None:
        """Remove a conversation for good; only its random id and why it ended stay for a while. Nothing where it is over."""

    @abstractmethod
    async def expired(self) -> list[str]:
        """Conversations that nobody used for too long, where they do not vanish by themselves."""

    # --- what comes in ---

    @abstractmethod
    async def accept_text(self, session_id: str, client_id: str, text: str, most: int, pace: Pace = ()) -> bool:
        """Take in what was typed; from here on it will be answered, whatever happens to this process.

        Args:
            pace: the limits that hold for a message that was not accepted before.

        Returns:
            False for a message that was accepted before.

        Raises:
            TooFast: beyond one of the limits.
            TooManyWaiting: ``most`` messages wait.
        """

    @abstractmethod
    async def accept_button(self, session_id: str, client_id: str, button_id: str, most: int, pace: Pace = ()) -> bool:
        """Take in a tap, in the same way.

        Raises:
            TooFast: beyond one of the limits.
            TooManyWaiting: ``most`` messages wait.
            UnknownButton: never offered in this conversation.
        """

    @abstractmethod
    async def left_over(self) -> list[str]:
        """Conversations with a message without an answer, of which it seems that nobody works at it."""

    @abstractmethod
    async def waiting(self) -> int:
        """How many messages were accepted and have no answer yet, in all conversations that the store holds."""

    # --- turns ---

    @abstractmethod
    def taking(self, session_id: str) -> AbstractAsyncContextManager[Incoming | None]:
        """The oldest message without an answer; the conversation is held for its turn, so that no other bot takes it too. (In one bot it
        has one worker.) Its turn counts as begun until it is answered, or ends here in an error: also that this process is told to stop."""

    async def answer(self, session_id: str, incoming: Incoming, messages: Iterable[Message]) -> bool:
        """Write the answer to a message: all of it, or nothing when the process dies or has lost the conversation. This ends its turn.

        Returns:
            Whether another message waits.
        """
        messages = list(messages)
        asks = asks_whether_it_helped(messages) and not incoming.asked
        return await self._write(session_id, incoming, as_answer(messages, asks))

    @abstractmethod
    async def _write(self, session_id: str, incoming: Incoming, answer: Answer) -> bool:
        """See :meth:`answer`."""

    @abstractmethod
    async def hand_over(self, session_id: str) -> None:
        """This process answers no more: what waits is for another one, at once."""

    # --- what goes out ---

    @abstractmethod
    async def look(self, session_id: str, after: int) -> News:
        """What happened after an event."""

    @abstractmethod
    async def was_shown(self, session_id: str, what: str) -> bool:
        """Whether this conversation had a help card (by its id), or :data:`QUESTION`. No, where it is over."""

    @abstractmethod
    async def watch(self, session_id: str) -> None:
        """Be told of this conversation from now on; at once, where something could have been missed."""

    @abstractmethod
    def unwatch(self, session_id: str) -> None:
        """Be told no more."""
