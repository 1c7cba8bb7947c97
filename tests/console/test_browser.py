"""The console in a real browser: a moderator's day, two at once, the keyboard alone, axe-core, every size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
import axe_playwright_python
from flask import Flask
from playwright.sync_api import expect

from bot.transcripts.database import Database

from . import store
from .conftest import PASSWORD, Team, shoot
from .test_figures import fill

_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}
HTML = "<img src=x onerror=\"document.title='gekraakt'\"><b>vet</b>"


def violations(page: Any) -> list[str]:
    """What axe-core finds, with the place."""
    page.evaluate(_AXE)
    result = page.evaluate("options => axe.run(document, options)", _RULES)
    return [f"{found['id']}: {found['help']} {[node['target'] for node in found['nodes']][:3]}" for found in result["violations"]]


@pytest.fixture
def opened(browser: Any, address: str, team: Team) -> Iterator[Any]:
    """``opened("moderator")``: the queue in a browser of its own, logged in. Errors in a page fail the test."""
    contexts: list[Any] = []
    problems: list[str] = []

    def open_(name: str | None, width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 800}, locale="nl-BE", accept_downloads=True, **options)
        context.set_default_timeout(20000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if "Content Security Policy" in message.text else None)
        page.goto(f"{address}/aanmelden")
        if name:
            log_in(page, team, name)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not problems


def log_in(page: Any, team: Team, name: str) -> None:
    page.get_by_label("Naam").fill(name)
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.get_by_label("Code van je app").fill(team.code(name))
    page.get_by_role("button", name="Aanmelden").click()
    expect(page.get_by_role("heading", name="Gesprekken", exact=True)).to_be_attached()


def items(page: Any) -> Any:
    return page.locator("a.item")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_moderators_day(opened: Any, database: Database, address: str) -> None:  # noqa: PLR0915 (one day, from beginning to end)
    store.add(
        database,
        [
            store.conversation(),
            store.conversation("mijn zoon wordt gepest op de club", road="parent", context="sport", urgency=1),
            *store.many(8),
        ],
    )
    fill(database)
    page = opened("moderator")
    page.locator("summary", has_text="Wie schrijft").click()
    page.get_by_label("Ouder", exact=True).check()
    page.get_by_text("Waar", exact=True).click()
    page.get_by_label("Sportclub").check()
    page.get_by_role("button", name="Toon").click()
    expect(page.locator(".active .chip", has_text="Ouder")).to_be_visible()
    page.get_by_label("Zoek woorden").fill("club zoon")
    page.keyboard.press("Enter")
    expect(items(page)).to_have_count(1)
    assert "zoon" not in page.url
    items(page).first.click()
    expect(page.get_by_role("heading", name=re.compile("Gesprek \\d+"))).to_be_visible()
    expect(page.locator(".bubble.user .words").first).to_have_text("mijn zoon wordt gepest op de club")

    # Two clicks: on what was read, and on what it should have been.
    page.get_by_role("button", name=re.compile("Waar Sportclub")).click()
    page.locator("#verbeter").get_by_role("button", name="School", exact=True).click()
    expect(page.locator(".chip.added", has_text="School")).to_be_visible()
    expect(page.locator(".chip.removed", has_text="Sportclub")).to_be_visible()
    page.get_by_role("button", name="Vertelt wat er gebeurt").click()
    page.locator("#verbeter").get_by_role("button", name="Vraagt tips").click()
    expect(page.locator(".intent .was")).to_contain_text("Vertelt wat er gebeurt")
    page.get_by_role("button", name="Voeg toe").first.click()
    page.locator("#verbeter").get_by_role("button", name="Stalken").click()
    expect(page.locator(".chip.added", has_text="Stalken")).to_be_visible()
    page.get_by_role("button", name="Voeg toe").first.click()
    page.locator("#verbeter").get_by_role("group", name="Hulp nodig").get_by_role("button", name="Nee").click()
    expect(page.locator(".chip.added", has_text="Hulp nodig Nee")).to_be_visible()

    page.locator("summary", has_text="Fout, want").click()
    page.get_by_placeholder("Wat was er fout?").fill("De club ontbreekt")
    page.locator(".wrong").get_by_role("button", name="Bewaar").click()
    expect(page.locator(".verdict")).to_contain_text("De club ontbreekt")
    page.get_by_label("Nieuw label").fill("club")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="club weghalen")).to_be_visible()
    page.get_by_label("Nieuwe notitie").fill("Gebeld met de federatie.")
    page.get_by_role("button", name="Bewaar notitie").click()
    expect(page.locator(".notes")).to_contain_text("Gebeld met de federatie.")
    page.get_by_role("button", name="Te bespreken").click()
    expect(page.get_by_role("button", name="Te bespreken")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Toegewezen aan", exact=True).select_option(label="moderator")
    expect(page.get_by_role("status")).to_contain_text("Toegewezen aan moderator")
    shoot(page, "day-1280")

    page.get_by_role("link", name="Cijfers").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "Gesprekken;;60" in download.value.path().read_text(encoding="utf-8-sig")
    cookies = page.context.cookies()
    page.get_by_role("button", name="Afmelden").click()
    expect(page.get_by_role("heading", name="Aanmelden")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Je bent afgemeld")
    page.go_back()
    expect(page.get_by_role("heading", name="Aanmelden")).to_be_visible()
    thief = opened(None)
    thief.context.add_cookies(cookies)
    thief.goto(f"{address}/gesprekken")
    expect(thief.get_by_role("heading", name="Aanmelden")).to_be_visible()


def test_an_administrator_exports_the_list(opened: Any, database: Database) -> None:
    store.add(database, [store.conversation("=1+1 is een formule")])
    page = opened("admin")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV van deze lijst").click()
    assert "'=1+1 is een formule" in download.value.path().read_text(encoding="utf-8-sig")


def test_two_moderators_at_once(opened: Any, database: Database, team: Team) -> None:
    team.add("Samir", "moderator")
    store.add(database, [store.conversation()])
    first, second = opened("moderator"), opened("Samir")
    for page in (first, second):
        items(page).first.click()
    first.get_by_role("button", name="Te bespreken").click()
    expect(first.get_by_role("button", name="Te bespreken")).to_have_attribute("aria-pressed", "true")
    second.locator("summary", has_text="Fout, want").click()
    second.get_by_placeholder("Wat was er fout?").fill("Noemt de school niet")
    second.locator(".wrong").get_by_role("button", name="Bewaar").click()
    told = second.get_by_role("alert")
    expect(told).to_contain_text("paste dit gesprek aan terwijl jij las")
    expect(told).to_contain_text("Noemt de school niet")
    assert violations(second) == []
    shoot(second, "conflict-1280")
    second.get_by_role("button", name="Toch bewaren").click()
    expect(second.locator(".verdict")).to_contain_text("Noemt de school niet")
    expect(second.get_by_role("button", name="Te bespreken")).to_have_attribute("aria-pressed", "true")


def test_text_of_a_transcript_does_nothing(opened: Any, database: Database) -> None:
    store.add(database, [store.conversation(HTML, answer=HTML)])
    page = opened("moderator")
    items(page).first.click()
    expect(page.locator(".bubble.user .words")).to_have_text(HTML)
    assert "gekraakt" not in page.title()
    assert page.locator(".reader img, .reader b").count() == 0


def test_the_keyboard_alone(opened: Any, database: Database) -> None:
    ids = store.add(database, [store.conversation(urgency=urgency) for urgency in (2, 1, 0)])
    page = opened("moderator")
    heading = page.locator(".reader h2")
    page.keyboard.press("j")
    expect(heading).to_have_text(f"Gesprek {ids[0]}")
    page.keyboard.press("j")
    expect(heading).to_have_text(f"Gesprek {ids[1]}")
    page.keyboard.press("k")
    expect(heading).to_have_text(f"Gesprek {ids[0]}")
    page.keyboard.press("n")
    page.keyboard.type("notitie met e en j erin")
    expect(page.get_by_label("Nieuwe notitie")).to_have_value("notitie met e en j erin")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".notes")).to_contain_text("notitie met e en j erin")
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Te bespreken")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("e")
    expect(heading).to_have_text(f"Gesprek {ids[1]}")
    expect(items(page)).to_have_count(2)
    expect(page.locator("html.scripted")).to_be_attached()
    page.get_by_role("button", name=re.compile("Waar School")).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#verbeter").get_by_role("button", name="School", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".chip.added", has_text="Sportclub")).to_be_visible()
    expect(page.locator("html.scripted")).to_be_attached()
    page.get_by_role("button", name=re.compile("Waar School")).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=re.compile("Waar School"))).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Zoek woorden")).to_be_focused()


#: What has the focus, whether a part of it can be seen, and its name: nothing may lie over all of it.
_FOCUSED = """() => {
  const item = document.activeElement;
  if (item === document.body) return null;
  const box = item.getBoundingClientRect();
  const points = [[.5, .5], [.1, .2], [.9, .8]].map(([x, y]) => [box.left + box.width * x, box.top + box.height * y]);
  const seen = points.some(([x, y]) => { const top = document.elementFromPoint(x, y); return top && (item.contains(top) || top.contains(item)); });
  return { name: (item.getAttribute("aria-label") || item.innerText || item.name || item.id).trim(), seen, width: box.width, height: box.height };
}"""


@pytest.mark.parametrize("width", [1280, 820])
def test_from_login_to_logout_with_the_keyboard(opened: Any, database: Database, team: Team, width: int) -> None:
    store.add(database, [store.conversation(urgency=1, turns=4), *store.many(30)])
    page = opened(None, width)
    for field in ("moderator", PASSWORD, team.code("moderator")):
        page.keyboard.type(field)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Gesprekken", exact=True)).to_be_attached()
    page.keyboard.press("j")
    expect(page.locator(".reader h2")).to_be_visible()
    names: list[str] = []
    for key in ("Tab", "Shift+Tab"):
        for _ in range(220):
            page.keyboard.press(key)
            focused = page.evaluate(_FOCUSED)
            if focused is None:
                break
            assert focused["seen"], f"{focused['name']} has the focus and cannot be seen"
            names.append(focused["name"])
    assert {"Klaar, volgende", "Bewaar notitie", "Goed antwoord"} <= set(names)
    while page.evaluate(_FOCUSED) is None or "Afmelden" not in page.evaluate(_FOCUSED)["name"]:
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Aanmelden")).to_be_visible()


def test_a_view_is_saved_where_the_filters_are(opened: Any, database: Database, address: str) -> None:
    store.add(database, [store.conversation(road="parent"), store.conversation()])
    page = opened("moderator")
    page.goto(f"{address}/gesprekken?wie=parent")
    expect(page.locator(".total")).to_have_text("1 gesprek · dringend eerst")
    page.get_by_role("button", name="Bewaar weergave").click()
    assert violations(page) == []
    page.keyboard.type("Ouders")
    page.keyboard.press("Enter")
    view = page.get_by_role("navigation", name="Weergaven").get_by_role("link", name="Ouders")
    expect(view).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("button", name="Bewaar weergave")).to_have_count(0)
    page.keyboard.press("g")
    expect(items(page)).to_have_count(2)
    view.click()
    expect(items(page)).to_have_count(1)
    # A shelf in another order is a view of its own; a long name leaves room for the numbers beside the others.
    page.goto(f"{address}/gesprekken?status=new&status=seen&status=discuss&volgorde=oldest")
    page.get_by_role("button", name="Bewaar weergave").click()
    page.keyboard.type("De wachtrij, en het oudste gesprek komt eerst")
    page.keyboard.press("Enter")
    views = page.get_by_role("navigation", name="Weergaven")
    expect(views.locator("[aria-current]")).to_have_count(1)
    expect(views.locator("[aria-current]")).to_contain_text("het oudste gesprek komt eerst")
    assert views.evaluate("list => list.scrollWidth <= list.clientWidth")
    assert violations(page) == []


def test_an_empty_list_says_why(opened: Any, database: Database, address: str) -> None:
    page = opened("moderator")
    expect(page.locator(".none")).to_contain_text("Alles is afgehandeld")
    page.goto(f"{address}/gesprekken")
    expect(page.locator(".none")).to_contain_text("Er zijn nog geen gesprekken")
    page.goto(f"{address}/gesprekken?wie=parent")
    page.locator(".none").get_by_role("link", name="Wis filters").click()
    expect(page.locator(".none")).to_contain_text("Er zijn nog geen gesprekken")
    page.goto(f"{address}/gesprekken?p=7")
    expect(page.locator(".none")).to_contain_text("Naar de eerste bladzijde")


def test_shortcuts_can_be_turned_off(opened: Any, database: Database) -> None:
    store.add(database, [store.conversation()])
    page = opened("moderator")
    page.keyboard.press("?")
    page.get_by_label("Sneltoetsen gebruiken").uncheck()
    page.get_by_role("button", name="Sluiten").click()
    page.keyboard.press("j")
    expect(page.locator(".reader h2")).to_have_count(0)


def test_the_first_link_in_a_browser(opened: Any, app: Flask, team: Team, address: str) -> None:
    import pyotp

    logins = app.extensions["console"].logins
    account_id = logins.accounts.create("Lien", None, "reader", "test")
    token = logins.make_link(account_id, "test")
    page = opened(None)
    page.goto(f"{address}/welkom/{token}")
    expect(page.locator("svg.qr")).to_be_visible()
    assert violations(page) == []
    shoot(page, "welcome-1280")
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Wachtwoord", exact=False).first.fill(PASSWORD)
    page.get_by_label("Nog eens hetzelfde").fill(PASSWORD)
    page.get_by_label("De code die de app nu toont").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Bewaren").click()
    expect(page.get_by_role("status")).to_contain_text("Meld je nu aan")
    team.secrets["Lien"] = secret
    log_in(page, team, "Lien")


PAGES = {
    "queue": "/gesprekken?status=new&status=seen&status=discuss", "filtered": "/gesprekken?wie=parent&vorm=insult", "figures": "/cijfers", "year": "/cijfers?jaar=2026&maand=0",
    "helplines": "/inhoud/hulplijnen", "tips": "/inhoud/tips", "rules": "/inhoud/regels", "check": "/inhoud/nakijken", "accounts": "/accounts", "audit": "/logboek", "account": "/account",
    "nowhere": "/nergens",
}  # fmt: skip


@pytest.mark.parametrize(
    ("width", "options"),
    [
        (1280, {}),
        (1280, {"color_scheme": "dark"}),
        (820, {}),
        (1600, {"color_scheme": "dark"}),
        (390, {}),
        (1280, {"contrast": "more"}),
        (1280, {"forced_colors": "active"}),
    ],
    ids=["1280", "1280-dark", "820", "1600-dark", "390", "contrast", "forced"],
)
def test_axe_on_every_page(
    opened: Any, database: Database, address: str, width: int, options: dict[str, str], request: pytest.FixtureRequest
) -> None:
    store.add(database, [store.conversation(crisis="danger", urgency=3, turns=2, rating=True), *store.many(60)])
    fill(database)
    page = opened(None, width, **options)
    found = {"login": violations(page)}
    page.close()
    page = opened("admin", width, **options)
    name = request.node.callspec.id
    for state, path in PAGES.items():
        page.goto(f"{address}{path}")
        found[state] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), f"{state} is wider than the screen"
        shoot(page, f"{state}-{name}")
    page.goto(f"{address}{PAGES['queue']}")
    items(page).first.click()
    found["conversation"] = violations(page)
    shoot(page, f"conversation-{name}")
    page.get_by_role("button", name="Voeg toe").first.click()
    found["menu"] = violations(page)
    shoot(page, f"menu-{name}")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    found["keys"] = violations(page)
    shoot(page, f"keys-{name}")
    assert {state: problems for state, problems in found.items() if problems} == {}
