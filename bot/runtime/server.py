"""``wegwijzer run``: the bot, its actions and its channels in one process."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import socket
from importlib.metadata import version
from typing import TYPE_CHECKING

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, json
from sanic.server.protocols.http_protocol import HttpProtocol

from bot.channels.web import WebChannel
from bot.console.child import ConsoleProcess
from bot.runtime import logs, metrics
from bot.runtime.bot import Bot
from bot.runtime.errors import UserError
from bot.runtime.redis_link import reaches
from bot.runtime.settings import Settings
from bot.runtime.strict_http import StrictHttpProtocol

if TYPE_CHECKING:
    from bot.channels.telegram import TelegramChannel

logger = logging.getLogger(__name__)

_BACKLOG = 1024
#: Each open event stream takes a file descriptor; the usual limit of 1,024 would be the first thing to run out.
_WANTED_FILES = 65536
_SHUTDOWN_SECONDS = 2.0


class PortError(UserError):
    """A port that cannot be listened on; one line."""


def serve(settings: Settings, port: int, console_port: int = 0) -> int:
    """Run until the process is told to stop; the exit status.

    Args:
        console_port: where the moderators' console listens, in a process of its own; 0 starts none.

    Raises:
        UserError: the port is in use, or there is no model that works.
        ContentError: the content cannot be used.
    """
    listener = _listen_on(settings.host, port)
    try:
        _raise_file_limit()
        _new_event_loop_policy()
        asyncio.run(_serve(settings, listener, port, console_port))
    finally:
        listener.close()
    return 0


def _listen_on(host: str, port: int) -> socket.socket:
    """A socket that holds the port: whether it is free is known before the model is read."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Bound alone would let a second server bind too; a connection waits here until the bot is ready.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    return listener


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(_WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _new_event_loop_policy() -> None:
    """The faster event loop, where it exists for this system."""
    try:
        import uvloop
    except ImportError:
        return
    uvloop.install()


async def _serve(settings: Settings, listener: socket.socket, port: int, console_port: int) -> None:
    print("Wegwijzer is starting ...", flush=True)
    # Held before the model is read: a port that is in use is said at once.
    stop_metrics = metrics.serve(settings.metrics_host, settings.metrics_port) if settings.metrics_port else None
    bot = Bot.load(settings)
    try:
        await bot.check()
        channel = WebChannel(bot, settings)
        telegram = _telegram(bot, settings)
        transcripts = bot.transcripts
        metrics.watch(
            channel.open_streams,
            metrics.in_loop(channel.messages_waiting),
            transcripts.counts() if transcripts else {},
            lambda: transcripts.lost if transcripts else 0,
        )
        app = make_app(bot, channel, telegram)
        server = await app.create_server(
            sock=listener,
            return_asyncio_server=True,
            access_log=False,
            protocol=StrictHttpProtocol,
            asyncio_server_kwargs={"start_serving": False},
        )
        assert server  # what return_asyncio_server asks for
        await server.startup()  # type: ignore[no-untyped-call]
        await channel.start()
        if telegram:
            await telegram.start()
        await server.start_serving()  # type: ignore[no-untyped-call]
        print(_address_line(settings.host, port), flush=True)
        console = ConsoleProcess(settings, console_port)
        console.start()
        await _told_to_stop()
        await console.stop()
        server.close()  # type: ignore[no-untyped-call]
        await channel.stop()
        if telegram:
            await telegram.stop()
        await _drain(server.connections)
    finally:
        # Its thread asks the transcripts how they are: it ends before they do.
        if stop_metrics:
            stop_metrics()
        await bot.disconnect()
        bot.close()


def _telegram(bot: Bot, settings: Settings) -> TelegramChannel | None:
    """The Telegram channel, where there is a token: its packages take 20 MB that a bot on the web alone does without."""
    if settings.telegram_token is None:
        return None
    from bot.channels.telegram import TelegramChannel

    return TelegramChannel(bot, settings)


def make_app(bot: Bot, channel: WebChannel, telegram: TelegramChannel | None) -> Sanic:
    """The web application: what says that it is alive, the web channel, and the webhook of Telegram."""
    Sanic.test_mode = False
    app = Sanic("wegwijzer", configure_logging=False, register=False)
    app.config.FALLBACK_ERROR_FORMAT = "json"
    app.config.KEEP_ALIVE_TIMEOUT = 75
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = _SHUTDOWN_SECONDS
    # Sanic writes the address of a request that was broken off; nothing of a visitor belongs in a log.
    for name in ("sanic.root", "sanic.access", "sanic.error"):
        logging.getLogger(name).setLevel(logging.CRITICAL)

    async def health(_request: Request) -> HTTPResponse:
        # Ready is ready: a token that Telegram refuses is no reason to restart the web channel.
        answer = {"status": "ready", "model": bot.model_id, "channels": {"web": "up", "telegram": telegram.status if telegram else "off"}}
        if bot.redis is None:
            return json(answer)
        there = await reaches(bot.redis)
        answer |= {"status": "ready" if there else "waiting", "redis": "up" if there else "away"}
        return json(answer, status=200 if there else 503)

    async def version_(_request: Request) -> HTTPResponse:
        return json({"wegwijzer": version("wegwijzer"), "rasa": version("rasa"), "model": bot.model.name})

    async def begin(request: Request) -> None:
        request.ctx.id = logs.begin_request()

    async def name_request(request: Request, response: HTTPResponse) -> None:
        response.headers["X-Request-ID"] = getattr(request.ctx, "id", "")

    app.register_middleware(begin, "request")
    app.register_middleware(name_request, "response")  # type: ignore[arg-type]
    app.add_route(health, "/health", methods=["GET"])
    app.add_route(version_, "/version", methods=["GET"])
    channel.register(app)
    if telegram:
        telegram.register(app)
    return app


def _address_line(host: str, port: int) -> str:
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host  # noqa: S104 (only compared)
    return f"Wegwijzer is ready. Open http://{shown}:{port}/ (demo site) or http://{shown}:{port}/chat (full page); Ctrl-C stops it."


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()


async def _drain(connections: set[HttpProtocol]) -> None:
    """Let the answers that are being sent go out, then close what is left."""
    deadline = asyncio.get_running_loop().time() + _SHUTDOWN_SECONDS
    for connection in list(connections):
        connection.close_if_idle()
    while connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 (Sanic tells nobody when one has gone)
        await asyncio.sleep(0.05)
    for connection in list(connections):
        connection.abort()  # type: ignore[no-untyped-call]
