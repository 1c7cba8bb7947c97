"""Sending to Telegram through everything that can go wrong: no message lost that can be delivered, none twice, order kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.channels.telegram_format import plain
from bot.channels.telegram_http import may_have_arrived
from bot.channels.telegram_store import Outgoing, TelegramStore

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")

#: Parts of the descriptions of Telegram's errors that mean that nobody is there any more.
_GONE = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "user is deactivated",
    "chat_id_invalid",
    "bot was kicked",
    "have no rights to send",
)
_MOST_PROBES = 100


class ChatGone(Exception):
    """The user blocked the bot, or the chat does not exist any more."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds.

    ``answer``: for Telegram's answer; long, because a late answer is better than none. ``poll``: how long one request for updates
    stays open. ``pause`` grows to ``longest_pause`` while Telegram cannot be reached. ``typing``: until it is shown that the bot is typing.
    """

    connect: float = 10.0
    answer: float = 40.0
    poll: float = 25.0
    pause: float = 1.0
    longest_pause: float = 30.0
    stop: float = 8.0
    typing: float = 1.0


def seconds_of(error: RetryAfter) -> float:
    """How long Telegram asks to wait."""
    wait = error.retry_after
    return float(wait if isinstance(wait, int) else wait.total_seconds())


class Pacer:
    """At most ``rate`` turns a second, after a burst of as many as fit in ``burst_seconds``."""

    def __init__(self, rate: float, burst_seconds: float = 1.0) -> None:
        self._gap, self._burst = 1.0 / rate, burst_seconds
        self._due = 0.0

    async def turn(self) -> None:
        """Wait until it is one's turn; first come, first served."""
        now = time.monotonic()
        self._due = max(self._due, now - self._burst) + self._gap
        if self._due > now:
            await asyncio.sleep(self._due - now)


class MessageIds:
    """Ids of messages in private chats that were seen.

    Telegram numbers the messages of all private chats of a bot in one row: an id above the highest that was known, and never seen since,
    can be one of which the answer was lost.
    """

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=2000)
        self.highest = 0

    def saw(self, chat_id: int, message_id: int) -> None:
        """A new message of a chat is known."""
        if chat_id < 0:
            return  # Groups may number their own messages.
        self._recent.append(message_id)
        self.highest = max(self.highest, message_id)

    def gaps(self, after: int, unknown: int) -> list[int]:
        """Ids after this one that were never seen, the lowest first.

        Args:
            unknown: how many messages may have been given an id that is not known yet.
        """
        seen = set(self._recent)
        found = (number for number in range(after + 1, max(self.highest, after) + unknown + 1) if number not in seen)
        return list(islice(found, _MOST_PROBES))


class Delivery:
    """Sends messages that the store holds, one after the other for each chat."""

    def __init__(self, api: Bot, store: TelegramStore, patience: Patience, per_second: float) -> None:
        self._api, self._store, self._patience = api, store, patience
        self._pacer = Pacer(per_second)
        self.ids = MessageIds()

    async def begin(self) -> None:
        """Take up what the process before this one knew."""
        self.ids.highest = max(self.ids.highest, await self._store.highest_message())

    async def deliver(self, chat: str) -> None:
        """Send all that waits for a chat.

        Raises:
            ChatGone: nothing can be sent there; what waited was dropped.
        """
        while message := await self._store.next_to_send(chat):
            try:
                sent = await self._send(message)
            except (Forbidden, ChatGone, ChatMigrated):
                logger.info("a chat is gone: %d messages dropped", await self._store.drop_chat(chat))
                raise ChatGone from None
            if sent:
                self.ids.saw(message.chat_id, sent)
            # At once: a message of the bot that is newer than what is kept could be taken for one that is looked for.
            await self._store.sent(chat, message.id, self.ids.highest)

    async def _send(self, message: Outgoing) -> int:
        """Send one message, as often as it takes; returns its id, 0 when Telegram refuses it in every form."""
        after = message.after
        uncertain = after is not None
        html: str | None = message.html
        pause = self._patience.pause
        while True:
            try:
                if uncertain and (landed := await self._landed(message, html, after or 0)):
                    return landed
                await self._pacer.turn()
                if after is None or uncertain:
                    # It is in none of the messages up to here: should this request get lost, it is looked for from here on.
                    after, uncertain = self.ids.highest, False
                    await self._store.trying(message.id, after)
                return (await self._send_message(message, html)).message_id
            except RetryAfter as error:
                await asyncio.sleep(seconds_of(error))
            except BadRequest as error:
                _raise_if_gone(error)
                if html is None:
                    logger.error("Telegram refuses a message, also as plain text: it is dropped")
                    return 0
                logger.warning("Telegram refuses the HTML of a message: sent as plain text")
                html = None
            except (Forbidden, ChatMigrated):
                raise
            except TelegramError as error:
                # Only when a request may have arrived can it have been carried out. A refusal (5xx) was not.
                uncertain = uncertain or may_have_arrived(error)
                logger.warning("sending to Telegram failed (%s): tried again in %.0f s", type(error).__name__, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._patience.longest_pause)

    async def _send_message(self, message: Outgoing, html: str | None) -> Message:
        return await self._api.send_message(
            message.chat_id,
            plain(message.html) if html is None else html,
            parse_mode=None if html is None else ParseMode.HTML,
            reply_markup=_markup(message),
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )

    async def _landed(self, message: Outgoing, html: str | None, after: int) -> int:
        """Id of a message of which the answer was lost, if it is in the chat after all; 0 if not.

        Telegram has no way to ask, but it says "message is not modified" to an edit that changes nothing. A bot can edit only its own
        messages, and in this chat at most the one that is looked for is newer than what was known: nothing else can be hit.
        """
        # Next to messages to other chats of which the answer is out, people may have written some that have not arrived.
        for number in self.ids.gaps(after, unknown=await self._store.tried() + 2):
            try:
                await self._api.edit_message_text(
                    plain(message.html) if html is None else html,
                    message.chat_id,
                    number,
                    parse_mode=None if html is None else ParseMode.HTML,
                    reply_markup=_markup(message),
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                )
            except BadRequest as error:
                if "not modified" not in error.message.lower():
                    _raise_if_gone(error)
                    continue
            return number
        return 0

    async def try_briefly(self, call: Callable[[], Awaitable[_Result]]) -> _Result | None:
        """A call that is a courtesy (typing, marking a button): tried three times, and its failure is no harm."""
        for _attempt in range(3):
            try:
                return await call()
            except RetryAfter as error:
                await asyncio.sleep(min(seconds_of(error), self._patience.longest_pause))
            except (BadRequest, Forbidden, InvalidToken, ChatMigrated):
                return None
            except TelegramError:
                await asyncio.sleep(self._patience.pause)
        return None


def _raise_if_gone(error: BadRequest) -> None:
    if any(words in error.message.lower() for words in _GONE):
        raise ChatGone


def _markup(message: Outgoing) -> InlineKeyboardMarkup | None:
    if not message.keyboard:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(title, callback_data=identity) for title, identity in row] for row in message.keyboard]
    )
