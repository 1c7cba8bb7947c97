"""The e-mail about a crisis: once, without anything of the conversation, through a real mail server."""

from __future__ import annotations

import asyncore
import smtpd
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bot.console.alerts import Alerts
from bot.console.texts import Texts
from bot.runtime.settings import Settings
from bot.transcripts.audit import AuditLog
from bot.transcripts.database import Database
from bot.wegwijzer.content import Content

from . import store


class Mailbox(smtpd.SMTPServer):
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self._map: dict[int, Any] = {}
        super().__init__(("127.0.0.1", 0), None, map=self._map, decode_data=True)
        self.port = self.socket.getsockname()[1]
        self._running = True
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._running:
            asyncore.loop(timeout=0.05, map=self._map, count=1)

    def process_message(self, _peer: Any, _from: Any, _to: Any, data: str, **_options: Any) -> None:
        self.messages.append(data)

    def stop(self) -> None:
        self._running = False
        self._thread.join()
        self.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.stop()


def alerts(settings: Settings, database: Database, content: Content, port: int) -> Alerts:
    given = {
        "alert_to": "team@example.be",
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_security": "none",
        "console_url": "https://console.example.be",
    }
    return Alerts(settings.copy(update=given), database, Texts(content))


def test_a_crisis_is_told_once_and_without_content(settings: Settings, database: Database, content: Content, mailbox: Mailbox) -> None:
    one = alerts(settings, database, content, mailbox.port)
    assert one.look() == 0
    now = time.time() - 120
    store.add(database, [store.conversation("ik wil niet meer leven", crisis="suicide", urgency=3, at=now), store.conversation(at=now)])
    assert one.look() == 1
    assert one.look() == 0
    assert alerts(settings, database, content, mailbox.port).look() == 0, "another console does not tell it again"
    (message,) = mailbox.messages
    assert "team@example.be" in message and "https://console.example.be" in message
    for word in ("leven", "suicide", "Zelfmoord", "gesprekken/", "victim", "school"):
        assert word not in message
    assert "alert sent" in {entry.action for entry in AuditLog(database).entries()}


def test_an_old_crisis_is_no_news(settings: Settings, database: Database, content: Content, mailbox: Mailbox) -> None:
    store.add(database, [store.conversation(crisis="danger", urgency=3, at=time.time() - 2 * 86400)])
    assert alerts(settings, database, content, mailbox.port).look() == 0


def test_what_could_not_be_sent_is_tried_again(settings: Settings, database: Database, content: Content, mailbox: Mailbox) -> None:
    store.add(database, [store.conversation(crisis="danger", urgency=3, at=time.time() - 60)])
    with pytest.raises(OSError, match="refused"):
        alerts(settings, database, content, 1).look()
    assert alerts(settings, database, content, mailbox.port).look() == 1


def test_without_settings_nothing_is_sent(settings: Settings, database: Database, content: Content) -> None:
    assert not Alerts(settings, database, Texts(content)).wanted
