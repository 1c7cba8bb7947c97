"""Every address of the console, with every kind of form; and its real server."""

from __future__ import annotations

import re
from typing import Any

import pytest
from console import store
from console.conftest import Team, Visitor, address, app, clock, content, database, first_teams, kind, settings, team, visit
from flask import Flask
from hypothesis import strategies as st
from web.conftest import PROJECT

from bot.transcripts.database import Database

from .conftest import AWKWARD, EXAMPLES, fuzz, no_server_error, raw_requests, send_raw

__all__ = ["address", "app", "clock", "content", "database", "first_teams", "kind", "settings", "team", "visit"]

_TEMPLATES = (PROJECT / "bot" / "console" / "templates").rglob("*.html")
_CODE = (PROJECT / "bot" / "console").glob("*.py")
#: Every name that a form or an address of the console has, or is asked for.
NAMES = sorted(
    {name for path in _TEMPLATES for name in re.findall(r'name="(\w+)"', path.read_text(encoding="utf-8"))}
    | {name for path in _CODE for name in re.findall(r'(?:args|form)(?:\.get\(|\[|\.getlist\()"(\w+)"', path.read_text(encoding="utf-8"))}
)
_FIELDS = st.lists(st.tuples(st.sampled_from(NAMES) | st.text(max_size=8), AWKWARD), max_size=6)
_PATHS = ["/", "/aanmelden", "/welkom/x", "/gesprekken", "/static/console.css", "/gezond"]


def rules(app: Flask, method: str) -> list[str]:
    return sorted(rule.rule for rule in app.url_map.iter_rules() if method in (rule.methods or ()) and rule.endpoint != "auth.log_out")


def filled(rule: str, part: str) -> str:
    """A path for a rule: whole numbers where it wants them, anything elsewhere."""
    from urllib.parse import quote

    number = part if re.fullmatch(r"\d+", part) else "1"
    return re.sub(r"<(?:(\w+):)?\w+>", lambda match: number if match[1] == "int" else quote(part, safe="") or "x", rule)


@pytest.mark.parametrize("role", [None, "admin"])
def test_any_address_and_any_form(app: Flask, team: Team, visit: Any, database: Database, role: str | None) -> None:
    """Never a failure of the server, whoever asks."""
    store.add(database, [store.conversation()])
    who = role or "nobody"
    visitor: list[Visitor] = [visit(role)]
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fresh() -> Visitor:
        # A form can change a password, or end the own sessions.
        if role and visitor[0].get("/account").status_code != 200:
            visitor[0] = visit(role)
        return visitor[0]

    @fuzz(f"console, addresses, {who}", examples=4 * EXAMPLES, rule=st.sampled_from(rules(app, "GET")), part=AWKWARD, fields=_FIELDS)
    def get(rule: str, part: str, fields: list[tuple[str, str]]) -> None:
        answer = visitor[0].client.get(filled(rule, part), query_string=fields)
        assert answer.status_code < 500, (rule, part, fields)

    visitor[0].get("/aanmelden" if role is None else "/account")
    posts = [rule for rule in rules(app, "POST") if not rule.startswith("/account")]

    @fuzz(f"console, forms, {who}", examples=4 * EXAMPLES, rule=st.sampled_from(posts), part=AWKWARD, fields=_FIELDS, honest=st.booleans())
    def post(rule: str, part: str, fields: list[tuple[str, str]], honest: bool) -> None:
        token = fresh().token if honest else part
        data = {"csrf_token": token, "version": fields[0][1] if fields else "1", **dict(fields)}
        answer = visitor[0].client.post(filled(rule, part), data=data)
        assert answer.status_code < 500, (rule, part, data)
        assert honest or answer.status_code in (302, 400, 403, 404, 413), (rule, answer.status_code)


def test_what_people_could_type_to_log_in(app: Flask, team: Team, visit: Any) -> None:
    visitor = visit()
    visitor.get("/aanmelden")

    @fuzz(
        "console, login", naam=AWKWARD | st.just("admin"), wachtwoord=AWKWARD, code=AWKWARD | st.text("0123456789", min_size=6, max_size=6)
    )
    def check(**fields: str) -> None:
        answer = visitor.post("/aanmelden", **fields)
        # Never in.
        assert answer.status_code in (200, 400, 401, 403, 422, 429), answer.status_code


def test_cookies_that_are_not_ours(app: Flask) -> None:
    @fuzz("console, cookies", cookie=st.text(st.characters(codec="ascii", exclude_characters=';,\r\n"\\ \x00'), max_size=200))
    def check(cookie: str) -> None:
        answer = app.test_client().get("/gesprekken", headers={"Cookie": f"wegwijzer={cookie}"})
        assert answer.status_code == 302 and answer.location == "/aanmelden"


def test_bytes_on_its_port(address: str) -> None:
    port = int(address.rpartition(":")[2])

    @fuzz("raw HTTP, console", examples=2 * EXAMPLES, data=raw_requests(_PATHS))
    def check(data: bytes) -> None:
        no_server_error(data, send_raw(port, data))
