"""Whether an answer helped, and which help card was tapped: told to the server, only of what the conversation has shown."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

import pytest

from bot.channels.web_sessions import asks_whether_it_helped

from .conftest import SIZES, Client, Server, shoot
from .test_api import _code

QUESTION = "hoe blokkeer ik iemand op whatsapp?"
CRISIS = "ik wil niet meer leven"


def _kept(server: Server, query: str) -> list[tuple[Any, ...]]:
    """Rows of the transcripts, once there are any: they are written a moment later."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        database = sqlite3.connect(f"file:{server.data_dir / 'transcripts.db'}?mode=ro", uri=True)
        try:
            if rows := database.execute(query).fetchall():
                return rows
        except sqlite3.OperationalError:
            # The process that makes the tables starts beside the server, and may still be starting.
            pass
        finally:
            database.close()
        time.sleep(0.1)
    return []


def _tell(client: Client, body: Any) -> Any:
    return client.http.post("/chat/feedback", json=body)


def _asked(events: list[dict[str, Any]]) -> list[bool]:
    return [event["data"]["asks_helpful"] for event in events if "asks_helpful" in event["data"]]


# --- the server ------------------------------------------------------------------------------------------------------


def _option(payload: str) -> dict[str, str]:
    return {"title": "x", "payload": payload}


@pytest.mark.parametrize(
    ("messages", "asks"),
    [
        ([{"type": "text", "id": "dialogue.thanks"}], False),
        ([{"type": "question", "id": "question.role"}], False),
        ([{"type": "tip", "id": "a"}, {"type": "text", "id": "dialogue.x"}], True),
        ([{"type": "step", "id": "a"}], True),
        ([{"type": "helpline", "id": "awel"}], True),
        ([{"type": "text", "id": "crisis.card_intro"}, {"type": "helpline", "id": "awel"}], False),
        ([{"type": "tip", "id": "a"}, {"type": "text", "id": "dialogue.after_advice", "options": [_option("/helpful")]}], False),
        ([{"type": "tip", "id": "a"}, {"type": "text", "id": "x", "options": [_option("/more_tips")]}], True),
        ([], False),
    ],
)
def test_when_it_is_asked(messages: list[dict[str, Any]], asks: bool) -> None:
    assert asks_whether_it_helped(messages) is asks


def test_it_is_asked_once_and_the_answer_is_kept(make_server: Any) -> None:
    server = make_server()
    client = server.open_session()
    refused = _tell(client, {"helpful": True})
    assert (refused.status_code, _code(refused)) == (404, "unknown_button")
    client.send(QUESTION)
    first = client.settled()
    assert _asked(first) == [True]
    client.send("hoe blokkeer ik iemand op instagram?")
    assert _asked(client.settled(first[-1]["id"])) == []
    answer = _tell(client, {"helpful": False})
    assert (answer.status_code, answer.json()) == (202, {"accepted": True})
    assert _kept(server, "SELECT rating FROM conversation WHERE rating IS NOT NULL") == [(0,)]


def test_a_tap_on_a_card_that_was_shown_is_kept(make_server: Any) -> None:
    server = make_server()
    client = server.open_session()
    refused = _tell(client, {"tapped": "zelfmoordlijn"})
    assert (refused.status_code, _code(refused)) == (404, "unknown_button")
    client.send(CRISIS)
    events = client.settled()
    assert _asked(events) == [], "not with a crisis card"
    assert _tell(client, {"tapped": "zelfmoordlijn"}).status_code == 202
    assert _tell(server.open_session(), {"tapped": "zelfmoordlijn"}).status_code == 404, "not in another conversation"
    rows = _kept(server, "SELECT helpline, tapped FROM conversation_referral WHERE tapped > 0")
    assert rows == [("zelfmoordlijn", 1)]
    client.http.delete("/chat/session")
    gone = _tell(client, {"tapped": "zelfmoordlijn"})
    assert (gone.status_code, _code(gone)) == (410, "session_erased")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"helpful": 1}',
        b'{"helpful": "true"}',
        b'{"helpful": null}',
        b'{"tapped": null}',
        b'{"tapped": ["awel"]}',
        b'{"tapped": "?helpful"}',
        b'{"tapped": "Awel"}',
        b'{"tapped": "awel\\n"}',
        b'{"tapped": ""}',
        b'{"tapped": "awel", "helpful": true}',
        b'{"helpful": true, "why": "x"}',
        b"[]",
    ],
)
def test_feedback_in_another_form_is_refused(server: Server, body: bytes) -> None:
    answer = server.open_session().http.post("/chat/feedback", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, _code(answer)) == (422, "wrong_fields")


