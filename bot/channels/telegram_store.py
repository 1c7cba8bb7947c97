"""What must outlive a restart: which updates were seen, what still has to be answered or sent, what stands behind a button.

A chat is named by a pseudonym (an HMAC of its id under a secret); the id itself, and text that waits, are sealed (AES-GCM under a key
derived from the same secret) and removed as soon as they are dealt with. Where it is kept is for those who inherit:
:mod:`~bot.channels.telegram_store_sqlite` for one bot, :mod:`~bot.channels.telegram_store_redis` for any number.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.exceptions import RedisError

from bot.channels.telegram_format import Bubble
from bot.channels.telegram_updates import Incoming

#: Telegram sends an update again for at most 24 hours.
REMEMBER_UPDATES_SECONDS = 48 * 3600
_NONCE_BYTES = 12


class Secrets:
    """Keys for one purpose each, derived from one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._cipher = AESGCM(self._derive("sealed"))

    @property
    def webhook(self) -> str:
        """What Telegram must send along with every update of a webhook; 64 of the characters that it allows."""
        return self._derive("webhook").hex()

    def pseudonym(self, chat_id: int) -> str:
        """The name of a chat, from which its id cannot be found without the secret."""
        return "tg-" + hmac.new(self._derive("chat"), str(chat_id).encode(), hashlib.sha256).hexdigest()[:40]

    def seal(self, data: bytes) -> bytes:
        """Encrypted and signed."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, None)

    def unseal(self, sealed: bytes) -> bytes | None:
        """What :meth:`seal` was given; None if that was under another secret."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except InvalidTag:
            return None

    def _derive(self, purpose: str) -> bytes:
        return hmac.new(self._secret, f"wegwijzer telegram {purpose}".encode(), hashlib.sha256).digest()


@dataclass(frozen=True)
class Outgoing:
    """A message that waits to be sent.

    ``keyboard``: rows of pairs of label and opaque button id. ``after``: the highest message id known when it was first tried; None means
    that it was never tried.
    """

    chat_id: int
    html: str
    keyboard: list[list[tuple[str, str]]] = field(default_factory=list)
    id: int = 0
    after: int | None = None
    at: float = 0.0


@dataclass(frozen=True)
class Button:
    """What stands behind a button: its keyboard (all buttons of one message), label and payload."""

    keyboard: str
    title: str
    payload: str


@dataclass(frozen=True)
class Begun:
    """What is known of an update as work at its answer begins.

    ``times``: how often that was begun before and never ended. ``before``: what :meth:`TelegramStore.keep_snapshot` was given; None where
    its turn was not begun.
    """

    times: int
    before: list[dict[str, Any]] | None


class LeadLost(Exception):
    """Another process answers Telegram by now; nothing was written."""


class TelegramStore(ABC):
    """The store. Any process may :meth:`accept`; everything else is for the one that leads."""

    #: Whether other processes may accept updates, which this one then hears of by :meth:`arrivals`.
    shared = False

    def __init__(self) -> None:
        self._alone = asyncio.Lock()

    @abstractmethod
    def leading(self) -> AbstractAsyncContextManager[None]:
        """Wait until no other process answers Telegram, and be the one that does."""

    @abstractmethod
    async def check_lead(self) -> None:
        """Raises :class:`LeadLost` where another process leads by now."""

    # --- updates ---

    @abstractmethod
    async def accept(self, updates: Iterable[tuple[int, Incoming | None]]) -> list[Incoming]:
        """Keep updates until they are answered; returns those that were never seen before, in order; none where the store is shared.

        ``None`` for an update that needs no answer: only its number is kept.
        """

    @abstractmethod
    async def arrivals(self) -> list[Incoming]:
        """What was accepted by any process since it was asked for last, after a wait of at most a second."""

    @abstractmethod
    async def finish(
        self,
        incoming: Incoming,
        bubbles: Sequence[Bubble] = (),
        *,
        pressed: Button | None = None,
        forget: bool = False,
        left: bool = False,
        asked: bool = False,
    ) -> None:
        """In one step: the update is answered, and these are the messages to send.

        Args:
            pressed: no button of its keyboard can be pressed again.
            forget: the conversation was erased: no older button of this chat works.
            left: this group was told that the bot talks in private.
            asked: among the messages is the question whether it helped.
        """

    @abstractmethod
    async def unanswered(self) -> list[Incoming]:
        """Updates that were not answered before a restart, in order."""

    @asynccontextmanager
    async def beginning(self, update_id: int) -> AsyncIterator[Begun]:
        """Work at an answer. It counts as begun until the update is answered, or this ends in an error: also that this process is told to
        stop. An update that was begun before may be what ended a process, so that only one of those is worked at at a time.
        """
        begun = await self._begin(update_id, alone=False)
        async with AsyncExitStack() as stack:
            if begun is None:
                await stack.enter_async_context(self._alone)
                begun = await self._begin(update_id, alone=True)
            assert begun is not None, "who is alone may begin"
            try:
                yield begun
            except BaseException:
                # This process lives: it was not this update that ended it.
                with suppress(RedisError, LeadLost):
                    await self._put_back(update_id, begun.times)
                raise

    @abstractmethod
    async def _begin(self, update_id: int, *, alone: bool) -> Begun | None:
        """Count, in the step that tells what was there before. None, and not counted, for one that was begun before and must be alone."""

    @abstractmethod
    async def _put_back(self, update_id: int, times: int) -> None:
        """It was begun so many times. Nothing where the update is answered."""

    @abstractmethod
    async def keep_snapshot(self, update_id: int, conversation: list[dict[str, Any]]) -> None:
        """How a conversation was before the turn for an update; kept until the update is answered."""

    # --- messages to send ---

    @abstractmethod
    async def chats_with_mail(self) -> list[str]:
        """Pseudonyms of the chats to which something must still be sent."""

    @abstractmethod
    async def next_to_send(self, chat: str) -> Outgoing | None:
        """The oldest message that waits for a chat. What is too old, or sealed under another secret, is dropped."""

    @abstractmethod
    async def trying(self, number: int, after: int) -> None:
        """A message is about to be tried; it is in none of the messages up to ``after``."""

    @abstractmethod
    async def tried(self) -> int:
        """How many messages were tried and are not known to have been sent."""

    @abstractmethod
    async def sent(self, chat: str, number: int, highest: int = 0) -> None:
        """A message was sent, or can never be. ``highest``: the highest id of a message in a private chat that is known now."""

    @abstractmethod
    async def highest_message(self) -> int:
        """The highest id of a message in a private chat that was kept with :meth:`sent`."""

    @abstractmethod
    async def drop_chat(self, chat: str) -> int:
        """The chat is gone: nothing more is sent to it. Returns how many messages that were."""

    # --- buttons and groups ---

    @abstractmethod
    async def button(self, chat_id: int, identity: str) -> Button | None:
        """What stands behind a button of this chat; None when it was pressed already, is too old, or never was one of this chat."""

    @abstractmethod
    async def was_asked(self, chat: str) -> bool:
        """Whether this conversation was asked already whether it helped."""

    @abstractmethod
    async def has_left(self, chat_id: int) -> bool:
        """Whether this group was told before that the bot talks in private."""

    @abstractmethod
    async def close(self) -> None:
        """Close files and connections."""
