"""A real server in its own process and a real browser."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .redis_process import RedisServer

PROJECT = Path(__file__).resolve().parents[2]
SCREENSHOTS = PROJECT / "results" / "web"

#: Limits that no test reaches by accident; the tests of the limits start a server of their own.
ROOMY = {
    "WEGWIJZER_MESSAGES_PER_MINUTE": "100000",
    "WEGWIJZER_ADDRESS_MESSAGES_PER_MINUTE": "100000",
    "WEGWIJZER_SESSIONS_PER_HOUR": "100000",
    "WEGWIJZER_STREAMS_PER_ADDRESS": "1000",
    "WEGWIJZER_CONSOLE_PORT": "0",
}
_READY_SECONDS = 120
_FETCH_SECONDS = 300


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """``wegwijzer run`` in a process; can be stopped, killed and started again on the same data."""

    program: tuple[str, ...] = ("-m", "bot")

    def __init__(self, data_dir: Path, port: int = 0, **env: str) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._env = {**os.environ, **ROOMY, "WEGWIJZER_DATA_DIR": str(data_dir), **env}
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """Start it and wait until it says that it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.program, "run", "--port", str(self.port)], cwd=PROJECT, env=self._env, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server stopped: {self.log.read_text()[-2000:]}")
            try:
                if httpx.get(f"{self.url}/health", timeout=_READY_SECONDS).status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.1)
        self.stop(signal.SIGKILL)
        raise RuntimeError("the server did not become ready")

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Stop it; its exit status."""
        assert self.process
        self.process.send_signal(how)
        status = self.process.wait(timeout=30)
        self.process = None
        return status

    def open_session(self, **headers: str) -> Client:
        """A new conversation over plain HTTP."""
        answer = httpx.post(f"{self.url}/chat/session", json={}, headers=headers)
        answer.raise_for_status()
        return Client(self, answer.json()["token"])


class Client:
    """One conversation over plain HTTP."""

    _count = 0

    def __init__(self, server: Server, token: str) -> None:
        self.server = server
        self.token = token
        self.http = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def send(self, text: str, message_id: str | None = None) -> httpx.Response:
        """Send a text."""
        Client._count += 1
        return self.http.post("/chat/message", json={"id": message_id or f"message-{Client._count:08d}", "text": text})

    def tap(self, button: str) -> httpx.Response:
        """Tap a button."""
        Client._count += 1
        return self.http.post("/chat/message", json={"id": f"message-{Client._count:08d}", "button": button})

    def poll(self, after: int = 0, typing: str = "0") -> dict[str, Any]:
        """One answer of the long poll."""
        answer = self.http.get("/chat/poll", params={"after": after, "typing": typing})
        answer.raise_for_status()
        return dict(answer.json())

    def settled(self, after: int = 0) -> list[dict[str, Any]]:
        """All events after a number, once the bot has finished."""
        while True:
            answer = self.poll(after)
            if answer["events"] and not answer["typing"]:
                return list(answer["events"])
            time.sleep(0.02)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that leave it as it was."""
    running = Server(tmp_path_factory.mktemp("web") / "data").start()
    yield running
    running.stop()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Any]:
    """Starts servers with settings of their own; stops what is still running."""
    made: list[Server] = []

    def make(**env: str) -> Server:
        made.append(Server(tmp_path / f"data{len(made)}", **env))
        return made[-1].start()

    yield make
    for one in made:
        if one.process:
            one.stop()


def _find_browser() -> str | None:
    return next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


def _debian_browser() -> str:
    """Install Debian's Chromium; the reason why not, or nothing."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return "no Chromium on the PATH, and Debian's package needs root"
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]):
        done = subprocess.run(command, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False)
        if done.returncode:
            return f"'{' '.join(command)}' failed"
    return ""


def _playwright_browser() -> str:
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        # Where the internet is shut without a word, it would go on trying for very long.
        done = subprocess.run(command, capture_output=True, check=False, timeout=_FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        return "Playwright's own could not be fetched in time"
    return "Playwright's own could not be fetched" if done.returncode else ""


def _launch(playwright: Any) -> tuple[Any, str]:
    """Chromium (the one that is there, Debian's, or Playwright's own), or the reason why there is none."""
    reasons: list[str] = []
    path = _find_browser()
    if not path:
        reasons.append(_debian_browser())
        path = _find_browser()
        if not path:
            reasons.append(_playwright_browser())
            if reasons[-1]:
                return None, "; ".join(filter(None, reasons))
    # Chromium's own sandbox does not start as root, and its shared memory is small in containers.
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"] if os.geteuid() == 0 else []
    try:
        return playwright.chromium.launch(executable_path=path, args=arguments), ""
    except Exception as error:  # noqa: BLE001 (libraries that are missing, for instance)
        return None, "; ".join(filter(None, [*reasons, f"Chromium does not start: {str(error).splitlines()[0]}"]))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say loudly which tests did not run for want of a browser, or of what else the widget's tests need, and why."""
    reasons: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = (report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)).removeprefix("Skipped: ")
        if report.nodeid.startswith("tests/web/") or reason.startswith("no browser"):
            reasons.setdefault(reason, []).append(report.nodeid)
    if not reasons:
        return
    terminalreporter.section("TESTS WITH A BROWSER DID NOT RUN", sep="!", red=True)
    for reason, names in reasons.items():
        terminalreporter.line(f"{len(names)} did not run: {reason}")
        for name in sorted({name.partition("[")[0] for name in names}):
            terminalreporter.line(f"  {name}")


@pytest.fixture(scope="module")  # no longer: while it is open, an event loop runs in this thread, and others cannot start theirs
def browser() -> Iterator[Any]:
    """Chromium, fetched where it can be."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20000)
    with sync_playwright() as playwright:
        chromium, reason = _launch(playwright)
        if not chromium:
            pytest.skip(f"no browser: {reason}")
        yield chromium
        chromium.close()


SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}


@pytest.fixture
def new_page(browser: Any) -> Iterator[Any]:
    """Makes pages, each in a context of its own unless one is given; errors in the page fail the test."""
    contexts: list[Any] = []
    problems: list[str] = []

    def make(url: str = "", size: str = "phone", context: Any = None, **options: Any) -> Any:
        if context is None:
            context = browser.new_context(
                viewport=SIZES[size], has_touch=size == "phone", device_scale_factor=2 if size == "phone" else 1, locale="nl-BE", **options
            )
            context.set_default_timeout(20000)
            contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if _is_problem(message.text) else None)
        if url:
            page.goto(url)
        return page

    yield make
    for context in contexts:
        context.close()
    assert not problems


def _is_problem(text: str) -> bool:
    """Something that a page of ours was not allowed to do; that another site may not frame it is as it should be."""
    return "Content Security Policy" in text and "frame-ancestors" not in text


def shoot(page: Any, name: str) -> None:
    """Keep a picture of a state for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    size = "phone" if page.viewport_size["width"] < 600 else "desktop"
    page.wait_for_timeout(1400)  # the pieces of an answer come in one after the other
    page.screenshot(path=SCREENSHOTS / f"{name}-{size}.png")


@pytest.fixture(scope="module")
def redis_process() -> Iterator[RedisServer]:
    """A real Redis for one file of tests."""
    running = RedisServer().start()
    yield running
    running.end()


@pytest.fixture
def redis_server(redis_process: RedisServer) -> RedisServer:
    """It, empty."""
    redis_process.client.flushall()
    return redis_process
