"""What the tests of the decision logic share: the real content, the signpost over it, and two moments."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.wegwijzer.content import Content, load_content
from bot.wegwijzer.hours import BRUSSELS
from bot.wegwijzer.render import Renderer
from bot.wegwijzer.signpost import Signpost

#: A Wednesday that is no holiday: in the afternoon, and in the night.
AFTERNOON = dt.datetime(2026, 11, 18, 15, tzinfo=BRUSSELS)
NIGHT = dt.datetime(2026, 11, 18, 3, tzinfo=BRUSSELS)


@pytest.fixture(scope="session")
def content() -> Content:
    return load_content()


@pytest.fixture(scope="session")
def signpost(content: Content) -> Signpost:
    return Signpost(content)


@pytest.fixture(scope="session")
def renderer(content: Content) -> Renderer:
    return Renderer(content)


@pytest.fixture(scope="session")
def afternoon() -> dt.datetime:
    return AFTERNOON


@pytest.fixture(scope="session")
def night() -> dt.datetime:
    return NIGHT
