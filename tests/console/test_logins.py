"""Coming in: one-time links, passwords, codes, lock-out, sessions."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import inspect

from bot.console.logins import LINK_SECONDS, LOCK_SECONDS, Logins
from bot.console.passwords import password_problem, step_of_code
from bot.runtime.settings import Settings
from bot.transcripts.database import Database

from .conftest import PASSWORD, Clock, Team, Visitor
from .conftest import both_kinds as kind  # noqa: F401 (a fixture)

NEW_PASSWORD = "andere woorden na elkaar"


@pytest.fixture
def logins(app: Flask) -> Logins:
    return app.extensions["console"].logins


def taken(link: Any, clock: Clock, **more: str) -> dict[str, str]:
    return {"wachtwoord": NEW_PASSWORD, "nogmaals": NEW_PASSWORD, "code": pyotp.TOTP(link.secret).at(clock()), **more}


# --- the first link ---


def test_the_first_link_makes_one_administrator(app: Flask, logins: Logins, clock: Clock) -> None:
    token = logins.first_link()
    assert token
    somebody = Visitor(app)
    assert somebody.get(f"/welkom/{token}").status_code == 200
    assert somebody.get(f"/welkom/{token}").status_code == 200, "opening it uses nothing up"
    done = somebody.post(f"/welkom/{token}", **taken(logins.link(token), clock, naam="Noor"))
    assert done.status_code == 303
    assert [(account.name, account.role) for account in logins.accounts.all()] == [("Noor", "admin")]
    assert somebody.get(f"/welkom/{token}").status_code == 410
    assert logins.first_link() is None


def test_no_account_exists_before_somebody_makes_one(logins: Logins) -> None:
    logins.first_link()
    assert logins.accounts.all() == []


def test_a_newer_first_link_ends_the_older_one(logins: Logins) -> None:
    older, newer = logins.first_link(), logins.first_link()
    assert older and newer
    assert logins.link(older) is None
    assert logins.link(newer)


def test_two_first_links_in_hand_make_one_administrator(logins: Logins, clock: Clock) -> None:
    token = logins.first_link()
    assert token
    link = logins.link(token)
    assert link
    assert logins.use_link(link, "Noor", NEW_PASSWORD, pyotp.TOTP(link.secret).at(clock()))
    with pytest.raises(Exception, match="used already"):
        logins.use_link(link, "Indringer", NEW_PASSWORD, pyotp.TOTP(link.secret).at(clock()))
    assert len(logins.accounts.all()) == 1


# --- links ---


def test_a_link_holds_for_an_hour(team: Team, logins: Logins, clock: Clock) -> None:
    account_id = logins.accounts.create("Lien", None, "reader", "test")
    token = logins.make_link(account_id, "test")
    clock.ahead = LINK_SECONDS - 5
    assert logins.link(token)
    clock.ahead = LINK_SECONDS + 1
    assert logins.link(token) is None


def test_a_link_with_a_wrong_code_is_not_used_up(team: Team, app: Flask, logins: Logins, clock: Clock) -> None:
    account_id = logins.accounts.create("Lien", None, "reader", "test")
    token = logins.make_link(account_id, "test")
    somebody = Visitor(app)
    somebody.get(f"/welkom/{token}")
    assert somebody.post(f"/welkom/{token}", wachtwoord=NEW_PASSWORD, nogmaals=NEW_PASSWORD, code="000000").status_code == 422
    assert somebody.post(f"/welkom/{token}", **taken(logins.link(token), clock)).status_code == 303


@pytest.mark.parametrize("password", ["kort", "aaaaaaaaaaaaaaaa", "mijn wachtwoord is lang", "Lien is de beste van allemaal", "x" * 201])
def test_an_easy_password_is_refused_with_a_reason(team: Team, app: Flask, logins: Logins, clock: Clock, password: str) -> None:
    account_id = logins.accounts.create("Lien", None, "reader", "test")
    token = logins.make_link(account_id, "test")
    somebody = Visitor(app)
    somebody.get(f"/welkom/{token}")
    fields = {**taken(logins.link(token), clock), "wachtwoord": password, "nogmaals": password}
    assert somebody.post(f"/welkom/{token}", **fields).status_code == 422
    assert 'role="alert"' in somebody.text
    assert password not in somebody.text


def test_a_good_password_has_no_problem() -> None:
    assert password_problem(PASSWORD, "Noor") is None


def test_a_new_link_changes_nothing_until_it_is_used(team: Team, visit: Any, logins: Logins) -> None:
    moderator = visit("moderator")
    account = logins.accounts.find("moderator")
    assert account
    token = logins.make_link(account.id, "test")
    assert moderator.get("/gesprekken").status_code == 200
    team.take_up("moderator", token, NEW_PASSWORD)
    assert moderator.get("/gesprekken").status_code == 302, "sessions of before have ended"


# --- logging in ---


def test_logging_in_wants_all_three(team: Team, visit: Any) -> None:
    for wrong in ({"naam": "nobody"}, {"wachtwoord": "not this one at all"}, {"code": "123456"}, {"code": ""}):
        somebody = visit()
        somebody.get("/aanmelden")
        answer = somebody.post("/aanmelden", **{**team.fields("moderator"), **wrong})
        assert answer.status_code == 401
        assert "Naam, wachtwoord of code klopt niet" in somebody.text, "what was wrong is not told"
        assert somebody.get("/gesprekken").status_code == 302


def test_a_code_holds_once(team: Team, visit: Any) -> None:
    fields = team.fields("moderator")
    first, second = visit(), visit()
    first.get("/aanmelden")
    second.get("/aanmelden")
    assert first.post("/aanmelden", **fields).status_code == 303
    assert second.post("/aanmelden", **fields).status_code == 401


def test_codes_of_the_last_and_the_next_half_minute_hold() -> None:
    secret, now = pyotp.random_base32(), 1_800_000_000.0
    totp = pyotp.TOTP(secret)
    assert [step_of_code(secret, totp.at(now + drift), now, 0) is not None for drift in (-60, -30, 0, 30, 60)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert step_of_code(secret, "een twee", now, 0) is None
    assert step_of_code(secret, "１２３４５６", now, 0) is None


def test_names_are_found_whatever_their_capitals(team: Team, visit: Any) -> None:
    somebody = visit()
    somebody.get("/aanmelden")
    assert somebody.post("/aanmelden", **{**team.fields("moderator"), "naam": " Moderator "}).status_code == 303


def test_five_failures_lock_an_account_for_a_quarter(team: Team, visit: Any, logins: Logins, clock: Clock) -> None:
    somebody = visit()
    somebody.get("/aanmelden")
    for _ in range(5):
        somebody.post("/aanmelden", **{**team.fields("moderator"), "wachtwoord": "not this one at all"})
    assert somebody.post("/aanmelden", **team.fields("moderator")).status_code == 401, "even with the right password"
    clock.ahead = LOCK_SECONDS + 1
    for _ in range(4):
        somebody.post("/aanmelden", **{**team.fields("moderator"), "wachtwoord": "not this one at all"})
    assert somebody.post("/aanmelden", **team.fields("moderator")).status_code == 303, "four more failures do not lock"
    assert "locked out" in {entry.action for entry in logins.audit.entries()}


def test_a_lock_ends_open_sessions(team: Team, visit: Any) -> None:
    moderator, somebody = visit("moderator"), visit()
    somebody.get("/aanmelden")
    for _ in range(5):
        somebody.post("/aanmelden", **{**team.fields("moderator"), "code": "000000"})
    assert moderator.get("/gesprekken").status_code == 302


def test_one_address_that_fails_often_has_to_wait(team: Team, visit: Any) -> None:
    somebody = visit()
    somebody.get("/aanmelden")
    for place in range(20):
        assert somebody.post("/aanmelden", naam=f"name {place}", wachtwoord="x", code="1").status_code == 401
    assert somebody.post("/aanmelden", **team.fields("moderator")).status_code == 429


# --- sessions ---


def stolen(visitor: Visitor, app: Flask) -> Visitor:
    """Another browser with the same cookie."""
    thief = Visitor(app)
    cookie = visitor.client.get_cookie("wegwijzer")
    assert cookie
    thief.client.set_cookie("wegwijzer", cookie.value)
    return thief


def test_a_stolen_cookie_is_useless_after_logging_out(app: Flask, visit: Any) -> None:
    moderator = visit("moderator")
    thief = stolen(moderator, app)
    assert thief.get("/gesprekken").status_code == 200, "it is the same cookie"
    answer = moderator.post("/afmelden")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert thief.get("/gesprekken").status_code == 302


def test_a_session_ends_without_clicks_and_in_any_case(app: Flask, visit: Any, clock: Clock, settings: Settings) -> None:
    idle, working = visit("moderator"), visit("reader")
    minutes = settings.console_idle_minutes * 60
    while clock.ahead < settings.console_hours * 3600 - minutes:
        clock.ahead += minutes * 0.9
        assert working.get("/gesprekken").status_code == 200
    assert idle.get("/gesprekken").status_code == 302
    clock.ahead = settings.console_hours * 3600 + 1
    assert working.get("/gesprekken").status_code == 302


def test_another_password_ends_all_other_sessions(app: Flask, team: Team, visit: Any) -> None:
    here, there = visit("moderator"), visit("moderator")
    thief = stolen(here, app)
    here.get("/account")
    fields = {"oud": PASSWORD, "wachtwoord": NEW_PASSWORD, "nogmaals": NEW_PASSWORD}
    assert here.post("/account", **fields, code=team.code("moderator")).status_code == 303
    assert here.get("/gesprekken").status_code == 200
    assert there.get("/gesprekken").status_code == 302
    assert thief.get("/gesprekken").status_code == 302


def test_another_password_wants_the_old_one_and_a_code(team: Team, visit: Any) -> None:
    here = visit("moderator")
    here.get("/account")
    fields = {"oud": "not this one at all", "wachtwoord": NEW_PASSWORD, "nogmaals": NEW_PASSWORD}
    assert here.post("/account", **fields, code=team.code("moderator")).status_code == 422
    assert here.post("/account", **{**fields, "oud": PASSWORD}, code="000000").status_code == 422
    assert here.post("/account", **{**fields, "oud": PASSWORD, "nogmaals": "x"}, code=team.code("moderator")).status_code == 422


@pytest.mark.parametrize("change", ["role", "closed"])
def test_another_role_or_a_closed_account_ends_its_sessions(visit: Any, logins: Logins, change: str) -> None:
    moderator = visit("moderator")
    account = logins.accounts.find("moderator")
    assert account
    if change == "role":
        logins.accounts.set_role(account.id, "reader", "test")
    else:
        logins.accounts.set_active(account.id, False, "test")
    assert moderator.get("/gesprekken").status_code == 302


def test_logging_in_gives_a_new_cookie_and_a_new_token(app: Flask, team: Team, visit: Any) -> None:
    somebody = visit()
    somebody.get("/aanmelden")
    before_cookie, before_token = somebody.client.get_cookie("wegwijzer").value, somebody.token
    somebody.log_in(team, "moderator")
    assert somebody.client.get_cookie("wegwijzer").value != before_cookie
    assert somebody.post("/afmelden", token=before_token).status_code == 400


def test_no_token_and_no_secret_is_stored_in_the_clear(app: Flask, team: Team, visit: Any, database: Database, settings: Settings) -> None:
    moderator = visit("moderator")
    cookie = moderator.client.get_cookie("wegwijzer").value
    with app.test_request_context(headers={"Cookie": f"wegwijzer={cookie}"}):
        from flask import session

        token = session["key"]
    with database.engine.connect() as connection:
        if database.engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        tables = inspect(connection).get_table_names()
        rows = [row for table in tables for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"')]
    values = [value for row in rows for value in row]
    stored = b"\n".join(bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode() for value in values)
    # Also what was removed, where it is a file of ours.
    stored += b"".join(path.read_bytes() for path in settings.data_dir.glob("transcripts.db*"))
    assert token.encode() not in stored
    assert team.secrets["moderator"].encode() not in stored
    assert PASSWORD.encode() not in stored
    assert b"$argon2id$" in stored


def test_the_cookie_is_for_this_site_and_no_script(app: Flask, team: Team, visit: Any, settings: Settings, database: Database) -> None:
    somebody = visit()
    set_cookie = somebody.get("/aanmelden").headers["Set-Cookie"]
    assert "HttpOnly" in set_cookie and "SameSite=Strict" in set_cookie
    behind_https = app.test_client().get("/aanmelden", base_url="https://console.example.be").headers["Set-Cookie"]
    assert behind_https.startswith("__Host-wegwijzer=") and "Secure" in behind_https


def test_a_public_https_address_makes_the_cookie_secure(settings: Settings, database: Database) -> None:
    from bot.console.app import create_app

    public = settings.copy(update={"console_url": "https://console.example.be"})
    assert "Secure" in create_app(public, database).test_client().get("/aanmelden").headers["Set-Cookie"]


def test_a_forwarded_header_is_believed_only_behind_a_proxy(app: Flask) -> None:
    answer = app.test_client().get("/aanmelden", headers={"X-Forwarded-Proto": "https"})
    assert "Secure" not in answer.headers["Set-Cookie"]


def test_every_step_is_in_the_audit_log(team: Team, visit: Any, logins: Logins) -> None:
    visit("moderator").post("/afmelden")
    actions = {entry.action for entry in logins.audit.entries() if entry.actor == "moderator"}
    assert {"link used", "logged in", "logged out", "looked at the list"} <= actions
    assert logins.audit.broken_at() is None
