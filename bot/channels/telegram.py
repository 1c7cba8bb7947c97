"""The bot on Telegram: a channel of our own on python-telegram-bot, by long polling or webhook.

What arrives is written down (:mod:`~bot.channels.telegram_store`) before Telegram hears that it arrived; each chat has a line in which one
update at a time is answered; answers are written down before they are sent (:mod:`~bot.channels.telegram_delivery`). So nothing is lost or
said twice when the process stops half-way. :class:`~bot.runtime.bot.Bot` makes Rasa's ``UserMessage`` of what is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hmac
import html
import json
import logging
import re
import warnings
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from redis.exceptions import RedisError
from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, empty
from telegram import Bot as TelegramApi
from telegram import BotCommand, LinkPreviewOptions, Update
from telegram.constants import ChatAction, ParseMode
from telegram.error import Conflict, EndPointNotFound, InvalidToken, RetryAfter, TelegramError
from telegram.warnings import PTBUserWarning

from bot.channels.telegram_delivery import ChatGone, Delivery, Pacer, Patience, seconds_of
from bot.channels.telegram_format import LIMIT, Formatter, split_text, units, visible
from bot.channels.telegram_http import AiohttpRequest
from bot.channels.telegram_store import Button, LeadLost, Secrets, TelegramStore
from bot.channels.telegram_store_sqlite import SqliteTelegramStore
from bot.channels.telegram_texts import COMMANDS, TelegramFile, load_telegram_texts
from bot.channels.telegram_updates import ALLOWED_UPDATES, Incoming, reduce_update, salvage
from bot.channels.web_sessions import asks_whether_it_helped
from bot.channels.web_tokens import signing_key
from bot.runtime.bot import MOST_BEGUN, Bot, Reply
from bot.runtime.errors import UserError
from bot.runtime.settings import Settings
from bot.runtime.tasks import end
from bot.wegwijzer.content import load_content
from bot.wegwijzer.render import Message, Option, Renderer, payload
from bot.wegwijzer.signpost import Referral

logger = logging.getLogger(__name__)

NAME = "telegram"
#: Path of the webhook, after the public address.
WEBHOOK_PATH = "/telegram/webhook"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (the name of a header)

_LONGEST_UPDATE = 1_000_000
_TURNS_AT_ONCE = 8
_PACES_KEPT = 5000
_QUEUED_KEPT = 20000
_ALBUMS_KEPT = 500
_TYPING_EVERY_SECONDS = 4.0
_CONNECTIONS = 64
_BATCH = 100
#: Buttons of the channel itself: names of content/telegram.yml, and what each says of the answer above it.
_HELPFUL = {"helpful_yes": True, "helpful_no": False}
#: Intents of what was not understood.
_NOT_UNDERSTOOD = ("nlu_fallback", "not_dutch")
_COMMAND = re.compile(r"^/([a-z]+)(?:@\w+)?(?:\s+(\S.*))?\s*$", re.S | re.I)
# Updates are fetched as they are, see TelegramChannel._fetch; the library would rather read them itself.
warnings.filterwarnings("ignore", message="Please use 'Bot.getUpdates'", category=PTBUserWarning)

_TOKEN = re.compile(r"^[0-9]{1,20}:[A-Za-z0-9_-]{1,120}$")


@dataclass
class _Line:
    """What waits for one chat, in the order of Telegram's numbers, the one that is being answered, how the conversation was before its turn
    was first begun (None where it was not), and the task that answers."""

    waiting: list[tuple[int, Incoming]] = field(default_factory=list)
    at: int = 0
    before: list[dict[str, Any]] | None = None
    task: asyncio.Task[None] | None = None


@dataclass
class _Answer:
    """What came of one update, before it is written down. ``aside`` are courtesies that run next to it."""

    messages: list[Message] = field(default_factory=list)
    erased: bool = False
    crisis: bool = False
    left: bool = False
    asked: bool = False
    aside: list[Callable[[], Awaitable[Any]]] = field(default_factory=list)


def api_for(settings: Settings, patience: Patience) -> TelegramApi:
    """A client of the Bot API. The libraries below it are kept from logging: their lines hold the token, or what users wrote."""
    for name in ("aiohttp", "telegram"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    assert settings.telegram_token
    request = AiohttpRequest(_CONNECTIONS, connect=patience.connect, answer=patience.answer)
    return TelegramApi(
        settings.telegram_token.get_secret_value(),
        base_url=f"{settings.telegram_api_url}/bot",
        request=request,
        get_updates_request=request,
    )


def is_token(text: str) -> bool:
    """Whether a text has the form of a token; only then is it put into an address."""
    return _TOKEN.match(text) is not None


def webhook_address(settings: Settings) -> str:
    """Where Telegram sends updates."""
    return f"{settings.telegram_webhook_url}{WEBHOOK_PATH}"


class TelegramChannel:
    """The channel. :meth:`start` and :meth:`stop` it from the event loop in which the bot runs.

    ``status`` is ``off`` ``starting`` ``standby`` (another bot answers) ``polling`` ``webhook`` ``refused`` (the token) or ``stopped``.

    Raises:
        UserError: several bots share a Redis and no secret.
    """

    def __init__(self, bot: Bot, settings: Settings, patience: Patience | None = None) -> None:
        if bot.redis and settings.telegram_token and not settings.telegram_secret:
            raise UserError("REDIS_URL needs TELEGRAM_SECRET, the same for all bots; make one with 'openssl rand -hex 32'")
        self._bot, self._settings = bot, settings
        self._patience = patience or Patience()
        self._texts: TelegramFile = load_telegram_texts()
        self._renderer = Renderer(load_content())
        self._formatter = Formatter(self._texts.marks)
        self._lines: dict[str, _Line] = {}
        self._typists: set[asyncio.Task[None]] = set()
        self._paces: dict[str, Pacer] = {}
        self._albums: deque[tuple[str, str]] = deque(maxlen=_ALBUMS_KEPT)
        self._turns = asyncio.Semaphore(_TURNS_AT_ONCE)
        self._running: asyncio.Task[None] | None = None
        self._offset: int | None = None
        self._open = self._stopping = False
        # While this bot leads several: what receives; and whether a chat was halted because Redis was away.
        self._receivers: list[asyncio.Task[None]] = []
        self._halted = False
        # Updates that were put into a line, the last few thousand: any may be told of twice.
        self._queued: dict[int, None] = {}
        self.status = "off"

    # --- starting and stopping ---

    async def start(self) -> None:
        """Begin to receive. Never fails: what is wrong with the token or the network is logged, and the rest of the bot runs on."""
        token = self._settings.telegram_token
        if token is None:
            return
        if not is_token(token.get_secret_value()):
            self._refuse()
            return
        secret = self._settings.telegram_secret
        folder = self._settings.data_dir
        self._keys = Secrets(secret.get_secret_value().encode() if secret else signing_key(folder / "telegram.key"))
        self._store = self._make_store()
        self._api = api_for(self._settings, self._patience)
        self._delivery = Delivery(self._api, self._store, self._patience, self._settings.telegram_per_second)
        if not self._store.shared:
            await self._resume()
        self._open = True
        self.status = "starting"
        self._running = asyncio.create_task(self._run())

    def _make_store(self) -> TelegramStore:
        keep = self._settings.tracker_hours * 3600
        if self._bot.redis is None:
            return SqliteTelegramStore(self._settings.data_dir / "telegram.db", self._keys, keep)
        from bot.channels.telegram_store_redis import RedisTelegramStore

        return RedisTelegramStore(self._bot.redis, self._keys, keep)

    async def stop(self) -> None:
        """Receive nothing more, finish the answers that are pending, close. What cannot be finished in time is done at the next start."""
        if self._running is None:
            return
        self._open = False
        self._stopping = True
        await end(self._receivers or [self._running])
        await self._confirm()
        await self._end_lines(self._patience.stop)
        await end([self._running, *self._typists])
        with contextlib.suppress(TelegramError, RuntimeError):
            await self._api.shutdown()
        await self._store.close()
        self._running = None
        self.status = "stopped"

    async def _end_lines(self, within: float) -> None:
        tasks = [line.task for line in self._lines.values() if line.task]
        if tasks:
            await asyncio.wait(tasks, timeout=within)
            await end(tasks)

    async def _run(self) -> None:
        try:
            if self._store.shared:
                await self._lead_in_turn()
            else:
                await self._receive_all()
        except InvalidToken:
            self._open = False
            self._refuse()
            await self._end_lines(0)

    async def _receive_all(self) -> None:
        await self._connect()
        await self._introduce()
        if self._settings.telegram_webhook_url:
            await self._register()
        else:
            await self._poll()

    async def _lead_in_turn(self) -> None:
        """Answer for all bots whenever no other one does."""
        while True:
            self.status = "standby"
            try:
                async with self._store.leading():
                    await self._lead()
            except LeadLost:
                logger.warning("Telegram: another bot answers from here on; this one stood still for too long, or was cut off from Redis")
            except RedisError:
                # It is said elsewhere that Redis is away.
                await asyncio.sleep(self._patience.pause)

    async def _lead(self) -> None:
        """Raises LeadLost when another one has taken over."""
        self._queued.clear()
        self._offset = None
        await self._resume()
        self._receivers = [asyncio.create_task(self._receive_all()), asyncio.create_task(self._hear())]
        waiting = set(self._receivers)
        try:
            while True:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if self._stopping:
                    # No other bot may lead before the lines of this one have ended. Then this is cancelled.
                    await asyncio.Event().wait()
                for task in done:
                    task.result()
        finally:
            receivers, self._receivers = self._receivers, []
            await end(receivers)
            await self._end_lines(0)

    async def _hear(self) -> None:
        """Answer what any bot has accepted."""
        while True:
            try:
                await self._store.check_lead()
                if self._halted:
                    self._halted = False
                    await self._resume()
                for incoming in await self._store.arrivals():
                    self._queue(incoming)
            except RedisError:
                self._halted = True
                await asyncio.sleep(self._patience.pause)

    def _refuse(self) -> None:
        self.status = "refused"
        logger.error("Telegram refuses TELEGRAM_TOKEN: the Telegram channel is off, the rest runs; see 'wegwijzer telegram check'")

    async def _patiently(self, call: Callable[[], Awaitable[Any]], what: str) -> Any:
        """A call without which the channel cannot work, tried until it succeeds.

        Raises:
            InvalidToken: trying again is of no use.
        """
        pause = self._patience.pause
        while True:
            try:
                return await call()
            except InvalidToken:
                raise
            except RetryAfter as error:
                await asyncio.sleep(seconds_of(error))
            except Conflict:
                logger.warning("another process fetches the updates of this Telegram bot; only one can")
                await asyncio.sleep(self._patience.longest_pause)
            except Exception as error:  # noqa: BLE001
                # An answer of a shape that the library does not know must not end the channel either.
                logger.warning("Telegram: %s failed (%s), tried again in %.0f s", what, type(error).__name__, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._patience.longest_pause)

    async def _connect(self) -> None:
        await self._patiently(self._api.initialize, "reaching the Bot API")

    async def _register(self) -> None:
        async def register() -> bool:
            return await self._api.set_webhook(
                webhook_address(self._settings),
                secret_token=self._keys.webhook,
                allowed_updates=ALLOWED_UPDATES,
                drop_pending_updates=False,
            )

        await self._patiently(register, "setting the webhook")
        self.status = "webhook"
        logger.info("Telegram: updates arrive by webhook")

    async def _poll(self) -> None:
        await self._patiently(self._api.delete_webhook, "removing the webhook")
        self.status = "polling"
        logger.info("Telegram: updates are fetched by long polling")
        while True:
            updates: list[dict[str, Any]] = await self._patiently(self._fetch, "fetching updates")
            await self._patiently(lambda: self._receive(updates), "keeping updates")  # noqa: B023 (awaited here)
            # Nothing left: all is confirmed. Without an offset the next number may be any, as Telegram allows itself after a quiet week.
            self._offset = updates[-1]["update_id"] + 1 if updates else None

    async def _fetch(self, limit: int = _BATCH, wait: float | None = None) -> Any:
        """Updates as Telegram wrote them: one that the library cannot read must not hold up those behind it."""
        seconds = self._patience.poll if wait is None else wait
        asked = {"offset": self._offset, "limit": limit, "timeout": int(seconds), "allowed_updates": ALLOWED_UPDATES}
        try:
            return await self._api.do_api_request("getUpdates", asked, read_timeout=seconds + self._patience.answer)
        except EndPointNotFound:
            # What the library makes of a token that was good and is no more.
            raise InvalidToken from None

    async def _confirm(self) -> None:
        """Tell Telegram which updates were received, so that it does not send them again after a restart."""
        if self._offset is not None and self.status == "polling":
            with contextlib.suppress(TelegramError, asyncio.TimeoutError):
                await asyncio.wait_for(self._fetch(limit=1, wait=0), self._patience.stop)

    async def _introduce(self) -> None:
        """Commands and descriptions in Dutch, where they are not set so already: Telegram allows few changes."""
        commands = tuple(BotCommand(name, self._texts.commands[name]) for name in COMMANDS)
        profile = self._texts.profile
        try:
            if await self._api.get_my_commands() != commands:
                await self._api.set_my_commands(commands)
            if (await self._api.get_my_description()).description != profile.description:
                await self._api.set_my_description(profile.description)
            if (await self._api.get_my_short_description()).short_description != profile.short_description:
                await self._api.set_my_short_description(profile.short_description)
        except InvalidToken:
            raise
        except TelegramError as error:
            logger.warning("Telegram: commands and description could not be set now (%s)", type(error).__name__)

    # --- receiving ---

    def register(self, app: Sanic) -> None:
        """Serve the webhook."""
        app.add_route(self._serve_webhook, WEBHOOK_PATH, methods=["POST"], name="telegram_webhook")

    async def _serve_webhook(self, request: Request) -> HTTPResponse:
        return empty(status=await self.webhook(request.headers.get(SECRET_HEADER), request.body))

    @property
    def chats_waiting(self) -> int:
        """Chats that are being answered at this moment."""
        return len(self._lines)

    async def webhook(self, secret: str | None, body: bytes) -> int:
        """One call of Telegram's webhook; returns the HTTP status to answer with.

        Args:
            secret: the header ``X-Telegram-Bot-Api-Secret-Token``.
            body: the update as JSON.
        """
        if not self._open or not self._settings.telegram_webhook_url:
            return 503
        if secret is None or not hmac.compare_digest(secret.encode("utf-8", "surrogatepass"), self._keys.webhook.encode()):
            return 403
        if len(body) > _LONGEST_UPDATE:
            return 413
        try:
            update = json.loads(body)
        except (ValueError, RecursionError):
            return 400
        number = update.get("update_id") if isinstance(update, dict) else None
        # No number of Telegram is this large, and the store keeps none that is.
        if not isinstance(number, int) or abs(number) >= 2**63:
            return 400
        try:
            await self._receive([update])
        except RedisError:
            return 503
        return 200

    async def _receive(self, updates: list[dict[str, Any]]) -> None:
        for incoming in await self._store.accept([(update["update_id"], self._read(update)) for update in updates]):
            self._queue(incoming)

    def _read(self, update: dict[str, Any]) -> Incoming | None:
        try:
            return reduce_update(Update.de_json(update, self._api))
        except Exception as error:  # noqa: BLE001
            # Whatever is wrong with the shape surfaces as some exception of the library, whose message must not reach the log.
            logger.error("an update of Telegram could not be read whole: %s", type(error).__name__)
            return salvage(update)

    async def _resume(self) -> None:
        """Go on where the last run, or the bot that led before, stopped."""
        await self._delivery.begin()
        for chat in await self._store.chats_with_mail():
            self._line(chat)
        for incoming in await self._store.unanswered():
            self._queue(incoming)

    def _queue(self, incoming: Incoming) -> None:
        if incoming.update_id in self._queued:
            return
        self._queued[incoming.update_id] = None
        if len(self._queued) > _QUEUED_KEPT:
            del self._queued[next(iter(self._queued))]
        if incoming.what != "tap":
            # Old buttons can be pressed; everything else is new.
            self._delivery.ids.saw(incoming.chat_id, incoming.message_id)
        heappush(self._line(self._keys.pseudonym(incoming.chat_id)).waiting, (incoming.update_id, incoming))

    def _line(self, chat: str) -> _Line:
        line = self._lines.setdefault(chat, _Line())
        if line.task is None:
            line.task = asyncio.create_task(self._work(chat, line))
        return line

    # --- one chat ---

    async def _work(self, chat: str, line: _Line) -> None:
        """Answer what waits for a chat, one after the other, until nothing waits."""
        try:
            with contextlib.suppress(ChatGone):
                await self._delivery.deliver(chat)
            while line.waiting:
                await self._pace(chat).turn()
                line.at, incoming = heappop(line.waiting)
                await self._handle(chat, incoming)
        except Exception as error:  # noqa: BLE001
            # What is written down is done at the next start, or when Redis is back; the exception may say what somebody said.
            logger.error("a chat of Telegram is halted: %s", type(error).__name__)
            self._halted = self._halted or isinstance(error, RedisError)
            for number in (line.at, *(number for number, _incoming in line.waiting)):
                self._queued.pop(number, None)
        finally:
            del self._lines[chat]

    def _pace(self, chat: str) -> Pacer:
        """How fast one chat is answered: a flood delays its own chat only, and loses nothing."""
        pace = self._paces.pop(chat, None) or Pacer(self._settings.messages_per_minute / 60, burst_seconds=60)
        self._paces[chat] = pace
        if len(self._paces) > _PACES_KEPT:
            del self._paces[next(iter(self._paces))]
        return pace

    async def _handle(self, chat: str, incoming: Incoming) -> None:
        button = await self._store.button(incoming.chat_id, incoming.data) if incoming.what == "tap" else None
        silent = incoming.what == "group" or (incoming.what == "tap" and button is None)
        with contextlib.nullcontext() if silent else self._typing(incoming.chat_id):
            try:
                answer = await (self._to_group(incoming) if incoming.what == "group" else self._begin(chat, incoming, button))
            except (RedisError, LeadLost):
                # Not answered: it is taken again when Redis is back, or by who leads now.
                raise
            except Exception as error:  # noqa: BLE001
                # A defect must not stop the line; the text of the message must not reach the log, so neither does the exception's message.
                logger.error("an update of Telegram could not be answered: %s", type(error).__name__)
                answer = _Answer(self._renderer.say("internal", "errors"))
        aside = [asyncio.create_task(self._as_courtesy(call)) for call in answer.aside]
        bubbles = self._formatter.bubbles(answer.messages)
        await self._store.finish(incoming, bubbles, pressed=button, forget=answer.erased, left=answer.left, asked=answer.asked)
        with contextlib.suppress(ChatGone):
            await self._delivery.deliver(chat)
        if incoming.what == "group":
            await self._as_courtesy(lambda: self._api.leave_chat(incoming.chat_id))
        await asyncio.gather(*aside)

    async def _as_courtesy(self, call: Callable[[], Awaitable[Any]]) -> None:
        await self._delivery.try_briefly(call)

    @contextlib.contextmanager
    def _typing(self, chat_id: int) -> Iterator[None]:
        """Show that the bot is typing, again and again while it works; not for an answer that is there before somebody could see it.

        The answer does not wait for Telegram to say that it shows it.
        """
        done = asyncio.Event()

        async def show() -> None:
            while not done.is_set():
                with contextlib.suppress(TelegramError):
                    await self._api.send_chat_action(chat_id, ChatAction.TYPING, read_timeout=2.0, connect_timeout=2.0)
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(done.wait(), _TYPING_EVERY_SECONDS)

        def begin() -> None:
            task = asyncio.create_task(show())
            self._typists.add(task)
            task.add_done_callback(self._typists.discard)

        waiting = asyncio.get_running_loop().call_later(self._patience.typing, begin)
        try:
            yield
        finally:
            waiting.cancel()
            done.set()

    # --- answers ---

    async def _begin(self, chat: str, incoming: Incoming, button: Button | None) -> _Answer:
        """The answer; an apology for what was begun again and again and never answered."""
        async with self._store.beginning(incoming.update_id) as begun:
            if begun.times >= MOST_BEGUN:
                return _Answer((await self._bot.give_up(chat, NAME, str(incoming.update_id))).messages)
            self._lines[chat].before = begun.before
            return await self._answer(chat, incoming, button)

    async def _answer(self, chat: str, incoming: Incoming, button: Button | None) -> _Answer:
        if incoming.what == "tap":
            return await self._to_tap(chat, incoming, button)
        if incoming.what == "media":
            return await self._to_media(chat, incoming)
        if incoming.what == "edit":
            return await self._to_edit(chat, incoming)
        command = _COMMAND.match(incoming.text)
        name = command[1].lower() if command else ""
        # A word that only looks like a command is text, and so is a command with a story behind it: "/help ik word geslagen".
        if command and name in COMMANDS and (name == "start" or not command[2]):
            return await self._to_command(chat, incoming, name, command[2] or "")
        if command and not command[2] and await self._says_nothing(incoming.text):
            return await self._to_command(chat, incoming, "help", "")
        return await self._respond(chat, incoming)

    async def _respond(self, chat: str, incoming: Incoming, **metadata: Any) -> _Answer:
        metadata["message_id"] = str(incoming.update_id)
        text = await self._to_read(incoming.text)
        return await self._turn(chat, incoming, lambda: self._bot.respond(chat, text, NAME, metadata))

    async def _to_read(self, text: str) -> str:
        """The text; where it is longer than the bot reads, the first piece of it that tells of a crisis, if one does: help comes first."""
        limit = self._settings.max_characters
        pieces = split_text(text, limit) if len(text) > limit else []
        for piece in pieces:
            if await self._tells_of_crisis(piece):
                return piece
        return text

    async def _tells_of_crisis(self, text: str) -> bool:
        return _crisis_in(await self._bot.parse(text))

    async def _says_nothing(self, text: str) -> bool:
        """Whether a command that does not exist, such as "/menu", is not understood as a word either."""
        parsed = await self._bot.parse(text)
        return parsed["intent"]["name"] in _NOT_UNDERSTOOD and not _crisis_in(parsed)

    async def _tap(self, chat: str, incoming: Incoming, pressed: str) -> _Answer:
        return await self._turn(chat, incoming, lambda: self._bot.tap(chat, pressed, NAME, {"message_id": str(incoming.update_id)}))

    async def _turn(self, chat: str, incoming: Incoming, turn: Callable[[], Awaitable[Reply]]) -> _Answer:
        """A turn of the bot; one that was taken before the process was killed, but not answered, is first undone."""
        before = self._lines[chat].before
        if before is None:
            await self._store.keep_snapshot(incoming.update_id, await self._bot.snapshot(chat))
        else:
            await self._bot.restore(chat, before)
        # The bot allows a turn a certain time; a crowd must wait here, where that time does not run.
        async with self._turns:
            reply = await turn()
        if reply.away:
            raise RedisError("away")
        erased = _texts(self._texts.lines("erased")) if reply.erased else []
        crisis = reply.slots.get("crisis") not in (None, "none")
        asks = not crisis and asks_whether_it_helped(reply.messages) and not await self._store.was_asked(chat)
        question = self._ask_helpful() if asks else []
        return _Answer([*reply.messages, *erased, *question], erased=reply.erased, crisis=crisis, asked=asks)

    def _ask_helpful(self) -> list[Message]:
        options: list[Option] = [{"title": self._texts.lines(name)[0], "payload": name} for name in _HELPFUL]
        return _texts(self._texts.lines("helpful"), options)

    def _after_helpful(self, helped: bool) -> list[Message]:
        if helped:
            return _texts(self._texts.lines("helpful_thanks"))
        return _texts(self._texts.lines("helpful_sorry"), [self._renderer.button("talk_to_someone", "ask_helpline")])

    async def _to_edit(self, chat: str, incoming: Incoming) -> _Answer:
        """A message that was rewritten is a correction. It says so, unless help must stand first."""
        answer = await self._respond(chat, incoming, edited=True)
        if not answer.crisis:
            answer.messages = [*_texts(self._texts.lines("edited")), *answer.messages]
        return answer

    async def _to_command(self, chat: str, incoming: Incoming, name: str, parameter: str) -> _Answer:
        if name == "start":
            return await self._start(chat, incoming, parameter.strip())
        if name == "help":
            commands = "\n".join(f"/{command}: {self._texts.commands[command]}" for command in COMMANDS)
            lines = [*self._texts.lines("help"), commands, *self._texts.lines("help_danger")]
            return _Answer(_texts(lines, [self._renderer.button("talk_to_someone", "ask_helpline")]))
        if name == "privacy":
            answer = await self._tap(chat, incoming, payload("ask_privacy"))
            return _Answer([*_texts(self._texts.lines("privacy")), *answer.messages])
        if name == "wis":
            return await self._tap(chat, incoming, payload("delete_data"))
        if name == "stop":
            return _Answer(_texts(self._texts.lines("stop"), [self._renderer.button("erase", "delete_data")]))
        return _Answer(_texts(self._texts.lines("language")) + self._renderer.say("not_dutch_en") + self._renderer.say("not_dutch_fr"))

    async def _start(self, chat: str, incoming: Incoming, parameter: str) -> _Answer:
        """The greeting; whoever came by a link of content/telegram.yml is met where they come from."""
        answer = await self._tap(chat, incoming, payload("greet"))
        link = self._texts.links.get(parameter)
        if link is None:
            return answer
        await self._bot.remember(chat, **{link.facet: link.value})
        return _Answer([*answer.messages, *_texts([link.text])])

    async def _to_tap(self, chat: str, incoming: Incoming, button: Button | None) -> _Answer:
        if button is None:
            over = self._texts.lines("button_over")[0]
            return _Answer(aside=[lambda: self._api.answer_callback_query(incoming.query, over), lambda: self._without_buttons(incoming)])
        if button.payload in _HELPFUL:
            await self._bot.record(chat, "helpful", _HELPFUL[button.payload], NAME)
            answer = _Answer(self._after_helpful(_HELPFUL[button.payload]))
        else:
            answer = await self._tap(chat, incoming, button.payload)
        answer.aside = [lambda: self._api.answer_callback_query(incoming.query), lambda: self._show_chosen(incoming, button)]
        return answer

    async def _show_chosen(self, incoming: Incoming, button: Button) -> Any:
        """Write the choice under the message and take its buttons away."""
        shown = f"{incoming.shown}\n\n<b>{self._texts.marks['chosen']} {html.escape(button.title, quote=False)}</b>"
        if not incoming.shown or units(visible(shown)) > LIMIT:
            return await self._without_buttons(incoming)
        return await self._api.edit_message_text(
            shown,
            incoming.chat_id,
            incoming.message_id,
            parse_mode=ParseMode.HTML,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )

    async def _without_buttons(self, incoming: Incoming) -> Any:
        return await self._api.edit_message_reply_markup(incoming.chat_id, incoming.message_id, reply_markup=None)

    async def _to_media(self, chat: str, incoming: Incoming) -> _Answer:
        """Say that only text is read. Words under a photo are read; of somebody else's message only whether it tells of a crisis."""
        own = bool(incoming.text)
        if own and incoming.media == "forward":
            own = await self._tells_of_crisis(await self._to_read(incoming.text))
        answer = await self._respond(chat, incoming) if own else _Answer()
        if incoming.album:
            if (chat, incoming.album) in self._albums:
                return answer
            self._albums.append((chat, incoming.album))
        said = self._texts.media.texts[incoming.media]
        now = dt.datetime.now(dt.timezone.utc)
        cards = [self._renderer.helpline(Referral(name, self._renderer.content.helplines[name].what), now) for name in said.helplines]
        answer.messages = [*answer.messages, *_texts(said.text), *cards]
        return answer

    async def _to_group(self, incoming: Incoming) -> _Answer:
        if await self._store.has_left(incoming.chat_id):
            return _Answer()
        # The link holds the bot's name, which is known once Telegram was reached.
        await self._connect()
        return _Answer(_texts(self._texts.lines("private_only", "group", username=self._api.username)), left=True)


def _crisis_in(parsed: Mapping[str, Any]) -> bool:
    return (parsed.get("facets") or {}).get("crisis") not in (None, "none")


def _texts(lines: Iterable[str], options: Sequence[Option] = ()) -> list[Message]:
    """Lines of content/telegram.yml as messages; buttons stand with the last one."""
    messages: list[Message] = [{"type": "text", "text": line} for line in lines]
    messages[-1]["options"] = list(options)
    return messages
