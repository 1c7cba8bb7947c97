"""Telegram on this machine: a server that speaks the Bot API over HTTP, and people who chat through it.

It knows the methods that the bot uses, with the limits, errors and JSON shapes that https://core.telegram.org/bots/api documents, and can
be told to go wrong in the ways that networks and Telegram do. One thing is looser: a webhook may be http on the loopback address.
"""

from __future__ import annotations

import asyncio
import html
import itertools
import json
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

_TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "a", "blockquote", "tg-spoiler"}
_ENTITY_TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "a": "text_link",
    "code": "code",
    "u": "underline",
    "s": "strikethrough",
}
_TOKEN = re.compile(r"<(/?)([a-zA-Z-]+)((?:\s[^<>]*)?)>|<|&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);|&|[^<&]+", re.S)


class ApiError(Exception):
    """An answer that is no success."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        self.code, self.description, self.parameters = code, description, parameters


def bad(description: str) -> ApiError:
    return ApiError(400, f"Bad Request: {description}")


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def parse_html(markup: str) -> tuple[str, list[dict[str, Any]]]:
    """Text and entities of Telegram HTML; refuses what Telegram refuses."""
    text, entities, stack = "", [], []
    for token in _TOKEN.finditer(markup):
        whole = token[0]
        place = len(markup[: token.start()].encode())
        if token[2] is None:
            if whole == "<":
                raise bad(f'can\'t parse entities: Unsupported start tag "" at byte offset {place}')
            text += html.unescape(whole) if whole.startswith("&") else whole
        elif token[1]:
            if not stack or stack[-1][0] != token[2]:
                raise bad(f"can't parse entities: Unmatched end tag at byte offset {place}")
            name, start, url = stack.pop()
            entity = {"type": _ENTITY_TYPES.get(name, name), "offset": start, "length": units(text) - start}
            entities.append({**entity, "url": url} if url else entity)
        else:
            if token[2].lower() not in _TAGS:
                raise bad(f'can\'t parse entities: Unsupported start tag "{token[2]}" at byte offset {place}')
            address = re.search(r'href="([^"]*)"', token[3] or "")
            stack.append((token[2], units(text), html.unescape(address[1]) if address else ""))
    if stack:
        raise bad(f"can't parse entities: Can't find end tag corresponding to start tag \"{stack[-1][0]}\"")
    return text, entities


@dataclass
class Fault:
    """Something that goes wrong for calls of ``method`` (in one chat, if given), ``times`` times.

    ``how``: ``429`` ``500`` ``502`` (an HTML page) ``403`` ``400`` (``text`` is the description). Not carried out: ``hang`` (never answered),
    ``cut`` (connection closed). Carried out: ``cut_after``, ``hang_after``, ``garbage`` (the answer is no JSON), ``odd`` (JSON of another shape),
    ``slow`` (late by ``seconds``).
    """

    method: str
    how: str
    times: int = 1
    chat: int | None = None
    seconds: float = 0.0
    text: str = ""


@dataclass
class Call:
    """One call that the bot made."""

    at: float
    method: str
    params: dict[str, Any]
    ok: bool = True


@dataclass
class Chat:
    """A chat as its members see it."""

    id: int
    type: str = "private"
    name: str = "Lotte"
    blocked: bool = False
    gone: bool = False
    left: bool = False
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        if self.type == "private":
            return {
                "id": self.id,
                "type": "private",
                "first_name": self.name,
                "last_name": "Peeters",
                "username": f"{self.name.lower()}_2010",
            }
        return {"id": self.id, "type": self.type, "title": "Klas 3B"}


class FakeTelegram:
    """The server. ``url`` is what TELEGRAM_API_URL is set to."""

    def __init__(
        self, token: str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", username: str = "WegwijzerBot", per_second: float | None = None
    ) -> None:
        self.token, self.username, self.per_second = token, username, per_second
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.chats: dict[int, Chat] = {}
        self.commands: list[dict[str, str]] = []
        self.description = self.short_description = ""
        self.webhook: dict[str, Any] = {}
        self.webhook_error = ""
        self.repeat_webhook = False
        self.queue: deque[dict[str, Any]] = deque()
        self.answered: dict[str, str] = {}
        self._numbers = itertools.count(500)
        self._updates = itertools.count(870_000_001)
        self._queries = itertools.count(4_000_000)
        self._poll: asyncio.Event | None = None
        self._sent: deque[float] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._order: dict[int, asyncio.Lock] = {}
        self._undelivered = 0
        self._runner: web.AppRunner | None = None

    # --- running ---

    async def start(self, port: int = 0) -> None:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner:
            await self._runner.cleanup()

    def go_wrong(self, method: str, how: str, times: int = 1, **more: Any) -> None:
        self.faults.append(Fault(method, how, times, **more))

    def calls_of(self, method: str, chat: int | None = None) -> list[Call]:
        return [call for call in self.calls if call.method == method and (chat is None or call.params.get("chat_id") == chat)]

    @property
    def pending(self) -> int:
        """Updates that were not yet handed over."""
        return len(self.queue) + self._undelivered

    # --- HTTP ---

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self.token:
            well_formed = re.fullmatch(r"\d+:[\w-]{30,}", request.match_info["token"])
            return self._answer(ApiError(401, "Unauthorized") if well_formed else ApiError(404, "Not Found"))
        method = request.match_info["method"]
        params = {**request.query, **dict(await request.post())}
        if request.content_type == "application/json":
            params.update(await request.json())
        decoded = {key: _decoded(key, value) for key, value in params.items()}
        call = Call(time.monotonic(), method, decoded)
        self.calls.append(call)
        fault = self._fault_for(method, decoded.get("chat_id"))
        try:
            if fault and not fault.how.endswith("after") and fault.how not in ("garbage", "odd", "slow"):
                return await self._fail(fault, request)
            result = await getattr(self, f"do_{method.lower()}", self.do_unknown)(decoded)
        except ApiError as error:
            call.ok = False
            return self._answer(error)
        if fault:
            return await self._spoil(fault, request, result)
        return web.json_response({"ok": True, "result": result})

    def _fault_for(self, method: str, chat: Any) -> Fault | None:
        for fault in self.faults:
            if fault.method == method and fault.times > 0 and (fault.chat is None or fault.chat == chat):
                fault.times -= 1
                return fault
        return None

    async def _fail(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        if fault.how == "429":
            raise ApiError(429, f"Too Many Requests: retry after {int(fault.seconds)}", retry_after=int(fault.seconds))
        if fault.how == "500":
            raise ApiError(500, "Internal Server Error")
        if fault.how == "403":
            raise ApiError(403, fault.text or "Forbidden: bot was blocked by the user")
        if fault.how == "400":
            raise bad(fault.text)
        if fault.how == "502":
            return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
        await self._drop(request, hang=fault.how == "hang")
        return web.Response()

    async def _spoil(self, fault: Fault, request: web.Request, result: Any) -> web.StreamResponse:
        if fault.how == "slow":
            await asyncio.sleep(fault.seconds)
            return web.json_response({"ok": True, "result": result})
        if fault.how == "odd":
            return web.json_response(["ok"])
        if fault.how == "garbage":
            return web.Response(text="<!doctype html>", content_type="text/html")
        await self._drop(request, hang=fault.how == "hang_after")
        return web.Response()

    @staticmethod
    async def _drop(request: web.Request, hang: bool) -> None:
        if hang:
            await asyncio.sleep(3600)
        if request.transport:
            request.transport.abort()

    @staticmethod
    def _answer(error: ApiError) -> web.Response:
        body: dict[str, Any] = {"ok": False, "error_code": error.code, "description": error.description}
        if error.parameters:
            body["parameters"] = error.parameters
        return web.json_response(body, status=error.code)

    # --- methods about the bot ---

    async def do_unknown(self, _params: dict[str, Any]) -> None:
        raise ApiError(404, "Not Found: method not found")

    async def do_getme(self, _params: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": int(self.token.partition(":")[0]), "is_bot": True, "first_name": "Wegwijzer", "username": self.username,
            "can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False,
        }  # fmt: skip

    async def do_getmycommands(self, _params: dict[str, Any]) -> list[dict[str, str]]:
        return self.commands

    async def do_setmycommands(self, params: dict[str, Any]) -> bool:
        commands = params["commands"]
        if len(commands) > 100:
            raise bad("too many commands specified")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise bad("BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands = commands
        return True

    async def do_getmydescription(self, _params: dict[str, Any]) -> dict[str, str]:
        return {"description": self.description}

    async def do_setmydescription(self, params: dict[str, Any]) -> bool:
        if len(params.get("description", "")) > 512:
            raise bad("description is too long")
        self.description = params.get("description", "")
        return True

    async def do_getmyshortdescription(self, _params: dict[str, Any]) -> dict[str, str]:
        return {"short_description": self.short_description}

    async def do_setmyshortdescription(self, params: dict[str, Any]) -> bool:
        if len(params.get("short_description", "")) > 120:
            raise bad("short description is too long")
        self.short_description = params.get("short_description", "")
        return True

    # --- methods that bring updates ---

    async def do_setwebhook(self, params: dict[str, Any]) -> bool:
        url = params.get("url", "")
        if url and not re.match(r"https://|http://127\.0\.0\.1[:/]", url):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", params.get("secret_token", "")):
            raise bad("secret token contains unallowed characters")
        self.webhook = dict(params) if url else {}
        self._undelivered += len(self.queue)
        while self.queue and url:
            self._spawn(self._post(self.queue.popleft()))
        return True

    async def do_deletewebhook(self, _params: dict[str, Any]) -> bool:
        self.webhook = {}
        return True

    async def do_getwebhookinfo(self, _params: dict[str, Any]) -> dict[str, Any]:
        info: dict[str, Any] = {"url": self.webhook.get("url", ""), "has_custom_certificate": False, "pending_update_count": self.pending}
        if self.webhook_error:
            info.update(last_error_date=int(time.time()), last_error_message=self.webhook_error)
        return info

    async def do_getupdates(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        if self.webhook:
            raise ApiError(
                409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )
        if self._poll:
            self._poll.set()
        mine = self._poll = asyncio.Event()
        offset = int(params.get("offset", 0))
        while self.queue and offset > 0 and self.queue[0]["update_id"] < offset:
            self.queue.popleft()
        deadline = time.monotonic() + float(params.get("timeout", 0))
        while not self.queue and (left := deadline - time.monotonic()) > 0:
            if mine.is_set():
                raise ApiError(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
            await asyncio.sleep(min(0.01, left))
        if self._poll is mine:
            self._poll = None
        return list(itertools.islice(self.queue, int(params.get("limit", 100))))

    # --- methods in chats ---

    async def do_sendmessage(self, params: dict[str, Any]) -> dict[str, Any]:
        chat = self._chat(params)
        self._limit()
        message = {
            "message_id": self._number(chat),
            "from": {"id": 110201543, "is_bot": True, "first_name": "Wegwijzer", "username": self.username},
            "chat": chat.as_json(),
            "date": int(time.time()),
            **self._content(params),
        }
        chat.messages[message["message_id"]] = message
        return message

    async def do_editmessagetext(self, params: dict[str, Any]) -> dict[str, Any]:
        message = self._own(params)
        new = self._content(params)
        if {key: message.get(key) for key in ("text", "entities", "reply_markup")} == {
            key: new.get(key) for key in ("text", "entities", "reply_markup")
        }:
            raise bad("message is not modified: specified new message content and reply markup are exactly the same as a current content")
        message.pop("reply_markup", None)
        message.update(new, edit_date=int(time.time()))
        return message

    async def do_editmessagereplymarkup(self, params: dict[str, Any]) -> dict[str, Any]:
        message = self._own(params)
        new = _keyboard(params)
        if message.get("reply_markup") == new.get("reply_markup"):
            raise bad("message is not modified: specified new message content and reply markup are exactly the same as a current content")
        message.pop("reply_markup", None)
        message.update(new)
        return message

    async def do_answercallbackquery(self, params: dict[str, Any]) -> bool:
        query = params["callback_query_id"]
        if query not in self.answered or self.answered[query]:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        if len(params.get("text", "")) > 200:
            raise bad("MESSAGE_TOO_LONG")
        self.answered[query] = params.get("text") or "(answered)"
        return True

    async def do_sendchataction(self, params: dict[str, Any]) -> bool:
        self._chat(params)
        if params.get("action") != "typing":
            raise bad("wrong parameter action in request")
        return True

    async def do_leavechat(self, params: dict[str, Any]) -> bool:
        self._chat(params).left = True
        return True

    async def do_sendphoto(self, params: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("the bot must never send a photo")

    def _chat(self, params: dict[str, Any]) -> Chat:
        chat = self.chats.get(params.get("chat_id", 0))
        if chat is None or chat.gone:
            raise bad("chat not found")
        if chat.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        if chat.left:
            raise ApiError(403, "Forbidden: bot is not a member of the group chat")
        return chat

    def _own(self, params: dict[str, Any]) -> dict[str, Any]:
        message = self._chat(params).messages.get(params["message_id"])
        if message is None:
            raise bad("message to edit not found")
        if not message["from"]["is_bot"]:
            raise bad("message can't be edited")
        return message

    def _limit(self) -> None:
        now = time.monotonic()
        while self._sent and self._sent[0] <= now - 1:
            self._sent.popleft()
        if self.per_second and len(self._sent) >= self.per_second:
            raise ApiError(429, "Too Many Requests: retry after 1", retry_after=1)
        self._sent.append(now)

    @staticmethod
    def _content(params: dict[str, Any]) -> dict[str, Any]:
        mode = params.get("parse_mode", "")
        if mode not in ("", "HTML"):
            raise bad("unsupported parse_mode")
        text, entities = parse_html(params.get("text", "")) if mode else (params.get("text", ""), [])
        text = text.rstrip()
        if not text.strip():
            raise bad("message text is empty")
        if units(text) > 4096:
            raise bad("message is too long")
        return {"text": text, **({"entities": entities} if entities else {}), **_keyboard(params)}

    def _number(self, _chat: Chat) -> int:
        # All private chats of a bot share one row of numbers.
        return next(self._numbers)

    # --- people ---

    def person(self, number: int, name: str = "Lotte") -> Person:
        self.chats[number] = Chat(number, name=name)
        return Person(self, self.chats[number])

    def group(self, number: int = -1001234, type_: str = "supergroup") -> Person:
        self.chats[number] = Chat(number, type_)
        return Person(self, self.chats[number])

    def push(self, kind: str, content: dict[str, Any]) -> int:
        """An update for the bot; returns its number."""
        update = {"update_id": next(self._updates), kind: content}
        self.deliver(update)
        return int(update["update_id"])

    def deliver(self, update: dict[str, Any]) -> None:
        if self.webhook:
            self._undelivered += 1
            self._spawn(self._post(update))
        else:
            self.queue.append(update)

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, update: dict[str, Any]) -> None:
        """Hand an update to the webhook until it is accepted; once more when told to repeat."""
        chat = _chat_of(update)
        async with self._order.setdefault(chat, asyncio.Lock()), aiohttp.ClientSession() as session:
            pause = 0.05
            while True:
                headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret_token", "")}
                try:
                    async with session.post(self.webhook["url"], json=update, headers=headers) as response:
                        self.webhook_error = "" if response.ok else f"Wrong response from the webhook: {response.status}"
                        if response.ok:
                            break
                except (aiohttp.ClientError, KeyError):
                    self.webhook_error = "Connection refused"
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
            self._undelivered -= 1
            if self.repeat_webhook:
                async with session.post(self.webhook["url"], json=update, headers=headers):
                    pass


class Person:
    """Somebody (or a group) that talks with the bot."""

    def __init__(self, telegram: FakeTelegram, chat: Chat) -> None:
        self._telegram, self.chat = telegram, chat
        self.id = chat.id

    @property
    def _user(self) -> dict[str, Any]:
        number = self.id if self.id > 0 else 777
        return {
            "id": number,
            "is_bot": False,
            "first_name": self.chat.name,
            "last_name": "Peeters",
            "username": f"{self.chat.name.lower()}_2010",
            "language_code": "nl",
        }

    def _message(self, **content: Any) -> dict[str, Any]:
        number = self._telegram._number(self.chat)
        message = {"message_id": number, "from": self._user, "chat": self.chat.as_json(), "date": int(time.time()), **content}
        self.chat.messages[number] = message
        return message

    def send(self, **content: Any) -> int:
        """A message of any sort; returns the number of its update."""
        return self._telegram.push("message", self._message(**content))

    def say(self, text: str) -> int:
        """A text message, with the entity that marks a command."""
        command = re.match(r"/\w+(@\w+)?", text)
        entities = {"entities": [{"type": "bot_command", "offset": 0, "length": len(command[0])}]} if command else {}
        return self.send(text=text, **entities)

    def edit(self, old: str, new: str) -> int:
        """Change a message of one's own."""
        message = next(m for m in self.chat.messages.values() if not m["from"]["is_bot"] and m.get("text") == old)
        message.update(text=new, edit_date=int(time.time()))
        return self._telegram.push("edited_message", message)

    def photo(self, caption: str = "", album: str = "") -> int:
        sizes = [{"file_id": "AgACAgQAAxk", "file_unique_id": "AQAD", "width": 90, "height": 67, "file_size": 1253}]
        return self.send(photo=sizes, **({"caption": caption} if caption else {}), **({"media_group_id": album} if album else {}))

    def press(self, title: str, data: str | None = None) -> int:
        """Tap a button that is shown; the newest one with this title."""
        message, button = next(
            (message, button)
            for message in reversed(self.chat.messages.values())
            for row in message.get("reply_markup", {}).get("inline_keyboard", [])
            for button in row
            if button["text"] == title
        )
        return self.press_again(message, button["callback_data"] if data is None else data)

    def press_again(self, message: dict[str, Any], data: str) -> int:
        """What a phone sends for a tap, also when the button has gone meanwhile."""
        query = str(next(self._telegram._queries))
        self._telegram.answered[query] = ""
        content = {"id": query, "from": self._user, "message": json.loads(json.dumps(message)), "chat_instance": "-42", "data": data}
        return self._telegram.push("callback_query", content)

    def member(self, status: str) -> int:
        """The bot was added to, or removed from, this chat."""
        me = {"id": 110201543, "is_bot": True, "first_name": "Wegwijzer", "username": self._telegram.username}
        change = {"old_chat_member": {"status": "left", "user": me}, "new_chat_member": {"status": status, "user": me}}
        if status == "kicked":
            change["new_chat_member"]["until_date"] = 0  # type: ignore[assignment]
        return self._telegram.push("my_chat_member", {"chat": self.chat.as_json(), "from": self._user, "date": int(time.time()), **change})

    @property
    def replies(self) -> list[dict[str, Any]]:
        """Messages of the bot that are in the chat, oldest first."""
        return [message for message in self.chat.messages.values() if message["from"]["is_bot"]]

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.replies]

    @property
    def buttons(self) -> list[str]:
        """Titles of all buttons that can be pressed."""
        return [
            button["text"]
            for message in self.replies
            for row in message.get("reply_markup", {}).get("inline_keyboard", [])
            for button in row
        ]


