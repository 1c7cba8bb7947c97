"""The console over a real database, in this process; behind a real server and in a real browser where that matters."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from transcripts.conftest import postgres as postgres  # noqa: PLC0414 (a fixture)
from waitress.server import create_server
from web.conftest import browser as browser  # noqa: PLC0414 (a fixture)

import bot  # noqa: F401 (comes before Rasa)
from bot.console import auth
from bot.console.app import Console, create_app
from bot.console.limits import FailureLimit
from bot.console.logins import Logins
from bot.console.models import ConsoleFactor
from bot.runtime.settings import Settings
from bot.transcripts.database import Database, open_database
from bot.wegwijzer.content import Content, load_content

PROJECT = Path(__file__).resolve().parents[2]
SCREENSHOTS = PROJECT / "results" / "console"
PASSWORD = "vier gewone woorden samen"


class Clock:
    """A clock that a test can turn."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Team:
    """Accounts that can log in, one of each role, named after it."""

    def __init__(self, logins: Logins, database: Database, clock: Clock, secrets: dict[str, str]) -> None:
        self.logins, self.database, self.clock, self.secrets = logins, database, clock, secrets

    def add(self, name: str, role: str) -> int:
        """An account that took up its link."""
        account_id = self.logins.accounts.create(name, None, role, "test")
        self.take_up(name, self.logins.make_link(account_id, "test"))
        return account_id

    def take_up(self, name: str, token: str, password: str = PASSWORD) -> None:
        """Use a one-time link."""
        link = self.logins.link(token)
        assert link
        self.secrets[name] = link.secret
        assert self.logins.use_link(link, name, password, pyotp.TOTP(link.secret).at(self.clock()))

    def code(self, name: str) -> str:
        """A code that holds now, although one of this half minute may have been used before."""
        account = self.logins.accounts.find(name)
        assert account
        with self.database.writing() as session:
            session.get(ConsoleFactor, account.id).last_step = 0
        return pyotp.TOTP(self.secrets[name]).at(self.clock())

    def fields(self, name: str, password: str = PASSWORD) -> dict[str, str]:
        """What the form of the login wants."""
        return {"naam": name, "wachtwoord": password, "code": self.code(name)}


@pytest.fixture
def kind() -> str:
    """Which database the console runs on."""
    return "sqlite"


@pytest.fixture(params=["sqlite", "postgresql"])
def both_kinds(request: pytest.FixtureRequest) -> str:
    """In place of ``kind`` in a file of tests: each runs on both databases."""
    return str(request.param)


class FirstTeams:
    """A data folder with the team in it, and their secrets, for each kind of database: made once, since hashing passwords takes its time."""

    def __init__(self, folder: Path, new_database: Callable[..., str]) -> None:
        self._folder, self._new_database = folder, new_database
        self._made: dict[str, tuple[Settings, dict[str, str]]] = {}

    def of(self, kind: str) -> tuple[Settings, dict[str, str]]:
        """Settings whose database must not be changed, and the secrets."""
        if kind not in self._made:
            address = self._new_database() if kind == "postgresql" else None
            settings = Settings(data_dir=self._folder / kind, database_url=address)
            settings.data_dir.mkdir()
            opened = open_database(settings)
            opened.migrate()
            made = Team(Logins(opened, 60, 60), opened, Clock(), {})
            for role in ("reader", "moderator", "admin"):
                made.add(role, role)
            opened.close()
            self._made[kind] = settings, made.secrets
        return self._made[kind]

    def copy(self, kind: str, folder: Path) -> Settings:
        """Settings of a copy that may be changed."""
        first = self.of(kind)[0]
        shutil.copytree(first.data_dir, folder)
        address = self._new_database(first.database_url.get_secret_value()) if first.database_url else None
        return Settings(data_dir=folder, database_url=address)


@pytest.fixture(scope="session")
def first_teams(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> FirstTeams:
    return FirstTeams(tmp_path_factory.mktemp("teams"), lambda *like: request.getfixturevalue("postgres").new_database(*like))


@pytest.fixture
def settings(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> Settings:
    if {"team", "visit"} & set(request.fixturenames):
        teams: FirstTeams = request.getfixturevalue("first_teams")
        return teams.copy(kind, tmp_path / "data")
    address = request.getfixturevalue("postgres").new_database() if kind == "postgresql" else None
    return Settings(data_dir=tmp_path / "data", database_url=address)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    settings.data_dir.mkdir(exist_ok=True)
    opened = open_database(settings)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def content() -> Content:
    return load_content()


@pytest.fixture
def app(settings: Settings, database: Database, clock: Clock, content: Content, monkeypatch: pytest.MonkeyPatch) -> Flask:
    made = create_app(settings, database, content)
    parts: Console = made.extensions["console"]
    monkeypatch.setattr(parts.logins, "_clock", clock)
    monkeypatch.setattr(auth, "_address_failures", FailureLimit(20, 900))
    return made


@pytest.fixture
def team(app: Flask, database: Database, clock: Clock, first_teams: FirstTeams, kind: str) -> Team:
    return Team(app.extensions["console"].logins, database, clock, dict(first_teams.of(kind)[1]))


_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """A browser without the pictures: keeps its cookie, and the token of the last page for its forms."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self.token = ""
        self.text = ""

    def get(self, path: str) -> Any:
        """Open a page; redirects are not followed."""
        return self._took(self.client.get(path))

    def post(self, path: str, token: str | None = None, **fields: Any) -> Any:
        """Send a form of the last page."""
        return self._took(self.client.post(path, data={"csrf_token": self.token if token is None else token, **fields}))

    def _took(self, answer: Any) -> Any:
        self.text = answer.get_data(as_text=True)
        found = _TOKEN.search(self.text)
        self.token = found.group(1) if found else self.token
        return answer

    def version(self) -> str:
        """The version of the conversation on the last page."""
        found = re.search(r'name="version" value="(\d+)"', self.text)
        assert found
        return found.group(1)

    def log_in(self, team: Team, name: str) -> Visitor:
        """Log in and open the queue."""
        self.get("/aanmelden")
        answer = self.post("/aanmelden", **team.fields(name))
        assert answer.status_code == 303, self.text
        self.get("/gesprekken")
        return self


@pytest.fixture
def visit(app: Flask, team: Team) -> Any:
    """``visit("moderator")``: somebody of that role who is logged in; ``visit()``: nobody."""

    def come(name: str | None = None) -> Visitor:
        visitor = Visitor(app)
        return visitor.log_in(team, name) if name else visitor

    return come


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The console behind its real server."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4, ident=None)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


def shoot(page: Any, name: str) -> None:
    """Keep a picture of a state for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
