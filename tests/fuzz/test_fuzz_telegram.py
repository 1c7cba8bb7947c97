"""The webhook of Telegram: without its secret, and with it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import strategies as st
from web.conftest import Server, free_port

from bot.channels.telegram import SECRET_HEADER, WEBHOOK_PATH
from bot.channels.telegram_store import Secrets

from .conftest import AWKWARD, JSON, fuzz

_SECRET = "a secret of at least 16 characters"
_NUMBER = st.integers(-(2**70), 2**70) | st.integers(1, 10)
_PERSON = st.fixed_dictionaries(
    {"id": _NUMBER, "is_bot": st.booleans(), "first_name": AWKWARD}, optional={"username": AWKWARD, "language_code": JSON}
)
_CHAT = st.fixed_dictionaries(
    {"id": _NUMBER, "type": st.sampled_from(["private", "group", "supergroup", "channel", "nonsense"])}, optional={"title": JSON}
)
_MESSAGE = st.fixed_dictionaries(
    {"message_id": _NUMBER, "date": _NUMBER, "chat": _CHAT},
    optional={"from": _PERSON, "text": AWKWARD | JSON, "photo": JSON, "entities": JSON, "contact": JSON, "location": JSON, "reply_to_message": JSON, "new_chat_members": JSON},
)  # fmt: skip
_CALLBACK = st.fixed_dictionaries(
    {"id": AWKWARD, "from": _PERSON, "chat_instance": AWKWARD}, optional={"message": _MESSAGE, "data": AWKWARD | JSON}
)
UPDATES = st.fixed_dictionaries(
    {"update_id": _NUMBER},
    optional={"message": _MESSAGE | JSON, "edited_message": _MESSAGE, "callback_query": _CALLBACK | JSON, "my_chat_member": JSON, "inline_query": JSON, "poll": JSON},
)  # fmt: skip


@pytest.fixture(scope="module")
def telegram() -> Iterator[Any]:
    """Telegram on this machine, in a thread."""
    from fake_telegram import FakeTelegram

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    fake = FakeTelegram()
    asyncio.run_coroutine_threadsafe(fake.start(), loop).result()
    yield fake
    asyncio.run_coroutine_threadsafe(fake.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)


@pytest.fixture(scope="module")
def hooked(telegram: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A bot with a webhook."""
    port = free_port()
    settings = {
        "TELEGRAM_TOKEN": telegram.token,
        "TELEGRAM_API_URL": telegram.url,
        "TELEGRAM_SECRET": _SECRET,
        "TELEGRAM_WEBHOOK_URL": f"http://127.0.0.1:{port}",
    }
    running = Server(tmp_path_factory.mktemp("telegram") / "data", port, **settings).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def post(hooked: Server) -> Iterator[Any]:
    """Calls the webhook."""
    with httpx.Client(base_url=hooked.url, timeout=30) as http:
        yield lambda body, secret: http.post(WEBHOOK_PATH, content=body, headers={SECRET_HEADER: secret} if secret is not None else {})


def test_without_the_secret_nothing_is_read(post: Any) -> None:
    right = Secrets(_SECRET.encode()).webhook

    @fuzz("Telegram webhook, without the secret", body=JSON, secret=st.none() | st.text("0123456789abcdef", max_size=64) | st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=80))  # fmt: skip
    def check(body: Any, secret: str | None) -> None:
        if secret != right:
            assert post(json.dumps(body), secret).status_code == 403


def test_with_the_secret_any_update_is_taken_or_refused(post: Any, hooked: Server) -> None:
    right = Secrets(_SECRET.encode()).webhook

    @fuzz("Telegram webhook, updates", body=UPDATES | JSON)
    def check(body: Any) -> None:
        assert post(json.dumps(body), right).status_code in (200, 400)

    @fuzz("Telegram webhook, bytes", body=st.binary(max_size=300))
    def bytes_(body: bytes) -> None:
        assert post(body, right).status_code in (200, 400)

    assert httpx.get(f"{hooked.url}/health", timeout=30).json()["channels"]["telegram"] == "webhook"
    assert "Traceback" not in hooked.log.read_text()