def _decoded(key: str, value: Any) -> Any:
    """Parameters come as form fields: numbers and JSON as text."""
    if not isinstance(value, str):
        return value
    if key in ("chat_id", "message_id", "offset", "limit", "timeout"):
        return int(float(value))
    if key in ("reply_markup", "commands", "allowed_updates", "link_preview_options", "scope"):
        return json.loads(value)
    return value


def _keyboard(params: dict[str, Any]) -> dict[str, Any]:
    markup = params.get("reply_markup") or {}
    buttons = [button for row in markup.get("inline_keyboard", []) for button in row]
    if len(buttons) > 100:
        raise bad("reply markup is too long")
    for button in buttons:
        if not button["text"].strip():
            raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
        if not 1 <= len(button.get("callback_data", "").encode()) <= 64:
            raise bad("BUTTON_DATA_INVALID")
    return {"reply_markup": markup} if buttons else {}


def _chat_of(update: dict[str, Any]) -> int:
    content = next(value for key, value in update.items() if key != "update_id")
    return int((content.get("chat") or content["message"]["chat"])["id"])


async def until(condition: Callable[[], Any]) -> Any:
    """Wait until something holds."""
    while not (result := condition()):  # noqa: ASYNC110 (a condition of any sort)
        await asyncio.sleep(0.01)
    return result
