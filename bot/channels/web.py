"""The web channel: sessions, messages, event stream, long polling, erasing, and the widget's files, as routes of a Sanic app.

Who a user is, is issued and signed here; what a button does is never taken from the outside. See ``docs/web.md`` for the protocol.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from redis.exceptions import RedisError
from sanic import Sanic
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse, empty, json, raw

from bot.channels.web_conversations import CHANNEL, Conversations, Listener
from bot.channels.web_errors import CODE_OF_STATUS, STATUS, Refusal
from bot.channels.web_limits import Pace, TooFast, address_key, keep_to
from bot.channels.web_pages import STATIC, Asset, load_assets
from bot.channels.web_parts import make_parts
from bot.channels.web_requests import BODY_LIMIT, FeedbackBody, MessageBody, SessionBody, read_body, read_event_id, read_poll
from bot.channels.web_sessions import QUESTION, Ended, Event, News, SessionEnded, TooManyWaiting, UnknownButton
from bot.channels.web_texts import load_widget
from bot.channels.web_tokens import TokenError, Tokens, web_key
from bot.runtime.bot import Bot
from bot.runtime.settings import Settings
from bot.wegwijzer.content import load_content

logger = logging.getLogger(__name__)

#: A comment goes over a silent stream this often, so that proxies and phones keep it open and a dead one is noticed.
_HEARTBEAT_SECONDS = 15.0
_POLL_SECONDS = 25.0
#: How soon a stream looks again when it could not.
_RETRY_SECONDS = 2.0
#: Open connections of one conversation: a few tabs and a phone that has not noticed yet that its old connection is gone.
_CONNECTIONS_EACH = 6
#: Messages of one conversation that may wait for an answer.
_WAITING_EACH = 20

_API_PREFIX = "/chat/"
_PAGE_POLICY = (
    "default-src 'none'; {inline}; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class WebChannel:
    """The channel. :meth:`register` adds its routes to an app; :meth:`start` and :meth:`stop` belong around the serving."""

    def __init__(self, bot: Bot, settings: Settings) -> None:
        content = load_content()
        widget = load_widget(content)
        self._bot = bot
        self._settings = settings
        self._errors: dict[str, str] = widget.errors.dict()
        self._assets = load_assets(widget, content, settings.max_characters, settings.allowed_origins)
        self._openapi = _read_openapi(settings.max_characters)
        key = web_key(settings)
        self._tokens = Tokens(key, settings.tracker_hours * 3600)
        parts = make_parts(bot, settings, key)
        self._sessions, self._limits, self._streams = parts.sessions, parts.limits, parts.streams
        self._conversations = Conversations(bot, self._sessions)
        self._sweeper: asyncio.Task[None] | None = None

    # --- life ---

    def register(self, app: Sanic) -> None:
        """Add the routes, the checks before them and the headers after them."""
        app.config.REQUEST_MAX_SIZE = BODY_LIMIT
        app.config.PROXIES_COUNT = self._settings.proxies or None
        app.register_middleware(self._check_origin, "request")
        # Sanic's hint leaves out middleware that changes the response it is given.
        app.register_middleware(self._add_headers, "response")  # type: ignore[arg-type]
        app.error_handler.add(Exception, self._on_error)
        for path in self._assets:
            app.add_route(self._asset, path, methods=["GET", "HEAD"], name=f"asset{path.replace('/', '_')}")
        app.add_route(self._openapi_description, "/openapi.json", methods=["GET"])
        app.add_route(self._open_session, "/chat/session", methods=["POST"])
        app.add_route(self._erase_session, "/chat/session", methods=["DELETE"])
        app.add_route(self._take_message, "/chat/message", methods=["POST"])
        app.add_route(self._stream_events, "/chat/events", methods=["GET"])
        app.add_route(self._poll_events, "/chat/poll", methods=["GET"])
        app.add_route(self._take_feedback, "/chat/feedback", methods=["POST"])
        for path in ("session", "message", "events", "poll", "feedback"):
            app.add_route(self._preflight, f"/chat/{path}", methods=["OPTIONS"], name=f"preflight_{path}")

    async def start(self) -> None:
        """Take up what was left without an answer, again and again, and begin to remove what has expired."""
        await self._sessions.start()
        await self._streams.start()
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Finish the turns that run, close streams and files; nothing is lost."""
        if self._sweeper:
            self._sweeper.cancel()
        await self._conversations.stop()
        await self._streams.stop()
        await self._sessions.close()

    def open_streams(self) -> int:
        """Connections that wait for events. May be asked from another thread."""
        return self._streams.count()

    async def messages_waiting(self) -> int:
        """Messages that were accepted and have no answer yet; where bots share a Redis, those of all of them."""
        return await self._sessions.waiting()

    async def _sweep(self) -> None:
        failed = ""
        while True:
            try:
                await self._conversations.sweep()
                failed = ""
            except Exception as error:  # noqa: BLE001 (what cannot be done now is tried again)
                if failed != type(error).__name__:
                    failed = type(error).__name__
                    logger.error("looking for conversations that wait or have expired failed: %s", failed)
            await asyncio.sleep(min(self._sessions.sweep_seconds, self._settings.tracker_hours * 3600))

    # --- handlers ---

    async def _asset(self, request: Request) -> HTTPResponse:
        asset = self._assets[request.path]
        headers = {"ETag": asset.etag, "Cache-Control": "public, max-age=300", "Vary": "Accept-Encoding"}
        if asset.etag in request.headers.get("if-none-match", ""):
            return empty(304, headers=headers)
        return _send_asset(asset, headers, request)

    async def _openapi_description(self, _request: Request) -> HTTPResponse:
        return json(self._openapi)

    async def _preflight(self, _request: Request, **_kwargs: Any) -> HTTPResponse:
        return empty(
            204,
            headers={
                "Access-Control-Allow-Methods": "GET, POST, DELETE",
                "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
                "Access-Control-Max-Age": "600",
            },
        )

    async def _open_session(self, request: Request) -> HTTPResponse:
        """A new conversation, or a fresh token for the one whose token is sent along."""
        body = read_body(request.body, request.headers.get("content-type", ""), SessionBody)
        if "authorization" in request.headers:
            session_id = await self._session(request)
            await self._sessions.touch(session_id)
            return json(self._session_answer(session_id))
        wait = await self._limits["sessions"].take(self._address(request))
        if wait:
            raise Refusal("too_many_sessions", wait)
        return json(self._session_answer(await self._sessions.create(body.greeted)), status=201)

    def _session_answer(self, session_id: str) -> dict[str, Any]:
        token = self._tokens.issue(session_id, time.time())
        return {"session": session_id, "token": token.text, "expires": token.expires}

    async def _erase_session(self, request: Request) -> HTTPResponse:
        """Erase the conversation everywhere. Erasing what is gone is no error: the user's wish is fulfilled."""
        await self._conversations.end(self._token_session(request), Ended.ERASED)
        return json({"erased": True})

    async def _take_message(self, request: Request) -> HTTPResponse:
        session_id = self._token_session(request)
        body = read_body(request.body, request.headers.get("content-type", ""), MessageBody)
        fresh = await self._accept(session_id, body, self._pace(request, session_id))
        # A message that comes again may be one of which another bot was lost.
        self._conversations.work_on(session_id)
        return json({"accepted": True, "duplicate": not fresh}, status=202 if fresh else 200)

    async def _accept(self, session_id: str, body: MessageBody, pace: Pace) -> bool:
        try:
            if body.button is not None:
                return await self._sessions.accept_button(session_id, body.id, body.button, _WAITING_EACH, pace)
            assert body.text is not None
            self._check_text(body.text)
            return await self._sessions.accept_text(session_id, body.id, body.text, _WAITING_EACH, pace)
        except TooFast as error:
            raise Refusal("too_fast", error.seconds) from None
        except UnknownButton:
            raise Refusal("unknown_button") from None
        except TooManyWaiting:
            raise Refusal("too_fast", 1) from None

    async def _take_feedback(self, request: Request) -> HTTPResponse:
        """Pass on whether an answer helped, or which help card was tapped, where the conversation has shown it."""
        session_id = await self._session(request)
        body = read_body(request.body, request.headers.get("content-type", ""), FeedbackBody)
        # A budget of its own: whoever taps every number of a card can still write.
        try:
            await keep_to(self._pace(request, f"feedback {session_id}"))
        except TooFast as error:
            raise Refusal("too_fast", error.seconds) from None
        if not await self._sessions.was_shown(session_id, QUESTION if body.tapped is None else body.tapped):
            raise Refusal("unknown_button")
        if body.tapped is None:
            await self._bot.record(session_id, "helpful", body.helpful, CHANNEL)
        else:
            await self._bot.record(session_id, "tapped", body.tapped, CHANNEL)
        return json({"accepted": True}, status=202)

    def _pace(self, request: Request, key: str) -> Pace:
        return ((self._limits["messages"], key), (self._limits["address"], self._address(request)))

    def _check_text(self, text: str) -> None:
        if not text.strip():
            raise Refusal("empty")
        if len(text) > self._settings.max_characters:
            raise Refusal("too_long")

    async def _stream_events(self, request: Request) -> None:
        """Server-sent events: first what was missed, then what comes."""
        session_id = self._token_session(request)
        after = read_event_id(request.headers.get("last-event-id"))
        async with self._listening(request, session_id) as listener:
            # Before there is an answer: one that is over is refused.
            news = await self._sessions.look(session_id, after)
            response = await request.respond(
                status=200, content_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
            )
            await response.send("retry: 2000\n: hello\n\n")
            async for piece in self._pieces(session_id, news, listener):
                await response.send(piece)
            await response.eof()

    async def _pieces(self, session_id: str, news: News | None, listener: Listener) -> AsyncIterator[str]:
        """The stream of a conversation, piece by piece, beginning with some news."""
        typing, after = False, 0
        while not listener.closed:
            try:
                news = news or listener.news(after) or await self._sessions.look(session_id, after)
            except SessionEnded as over:
                yield _sse("ended", f'{{"why":"{over.why.value}"}}')
                return
            except RedisError:
                # It is kept open: the client would only ask another bot that cannot look either.
                yield ": \n\n"
                await listener.wait(_RETRY_SECONDS)
                continue
            piece = (_sse("reset", "{}") if news.reset else "") + "".join(_sse(event.kind, event.data, event.id) for event in news.events)
            after = news.last
            # A turn can be over before this looks: the client, which shows at once that the bot works, is told that it has finished.
            if news.working != typing or (not news.working and any(event.kind == "bot" for event in news.events)):
                typing = news.working
                piece += _sse("typing", '{"on":true}' if typing else '{"on":false}')
            news = None
            if piece:
                yield piece
            if not await listener.wait(_HEARTBEAT_SECONDS):
                yield ": \n\n"
        yield _sse("closed", f'{{"why":"{listener.closed.value}"}}')

    async def _poll_events(self, request: Request) -> HTTPResponse:
        """Long polling: what is new since ``after``, waiting a while when there is nothing."""
        session_id = self._token_session(request)
        after, known_typing = read_poll(request.get_query_args(keep_blank_values=True))
        async with self._listening(request, session_id) as listener:
            deadline = time.monotonic() + _POLL_SECONDS
            while True:
                news = await self._sessions.look(session_id, after)
                left = deadline - time.monotonic()
                if news.events or news.reset or news.working != known_typing or listener.closed or left <= 0:
                    plain = [_plain(event) for event in news.events]
                    return json({"reset": news.reset, "typing": news.working, "events": plain}, dumps=_dump_events)
                await listener.wait(min(left, _HEARTBEAT_SECONDS))

    @asynccontextmanager
    async def _listening(self, request: Request, session_id: str) -> AsyncIterator[Listener]:
        """Hold one of the connections that an address may have."""
        address = self._address(request)
        if self._streams.full():
            raise Refusal("busy", 10)
        if not await self._streams.enter(address):
            raise Refusal("too_many_streams", 10)
        try:
            listener = await self._conversations.listen(session_id, _CONNECTIONS_EACH)
            try:
                yield listener
            finally:
                self._conversations.leave(session_id, listener)
        finally:
            self._streams.leave(address)

    # --- who asks ---

    def _token_session(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal("no_token")
        try:
            return self._tokens.read(token.strip(), time.time())
        except TokenError as error:
            raise Refusal("expired_token" if error.expired else "bad_token") from None

    async def _session(self, request: Request) -> str:
        session_id = self._token_session(request)
        await self._sessions.check(session_id)
        return session_id

    def _address(self, request: Request) -> str:
        return address_key((request.remote_addr if self._settings.proxies else "") or request.ip)

    def _check_origin(self, request: Request) -> None:
        """Pages of other sites may not use the channel, unless the settings name them."""
        origin = request.headers.get("origin")
        if origin is not None and request.path.startswith(_API_PREFIX) and not self._allowed(request, origin):
            raise Refusal("origin_refused")

    def _allowed(self, request: Request, origin: str) -> bool:
        # The scheme is not compared: behind a proxy the page is https and the bot sees http.
        own = urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower() and origin.startswith(("http://", "https://"))
        return own or origin.lower() in self._settings.allowed_origins

    # --- answers ---

    async def _add_headers(self, request: Request, response: HTTPResponse) -> None:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        # By path, not by type: a browser takes over the headers of "not modified" for the page that it kept.
        asset = self._assets.get(request.path)
        policy = "default-src 'none'; frame-ancestors 'none'"
        if asset is not None and asset.content_type.startswith("text/html"):
            policy = _PAGE_POLICY.format(inline=asset.inline, ancestors=" ".join(("'self'", *self._settings.allowed_origins)))
        response.headers["Content-Security-Policy"] = policy
        # The script is there for other sites to load; what is said in a conversation is not.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin" if request.path == "/widget.js" else "same-origin"
        response.headers.setdefault("Cache-Control", "no-store")
        if request.path.startswith(_API_PREFIX):
            self._add_cors(request, response)

    def _add_cors(self, request: Request, response: HTTPResponse) -> None:
        response.headers["Vary"] = "Origin"
        origin = request.headers.get("origin")
        if origin is not None and self._allowed(request, origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    def _on_error(self, _request: Request | None, error: Exception) -> HTTPResponse:
        """One shape for every refusal: a code for programs, a sentence for people, never what went wrong inside."""
        headers: dict[str, str] = {}
        if isinstance(error, Refusal):
            code, status = error.code, int(STATUS[error.code])
            if error.retry_after:
                headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
            if status == STATUS["no_token"]:
                headers["WWW-Authenticate"] = "Bearer"
        elif isinstance(error, SessionEnded):
            code = f"session_{error.why.value}"
            status = int(STATUS[code])
        elif isinstance(error, SanicException):
            status = error.status_code
            code = CODE_OF_STATUS.get(status, "bad_request" if status < 500 else "internal")
            headers.update({str(name): str(value) for name, value in getattr(error, "headers", {}).items() if str(name).lower() == "allow"})
        elif isinstance(error, RedisError):
            code, status = "busy", int(STATUS["busy"])
            headers["Retry-After"] = str(math.ceil(_RETRY_SECONDS))
            logger.error("request failed: Redis is away (%s)", type(error).__name__)
        else:
            code, status = "internal", 500
            logger.error("request failed: %s", type(error).__name__)
        return json({"error": {"code": code, "text": self._errors[code]}}, status=status, headers=headers)


def _sse(kind: str, data: str, number: int | None = None) -> str:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {kind}\ndata: {data}\n\n"


def _plain(event: Event) -> str:
    return f'{{"id":{event.id},"kind":"{event.kind}","data":{event.data}}}'


def _dump_events(answer: dict[str, Any]) -> str:
    """An answer to a poll; the data of events is JSON already."""
    flags = ",".join(f'"{name}":{"true" if answer[name] else "false"}' for name in ("reset", "typing"))
    return f'{{{flags},"events":[{",".join(answer["events"])}]}}'


def _send_asset(asset: Asset, headers: dict[str, str], request: Request) -> HTTPResponse:
    if "gzip" in request.headers.get("accept-encoding", "").lower():
        return raw(asset.zipped, headers={**headers, "Content-Encoding": "gzip"}, content_type=asset.content_type)
    return raw(asset.body, headers=headers, content_type=asset.content_type)


def _read_openapi(max_characters: int) -> dict[str, Any]:
    """The description of the API, with the limits of these settings."""
    text = (Path(STATIC) / "openapi.yml").read_text(encoding="utf-8")
    description: dict[str, Any] = yaml.safe_load(text)
    description["components"]["schemas"]["TextMessage"]["properties"]["text"]["maxLength"] = max_characters
    return description
