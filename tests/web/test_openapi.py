"""The served description of the API, and what schemathesis makes of it against a running server."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bot.channels.web_errors import STATUS

from .conftest import Server

schemathesis = pytest.importorskip("schemathesis")
from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from schemathesis.specs.openapi.checks import ignored_auth  # noqa: E402


@pytest.fixture(scope="module")
def schema(server: Server) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


def test_every_route_is_described(server: Server) -> None:
    description = httpx.get(f"{server.url}/openapi.json").json()
    described = {f"{method.upper()} {path}" for path, operations in description["paths"].items() for method in operations}
    assert described == {
        "POST /chat/session",
        "DELETE /chat/session",
        "POST /chat/message",
        "POST /chat/feedback",
        "GET /chat/events",
        "GET /chat/poll",
        "GET /health",
        "GET /version",
    }
    assert description["components"]["schemas"]["TextMessage"]["properties"]["text"]["maxLength"] == 2000


@pytest.mark.parametrize(
    ("operation_id", "mode"),
    [
        ("openSession", "positive"),
        ("openSession", "negative"),
        ("eraseSession", "positive"),
        ("sendMessage", "positive"),
        ("sendMessage", "negative"),
        ("sendFeedback", "positive"),
        ("sendFeedback", "negative"),
        ("pollEvents", "positive"),
        ("pollEvents", "negative"),
        ("health", "positive"),
        ("version", "positive"),
    ],
)
def test_the_server_does_what_the_description_says(server: Server, schema: Any, operation_id: str, mode: str) -> None:
    operation = schema.find_operation_by_id(operation_id)
    generation = schemathesis.GenerationMode.POSITIVE if mode == "positive" else schemathesis.GenerationMode.NEGATIVE
    strategy = operation.as_strategy(generation_mode=generation)
    seen: set[int] = set()

    @settings(max_examples=40, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(case=strategy)
    def check(case: Any) -> None:
        # Each case has a conversation of its own, with an event in it, so that a poll has no need to wait.
        client = server.open_session()
        client.send("hallo")
        case.headers["Authorization"] = f"Bearer {client.token}"
        response = case.call(timeout=60)  # a poll waits for news
        seen.add(response.status_code)
        assert response.status_code < 500
        # The token is ours, whatever was generated; tokens that are not are tested in test_api.py.
        case.validate_response(response, excluded_checks=[ignored_auth])
        if response.status_code >= 400:
            error = response.json()["error"]
            assert error["code"] in STATUS

    check()
    assert seen


def test_a_message_that_fits_the_description_is_taken(server: Server, schema: Any) -> None:
    taken: set[int] = set()

    @settings(max_examples=60, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(case=schema.find_operation_by_id("sendMessage").as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE))
    def check(case: Any) -> None:
        client = server.open_session()
        answer = client.http.post(
            "/chat/message", content=json.dumps(case.body, ensure_ascii=False).encode(), headers={"Content-Type": "application/json"}
        )
        taken.add(answer.status_code)
        # A button that was never offered fits the description too; it is the only thing that may be refused.
        assert answer.status_code == 202 or (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_button")

    check()
    assert 202 in taken
