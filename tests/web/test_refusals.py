"""What the server refuses is said in the widget in one clear sentence, and what was written is not lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from bot.channels.web_errors import STATUS

from .conftest import PROJECT, Server, shoot
from .test_widget import Site, say, say_and_wait, site  # noqa: F401 (a fixture)

pytest.importorskip("playwright")
from playwright.sync_api import expect

SENTENCES: dict[str, str] = yaml.safe_load((PROJECT / "content" / "widget.yml").read_text(encoding="utf-8"))["errors"]
_STORY = "ik word elke dag gepest"

#: Codes that end the conversation, that are waited out, and that come from elsewhere than a message.
_OVER = {"no_token", "bad_token", "expired_token", "session_erased", "session_expired"}
_ELSEWHERE = {"too_fast", "bad_event_id", "too_many_streams"}


def _refuse(page: Any, path: str, code: str) -> None:
    body = json.dumps({"error": {"code": code, "text": "x"}})
    page.route(path, lambda route: route.fulfill(status=int(STATUS[code]), content_type="application/json", body=body))


@pytest.mark.parametrize("code", sorted(set(STATUS) - _OVER - _ELSEWHERE))
def test_a_message_that_is_refused_is_kept(server: Server, new_page: Any, code: str) -> None:
    page = new_page(f"{server.url}/chat")
    _refuse(page, "**/chat/session" if code == "too_many_sessions" else "**/chat/message", code)
    say(page, _STORY)
    expect(page.locator(".notice")).to_have_text(SENTENCES[code])
    in_box = page.get_by_label("Jouw bericht").input_value() == _STORY
    offered = page.locator(".failed", has_text=_STORY).count() == 1
    assert in_box != offered, "in the box again, or offered to be sent again"
    page.unroute_all()
    page.get_by_role("button", name="Stuur" if in_box else "Stuur opnieuw", exact=True).click()
    expect(page.locator("#log .user")).to_have_count(1)
    expect(page.locator(".failed")).to_have_count(0)
    expect(page.locator("#log .bot:not(.typing)").nth(2)).to_be_visible()


def test_what_is_refused_while_something_else_is_being_written_is_offered_again(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "hallo")
    held: list[Any] = []
    page.route("**/chat/message", lambda route: held.append(route))  # noqa: PLW0108 (Playwright marks the handler, and cannot mark a built-in one)
    say(page, _STORY)
    page.get_by_label("Jouw bericht").fill("en nog iets")
    page.wait_for_timeout(200)
    body = json.dumps({"error": {"code": "wrong_fields", "text": "x"}})
    held[0].fulfill(status=422, content_type="application/json", body=body)
    expect(page.locator(".failed")).to_contain_text(_STORY)
    assert page.get_by_label("Jouw bericht").input_value() == "en nog iets"


@pytest.mark.parametrize("code", sorted(_OVER))
def test_a_conversation_that_is_over_says_why_and_a_new_one_begins(server: Server, new_page: Any, code: str) -> None:
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "hallo")
    _refuse(page, "**/chat/message", code)
    say(page, _STORY)
    expect(page.locator(".notice")).to_have_text(SENTENCES[code])
    page.unroute_all()
    if code == "session_erased":
        say_and_wait(page, "hallo")
    else:
        expect(page.locator(".failed")).to_contain_text(_STORY)
        page.get_by_role("button", name="Stuur opnieuw").click()
        expect(page.locator(".failed")).to_have_count(0)
        expect(page.locator(".typing")).to_have_count(0)


def _token(kind: str, server: Server, make_server: Any) -> str:
    own = server.open_session().token
    session, expires, signature = own.split(".")
    if kind == "forged":
        return f"{session}.{expires}.{'A' * len(signature)}"
    if kind == "expired":
        from bot.channels.web_tokens import Tokens, signing_key

        return Tokens(signing_key(server.data_dir / "web.key"), -3600).issue(session, 1_700_000_000).text
    return str(make_server().open_session().token) if kind == "foreign" else "x"


@pytest.mark.parametrize(
    ("kind", "code"), [("forged", "bad_token"), ("expired", "expired_token"), ("foreign", "bad_token"), ("no token", "bad_token")]
)
def test_a_token_that_does_not_fit(server: Server, make_server: Any, new_page: Any, kind: str, code: str) -> None:
    token = _token(kind, server, make_server)
    page = new_page(f"{server.url}/chat")
    page.evaluate("token => sessionStorage.setItem('wegwijzer', JSON.stringify({token}))", token)
    page.reload()
    expect(page.locator(".notice")).to_have_text(SENTENCES[code])
    expect(page.get_by_role("button", name="Ik word gepest")).to_be_visible()
    shoot(page, f"43-token-{kind.replace(' ', '-')}")
    say_and_wait(page, "hallo")


def test_a_button_that_is_not_known_any_more(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "ik word elke dag uitgescholden op school")
    page.route("**/chat/message", lambda route: route.continue_(post_data=json.dumps({**route.request.post_data_json, "button": "weg"})))
    page.locator(".chips:visible button").first.click()
    expect(page.locator(".notice")).to_have_text(SENTENCES["unknown_button"])
    page.unroute_all()
    assert page.locator(".chips:visible button").count() > 1, "the choice is there again"
    say_and_wait(page, "ze lachen mij uit")


def test_an_event_number_from_elsewhere_gets_the_whole_conversation(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "hallo")
    # A client whose last number is not one of this conversation, as after a backup was put back.
    page.route("**/chat/events", lambda route: route.continue_(headers={**route.request.headers, "last-event-id": "4711"}))
    page.reload()
    expect(page.locator("#log .user")).to_have_count(1)
    page.unroute_all()
    say_and_wait(page, "ik word gepest")
    expect(page.locator("#log .user")).to_have_count(2)


def test_a_number_that_makes_no_sense_is_told(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "hallo")
    page.route("**/chat/events", lambda route: route.continue_(headers={**route.request.headers, "last-event-id": "x"}))
    page.reload()
    expect(page.locator("#state")).to_have_text(SENTENCES["bad_event_id"])


def test_a_site_that_is_not_allowed_is_told_in_words(server: Server, new_page: Any, site: Site) -> None:  # noqa: F811
    site.pages["/"] = (
        f"<!doctype html><html lang=nl><title>x</title><wegwijzer-chat open></wegwijzer-chat><script src='{server.url}/widget.js'></script>"
    )
    page = new_page(site.url)
    expect(page.locator(".notice")).to_have_text(SENTENCES["origin_refused"])
    say(page, _STORY)
    expect(page.locator(".failed")).to_contain_text(_STORY)
    shoot(page, "44-not-allowed")
