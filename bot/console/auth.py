"""Logging in and out, one-time links, the own account."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from bot.console.app import console, error_page, needs, visitor
from bot.console.limits import FailureLimit
from bot.console.logins import READER, Link
from bot.console.passwords import MIN_PASSWORD, password_problem, qr_svg
from bot.transcripts.errors import NotFound, WrongValue

pages = Blueprint("auth", __name__)

#: Failures from one address, over all accounts: a team can share one address, so this is looser than the lock of an account.
_address_failures = FailureLimit(20, 900)

Page = str | tuple[str, int] | AnyResponse


def _address() -> str:
    return request.remote_addr or ""


@pages.get("/aanmelden")
@needs(None)
def log_in() -> Page:
    """The form."""
    return render_template("login.html")


@pages.post("/aanmelden")
@needs(None)
def log_in_now() -> Page:
    """Name, password and code together: which of them was wrong is not said."""
    if _address_failures.is_over(_address()):
        return _login_again("login_too_many", HTTPStatus.TOO_MANY_REQUESTS)
    form = request.form
    opened = console().logins.log_in(form.get("naam", "")[:200], form.get("wachtwoord", "")[:400], form.get("code", "")[:20])
    if opened is None:
        _address_failures.count(_address())
        return _login_again("login_wrong", HTTPStatus.UNAUTHORIZED)
    # A new cookie and a new CSRF token: what was there before logging in is worth nothing after it.
    session.clear()
    session["key"] = opened[0]
    return redirect(url_for("conversations.home"), HTTPStatus.SEE_OTHER)


def _login_again(message: str, status: HTTPStatus) -> Page:
    name = request.form.get("naam", "")[:200]
    return render_template("login.html", error=console().texts.say(message), name=name), int(status)


@pages.post("/afmelden")
@needs(READER)
def log_out() -> Page:
    """End this session, here and in the database."""
    console().logins.log_out(visitor())
    session.clear()
    flash(console().texts.say("logged_out"), "done")
    response = redirect(url_for("auth.log_in"), HTTPStatus.SEE_OTHER)
    # Nothing of what was read stays behind in the browser.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


# --- one-time links --------------------------------------------------------------------------------------------------


@pages.get("/welkom/<token>")
@needs(None)
def welcome(token: str) -> Page:
    """Opening a link uses nothing up: mail programs open links too."""
    link = _link(token)
    return _welcome_page(link) if link else error_page("link_wrong", HTTPStatus.GONE)


@pages.post("/welkom/<token>")
@needs(None)
def welcome_now(token: str) -> Page:
    """Take the password and the second factor."""
    link = _link(token)
    if link is None:
        _address_failures.count(_address())
        return error_page("link_wrong", HTTPStatus.GONE)
    name = link.name or request.form.get("naam", "").strip()
    if not link.name and not 1 <= len(name) <= 80:
        return _welcome_page(link, "name_wrong", name)
    problem = _password_problem(name)
    if problem:
        return _welcome_page(link, problem, name)
    try:
        account = console().logins.use_link(link, name, request.form["wachtwoord"], request.form.get("code", "")[:20])
    except WrongValue:
        return _welcome_page(link, "name_wrong", name)
    except NotFound:
        return error_page("link_wrong", HTTPStatus.GONE)
    if account is None:
        _address_failures.count(_address())
        return _welcome_page(link, "code_wrong", name)
    session.clear()
    flash(console().texts.say("link_done"), "done")
    return redirect(url_for("auth.log_in"), HTTPStatus.SEE_OTHER)


def _link(token: str) -> Link | None:
    return None if _address_failures.is_over(_address()) else console().logins.link(token)


def _welcome_page(link: Link, error: str | None = None, name: str = "") -> Page:
    texts = console().texts
    # The library draws it from the secret alone; nothing in it comes from a user but the name, which it encodes into squares.
    code = Markup(qr_svg(link.secret, link.name or name or "beheerder"))  # noqa: S704
    spaced = " ".join(link.secret[place : place + 4] for place in range(0, len(link.secret), 4))
    page = render_template(
        "welcome.html", link=link, name=name, code=code, secret=spaced, shortest=MIN_PASSWORD, error=error and texts.say(error)
    )
    return (page, int(HTTPStatus.UNPROCESSABLE_ENTITY)) if error else page


def _password_problem(name: str) -> str | None:
    password = request.form.get("wachtwoord", "")
    if password != request.form.get("nogmaals", ""):
        return "not_same"
    return password_problem(password, name)


# --- the own account -------------------------------------------------------------------------------------------------


@pages.get("/account")
@needs(READER)
def account() -> Page:
    """Who one is, and a form for another password."""
    return _account_page()


@pages.post("/account")
@needs(READER)
def change_password() -> Page:
    """Another password; asks for the old one and a code."""
    who = visitor()
    problem = _password_problem(who.name)
    if problem:
        return _account_page(problem)
    if not console().logins.confirm(who.account, request.form.get("oud", "")[:400], request.form.get("code", "")[:20]):
        return _account_page("password_wrong")
    token = console().logins.change_password(who, request.form["wachtwoord"])
    session.clear()
    session["key"] = token
    flash(console().texts.say("password_changed"), "done")
    return redirect(url_for("auth.account"), HTTPStatus.SEE_OTHER)


def _account_page(error: str | None = None) -> Page:
    page = render_template("account.html", shortest=MIN_PASSWORD, error=error and console().texts.say(error))
    return (page, int(HTTPStatus.UNPROCESSABLE_ENTITY)) if error else page
