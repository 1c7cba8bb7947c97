"""The bot as a process of its own: ``wegwijzer run`` and ``wegwijzer telegram check`` as an operator starts them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fake_telegram import FakeTelegram, Person
from fake_telegram import until as wait_until
from telegram_host import SECRET

from bot.channels.telegram_store import Secrets
from bot.channels.telegram_texts import COMMANDS, load_telegram_texts

pytestmark = pytest.mark.asyncio
TEXTS = load_telegram_texts()
STORY = ("/start", "ze slaan mij elke dag op school en ik ben 14 jaar", "/help", "/taal", "/stop")


def environment(folder: Path, telegram: FakeTelegram, **more: str) -> dict[str, str]:
    given = {
        "WEGWIJZER_DATA_DIR": str(folder),
        "TELEGRAM_TOKEN": telegram.token,
        "TELEGRAM_API_URL": telegram.url,
        "TELEGRAM_SECRET": SECRET,
    }
    return {**os.environ, **given, **more}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


Until = Callable[[Callable[[], Any]], Awaitable[Any]]


@contextlib.asynccontextmanager
async def running(port: int, env: dict[str, str], log: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Until]]:
    """The bot, and a way to wait for something that fails when the bot has ended by itself."""
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", "--port", str(port), env=env, stdout=file, stderr=file
        )

    async def until(condition: Callable[[], Any]) -> Any:
        return await wait_until(lambda: condition() or (process.returncode is not None and pytest.fail(log.read_text())))

    try:
        yield process, until
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def command(env: dict[str, str]) -> tuple[int, str, str]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "telegram", "check", env=env, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_killed_in_the_middle_it_goes_on_where_it_was(
    telegram: FakeTelegram, people: Callable[..., Person], tmp_path: Path, mode: str
) -> None:
    """Several times killed without warning, in the middle of forty conversations: every chat ends with the same messages in the same order."""
    port = free_port()
    env = environment(tmp_path / "data", telegram, **({"TELEGRAM_WEBHOOK_URL": f"http://127.0.0.1:{port}"} if mode == "webhook" else {}))
    crowd = [people(f"P{number}") for number in range(40)]
    log = tmp_path / "log"

    def sent() -> int:
        return sum(len(person.texts) for person in crowd)

    async with running(port, env, log) as (_process, until):
        crowd[0].say(STORY[0])
        await until(lambda: crowd[0].texts)
    for person in crowd:
        for words in STORY[1:] if person is crowd[0] else STORY:
            person.say(words)
    for _kill in range(3):
        async with running(port, env, log) as (process, until):
            before = sent()
            await until(lambda before=before: sent() > before + 20)
            process.send_signal(signal.SIGKILL)
    async with running(port, env, log) as (_process, until):
        await until(lambda: telegram.pending == 0 and all(person.texts and TEXTS.lines("stop")[0] in person.texts[-1] for person in crowd))
    expected = crowd[0].texts
    assert len(expected) >= len(STORY)
    beginnings = [[text[:50] for text in person.texts] for person in crowd]
    assert beginnings == [beginnings[0]] * len(crowd)
    for person in crowd:
        assert person.texts == expected
    # No id, name or word of a user, and no token, is in any file of the bot's Telegram store or in its log.
    files = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("telegram*")) + log.read_bytes()
    for readable in (str(crowd[3].id), "Peeters", "_2010", "slaan mij", telegram.token):
        assert readable.encode() not in files
    everything = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert Secrets(SECRET.encode()).pseudonym(crowd[3].id).encode() in everything
    assert str(crowd[3].id).encode() not in everything
    assert b"Peeters" not in everything


async def test_a_wrong_token_is_one_line_and_the_web_still_runs(telegram: FakeTelegram, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    wrong = "110201543:AAFwrongwrongwrongwrongwrongwrongwro"
    async with (
        running(port, environment(tmp_path / "data", telegram, TELEGRAM_TOKEN=wrong), log) as (_, until),
        aiohttp.ClientSession() as session,
    ):
        await until(lambda: b"TELEGRAM_TOKEN" in log.read_bytes())
        await until(lambda: b"ready" in log.read_bytes())
        async with session.get(f"http://127.0.0.1:{port}/health") as response:
            assert response.status == 200
            health = await response.json()
    assert health["status"] == "ready"
    assert health["channels"] == {"web": "up", "telegram": "refused"}
    assert set(health) == {"status", "model", "channels"}
    lines = [line for line in log.read_text().splitlines() if "TELEGRAM_TOKEN" in line]
    assert len(lines) == 1
    assert "Traceback" not in log.read_text()
    assert wrong not in log.read_text()


@pytest.mark.parametrize(("token", "url", "expected"), [("", "", "off"), ("own", "", "polling"), ("own", "own", "webhook")])
async def test_health_says_how_telegram_is_reached(telegram: FakeTelegram, tmp_path: Path, token: str, url: str, expected: str) -> None:
    port = free_port()
    given = {"TELEGRAM_TOKEN": token and telegram.token, "TELEGRAM_WEBHOOK_URL": url and f"http://127.0.0.1:{port}"}
    log = tmp_path / "log"
    async with running(port, environment(tmp_path / "data", telegram, **given), log) as (_, until), aiohttp.ClientSession() as session:
        await until(lambda: b"ready" in log.read_bytes())
        status = "starting"
        while status == "starting":
            async with session.get(f"http://127.0.0.1:{port}/health") as response:
                answer = await response.json()
            status = answer["channels"]["telegram"]
    assert status == expected
    assert answer["channels"]["web"] == "up"
    assert telegram.token not in str(answer)


async def test_the_webhook_of_the_server_wants_the_secret(telegram: FakeTelegram, people: Callable[..., Person], tmp_path: Path) -> None:
    port = free_port()
    env = environment(tmp_path / "data", telegram, TELEGRAM_WEBHOOK_URL=f"http://127.0.0.1:{port}")
    async with running(port, env, tmp_path / "log") as (_, until), aiohttp.ClientSession() as session:
        await until(lambda: telegram.webhook)
        for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guess"}):
            async with session.post(telegram.webhook["url"], json={"update_id": 1}, headers=headers) as response:
                assert response.status == 403
        async with session.get(telegram.webhook["url"]) as response:
            assert response.status == 405
        noor = people("Noor")
        noor.say("/help")
        await until(lambda: noor.texts)


# --- wegwijzer telegram check ---


async def test_check_says_what_is_set(telegram: FakeTelegram, tmp_path: Path) -> None:
    status, out, err = await command(environment(tmp_path, telegram))
    assert (status, err) == (0, "")
    assert "@WegwijzerBot" in out
    assert "no webhook" in out
    assert "commands: none" in out
    assert "note: the commands differ" in out
    telegram.commands = [{"command": name, "description": TEXTS.commands[name]} for name in COMMANDS]
    telegram.description, telegram.short_description = TEXTS.profile.description, TEXTS.profile.short_description
    status, out, _err = await command(environment(tmp_path, telegram))
    assert status == 0
    assert "note:" not in out
    assert "/wis" in out
    assert telegram.token not in out
    assert not [call for call in telegram.calls if call.method.startswith(("set", "delete"))]


PROBLEMS: dict[str, tuple[dict[str, Any], str]] = {
    "no token": ({"TELEGRAM_TOKEN": ""}, "TELEGRAM_TOKEN is not set"),
    "no such form": ({"TELEGRAM_TOKEN": "abc"}, "TELEGRAM_TOKEN is no token"),
    "refused": ({"TELEGRAM_TOKEN": "110201543:AAFwrongwrongwrongwrongwrongwrongwro"}, "Telegram refuses TELEGRAM_TOKEN"),
    "not reached": ({"TELEGRAM_API_URL": "http://127.0.0.1:9"}, "cannot be reached"),
    "secret too short": ({"TELEGRAM_SECRET": "short"}, "TELEGRAM_SECRET: needs at least 16 characters"),
    "no https": ({"TELEGRAM_WEBHOOK_URL": "http://example.be"}, "TELEGRAM_WEBHOOK_URL: must begin with https://"),
}


@pytest.mark.parametrize("name", PROBLEMS)
async def test_check_has_a_line_for_each_problem(telegram: FakeTelegram, tmp_path: Path, name: str) -> None:
    given, line = PROBLEMS[name]
    status, out, err = await command({**environment(tmp_path, telegram), **given})
    assert status == 2
    assert line in err
    assert len(err.splitlines()) == 1
    assert out == ""


async def test_check_tells_of_a_webhook_that_telegram_cannot_reach(telegram: FakeTelegram, tmp_path: Path) -> None:
    telegram.webhook = {"url": "https://old.example/telegram"}
    telegram.webhook_error = "Connection timed out"
    status, out, err = await command(environment(tmp_path, telegram))
    assert status == 2
    assert "Connection timed out" in err
    assert "TELEGRAM_WEBHOOK_URL is not set" in out
