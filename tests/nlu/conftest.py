"""The bot with the newest model, loaded once for all tests of what is understood."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.runtime.bot import Bot
from bot.runtime.settings import load_settings


@pytest.fixture(scope="session")
def bot() -> Iterator[Bot]:
    loaded = Bot.load(load_settings(), in_memory=True)
    yield loaded
    loaded.close()
