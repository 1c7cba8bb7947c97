"""Who may do what: every address with every role, forged forms, headers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from bot.console.app import _ROLE
from bot.transcripts.database import Database

from . import store
from .conftest import Team, Visitor

#: The least role for each view; None: anybody. Written down a second time on purpose: a change has to be made in both places.
RIGHTS = {
    "static": None, "health": None, "auth.log_in": None, "auth.log_in_now": None, "auth.welcome": None, "auth.welcome_now": None,
    "auth.log_out": "reader", "auth.account": "reader", "auth.change_password": "reader",
    "conversations.home": "reader", "conversations.index": "reader", "conversations.show": "reader", "conversations.search": "reader",
    "conversations.open_view": "reader", "conversations.save_view": "reader", "conversations.remove_view": "reader",
    "conversations.set_status": "moderator", "conversations.assign": "moderator", "conversations.add_tag": "moderator", "conversations.remove_tag": "moderator",
    "conversations.add_note": "moderator", "conversations.remove_note": "moderator", "conversations.correct": "moderator", "conversations.judge": "moderator",
    "conversations.erase": "admin", "exports.conversations": "admin",
    "figures.show": "reader", "figures.download": "reader", "knowledge.index": "reader", "knowledge.show": "reader", "knowledge.check_again": "moderator",
    "accounts.index": "admin", "accounts.set_role": "admin", "accounts.set_active": "admin", "accounts.make_link": "admin", "accounts.audit": "admin",
}  # fmt: skip
RANK = ("reader", "moderator", "admin")


def addresses(app: Flask, conversation_id: int) -> list[tuple[str, str, str]]:
    """View, method and a path for each address."""
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<int:conversation_id>", str(conversation_id), rule.rule)
        path = re.sub(r"<int:\w+>", "1", path).replace("<part>", "tips").replace("<token>", "x").replace("<name>", "console.css")
        found += [(rule.endpoint, method, path) for method in sorted((rule.methods or set()) & {"GET", "POST"})]
    return found


def test_every_view_says_who_may_see_it(app: Flask) -> None:
    assert {name: getattr(view, _ROLE, "not said") for name, view in app.view_functions.items()} == RIGHTS


@pytest.mark.parametrize("role", RANK)
def test_no_role_reaches_more_than_it_may(app: Flask, team: Team, visit: Any, database: Database, role: str) -> None:
    (conversation_id,) = store.add(database, [store.conversation()])
    visitor = visit(role)
    for endpoint, method, path in addresses(app, conversation_id):
        least = RIGHTS[endpoint]
        if least is None or endpoint in ("auth.log_out", "conversations.erase"):
            continue
        answer = visitor.get(path) if method == "GET" else visitor.post(path)
        allowed = RANK.index(role) >= RANK.index(least)
        assert (answer.status_code == 403) != allowed, (endpoint, role, answer.status_code)
        assert answer.status_code != 500, endpoint


def test_nobody_gets_anything_without_logging_in(app: Flask, team: Team, visit: Any, database: Database) -> None:
    (conversation_id,) = store.add(database, [store.conversation("geheim verhaal")])
    somebody = visit()
    somebody.get("/aanmelden")
    for endpoint, method, path in addresses(app, conversation_id):
        if RIGHTS[endpoint] is None:
            continue
        answer = somebody.get(path) if method == "GET" else somebody.post(path)
        assert answer.status_code == 302 and answer.location == "/aanmelden", endpoint
        assert "geheim" not in somebody.text


def test_a_form_without_its_token_is_refused(app: Flask, team: Team, visit: Any, database: Database) -> None:
    (conversation_id,) = store.add(database, [store.conversation()])
    admin = visit("admin")
    for endpoint, method, path in addresses(app, conversation_id):
        if method == "POST":
            for token in ("", "x" * 40, visit().token):
                assert admin.post(path, token=token).status_code == 400, endpoint
    assert admin.get("/gesprekken").status_code == 200, "not even logged out"
    assert database.is_sqlite
    assert app.extensions["console"].repository.list().items[0].status == "new"


def test_a_reader_cannot_make_itself_more(app: Flask, team: Team, visit: Any) -> None:
    accounts = app.extensions["console"].logins.accounts
    me = accounts.find("reader")
    for role in ("reader", "moderator"):
        somebody = visit(role)
        for path, fields in (
            (f"/accounts/{me.id}/rol", {"rol": "admin"}),
            (f"/accounts/{me.id}/link", {}),
            (f"/accounts/{me.id}/toegang", {"toegang": "open"}),
        ):
            assert somebody.post(path, **fields).status_code == 403
    assert accounts.find("reader").role == "reader"


def test_a_reader_sees_no_forms_for_what_it_may_not_do(team: Team, visit: Any, database: Database) -> None:
    (conversation_id,) = store.add(database, [store.conversation()])
    reader = visit("reader")
    reader.get(f"/gesprekken/{conversation_id}?wie=victim")
    actions = set(re.findall(r' action="([^"?]+)', reader.text))
    assert actions == {"/afmelden", "/gesprekken", "/zoeken", "/weergaven"}


def test_the_last_administrator_stays(app: Flask, team: Team, visit: Any) -> None:
    admin = visit("admin")
    me = app.extensions["console"].logins.accounts.find("admin")
    assert admin.post(f"/accounts/{me.id}/rol", rol="reader").status_code == 303
    assert admin.post(f"/accounts/{me.id}/toegang", toegang="dicht").status_code == 303
    admin.get("/accounts")
    assert "minstens één beheerder" in admin.text


def test_an_administrator_manages_accounts(app: Flask, team: Team, visit: Any) -> None:
    accounts = app.extensions["console"].logins.accounts
    admin, other = visit("admin"), accounts.find("reader")
    admin.get("/accounts")
    admin.post(f"/accounts/{other.id}/rol", rol="moderator")
    assert accounts.get(other.id).role == "moderator"
    admin.post(f"/accounts/{other.id}/toegang", toegang="dicht")
    assert not accounts.get(other.id).active
    admin.post(f"/accounts/{other.id}/toegang", toegang="open")
    admin.post(f"/accounts/{other.id}/link")
    (address,) = re.findall(r'value="(http[^"]+)"', admin.text)
    assert Visitor(app).get(address.replace("http://localhost", "")).status_code == 200
    admin.get("/logboek")
    assert "Eenmalige link gemaakt" in admin.text and "moderator" in admin.text


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_audit_log_can_be_read_and_checked(team: Team, visit: Any, database: Database) -> None:
    admin = visit("admin")
    admin.get("/logboek?nakijken=1")
    assert "Het logboek klopt" in admin.text
    for verb in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="only ever added to"), database.engine.begin() as connection:
            connection.exec_driver_sql(verb)


@pytest.mark.parametrize("path", ["/aanmelden", "/gesprekken", "/nergens", "/welkom/x"])
def test_every_answer_has_its_headers(team: Team, visit: Any, path: str) -> None:
    answer = visit("reader").get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_no_page_holds_anything_inline(team: Team, visit: Any, database: Database) -> None:
    (conversation_id,) = store.add(database, [store.conversation()])
    admin = visit("admin")
    for path in (f"/gesprekken/{conversation_id}", "/cijfers", "/inhoud/regels", "/accounts", "/logboek", "/account"):
        admin.get(path)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]+src=)", admin.text), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?!www\.|[a-z])', admin.text), path


@pytest.mark.parametrize(
    "path",
    [
        "/gesprekken/999999",
        "/gesprekken/abc",
        "/weergaven/9",
        "/inhoud/../etc",
        "/static/..%2fapp.py",
        "/cijfers?jaar=1&maand=x",
        "/gesprekken?p=-1&oordeel=x&urgentie=9&van=x",
    ],
)
def test_bad_addresses_get_one_clear_sentence(team: Team, visit: Any, path: str) -> None:
    answer = visit("admin").get(path)
    assert answer.status_code in (200, 400, 404)
    assert "Traceback" not in answer.get_data(as_text=True)


def test_a_body_that_is_too_large_is_refused(team: Team, visit: Any, database: Database) -> None:
    (conversation_id,) = store.add(database, [store.conversation()])
    assert visit("moderator").post(f"/gesprekken/{conversation_id}/notities", notitie="x" * 100_000).status_code == 413
