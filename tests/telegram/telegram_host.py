"""A channel of the bot that a test starts, stops and starts again."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any

from aiohttp import web
from fake_telegram import FakeTelegram, Person, until

from bot.channels.telegram import SECRET_HEADER, WEBHOOK_PATH, TelegramChannel
from bot.channels.telegram_delivery import Patience
from bot.channels.telegram_store import Secrets
from bot.runtime.bot import Bot
from bot.runtime.settings import Settings, load_settings

SECRET = "a secret of at least 16 characters"
#: Short waits, so that faults pass quickly; nothing is measured by them.
QUICK = Patience(connect=2.0, answer=2.0, poll=1.0, pause=0.02, longest_pause=0.2, stop=10.0, typing=0.0)


class Host:
    """A channel in a process of its own, as far as that can be: it can be started, stopped and started again on the same folder."""

    def __init__(self, bot: Bot, telegram: FakeTelegram, folder: Path, mode: str) -> None:
        self.bot, self.telegram, self.folder, self.mode = bot, telegram, folder, mode
        self._stack = contextlib.AsyncExitStack()
        self._port = 0

    def settings(self, **more: Any) -> Settings:
        given = {"telegram_webhook_url": f"http://127.0.0.1:{self._port}"} if self.mode == "webhook" else {}
        return load_settings(
            **{
                "data_dir": self.folder,
                "telegram_token": self.telegram.token,
                "telegram_secret": SECRET,
                "telegram_api_url": self.telegram.url,
                "telegram_per_second": 1000,
                "messages_per_minute": 6000,
                **given,
                **more,
            }
        )

    async def start(self, patience: Patience = QUICK, wait: bool = True, **more: Any) -> TelegramChannel:
        listener = socket.create_server(("127.0.0.1", self._port)) if self.mode == "webhook" else None
        if listener:
            self._port = listener.getsockname()[1]
        self.channel = TelegramChannel(self.bot, self.settings(**more), patience)
        if listener:
            await self._serve(listener)
        await self.channel.start()
        if wait:
            await until(lambda: self.channel.status in ("polling", "webhook"))
        return self.channel

    async def _serve(self, listener: socket.socket) -> None:
        """The webhook over HTTP. (Sanic rewrites its own classes and can serve one application in a process; see the tests of the process.)"""

        async def receive(request: web.Request) -> web.Response:
            return web.Response(status=await self.channel.webhook(request.headers.get(SECRET_HEADER), await request.read()))

        app = web.Application()
        app.router.add_post(WEBHOOK_PATH, receive)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        self._stack.push_async_callback(runner.cleanup)

    async def stop(self) -> None:
        await self.channel.stop()
        await self._stack.aclose()

    async def settled(self) -> None:
        """All that was sent to the bot is answered."""
        await until(lambda: self.telegram.pending == 0 and self.channel.chats_waiting == 0)

    async def slots(self, person: Person) -> dict[str, Any]:
        """What the bot remembers of a conversation."""
        tracker = await self.bot._store.retrieve(Secrets(SECRET.encode()).pseudonym(person.id))
        return tracker.current_slot_values() if tracker else {}