def test_too_much_feedback_is_refused_and_messages_still_go(make_server: Any) -> None:
    client = make_server(WEGWIJZER_MESSAGES_PER_MINUTE="10").open_session()
    statuses = [_tell(client, {"helpful": True}).status_code for _ in range(12)]
    assert statuses == [404] * 10 + [429] * 2
    assert client.send("hallo").status_code == 202


def test_feedback_needs_a_token_and_an_origin(server: Server) -> None:
    client = server.open_session()
    answer = client.http.post("/chat/feedback", json={"helpful": True}, headers={"Authorization": ""})
    assert (answer.status_code, _code(answer)) == (401, "no_token")
    answer = client.http.post("/chat/feedback", json={"helpful": True}, headers={"Origin": "https://evil.example"})
    assert (answer.status_code, _code(answer)) == (403, "origin_refused")


# --- the widget ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_did_it_help(server: Server, new_page: Any, size: str) -> None:
    from playwright.sync_api import expect

    from .test_widget import say_and_wait

    page = new_page(f"{server.url}/chat", size)
    say_and_wait(page, QUESTION)
    row = page.get_by_role("group", name="Heeft dit je geholpen?")
    expect(row).to_have_count(1)
    shoot(page, "40-did-it-help")
    say_and_wait(page, "hoe blokkeer ik iemand op instagram?")
    expect(row).to_have_count(1)
    with page.expect_request("**/chat/feedback") as asked:
        row.get_by_role("button", name="Nee").click()
    assert json.loads(asked.value.post_data) == {"helpful": False}
    assert asked.value.response().status == 202
    expect(row).to_contain_text("Jammer.")
    shoot(page, "41-thanks")
    page.reload()
    page.wait_for_selector(".tasks")
    expect(row).to_have_count(0)


def test_it_does_not_ask_after_a_crisis_card(server: Server, new_page: Any) -> None:
    from playwright.sync_api import expect

    from .test_widget import say_and_wait

    page = new_page(f"{server.url}/chat")
    say_and_wait(page, CRISIS)
    expect(page.locator(".card").first).to_be_visible()
    assert page.locator(".helped").count() == 0


def test_a_tap_on_a_number_is_told_and_not_held_up(server: Server, new_page: Any) -> None:
    from .test_widget import say_and_wait

    page = new_page(f"{server.url}/chat")
    say_and_wait(page, CRISIS)
    page.evaluate(
        """() => {
            const real = window.fetch;
            window.fetch = (url, init) => { if (String(url).includes('feedback')) window.keepalive = init.keepalive; return real(url, init); };
            addEventListener('click', (event) => { window.prevented = event.defaultPrevented; event.preventDefault(); });
        }"""
    )
    with page.expect_request("**/chat/feedback") as asked:
        page.locator(".card a[href='tel:1813']").first.click()
    assert json.loads(asked.value.post_data) == {"tapped": "zelfmoordlijn"}
    assert asked.value.response().status == 202
    assert page.evaluate("() => [window.keepalive, window.prevented]") == [True, False]


def test_a_server_that_does_not_take_feedback_disturbs_nobody(server: Server, new_page: Any) -> None:
    from playwright.sync_api import expect

    from .test_widget import say_and_wait

    page = new_page(f"{server.url}/chat")
    say_and_wait(page, QUESTION)
    page.route("**/chat/feedback", lambda route: route.abort())
    page.get_by_role("group", name="Heeft dit je geholpen?").get_by_role("button", name="Ja").click()
    expect(page.locator(".helped")).to_contain_text("Fijn.")
    assert page.locator(".notice").count() == 0
    say_and_wait(page, "hallo")
