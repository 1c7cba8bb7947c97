"""The web application: what every page shares. Pages themselves are in the modules of :data:`_PAGES`."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask, Response, current_app, flash, g, redirect, render_template, request, send_from_directory, session, url_for
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map
from werkzeug.wrappers import Response as AnyResponse

from bot.channels.web_tokens import signing_key
from bot.console.logins import Logins, Visitor
from bot.console.remembered import Remembered
from bot.console.texts import Texts
from bot.runtime.settings import Settings
from bot.transcripts.database import Database
from bot.transcripts.errors import Conflict, NotFound, WrongValue
from bot.transcripts.repository import Repository
from bot.wegwijzer.content import Content, load_content
from bot.wegwijzer.hours import BRUSSELS

logger = logging.getLogger(__name__)

KEY_FILE = "console.key"
_BODY_BYTES = 64 * 1024
_REMEMBER_SECONDS = 10.0
_STATIC = Path(__file__).with_name("static")

#: Nothing from elsewhere, nothing inline, no frames: text of a transcript that looks like HTML could do nothing if it ever got out.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Flask-WTF looks at the referrer behind https, so it must not be left out for the own pages.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

_ROLE = "_console_role"
_View = TypeVar("_View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Console:
    """What the pages work with."""

    settings: Settings
    content: Content
    texts: Texts
    repository: Repository
    logins: Logins
    database: Database
    remembered: Remembered


def console() -> Console:
    """The parts of the application that answers this request."""
    parts: Console = current_app.extensions["console"]
    return parts


def visitor() -> Visitor:
    """Who asks; only in views that need a role."""
    who: Visitor = g.visitor
    return who


def needs(role: str | None) -> Callable[[_View], _View]:
    """Say which role a view needs; ``None``: anybody. A view that says nothing needs an administrator."""

    def mark(view: _View) -> _View:
        setattr(view, _ROLE, role)
        return view

    return mark


class _Number(IntegerConverter):
    """A number in an address; one that no database keeps is not found."""

    def __init__(self, map_: Map) -> None:
        super().__init__(map_, max=2**63 - 1)


class _Cookies(SecureCookieSessionInterface):
    """The signed cookie; behind https it is bound to this host and never sent in the clear."""

    def get_cookie_secure(self, app: Flask) -> bool:
        public = app.extensions["console"].settings.console_url
        return request.is_secure or bool(public and public.startswith("https://"))

    def get_cookie_name(self, app: Flask) -> str:
        return "__Host-wegwijzer" if self.get_cookie_secure(app) else "wegwijzer"


def create_app(settings: Settings, database: Database, content: Content | None = None) -> Flask:
    """The application over a database whose tables exist.

    Args:
        content: what was read of ``content/``; read now when not given.

    Raises:
        ContentError: ``content/`` cannot be used.
    """
    app = Flask(__name__, static_folder=None)
    app.url_map.converters["int"] = _Number
    app.config.update(
        SECRET_KEY=signing_key(settings.data_dir / KEY_FILE),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        MAX_CONTENT_LENGTH=_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=_BODY_BYTES,
        # A form may stand open as long as a session may last; the session itself decides.
        WTF_CSRF_TIME_LIMIT=settings.console_hours * 3600,
    )
    app.session_interface = _Cookies()
    content = content or load_content()
    app.extensions["console"] = Console(
        settings,
        content,
        Texts(content),
        Repository(database),
        Logins(database, settings.console_idle_minutes * 60, settings.console_hours * 3600),
        database,
        Remembered(_REMEMBER_SECONDS),
    )
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies)  # type: ignore[method-assign]
    CSRFProtect(app)
    app.before_request(_let_in)
    app.after_request(_add_headers)
    _register_errors(app)
    _register_templates(app)
    from bot.console import accounts_pages, auth, conversations, exports, figures_pages, knowledge

    for module in (auth, conversations, exports, figures_pages, knowledge, accounts_pages):
        app.register_blueprint(module.pages)
    app.add_url_rule("/health", "health", health)
    app.add_url_rule("/static/<name>", "static", static)
    return app


@needs(None)
def health() -> dict[str, str]:
    """Whether the console answers."""
    return {"status": "ready"}


@needs(None)
def static(name: str) -> Response:
    """A file of the layout. The address holds its hash, so a browser may keep it."""
    return send_from_directory(_STATIC, name, max_age=31536000 if request.args.get("v") else 0)


@lru_cache(maxsize=16)
def _file_hash(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]


# --- who may see what ------------------------------------------------------------------------------------------------


def _let_in() -> AnyResponse | str | tuple[str, int] | None:
    """Find out who asks, and refuse what the role does not allow. Runs before every view."""
    g.visitor = None
    if request.endpoint is None:
        return None
    wanted = getattr(current_app.view_functions[request.endpoint], _ROLE, "admin")
    if request.endpoint in ("static", "health"):
        return None
    token = session.get("key")
    if token:
        g.visitor = console().logins.visitor(str(token))
        if g.visitor is None:
            session.clear()
            if wanted is not None:
                flash(console().texts.say("session_over"), "error")
    if wanted is None:
        return None
    if g.visitor is None:
        return redirect(url_for("auth.log_in"))
    if not g.visitor.may(wanted):
        return error_page("not_allowed", HTTPStatus.FORBIDDEN)
    return None


def _add_headers(response: Response) -> Response:
    if request.method == "POST":
        console().remembered.forget()
    response.headers.extend(_HEADERS)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


# --- errors ----------------------------------------------------------------------------------------------------------


def error_page(message: str, status: HTTPStatus) -> tuple[str, int]:
    """One clear sentence."""
    return render_template("error.html", message=console().texts.say(message), status=status), int(status)


_MESSAGES = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.FORBIDDEN: "not_allowed",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
}


def _register_errors(app: Flask) -> None:
    @app.errorhandler(CSRFError)
    def _forged(_error: CSRFError) -> tuple[str, int]:
        return error_page("form_old", HTTPStatus.BAD_REQUEST)

    @app.errorhandler(HTTPException)
    def _refused(error: HTTPException) -> Any:
        if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
            return error
        status = HTTPStatus(error.code)
        return error_page(_MESSAGES.get(status, "bad_request"), status)

    @app.errorhandler(NotFound)
    def _gone(_error: NotFound) -> tuple[str, int]:
        return error_page("not_found", HTTPStatus.NOT_FOUND)

    @app.errorhandler(WrongValue)
    def _wrong(_error: WrongValue) -> tuple[str, int]:
        return error_page("value_wrong", HTTPStatus.UNPROCESSABLE_ENTITY)

    @app.errorhandler(Conflict)
    def _conflict(_error: Conflict) -> tuple[str, int]:
        return error_page("conflict", HTTPStatus.CONFLICT)

    @app.errorhandler(OperationalError)
    def _busy(error: OperationalError) -> tuple[str, int]:
        logger.error("console: %s at %s", type(error).__name__, request.endpoint)
        return error_page("busy", HTTPStatus.SERVICE_UNAVAILABLE)

    @app.errorhandler(Exception)
    def _broken(error: Exception) -> tuple[str, int]:
        # By type only: the text of an exception can hold what somebody wrote.
        logger.error("console: %s at %s", type(error).__name__, request.endpoint)
        return error_page("broken", HTTPStatus.INTERNAL_SERVER_ERROR)


# --- templates -------------------------------------------------------------------------------------------------------


def _register_templates(app: Flask) -> None:
    texts: Texts = app.extensions["console"].texts
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters |= {"moment": moment, "ago": ago, "day": day, "number": number}
    app.jinja_env.globals |= {"texts": texts, "asset": lambda name: url_for("static", name=name, v=_file_hash(name))}

    @app.context_processor
    def _shared() -> dict[str, Any]:
        return {"visitor": g.get("visitor")}


def moment(when: dt.datetime) -> str:
    """Date and time in Belgium."""
    here = when.astimezone(BRUSSELS)
    return f"{day(here)} {here:%H:%M}"


def day(when: dt.datetime | dt.date) -> str:
    """A date, in words."""
    if isinstance(when, dt.datetime):
        when = when.astimezone(BRUSSELS).date()
    month = console().texts.name("month", when.month)
    return f"{when.day} {month[:3] if month != 'maart' else 'mrt'} {when.year}"


def ago(when: dt.datetime) -> str:
    """How long ago, in as few characters as a list has room for."""
    now = dt.datetime.now(dt.timezone.utc)
    here, today = when.astimezone(BRUSSELS), now.astimezone(BRUSSELS).date()
    if here.date() == today:
        return f"{here:%H:%M}"
    days = (today - here.date()).days
    if 0 < days < 7:
        weekday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[here.weekday()]
        return f"{console().texts.name('weekday', weekday)} {here:%H:%M}"
    return f"{here.day}/{here.month}" if here.year == today.year else f"{here.day}/{here.month}/{here:%y}"


def number(value: int) -> str:
    """A number with a space between thousands, as it is written here."""
    return f"{value:,}".replace(",", "\u202f")
