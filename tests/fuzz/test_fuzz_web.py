"""The web API, the pages, health, version and the metrics."""

from __future__ import annotations

import json
import os
from typing import Any

import httpx
import pytest
from hypothesis import strategies as st
from web.conftest import Server

from bot.channels.web_errors import STATUS

from .conftest import AWKWARD, EXAMPLES, JSON, fuzz, no_server_error, raw_requests, send_raw

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.specs.openapi.checks import ignored_auth  # noqa: E402

_OPERATIONS = ("openSession", "eraseSession", "sendMessage", "sendFeedback", "pollEvents", "health", "version")
_PATHS = ["/", "/chat", "/widget.js", "/openapi.json", "/health", "/version", "/chat/session", "/chat/message", "/chat/events", "/chat/poll", "/chat/feedback", "/telegram/webhook"]  # fmt: skip


@pytest.fixture(autouse=True)
def still_well(bot_server: tuple[Server, int]) -> Any:
    """After each test the bot answers, and its log says nothing of an error."""
    yield
    server = bot_server[0]
    assert httpx.get(f"{server.url}/health", timeout=30).json()["status"] == "ready"
    client = server.open_session()
    client.send("hallo")
    assert client.settled()
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
@pytest.mark.parametrize("operation", _OPERATIONS)
def test_the_api_keeps_to_its_description(bot_server: tuple[Server, int], operation: str, mode: str) -> None:
    server = bot_server[0]
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    found = schema.find_operation_by_id(operation)
    if mode == "NEGATIVE" and operation in ("eraseSession", "health", "version"):
        pytest.skip("it takes nothing that could be wrong")

    @fuzz(f"web API, {operation}", case=found.as_strategy(generation_mode=schemathesis.GenerationMode[mode]))
    def check(case: Any) -> None:
        client = server.open_session()
        client.send("hallo")
        case.headers["Authorization"] = f"Bearer {client.token}"
        answer = case.call(timeout=60)
        assert answer.status_code < 500
        case.validate_response(answer, excluded_checks=[ignored_auth])
        if answer.status_code >= 400:
            assert answer.json()["error"]["code"] in STATUS


def test_whole_conversations_of_anything(bot_server: tuple[Server, int]) -> None:
    """What people could type: each message is answered."""
    server = bot_server[0]

    @fuzz("web API, texts in a conversation", texts=st.lists(AWKWARD, min_size=1, max_size=3))
    def check(texts: list[str]) -> None:
        client = server.open_session()
        for text in texts:
            answer = client.http.post("/chat/message", json={"id": os.urandom(8).hex(), "text": text})
            assert answer.status_code in (202, 422, 413), answer.text
            if answer.status_code == 202:
                kinds = [event["kind"] for event in client.settled()]
                assert kinds[-1] == "bot"


@pytest.mark.parametrize("path", ["/chat/session", "/chat/message", "/chat/feedback"])
def test_bodies_of_any_shape(bot_server: tuple[Server, int], path: str) -> None:
    client = bot_server[0].open_session()

    @fuzz(f"web API, bodies for {path}", body=JSON)
    def check(body: Any) -> None:
        answer = client.http.post(path, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        assert answer.status_code < 500, answer.text
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/chat/poll"), ("POST", "/chat/message"), ("DELETE", "/chat/session"), ("GET", "/chat/events")]
)
def test_tokens_that_are_not_ours(bot_server: tuple[Server, int], method: str, path: str) -> None:
    server = bot_server[0]
    token = server.open_session().token

    @fuzz(f"web API, tokens for {path}", places=st.lists(st.tuples(st.integers(0, len(token) - 1), st.characters(codec="ascii", exclude_characters="\r\n\x00")), min_size=1, max_size=4))  # fmt: skip
    def check(places: list[tuple[int, str]]) -> None:
        letters = list(token)
        for place, letter in places:
            letters[place] = letter
        changed = "".join(letters)
        if changed.strip() == token:
            return
        try:
            answer = httpx.request(method, server.url + path, headers={"Authorization": f"Bearer {changed}"}, timeout=30)
        except httpx.LocalProtocolError:
            return
        assert answer.status_code in (400, 401), (changed, answer.status_code)


def test_bytes_on_the_public_port(bot_server: tuple[Server, int]) -> None:
    server = bot_server[0]

    @fuzz("raw HTTP, public port", examples=4 * EXAMPLES, data=raw_requests(_PATHS))
    def check(data: bytes) -> None:
        no_server_error(data, send_raw(server.port, data))


def test_bytes_on_the_port_of_the_metrics(bot_server: tuple[Server, int]) -> None:
    @fuzz("raw HTTP, metrics", examples=2 * EXAMPLES, data=raw_requests(["/metrics", "/metrics?name[]=x", "/"]))
    def check(data: bytes) -> None:
        no_server_error(data, send_raw(bot_server[1], data))

    assert httpx.get(f"http://127.0.0.1:{bot_server[1]}/metrics").status_code == 200
