"""WCAG 2.2 AA: axe-core in every state, keyboard alone, what a screen reader hears, small and zoomed screens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Server, shoot
from .test_widget import CRISIS, STORY, say, say_and_wait

pytest.importorskip("playwright")
import axe_playwright_python
from playwright.sync_api import expect

_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}
#: The focus, across the shadow root.
_ACTIVE = "() => { let e = document.activeElement; while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement; return e; }"

THEMES: dict[str, dict[str, str]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "contrast": {"contrast": "more"},
    "forced": {"forced_colors": "active"},
}


def violations(page: Any) -> list[str]:
    """What axe-core finds, with the place."""
    page.wait_for_timeout(1400)  # colours are measured once the pieces of an answer have come in
    page.evaluate(_AXE)
    result = page.evaluate("options => axe.run(document, options)", _RULES)
    return [f"{found['id']}: {found['help']} {[node['target'] for node in found['nodes']][:3]}" for found in result["violations"]]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_axe_in_every_state(server: Server, new_page: Any, theme: str, size: str) -> None:
    page = new_page(f"{server.url}/chat", size, **THEMES[theme])
    states: dict[str, list[str]] = {"empty": violations(page)}
    say_and_wait(page, STORY)
    states["talking"] = violations(page)
    say_and_wait(page, "hoe blokkeer ik iemand op whatsapp?")
    states["did it help"] = violations(page)
    say_and_wait(page, CRISIS)
    page.locator("summary").first.click()
    states["card"] = violations(page)
    shoot(page, f"20-card-{theme}")
    page.get_by_role("button", name="Wie leest dit?").click()
    states["menu"] = violations(page)
    shoot(page, f"21-menu-{theme}")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Wis gesprek").click()
    states["erase"] = violations(page)
    page.keyboard.press("Escape")
    page.route("**/chat/message", lambda route: route.abort())
    say(page, "blijft staan")
    expect(page.locator(".failed")).to_have_count(1)
    page.get_by_label("Jouw bericht").fill("a" * 2100)
    states["error"] = violations(page)
    shoot(page, f"22-error-{theme}")
    assert {state: found for state, found in states.items() if found} == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_axe_on_the_site(server: Server, new_page: Any, theme: str, size: str) -> None:
    page = new_page(f"{server.url}/", size, **THEMES[theme])
    assert violations(page) == []
    shoot(page, f"23-closed-{theme}")
    page.get_by_role("button", name="Praat met Wegwijzer").click()
    assert violations(page) == []


def _name(page: Any) -> str:
    element = page.evaluate_handle(_ACTIVE)
    return str(page.evaluate("e => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent", element)).strip()


def test_the_keyboard_alone_reaches_everything_in_order(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat", "desktop")
    order = []
    for _ in range(12):
        page.keyboard.press("Tab")
        order.append(_name(page))
    assert order[:2] == ["Snel weg", "Gesprek"]
    assert order[2:7] == [
        "Ik word gepest",
        "Ik zie dat iemand gepest wordt",
        "Mijn kind wordt gepest",
        "Ik ben leerkracht of begeleider",
        "Ik pest zelf en wil stoppen",
    ]
    assert [name for name in order[7:] if name != "Lees verder"][:4] == ["Jouw bericht", "Stuur", "Wie leest dit?", "Wis gesprek"]


def test_a_conversation_with_the_keyboard_alone(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/", "desktop")
    page.keyboard.press("Tab")
    assert _name(page) == "Snel weg", "the first thing on the page"
    while _name(page) != "Praat met Wegwijzer":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert _name(page) == "Jouw bericht"
    page.keyboard.type("ik word gepest op school")
    page.keyboard.press("Enter")
    chips = page.locator(".chips:visible button")
    expect(chips.first).to_be_visible()
    expect(page.locator(".chips:visible button").first).not_to_have_text("Ik word gepest")
    page.keyboard.press("Shift+Tab")
    while page.evaluate("e => e.closest('.chips') === null", page.evaluate_handle(_ACTIVE)):
        page.keyboard.press("Shift+Tab")
    chosen = _name(page)
    page.keyboard.press("Enter")
    expect(page.locator("#log .user").last).to_contain_text(chosen)
    assert _name(page) == "Jouw bericht"


def test_a_window_over_the_whole_screen_keeps_the_focus(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/")
    page.get_by_role("button", name="Praat met Wegwijzer").click()
    page.get_by_role("button", name="Snel weg").focus()
    page.keyboard.press("Shift+Tab")
    assert _name(page) == "Wis gesprek"
    page.keyboard.press("Tab")
    assert _name(page) == "Snel weg"


def test_focus_is_visible(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat", "desktop")
    for _ in range(10):
        page.keyboard.press("Tab")
        element = page.evaluate_handle(_ACTIVE)
        style, width = page.evaluate("e => [getComputedStyle(e).outlineStyle, parseFloat(getComputedStyle(e).outlineWidth)]", element)
        assert style == "solid", _name(page)
        assert width >= 2, _name(page)


def test_a_sheet_takes_the_focus_and_gives_it_back(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat", "desktop")
    page.get_by_role("button", name="Wie leest dit?").focus()
    page.keyboard.press("Enter")
    assert _name(page) == "Wie leest dit?"
    names = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        names.add(_name(page))
    assert "Snel weg" in names, "the way out stays in reach"
    assert "Jouw bericht" not in names, "what lies under the sheet does not"
    page.get_by_label("Bewaar op dit toestel").focus()
    page.keyboard.press("Escape")
    assert page.evaluate("e => e.closest('#links') !== null", page.evaluate_handle(_ACTIVE))


def test_what_a_screen_reader_hears(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat", "desktop")
    log = page.get_by_role("log", name="Gesprek")
    say_and_wait(page, CRISIS)
    said = log.inner_text()
    assert said.index("Jij:") < said.index("Wegwijzer:", said.index("Jij:")) < said.index("1813")
    assert log.get_attribute("aria-live") in (None, "polite")
    assert page.locator("#all").get_attribute("lang") == "nl"
    assert page.get_by_role("status").count() >= 1
    page.context.set_offline(True)
    expect(page.get_by_role("status").filter(has_text="geen internet")).to_be_visible()
    page.context.set_offline(False)
    page.reload()
    page.wait_for_selector(".user")
    assert log.get_attribute("aria-live") == "off", "history that comes back is not read out"
    page.wait_for_timeout(2000)
    assert log.get_attribute("aria-live") == "polite"


def test_targets_are_large(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat")
    say_and_wait(page, CRISIS)
    for target in page.locator("button:visible, a:visible, summary:visible, textarea:visible, label:has(input):visible").all():
        box = target.bounding_box()
        inline = target.evaluate("e => getComputedStyle(e).display === 'inline'")
        assert inline or box["height"] >= 44, target.inner_text()
        assert inline or box["width"] >= 44, target.inner_text()


@pytest.mark.parametrize(
    ("width", "height", "why"), [(320, 568, "small phone"), (640, 400, "desktop at 200 %"), (844, 390, "phone on its side")]
)
def test_small_screens(server: Server, new_page: Any, width: int, height: int, why: str) -> None:
    page = new_page()
    page.set_viewport_size({"width": width, "height": height})
    for path in ("/chat", "/"):
        page.goto(server.url + path)
        if path == "/":
            for name in ("Snel weg", "Praat met Wegwijzer"):
                expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
            page.get_by_role("button", name="Praat met Wegwijzer").click()
        say_and_wait(page, CRISIS)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, why
        assert page.locator("#log").evaluate("e => e.scrollWidth <= e.clientWidth"), why
        for name in ("Snel weg", "Stuur", "Wie leest dit?", "Wis gesprek"):
            expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
        assert page.locator("#log").bounding_box()["height"] > 80
    shoot(page, f"30-{width}x{height}")


def test_the_on_screen_keyboard_does_not_cover_the_input(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/")
    page.get_by_role("button", name="Praat met Wegwijzer").click()
    # What a phone does when its keyboard comes: the visual viewport shrinks, the layout viewport does not.
    page.evaluate(
        """() => {
            Object.defineProperty(visualViewport, 'height', {value: 420, configurable: true});
            visualViewport.dispatchEvent(new Event('resize'));
        }"""
    )
    box = page.get_by_label("Jouw bericht").bounding_box()
    assert box["y"] + box["height"] <= 420
    assert page.get_by_role("button", name="Snel weg").bounding_box()["y"] >= 0
    shoot(page, "31-keyboard")


def test_touch_does_not_bring_up_the_keyboard_over_the_answer(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat", is_mobile=True)
    page.get_by_role("button", name="Ik word gepest").tap()
    expect(page.locator("#log .user")).to_have_count(1)
    assert _name(page) == "Gesprek"


def test_reduced_motion(server: Server, new_page: Any) -> None:
    page = new_page(f"{server.url}/chat", reduced_motion="reduce")
    assert page.locator("#log .bot").first.evaluate("e => getComputedStyle(e).animationName") == "none"
