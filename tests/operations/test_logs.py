"""What stands in the log, and above all what does not."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from web.conftest import PROJECT, Server

#: Each stands in one place of a conversation or of its requests, and nowhere else.
_SECRETS = {
    "name": "Zebulon",
    "phone": "0470 12 34 56",
    "mail": "zebulon@voorbeeld.be",
    "street": "Krokodilstraat",
    "worry": "opgesloten",
    "address": "203.0.113.77",
    "browser": "Quokkabrowser",
    "id": "zebulonsrequest",
    "body": "kapottejson",
    "path": "geheimpad",
    "query": "geheimvraag",
}
_MESSAGES = (
    "ik heet {name} en ik word elke dag gepest op school, bel mij op {phone}",
    "/restart {name}",
    "ze hebben mij {worry} in de {street}, mail {mail}",
    "ik wil niet meer leven {name}",
    "nee dat bedoel ik niet",
)


def _lines(server: Server) -> list[dict[str, Any]]:
    """The log, without what the start says to people."""
    spoken = ("Wegwijzer is ", "The moderators' console is ready", "There is no administrator yet", "  http")
    return [json.loads(line) for line in server.log.read_text(encoding="utf-8").splitlines() if not line.startswith(spoken)]


def _break(path: Path, table: str) -> None:
    database = sqlite3.connect(path)
    database.execute(f"DROP TABLE {table}")
    database.close()


def _speak_badly(server: Server) -> None:
    """Requests that a web server refuses before anything of ours is asked."""
    headers = {"X-Forwarded-For": _SECRETS["address"], "User-Agent": _SECRETS["browser"]}
    httpx.get(f"{server.url}/{_SECRETS['path']}?{_SECRETS['query']}", headers=headers)
    httpx.post(f"{server.url}/chat/message", content=f"{{{_SECRETS['body']}", headers={**headers, "Content-Type": "application/json"})
    for raw in (
        f"GET /{_SECRETS['path']} HTTP/9\r\n\r\n",
        f"{_SECRETS['body']}\r\n\r\n",
        f"POST /chat/message HTTP/1.1\r\nContent-Length: 99\r\n\r\n{_SECRETS['body']}",
    ):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(raw.encode())
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1000)


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_message_and_no_address_reaches_the_log_in_a_whole_conversation(make_server: Any, form: str) -> None:
    server = make_server(WEGWIJZER_LOG_FORMAT=form, WEGWIJZER_PROXIES="1")
    client = server.open_session()
    client.http.headers.update({"X-Forwarded-For": _SECRETS["address"], "User-Agent": _SECRETS["browser"], "X-Request-ID": _SECRETS["id"]})
    last, offered = 0, ""
    for message in _MESSAGES:
        assert client.send(message.format(**_SECRETS)).status_code == 202
        events = client.settled(last)
        last = events[-1]["id"]
        offered = next((option["id"] for event in events for option in event["data"].get("options") or []), offered)
    assert client.tap(offered).status_code == 202
    last = client.settled(last)[-1]["id"]
    _speak_badly(server)
    # From here on nothing works: what is written then is written in haste.
    _break(server.data_dir / "conversations.db", "tracker")
    failing = client.send("{name} zegt {worry}".format(**_SECRETS))
    client.settled(last)
    _break(server.data_dir / "web.db", "event")
    broken = client.send("{name} nog eens".format(**_SECRETS))
    assert broken.status_code == 500
    while broken.headers["X-Request-ID"] not in server.log.read_text(encoding="utf-8"):
        time.sleep(0.05)
    server.stop()

    log = server.log.read_text(encoding="utf-8")
    session = client.token.partition(".")[0]
    for what, secret in {**_SECRETS, "token": client.token, "session": session}.items():
        assert secret.lower() not in log.lower(), what
    for word in ("gepest", "bedoel", "leven"):
        assert word not in log
    assert failing.headers["X-Request-ID"] in log
    assert "request failed" in log
    if form == "json":
        _check_json(server, failing.headers["X-Request-ID"], broken.headers["X-Request-ID"])


def _check_json(server: Server, failing: str, broken: str) -> None:
    lines = _lines(server)
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    turns = [line for line in lines if line["message"] == "turn answered" and line["channel"] == "web"]
    assert len(turns) >= len(_MESSAGES) + 1
    assert all(re.fullmatch("[0-9a-f]{16}", line["request"]) for line in turns)
    assert all(isinstance(line["milliseconds"], int) for line in turns)
    assert len({line["request"] for line in turns}) == len(turns)
    assert [line["level"] for line in lines if line.get("request") == broken] == ["error"]
    # The error of a store that is broken quotes the statement, and with it the conversation: only its type is said.
    said = [line["message"] for line in lines if line.get("request") == failing]
    assert said == ["turn failed: OperationalError", "a failure is not in the transcript: OperationalError", "turn answered"]


_NOISE = """
import asyncio, gc, logging, sys, threading
import bot.__main__
from bot.runtime import logs
from bot.runtime.settings import load_settings
logs.configure(load_settings(log_format=sys.argv[1]))
from bot.runtime.quiet import rasa_logs
rasa_logs()
import structlog, warnings
TEXT = "KROKODIL"
structlog.get_logger("rasa.core.processor").error("processor.failed", text=TEXT)
for name in ("rasa.core.agent", "httpx", "telegram.ext", "asyncio", "sanic.error"):
    logging.getLogger(name).error("it said %s", TEXT)
logging.getLogger("bot.x").error("two places, one value: %s %s", TEXT)
warnings.warn(f"{TEXT} is deprecated", DeprecationWarning)
def fail():
    raise ValueError(TEXT)
try:
    fail()
except ValueError:
    logging.getLogger("bot.x").exception("failed")
thread = threading.Thread(target=fail, name=TEXT)
thread.start()
thread.join()
async def forgotten():
    asyncio.create_task(coroutine())
    await asyncio.sleep(0)
    gc.collect()
async def coroutine():
    fail()
asyncio.run(forgotten())
fail()
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_libraries_and_errors_say_is_left_out(form: str) -> None:
    done = subprocess.run([sys.executable, "-c", _NOISE, form], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "KROKODIL" not in done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert sum("ValueError" in line for line in lines) == 4, done.stderr
    if form == "json":
        assert {json.loads(line)["logger"] for line in lines} >= {"httpx", "asyncio", "bot.x", "bot.runtime.logs", "rasa.core.agent"}
        assert not done.stdout
