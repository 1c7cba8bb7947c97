"""The widget in a real browser against a real server, on a phone and on a desktop."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from .conftest import SIZES, Client, Server, shoot

pytest.importorskip("playwright")
from playwright.sync_api import expect

CRISIS = "ik wil niet meer leven"
STORY = "ze sturen gemene berichten over mij in de klasgroep op whatsapp"


def say(page: Any, text: str) -> None:
    """Type a message and send it."""
    page.get_by_label("Jouw bericht").fill(text)
    page.get_by_role("button", name="Stuur", exact=True).click()


def bot_count(page: Any) -> int:
    return int(page.locator("#log .bot:not(.typing), #log .card, #log .tasks").count())


def say_and_wait(page: Any, text: str) -> None:
    """Send a message and wait for its answer."""
    before = bot_count(page)
    say(page, text)
    wait_for_more(page, before)


def wait_for_more(page: Any, before: int) -> None:
    """Wait until the bot has said more than before, and has finished."""
    page.wait_for_function(
        "n => document.querySelector('wegwijzer-chat').shadowRoot.querySelectorAll('#log .bot:not(.typing), #log .card, #log .tasks').length > n",
        arg=before,
    )
    expect(page.locator(".typing")).to_have_count(0)


def bubbles(page: Any) -> list[str]:
    """What the user said, in the order on the screen."""
    return [text.removeprefix("Jij: ") for text in page.locator("#log .user .bubble").all_text_contents()]


class Site:
    """A small web site on another origin, on loopback."""

    def __init__(self, pages: dict[str, str]) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.pages.get(self.path.partition("?")[0], "").encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                """Nothing."""

        self.pages = pages
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture
def site() -> Iterator[Site]:
    """Another site: a neutral page to go to, and whatever a test adds."""
    made = Site({"/weer": "<!doctype html><title>Het weer</title><p>Zonnig</p>"})
    yield made
    made.close()


# --- a conversation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_a_full_conversation(server: Server, new_page: Any, size: str) -> None:
    page = new_page(f"{server.url}/", size)
    shoot(page, "01-site")
    page.get_by_role("button", name="Praat met Wegwijzer").click()
    expect(page.locator("#log")).to_contain_text("Ik ben Wegwijzer, een chatbot")
    shoot(page, "02-open")
    say_and_wait(page, STORY)
    shoot(page, "03-question")
    for _ in range(4):
        if page.locator(".card").count():
            break
        chips = page.locator(".chips:visible button")
        title = chips.first.inner_text()
        before = bot_count(page)
        chips.first.click()
        expect(page.locator("#log .user").last).to_contain_text(title)
        wait_for_more(page, before)
    expect(page.locator(".card").first).to_be_visible()
    shoot(page, "04-advice")
    tip = page.get_by_role("checkbox").first
    tip.check()
    page.locator(".card").first.scroll_into_view_if_needed()
    shoot(page, "05-help-cards")
    page.reload()
    expect(page.get_by_role("checkbox").first).to_be_checked()
    assert bubbles(page)[0] == STORY


@pytest.mark.parametrize("size", SIZES)
def test_a_crisis_shows_help_first(server: Server, new_page: Any, size: str) -> None:
    page = new_page(f"{server.url}/chat", size)
    say_and_wait(page, CRISIS)
    card = page.locator(".card").first
    expect(card.get_by_role("link", name=re.compile("1813")).first).to_have_attribute("href", "tel:1813")
    expect(card).to_be_in_viewport()
    for link in page.locator(".card a").all():
        assert re.match(r"^(tel:[0-9+]+|mailto:|https://)", link.get_attribute("href"))
    shoot(page, "06-crisis")


def test_a_card_says_for_whom_and_can_be_copied(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat", "desktop", permissions=["clipboard-read", "clipboard-write"])
    say_and_wait(page, CRISIS)
    card = page.get_by_role("article", name="Zelfmoordlijn 1813")
    expect(card).to_contain_text("Voor wie: ")
    expect(card).to_contain_text("open")
    card.get_by_role("button", name="Kopieer: Zelfmoordlijn 1813").click()
    expect(page.get_by_role("status").filter(has_text="Gekopieerd")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Zelfmoordlijn 1813\n")
    assert "Bel 1813" in copied


def test_quick_replies_stay_until_answered(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "ik word elke dag gepest op school")
    chips = page.locator(".chips:visible button")
    assert chips.count() > 2
    page.reload()
    page.wait_for_selector(".user")
    assert page.locator(".chips:visible button").count() > 2
    say_and_wait(page, "ze lachen mij uit")
    assert page.locator("#log .chips").first.is_hidden()


def test_double_click_on_send_sends_once(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    page.get_by_label("Jouw bericht").fill("hallo")
    page.get_by_role("button", name="Stuur", exact=True).dblclick()
    expect(page.locator(".typing")).to_have_count(0)
    page.reload()
    page.wait_for_selector(".user")
    assert bubbles(page) == ["hallo"]


def test_text_is_never_read_as_html(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat", "desktop")
    attack = "<img src=x onerror=\"window.hit=1\"><script>window.hit=1</script> <a href='javascript:window.hit=1'>hallo</a>"
    say_and_wait(page, attack)
    assert bubbles(page) == [attack]
    bot = {
        "type": "helpline",
        "text": "x",
        "name": attack,
        "why": attack,
        "opening": attack,
        "state": '"><img src=x onerror=window.hit=1>',
        "channels": [
            {"kind": "web", "value": "javascript:window.hit=1", "label": attack, "state": "open"},
            {"kind": "phone", "value": "102;x=<b>", "label": "bel", "state": "open"},
        ],
        "options": [],
    }
    answer = {"reset": False, "typing": False, "events": [{"id": 900, "kind": "bot", "data": bot}]}
    page.route("**/chat/events", lambda route: route.fulfill(status=200, content_type="text/event-stream", body=_as_stream(answer)))
    page.reload()
    expect(page.locator(".card .who")).to_have_text(attack)
    assert page.locator(".card a").evaluate_all("links => links.map(link => link.getAttribute('href'))") == ["tel:102"]
    assert page.evaluate("window.hit") is None
    shoot(page, "07-hostile-text")


def _as_stream(answer: dict[str, Any]) -> str:
    import json

    return "".join(f"id: {event['id']}\nevent: {event['kind']}\ndata: {json.dumps(event['data'])}\n\n" for event in answer["events"])


def test_five_hundred_messages(server: Server, new_page: Any) -> None:
    client = server.open_session()
    last = 0
    for number in range(125):
        client.send(f"dag {number}")
        last = client.settled(last)[-1]["id"]
    while last < 500:
        client.send("hallo")
        last = client.settled(last)[-1]["id"]
    page = new_page(f"{server.url}/chat")
    page.evaluate("token => sessionStorage.setItem('wegwijzer', JSON.stringify({token}))", client.token)
    page.reload()
    page.wait_for_function(
        "n => document.querySelector('wegwijzer-chat').shadowRoot.querySelectorAll('#log > div').length > n", arg=min(last, 500) - 130
    )
    say_and_wait(page, "hallo")
    expect(page.locator("#log .user").last).to_be_in_viewport()
    shoot(page, "08-five-hundred")


# --- leaving and erasing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["button", "shift"])
def test_quick_exit_leaves_nothing_and_back_does_not_return(server: Server, new_page: Any, site: Site, way: str) -> None:
    site.pages["/eerst"] = "<!doctype html><title>Eerst</title>"
    page = new_page(f"{site.url}/eerst", "desktop")
    page.goto(f"{server.url}/")
    page.goto(f"{server.url}/chat")
    page.evaluate("url => document.querySelector('wegwijzer-chat').setAttribute('exit-url', url)", f"{site.url}/weer")
    say_and_wait(page, "ik word gepest")
    page.route(f"{server.url}/widget.js", lambda route: _with_exit(route, f"{site.url}/weer"))
    if way == "button":
        page.get_by_role("button", name="Snel weg").click()
    else:
        page.get_by_label("Jouw bericht").focus()
        for _ in range(3):
            page.keyboard.press("Shift")
    page.wait_for_url(f"{site.url}/weer")
    page.go_back()
    page.wait_for_url(re.compile(r"/(weer|eerst)$"))
    assert "wegwijzer" not in page.content().lower()
    page.goto(f"{server.url}/chat")
    assert page.locator("#log .user").count() == 0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", ["button", "shift"])
def test_quick_exit_while_the_chat_is_closed(server: Server, new_page: Any, site: Site, way: str, size: str) -> None:
    page = new_page(f"{server.url}/", size)
    page.evaluate("url => document.querySelector('wegwijzer-chat').setAttribute('exit-url', url)", f"{site.url}/weer")
    expect(page.get_by_role("button", name="Snel weg")).to_be_in_viewport(ratio=1)
    if way == "button":
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    else:
        for _ in range(3):
            page.keyboard.press("Shift")
    page.wait_for_url(f"{site.url}/weer")
    page.route(f"{server.url}/widget.js", lambda route: _with_exit(route, f"{site.url}/weer"))
    page.go_back()
    page.wait_for_url(re.compile(r"/weer$|^about:blank$"))


def test_quick_exit_stays_first_and_visible_open_and_closed(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/", "desktop")
    exit_button = page.get_by_role("button", name="Snel weg")
    for name in ("Praat met Wegwijzer", "Chat sluiten"):
        expect(exit_button).to_have_count(1)
        expect(exit_button).to_be_in_viewport(ratio=1)
        page.keyboard.press("Tab")
        assert exit_button.evaluate("e => e.getRootNode().activeElement === e")
        page.get_by_role("button", name=name).click()
        page.reload()
    expect(exit_button).to_be_in_viewport(ratio=1)


def _with_exit(route: Any, url: str) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text().replace("https://www.meteo.be/nl", url))


def test_capitals_do_not_leave(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat", "desktop")
    page.get_by_label("Jouw bericht").focus()
    for letter in "IK WORD":
        page.keyboard.press(f"Shift+{letter}" if letter != " " else "Space")
    assert page.get_by_label("Jouw bericht").input_value() == "IK WORD"


def test_quick_exit_erases_when_the_user_wishes_so(server: Server, new_page: Any, site: Site) -> None:
    page = new_page(f"{server.url}/chat", "desktop")
    page.evaluate("url => document.querySelector('wegwijzer-chat').setAttribute('exit-url', url)", f"{site.url}/weer")
    say_and_wait(page, "ik word gepest")
    token = page.evaluate("JSON.parse(sessionStorage.getItem('wegwijzer')).token")
    page.get_by_role("button", name="Wie leest dit?").click()
    page.get_by_label("Snel weg wist ook mijn gesprek").check()
    shoot(page, "09-who-reads")
    page.get_by_role("button", name="Snel weg").click()
    page.wait_for_url(f"{site.url}/weer")
    page.wait_for_timeout(500)
    assert _poll(server, token).status_code == 410


def _poll(server: Server, token: str) -> Any:
    import httpx

    return httpx.get(f"{server.url}/chat/poll", headers={"Authorization": f"Bearer {token}"})


def test_who_reads_lets_the_user_refuse_review_at_once(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    page.get_by_role("button", name="Wie leest dit?").click()
    expect(page.get_by_role("button", name="Laat niet meelezen")).to_be_in_viewport(ratio=1)
    before = bot_count(page)
    page.get_by_role("button", name="Laat niet meelezen").click()
    wait_for_more(page, before)
    expect(page.locator("#log .bot").last).to_contain_text("Niemand")
    shoot(page, "45-review-refused")


@pytest.mark.parametrize("size", SIZES)
def test_erase(server: Server, new_page: Any, size: str) -> None:
    page = new_page(f"{server.url}/chat", size)
    say_and_wait(page, "mijn geheim is sneeuwpop")
    token = page.evaluate("JSON.parse(sessionStorage.getItem('wegwijzer')).token")
    page.get_by_role("button", name="Wis gesprek").click()
    shoot(page, "10-erase-question")
    page.get_by_role("button", name="Nee, niet wissen").click()
    assert bubbles(page)
    page.get_by_role("button", name="Wis gesprek").click()
    page.get_by_role("button", name="Ja, wis alles").click()
    expect(page.locator(".notice")).to_have_text("Het gesprek is gewist. Je mag altijd opnieuw beginnen.")
    assert page.locator(".user").count() == 0
    assert _poll(server, token).status_code == 410
    shoot(page, "11-erased")
    say_and_wait(page, "hallo")
    assert bubbles(page) == ["hallo"]


def test_the_bot_can_be_asked_to_erase(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "wis dit gesprek")
    page.get_by_role("group").get_by_role("button", name="Ja, wis alles").click()
    expect(page.locator(".notice")).to_contain_text("gewist")
    assert page.locator(".user").count() == 0


def test_nothing_stays_on_the_device_unless_asked(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "ik word gepest")
    assert page.evaluate("localStorage.length") == 0
    assert page.context.cookies() == []
    page.get_by_role("button", name="Wie leest dit?").click()
    page.get_by_label("Bewaar op dit toestel").check()
    page.keyboard.press("Escape")
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [1, 0]
    later = new_page(f"{server.url}/chat", context=page.context)
    page.close()
    expect(later.locator("#log .user")).to_contain_text("ik word gepest")
    later.get_by_role("button", name="Wie leest dit?").click()
    later.get_by_label("Bewaar op dit toestel").uncheck()
    assert later.evaluate("localStorage.length") == 0


# --- a connection that comes and goes --------------------------------------------------------------------------------


def test_reload_in_the_middle_of_an_answer(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    say(page, STORY)
    page.reload()
    wait_for_more(page, 2)
    assert bubbles(page) == [STORY]


def test_a_server_that_is_killed_and_comes_back(make_server: Any, new_page: Any) -> None:
    server = make_server()
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "hallo")
    server.stop(9)
    say(page, "ik word gepest op school")
    expect(page.locator("#state")).to_contain_text("De verbinding is weg")
    expect(page.get_by_role("button", name="Stuur opnieuw")).to_be_visible()
    shoot(page, "12-server-away")
    server.start()
    page.get_by_role("button", name="Stuur opnieuw").click()
    expect(page.locator(".failed")).to_have_count(0)
    expect(page.locator("#state")).not_to_contain_text("De verbinding is weg")
    page.wait_for_function(
        "() => document.querySelector('wegwijzer-chat').shadowRoot.querySelector('.user:last-of-type, .user ~ .user ~ .bot')"
    )
    page.reload()
    expect(page.locator("#log .user")).to_have_count(2)
    assert bubbles(page) == ["hallo", "ik word gepest op school"]


def test_offline_and_back(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "hallo")
    page.context.set_offline(True)
    expect(page.locator("#state")).to_contain_text("geen internet")
    say(page, "ik word gepest")
    say(page, "elke dag")
    expect(page.locator(".failed")).to_have_count(2)
    shoot(page, "13-offline")
    page.context.set_offline(False)
    page.get_by_role("button", name="Stuur opnieuw").first.click()
    expect(page.locator(".failed")).to_have_count(0)
    expect(page.locator(".typing")).to_have_count(0)
    page.reload()
    expect(page.locator("#log .user")).to_have_count(3)
    assert bubbles(page) == ["hallo", "ik word gepest", "elke dag"]


def test_a_phone_that_sleeps_goes_on_where_it_was(server: Server, new_page: Any) -> None:
    page = new_page()
    page.clock.install()
    page.goto(f"{server.url}/chat")
    say_and_wait(page, "hallo")
    open_streams: list[str] = []
    page.on("request", lambda request: open_streams.append(request.url) if request.url.endswith("/chat/events") else None)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/chat/events")):
        _look_away(page, True)
        page.clock.fast_forward(61000)
    token = page.evaluate("JSON.parse(sessionStorage.getItem('wegwijzer')).token")
    client = Client(server, token)
    client.send("ik word gepest op school")
    client.settled()
    page.clock.fast_forward(600000)
    assert open_streams == [], "a page that nobody sees needs no connection"
    assert bubbles(page) == ["hallo"]
    _look_away(page, False)
    expect(page.locator("#log .user")).to_have_count(2)
    expect(page.locator("#log .user ~ .user ~ .bot").first).to_be_attached()
    assert bubbles(page) == ["hallo", "ik word gepest op school"]


def _look_away(page: Any, hidden: bool) -> None:
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
            document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


def test_a_message_that_was_not_sent_survives_a_reload(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "eerst dit")
    page.route("**/chat/message", lambda route: route.abort())
    say(page, "dit moet blijven")
    page.get_by_label("Jouw bericht").fill("half geschreven")
    expect(page.locator(".failed")).to_have_count(1)
    page.reload()
    expect(page.locator(".failed")).to_contain_text("dit moet blijven")
    expect(page.locator("#log .user")).to_have_count(2)
    assert bubbles(page) == ["eerst dit", "dit moet blijven"]
    assert page.get_by_label("Jouw bericht").input_value() == "half geschreven"
    page.unroute("**/chat/message")
    page.get_by_role("button", name="Stuur opnieuw").click()
    expect(page.locator(".failed")).to_have_count(0)


def test_two_tabs_show_one_conversation(server: Server, new_page: Any) -> None:
    first = new_page(f"{server.url}/chat", "desktop")
    say_and_wait(first, "hallo")
    second = new_page(f"{server.url}/chat", context=first.context)
    expect(second.locator("#log .user")).to_have_count(1)
    say_and_wait(second, "ik word gepest")
    expect(first.locator("#log .user")).to_have_count(2)
    assert bubbles(first) == bubbles(second) == ["hallo", "ik word gepest"]
    first.get_by_role("button", name="Wis gesprek").click()
    first.get_by_role("button", name="Ja, wis alles").click()
    expect(second.locator(".notice")).to_contain_text("gewist")


def test_a_network_that_holds_streams_back_gets_polling(server: Server, new_page: Any) -> None:
    page = new_page()
    page.route("**/chat/events", lambda route: None)  # never answered
    page.goto(f"{server.url}/chat")
    say(page, "hallo")
    expect(page.locator("#log .bot:not(.typing)")).to_have_count(3)


def test_a_conversation_that_expired_is_told(make_server: Any, new_page: Any) -> None:
    server = make_server(WEGWIJZER_TRACKER_HOURS="0.001")
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, "hallo")
    expect(page.locator(".notice")).to_contain_text("afgelopen")
    shoot(page, "14-expired")
    say_and_wait(page, "hallo daar")


def test_too_fast_waits_and_loses_nothing(make_server: Any, new_page: Any) -> None:
    server = make_server(WEGWIJZER_MESSAGES_PER_MINUTE="60")
    page = new_page(f"{server.url}/chat")
    said = [f"bericht {number}" for number in range(13)]
    for text in said:
        say(page, text)
    expect(page.locator(".note").first).to_be_visible()
    shoot(page, "15-too-fast")
    expect(page.locator(".note")).to_have_count(0)
    page.reload()
    expect(page.locator("#log .user")).to_have_count(13)
    assert bubbles(page) == said


def test_a_message_that_is_too_long_stays_in_the_input(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    box = page.get_by_label("Jouw bericht")
    box.fill("a" * 2100)
    page.get_by_role("button", name="Stuur", exact=True).click()
    expect(page.locator("#count")).to_contain_text("te lang")
    assert len(box.input_value()) == 2100
    assert page.locator(".user").count() == 0
    shoot(page, "16-too-long")


# --- other sites -----------------------------------------------------------------------------------------------------


def test_a_hostile_site_gets_nothing(server: Server, new_page: Any, site: Site) -> None:
    victim = new_page(f"{server.url}/chat")
    say_and_wait(victim, "hallo")
    token = victim.evaluate("JSON.parse(sessionStorage.getItem('wegwijzer')).token")
    site.pages["/kwaad"] = f"<!doctype html><title>x</title><iframe src='{server.url}/chat'></iframe>"
    page = new_page(f"{site.url}/kwaad", context=victim.context)
    result = page.evaluate(
        """async ([server, token]) => {
            const tries = [
                () => fetch(server + '/chat/poll', {headers: {Authorization: 'Bearer ' + token}}),
                () => fetch(server + '/chat/session', {method: 'POST', body: '{}', headers: {'Content-Type': 'text/plain'}}),
                () => fetch(server + '/chat/message', {method: 'POST', mode: 'no-cors', body: '{}'}).then(r => { if (!r.status) throw 0; }),
            ];
            return Promise.all(tries.map(t => t().then(() => 'read', () => 'refused')));
        }""",
        [server.url, token],
    )
    assert result == ["refused"] * 3
    assert page.frames[1].url.startswith("chrome-error:")


def test_the_widget_on_another_site(make_server: Any, new_page: Any, site: Site) -> None:
    server = make_server(WEGWIJZER_ALLOWED_ORIGINS=site.url)
    site.pages["/hulp"] = (
        f"<!doctype html><html lang=nl><title>Site</title><h1>Site</h1><script src='{server.url}/widget.js' defer></script>"
        "<wegwijzer-chat chat-title='Hulplijn' start-text='Welkom bij ons.' position='left' "
        "style='--wegwijzer-accent: #7a1f6b'></wegwijzer-chat>"
    )
    asked: list[str] = []
    page = new_page(size="desktop")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.url}/hulp")
    page.get_by_role("button", name="Praat met Wegwijzer").click()
    expect(page.get_by_role("heading", name="Hulplijn")).to_be_visible()
    expect(page.locator("#log .bubble").first).to_contain_text("Welkom bij ons.")
    say_and_wait(page, "hallo")
    assert page.locator("#panel").bounding_box()["x"] < 100
    assert all(url.startswith((site.url, server.url)) for url in asked)
    shoot(page, "17-other-site")


class Prefix:
    """A proxy that serves the bot under ``/hulp/``, on loopback; it passes streams through as they come."""

    def __init__(self, server: Server) -> None:
        import httpx

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def _forward(self) -> None:
                if not self.path.startswith("/hulp/"):
                    self.send_error(404)
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "accept-encoding")}
                with httpx.stream(self.command, server.url + self.path[5:], content=body, headers=headers, timeout=60) as answer:
                    self.send_response(answer.status_code)
                    for name, value in answer.headers.items():
                        if name not in ("connection", "transfer-encoding", "content-encoding", "content-length"):
                            self.send_header(name, value)
                    self.end_headers()
                    try:
                        for part in answer.iter_bytes():
                            self.wfile.write(part)
                            self.wfile.flush()
                    except OSError:
                        pass

            do_GET = do_POST = do_DELETE = _forward  # noqa: N815 (names of the standard library)

            def log_message(self, *_args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hulp"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


@pytest.mark.parametrize("path", ["/", "/chat"])
def test_under_a_path_behind_a_proxy(server: Server, new_page: Any, path: str) -> None:
    proxy = Prefix(server)
    page = new_page(proxy.url + path, "desktop")
    if path == "/":
        page.get_by_role("button", name="Praat met Wegwijzer").click()
    say_and_wait(page, "hallo")
    proxy.close()


# --- speed, types ----------------------------------------------------------------------------------------------------


def test_the_first_message_needs_the_page_and_the_widget_alone(server: Server, new_page: Any) -> None:
    """Why it is there at once on a slow phone: one small file, no other call to the server. The benchmark prints the time."""
    page = new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(server.url)))
    page.goto(f"{server.url}/chat")
    expect(page.locator("#log .bubble").first).to_be_visible()
    assert asked == ["/chat"]


def test_types_of_the_widget() -> None:
    """``tsc --checkJs`` where Node is there."""
    import shutil
    import subprocess

    if not shutil.which("npm"):
        pytest.skip("no npm: the types of widget.js were not checked")
    widget = Path(__file__).resolve().parents[2] / "bot" / "channels" / "static" / "widget.js"
    command = ["npm", "exec", "--yes", "--package=typescript@5.9.3", "--", "tsc"]
    probe = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip("TypeScript could not be fetched: the types of widget.js were not checked")
    options = [
        "--noEmit",
        "--allowJs",
        "--checkJs",
        "--strict",
        "--noUnusedLocals",
        "--target",
        "es2022",
        "--lib",
        "es2023,dom,dom.iterable",
    ]
    done = subprocess.run([*command, *options, str(widget)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
