"""The console as a process: alone, beside the bot, and what happens when either goes."""

from __future__ import annotations

import os
import pty
import re
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

from .conftest import PROJECT

_READY_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """``wegwijzer`` with arguments, its output in a file."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        self.log = folder / f"{arguments[0]}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", *arguments],
                cwd=PROJECT, env={**os.environ, "WEGWIJZER_DATA_DIR": str(folder / "data"), **env}, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, url: str) -> httpx.Response:
        """The first answer of an address."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.said
            try:
                return httpx.get(url, timeout=_READY_SECONDS)
            except httpx.TransportError:
                time.sleep(0.2)
        raise AssertionError(self.said)

    def end(self, how: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=60)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    made: list[Process] = []

    def begin(*arguments: str, **env: str) -> Process:
        made.append(Process(tmp_path, *arguments, **env))
        return made[-1]

    yield begin
    for one in made:
        one.end(signal.SIGKILL)


def is_gone(url: str) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=10)
        except httpx.TransportError:
            return True
        time.sleep(0.2)
    return False


def test_the_console_alone(start: Any, tmp_path: Path) -> None:
    port = free_port()
    console = start("console", "--port", str(port))
    assert console.wait_for(f"http://127.0.0.1:{port}/health").json() == {"status": "ready"}
    # Its output may be a log: the link is in a file of its owner.
    assert "/welkom/" not in console.said and console.said.count("first-link.txt") == 1
    file = tmp_path / "data" / "first-link.txt"
    assert file.stat().st_mode & 0o777 == 0o600
    link = file.read_text().strip()
    assert re.fullmatch(rf"http://localhost:{port}/welkom/[\w-]{{43}}", link)
    assert httpx.get(link.replace("localhost", "127.0.0.1")).status_code == 200
    second = start("console", "--port", str(port))
    assert second.process.wait(timeout=_READY_SECONDS) == 2
    assert "cannot listen on" in second.said and "Traceback" not in second.said
    assert console.end() == 0
    assert "Traceback" not in console.said
    assert link.rpartition("/")[2] not in (tmp_path / "data" / "transcripts.db").read_bytes().decode("latin-1")


def test_a_terminal_is_shown_the_link_itself(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "console", "--port", str(free_port())],
        cwd=PROJECT, env={**os.environ, "WEGWIJZER_DATA_DIR": str(tmp_path / "data")}, stdout=theirs, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    said, deadline = b"", time.monotonic() + _READY_SECONDS
    while b"/welkom/" not in said and time.monotonic() < deadline:
        said += os.read(ours, 1000)
    process.terminate()
    process.wait(timeout=60)
    assert b"/welkom/" in said
    assert not (tmp_path / "data" / "first-link.txt").exists()


def test_accounts_on_the_command_line(start: Any) -> None:
    added = start("user", "add", "Noor", "--role", "admin")
    assert added.process.wait(timeout=_READY_SECONDS) == 0
    assert re.fullmatch(r"http://localhost:5006/welkom/[\w-]{43}\n", added.said)
    again = start("user", "add", "noor")
    assert again.process.wait(timeout=_READY_SECONDS) == 2 and again.said.count("\n") == 1
    listed = start("user", "list")
    assert listed.process.wait(timeout=_READY_SECONDS) == 0
    assert listed.said == "Noor\tadmin\topen\tnever logged in\n"
    nobody = start("user", "link", "Nobody")
    assert nobody.process.wait(timeout=_READY_SECONDS) == 2 and "there is no account 'Nobody'" in nobody.said


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["told to stop", "killed"])
def test_the_console_beside_the_bot_goes_with_it(start: Any, how: int) -> None:
    port, console_port = free_port(), free_port()
    bot = start("run", "--port", str(port), "--console-port", str(console_port))
    bot.wait_for(f"http://127.0.0.1:{port}/health")
    bot.wait_for(f"http://127.0.0.1:{console_port}/health")
    assert "/welkom/" not in bot.said
    bot.end(how)
    assert is_gone(f"http://127.0.0.1:{console_port}/health")
    assert "Fatal" not in bot.said and "Traceback" not in bot.said


def test_a_console_that_cannot_start_does_not_end_the_bot(start: Any) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bot = start("run", "--port", str(port), "--console-port", str(taken.getsockname()[1]))
        bot.wait_for(f"http://127.0.0.1:{port}/health")
        deadline = time.monotonic() + _READY_SECONDS
        while "cannot listen on" not in bot.said and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "cannot listen on" in bot.said and "Traceback" not in bot.said
        assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
        assert bot.process.poll() is None
