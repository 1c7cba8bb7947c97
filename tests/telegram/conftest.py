"""The real bot with its trained model, and Telegram on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from fake_telegram import FakeTelegram, Person
from telegram_host import Host

from bot.runtime.bot import Bot
from bot.runtime.settings import load_settings


@pytest.fixture(scope="session")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    loaded = Bot.load(load_settings(data_dir=tmp_path_factory.mktemp("bot")))
    yield loaded
    loaded.close()


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    server = FakeTelegram()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=["polling", "webhook"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture
async def host(bot: Bot, telegram: FakeTelegram, tmp_path: Path, mode: str) -> AsyncIterator[Host]:
    """A running channel, in both modes."""
    host = Host(bot, telegram, tmp_path, mode)
    await host.start()
    yield host
    await host.stop()


@pytest_asyncio.fixture
async def polling(bot: Bot, telegram: FakeTelegram, tmp_path: Path) -> AsyncIterator[Host]:
    """A channel by long polling that the test starts itself."""
    host = Host(bot, telegram, tmp_path, "polling")
    yield host
    await host.stop()


_numbers = iter(range(41_000_000, 42_000_000))


@pytest.fixture
def people(telegram: FakeTelegram) -> Callable[..., Person]:
    """New people, each with an id that no other test uses."""
    return lambda name="Lotte": telegram.person(next(_numbers), name)


@pytest.fixture
def lotte(people: Callable[..., Person]) -> Person:
    return people()
