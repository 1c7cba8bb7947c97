"""Users for Locust: people who read, type, tap buttons and load the page again, at a bot of ours or at the example bot of Rasa.

Started by ``benchmarks/big_day.py``. The environment says at which servers (``CROWD_URLS``, with commas) and where each answer is noted
(``CROWD_ANSWERS``, a line each: when it was asked for, in seconds since 1970, and how many seconds it took, or ``failed``).
"""

from __future__ import annotations

import json
import os
import random
import socket
import time
import uuid
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import gevent
from gevent.event import Event
from locust import FastHttpUser, between, events, task
from locust.env import Environment
from locust.exception import StopUser

_URLS = os.environ["CROWD_URLS"].split(",")
#: Seconds in which somebody reads and types.
THINK = (4.0, 12.0)
_TAPS, _RELOADS, _ANSWER_SECONDS = 0.3, 0.1, 60.0
_BLOCKS = Path(__file__).with_name("messages.txt").read_text(encoding="utf-8").split("\n\n")
_SCRIPTS = [[line for line in block.splitlines() if line.strip()] for block in _BLOCKS if block.strip()]
_numbers = count()
_answers: TextIO = open(os.environ["CROWD_ANSWERS"], "w", encoding="utf-8")  # noqa: SIM115 (open as long as the process runs)


@events.request.add_listener
def _note(exception: Any, start_time: float, **_: Any) -> None:
    if exception:
        _answers.write(f"{start_time:.3f} failed\n")


@events.quitting.add_listener
def _close(environment: Environment, **_: Any) -> None:
    _answers.close()


class _Person(FastHttpUser):
    """One person after the other; each has one conversation."""

    abstract = True
    host = _URLS[0]
    wait_time = between(*THINK)
    network_timeout = _ANSWER_SECONDS
    connection_timeout = 10.0

    @task
    def conversation(self) -> None:
        """A whole conversation, with a pause before each message."""
        self.arrive()
        try:
            for text in _SCRIPTS[next(_numbers) % len(_SCRIPTS)]:
                self.wait()
                asked, began = time.time(), time.perf_counter()
                answered = self.say(text)
                took = time.perf_counter() - began
                _answers.write(f"{asked:.3f} {f'{took:.4f}' if answered else 'failed'}\n")
        finally:
            self.leave()

    def server(self) -> str:
        """Any of them, each time."""
        return random.choice(_URLS)  # noqa: S311 (no secret)

    def arrive(self) -> None:
        """Open a conversation."""

    def say(self, text: str) -> bool:
        """Send it, or tap a button of the last answer; whether the whole answer came."""
        raise NotImplementedError

    def leave(self) -> None:
        """Close what is open."""


class WegwijzerPerson(_Person):
    """As the widget does it: a session, an event stream that stays open, messages that are posted; now and then the page anew."""

    def arrive(self) -> None:
        """The page, a session, its stream."""
        self._page()
        with self.client.post(f"{self.server()}/chat/session", json={}, name="session", catch_response=True) as answer:
            if answer.status_code != 201:
                answer.failure(f"{answer.status_code}")
                raise StopUser
            self._token = answer.json()["token"]
        self._asked = ""
        self._buttons: list[str] = []
        self._open()

    def say(self, text: str) -> bool:
        """A tap where buttons are offered, now and then; the page anew, now and then."""
        if random.random() < _RELOADS:  # noqa: S311 (no secret)
            self._stream.kill()
            self._page()
            self._open()
        self._asked = uuid.uuid4().hex
        body = {"id": self._asked, "text": text}
        if self._buttons and random.random() < _TAPS:  # noqa: S311 (no secret)
            body = {"id": self._asked, "button": random.choice(self._buttons)}  # noqa: S311 (no secret)
        self._answered.clear()
        self._buttons = []
        headers = {"Authorization": f"Bearer {self._token}"}
        self.client.post(f"{self.server()}/chat/message", json=body, headers=headers, name="message")
        return self._answered.wait(_ANSWER_SECONDS)

    def leave(self) -> None:
        """The stream."""
        if hasattr(self, "_stream"):
            self._stream.kill()

    def _page(self) -> None:
        server = self.server()
        for path in ("/chat", "/widget.js"):
            self.client.get(f"{server}{path}", name=path, headers={"Accept-Encoding": "gzip"})

    def _open(self) -> None:
        self._answered, opened = Event(), Event()
        self._stream = gevent.spawn(self._listen, urlsplit(self.server()), self._answered, opened)
        opened.wait(_ANSWER_SECONDS)

    def _listen(self, server: Any, answered: Event, opened: Event) -> None:
        """Read the stream, over a bare socket: a heavier client would measure itself."""
        with socket.create_connection((server.hostname, server.port), timeout=_ANSWER_SECONDS) as connection:
            connection.sendall(
                f"GET /chat/events HTTP/1.1\r\nHost: {server.netloc}\r\nAuthorization: Bearer {self._token}\r\n\r\n".encode()
            )
            said, spoken = "", False
            for kind, data in _events(connection, opened):
                if kind == "bot":
                    spoken = True
                    self._buttons = [option["id"] for option in data.get("options") or []]
                elif kind == "user":
                    said, spoken = data["client"], False
                elif kind == "typing" and not data["on"] and spoken and said == self._asked:
                    answered.set()


def _events(connection: socket.socket, opened: Event) -> Iterator[tuple[str, Any]]:
    kind = ""
    for line in connection.makefile("rb"):
        if line.startswith(b": hello"):
            opened.set()
        elif line.startswith(b"event: "):
            kind = line[7:].strip().decode()
        elif line.startswith(b"data: "):
            yield kind, json.loads(line[6:])


class RasaPerson(_Person):
    """The REST channel of Rasa: the answer is the response. There is no page and no stream to load again."""

    def arrive(self) -> None:
        """A new sender."""
        self._sender = uuid.uuid4().hex
        self._buttons: list[str] = []

    def say(self, text: str) -> bool:
        """A tap where buttons are offered, now and then."""
        if self._buttons and random.random() < _TAPS:  # noqa: S311 (no secret)
            text = random.choice(self._buttons)  # noqa: S311 (no secret)
        with self.client.post(
            f"{self.server()}/webhooks/rest/webhook", json={"sender": self._sender, "message": text}, name="message", catch_response=True
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}")
                return False
            self._buttons = [button["payload"] for message in answer.json() for button in message.get("buttons") or []]
        return True
