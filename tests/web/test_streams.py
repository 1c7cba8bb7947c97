"""A thousand open streams from one address: as many as the limit are served, the rest is refused in one sentence, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from .conftest import Client, Server, shoot
from .test_api import _code, _texts

#: Connections that one conversation may hold.
_EACH = 6
_SENTENCE = "Er zijn nu te veel gesprekken vanop jouw netwerk. Probeer het straks opnieuw. Dringend? Bel 102 of 112."


async def _open(port: int, token: str) -> tuple[int, dict[str, str], bytes, asyncio.StreamWriter]:
    """Ask for a stream over a bare socket: status, headers, the body of a refusal, and the connection, which stays open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /chat/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    status = int(lines[0].split()[1])
    body = b"" if status == 200 else await reader.readexactly(int(headers["content-length"]))
    return status, headers, body, writer


def _open_many(server: Server, clients: list[Client], count: int) -> tuple[list[Any], dict[str, Any]]:
    """Open streams, a few at once; the answers, and what the server does with one more message meanwhile."""

    async def run() -> tuple[list[Any], dict[str, Any]]:
        answers: list[Any] = []
        for start in range(0, count, 50):
            group = [_open(server.port, clients[number // _EACH].token) for number in range(start, min(count, start + 50))]
            answers += await asyncio.gather(*group)
        meanwhile = await asyncio.to_thread(_while_it_is_full, clients[-1])
        for *_, writer in answers:
            writer.close()
        return answers, meanwhile

    # In a thread of its own: a browser that is open in this one has an event loop there.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(run())).result()


def _while_it_is_full(client: Client) -> dict[str, Any]:
    refused = client.http.get("/chat/poll")
    return {"poll": (refused.status_code, _code(refused)), "sent": client.send("ik word gepest op school").status_code}


@pytest.mark.parametrize(("limit", "tried"), [(20, 40), (None, 1000)])
def test_streams_beyond_the_limit(make_server: Any, limit: int | None, tried: int) -> None:
    served = limit or 500
    server = make_server(WEGWIJZER_STREAMS_PER_ADDRESS=str(served))
    clients = [server.open_session() for _ in range(-(-tried // _EACH))]
    answers, meanwhile = _open_many(server, clients, tried)
    statuses = [status for status, *_ in answers]
    assert statuses.count(200) == served
    assert statuses.count(429) == tried - served
    for status, headers, body, _ in answers:
        if status == 429:
            assert json.loads(body) == {"error": {"code": "too_many_streams", "text": _SENTENCE}}
            assert int(headers["retry-after"]) >= 1
    assert meanwhile == {"poll": (429, "too_many_streams"), "sent": 202}
    # The streams are closed now: there is room again, and what was said meanwhile has its answer.
    client = clients[-1]
    while client.http.get("/chat/poll").status_code == 429:
        time.sleep(0.05)
    events = client.settled()
    assert _texts(events, "user") == ["ik word gepest op school"]
    assert any(event["kind"] == "bot" for event in events)
    assert "Traceback" not in server.log.read_text()


def test_the_default_limit() -> None:
    from bot.runtime.settings import load_settings

    assert load_settings().streams_per_address == 500


def test_the_widget_says_that_there_are_too_many_and_goes_on_when_there_is_room(make_server: Any, new_page: Any) -> None:
    from playwright.sync_api import expect

    from .test_api import Stream
    from .test_widget import bubbles, say

    server = make_server(WEGWIJZER_STREAMS_PER_ADDRESS="2")
    others = [Stream(server.open_session()) for _ in range(2)]
    page = new_page(f"{server.url}/chat")
    say(page, "ik word gepest op school")
    expect(page.locator("#state")).to_have_text(_SENTENCE)
    shoot(page, "42-too-many-streams")
    for stream in others:
        stream.close()
    page.wait_for_function(
        "() => document.querySelector('wegwijzer-chat').shadowRoot.querySelector('.user ~ .bot:not(.typing)')", timeout=60000
    )
    expect(page.locator("#state")).not_to_contain_text("te veel")
    assert bubbles(page) == ["ik word gepest op school"]
