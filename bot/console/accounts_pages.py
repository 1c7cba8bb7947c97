"""For administrators: accounts and the audit log. Accounts themselves are made by ``wegwijzer user add``."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import UnprocessableEntity
from werkzeug.wrappers import Response as AnyResponse

from bot.console.app import console, needs, visitor
from bot.console.log_words import detail_of, subject_of
from bot.console.logins import ADMIN
from bot.transcripts.errors import WrongValue
from bot.transcripts.models import ROLES

pages = Blueprint("accounts", __name__)

_ENTRIES = 100
_MOST_PAGES = 10_000
#: What entries are about: ``conversation 12``.
_SUBJECT = re.compile(r"[a-z]{1,20} \d{1,19}")


@pages.get("/accounts")
@needs(ADMIN)
def index() -> str:
    """All accounts."""
    logins = console().logins
    logins.audit.add_look(visitor().name, "looked at the accounts")
    return render_template("accounts.html", accounts=logins.accounts.all(), sessions=logins.open_sessions(), roles=ROLES, now=logins.now())


@pages.post("/accounts/<int:account_id>/rol")
@needs(ADMIN)
def set_role(account_id: int) -> AnyResponse:
    """Another role; open sessions of the account end."""
    role = request.form.get("rol", "")
    if role not in ROLES:
        raise UnprocessableEntity
    texts, accounts = console().texts, console().logins.accounts
    return _changed(
        lambda: accounts.set_role(account_id, role, visitor().name),
        texts.say("role_saved", name=accounts.get(account_id).name, role=texts.name("role", role)),
    )


@pages.post("/accounts/<int:account_id>/toegang")
@needs(ADMIN)
def set_active(account_id: int) -> AnyResponse:
    """Close an account, or open it again."""
    active = request.form.get("toegang") == "open"
    accounts = console().logins.accounts
    name = accounts.get(account_id).name
    message = console().texts.say("account_opened" if active else "account_closed", name=name)
    return _changed(lambda: accounts.set_active(account_id, active, visitor().name), message)


@pages.post("/accounts/<int:account_id>/link")
@needs(ADMIN)
def make_link(account_id: int) -> str:
    """A one-time link, shown once: for somebody who is new, forgot the password or lost the phone."""
    logins = console().logins
    token = logins.make_link(account_id, actor=visitor().name)
    base = console().settings.console_url or request.host_url.rstrip("/")
    address = base + url_for("auth.welcome", token=token)
    return render_template("link.html", account=logins.accounts.get(account_id), address=address)


def _changed(change: Callable[[], object], message: str) -> AnyResponse:
    try:
        change()
    except WrongValue:
        flash(console().texts.say("last_admin"), "error")
    else:
        flash(message, "done")
    return redirect(url_for("accounts.index"), HTTPStatus.SEE_OTHER)


@pages.get("/logboek")
@needs(ADMIN)
def audit() -> str:
    """Who did what. It can be read here and changed nowhere."""
    given = request.args.get("p", "1")
    number = min(int(given), _MOST_PAGES) if given.isascii() and given.isdecimal() and len(given) < 6 else 1
    logins, texts = console().logins, console().texts
    people = {account.id: account.name for account in logins.accounts.all()}
    actors = [*people.values(), *(name for name in texts.file.groups["actor"] if name not in people.values())]
    actor = next((name for name in actors if name == request.args.get("wie")), None)
    subject = request.args.get("wat", "") if _SUBJECT.fullmatch(request.args.get("wat", "")) else None
    # Every entry is read for that, so it is done on request.
    checked = "nakijken" in request.args
    logins.audit.add_look(visitor().name, "looked at the log", detail=f"page {max(1, number)}; {actor or 'everybody'}")
    entries = logins.audit.entries(max(1, number), _ENTRIES, actor=actor, subject=subject)
    return render_template(
        "audit.html",
        entries=[(entry, subject_of(entry.subject, texts, people), detail_of(entry, texts, people)) for entry in entries],
        more=len(entries) == _ENTRIES,
        number=max(1, number),
        actor=actor,
        subject=subject,
        subject_name=subject_of(subject, texts, people) if subject else "",
        actors=actors,
        checked=checked,
        broken=logins.audit.broken_at() if checked else None,
    )
