"""``wegwijzer doctor``: what is wrong with a deployment, and how to mend it. It looks, and changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import errno
import http.client
import json
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.runtime.errors import UserError
from bot.runtime.model_files import check_hash
from bot.runtime.settings import Settings

_ANSWER_SECONDS = 5.0
_MUCH_WAITING, _LONG_WAITING_SECONDS = 1000, 3600.0
#: An archiver looks several times a second; it may be busy with the database.
_SILENT_SECONDS = 60.0
_LITTLE_SPACE, _SOME_SPACE = 200 * 2**20, 2**30
_CLOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Finding:
    """One line. ``state``: ``ok``, ``note`` (it works, and somebody may want to know) or ``wrong``; ``mend`` says what to do."""

    what: str
    state: str
    says: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.state:5} {self.what}: {self.says}{'; ' + self.mend if self.mend else ''}"


Findings = Iterator[Finding]


def examine(settings: Settings, port: int, console_port: int) -> Findings:
    """All findings, one after the other. A check that itself falls over is a finding too."""
    checks: dict[str, Callable[[], Findings]] = {
        "settings": lambda: _settings(settings),
        "data folder": lambda: _data_folder(settings),
        "keys": lambda: _keys(settings),
        "disk": lambda: _disk(settings),
        "model": lambda: _model(settings),
        "content": _content,
        "database": lambda: _database(settings),
        "redis": lambda: _redis(settings),
        "outbox": lambda: _outbox(settings),
        "archiver": lambda: _archiver(settings),
        "clock": lambda: _clock(settings),
        "bot": lambda: _bot(settings, port),
        "console": lambda: _console(settings, port, console_port),
        "telegram": lambda: _telegram(settings),
    }
    for what, check in checks.items():
        try:
            yield from check()
        except UserError as error:
            yield Finding(what, "wrong", " ".join(str(error).split()))
        except Exception as error:  # noqa: BLE001 (the other checks still say what they find; the text may hold a secret)
            yield Finding(what, "wrong", f"cannot be checked ({type(error).__name__})")


def _settings(settings: Settings) -> Findings:
    yield Finding("settings", "ok", "can be read")
    if settings.alert_to and not settings.smtp_host:
        yield Finding("settings", "wrong", "WEGWIJZER_ALERT_TO has no server to send with", "set WEGWIJZER_SMTP_HOST")
    if not _is_loopback(settings.console_host) and not (settings.console_url or "").startswith("https://"):
        yield Finding(
            "settings", "note", "the console listens for other machines without https", "set WEGWIJZER_CONSOLE_URL=https://... with a proxy"
        )
    if settings.redis_url and not settings.web_secret:
        yield Finding("settings", "wrong", "REDIS_URL needs WEGWIJZER_WEB_SECRET", "make one with 'openssl rand -hex 32', for all bots")
    if settings.redis_url and settings.transcripts and not settings.transcript_key:
        yield Finding("settings", "wrong", "REDIS_URL needs WEGWIJZER_TRANSCRIPT_KEY", "set the same one for all bots and archivers")
    if settings.metrics_port and not _is_loopback(settings.metrics_host):
        yield Finding("settings", "note", "other machines can read the metrics", "see to it that the internet cannot")


def _is_loopback(host: str) -> bool:
    return host in ("127.0.0.1", "::1", "localhost")


def _data_folder(settings: Settings) -> Findings:
    folder = settings.data_dir
    if not folder.exists():
        parent = next(path for path in folder.parents if path.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            yield Finding("data folder", "note", f"{folder} is not there yet: it is made at the first start")
        else:
            yield Finding("data folder", "wrong", f"{folder} cannot be made", f"let this user write in {parent}")
    elif not folder.is_dir():
        yield Finding("data folder", "wrong", f"{folder} is no folder", "set WEGWIJZER_DATA_DIR to another place")
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("data folder", "wrong", f"this user cannot write in {folder}", f"chown it to user {os.geteuid()}")
    elif folder.stat().st_mode & 0o077:
        yield Finding("data folder", "wrong", f"other users can look into {folder}", f"chmod 700 {folder}")
    else:
        yield Finding("data folder", "ok", f"{folder} is for this user alone")


def _keys(settings: Settings) -> Findings:
    keys = sorted(settings.data_dir.glob("*.key")) if settings.data_dir.is_dir() else []
    for path in (path for path in keys if path.stat().st_mode & 0o077):
        yield Finding("keys", "wrong", f"other users can read {path}", f"chmod 600 {path}, and think of it as known to them")
    if all(path.stat().st_mode & 0o077 == 0 for path in keys):
        yield Finding("keys", "ok", ", ".join(path.name for path in keys) or "none yet: they are made at the first start")


def _disk(settings: Settings) -> Findings:
    place = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    state = "wrong" if free < _LITTLE_SPACE else "note" if free < _SOME_SPACE else "ok"
    yield Finding("disk", state, f"{free / 2**20:,.0f} MB free at {place}", "" if state == "ok" else "make room before it is full")


def _model(settings: Settings) -> Findings:
    from bot.runtime.bot import Bot, newest_model

    path = newest_model(settings.models_dir)
    if not check_hash(path, settings.model_sha256):
        yield Finding("model", "note", f"{path.name} has no hash beside it", "'wegwijzer train' writes one, or set WEGWIJZER_MODEL_SHA256")
    bot = Bot.load(settings, path, in_memory=True)
    try:
        asyncio.run(bot.check())
    finally:
        bot.close()
    yield Finding("model", "ok", f"{path.name} loads and answers")


def _content() -> Findings:
    from bot.channels.channel_texts import channel_texts
    from bot.wegwijzer.check import check_content
    from bot.wegwijzer.content import ContentError, load_content

    try:
        content = load_content()
    except ContentError as error:
        yield Finding("content", "wrong", " ".join(str(error).split()))
        return
    problems, remarks = check_content(content, dt.datetime.now(dt.timezone.utc).date(), channel_texts(content))
    if problems:
        yield Finding("content", "wrong", f"{len(problems)} problem(s)", "'wegwijzer content check' lists them")
    elif remarks:
        yield Finding("content", "note", f"{len(remarks)} remark(s)", "'wegwijzer content check' lists them")
    else:
        yield Finding("content", "ok", "in order")


def _database(settings: Settings) -> Findings:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from bot.transcripts.database import FILE, MIGRATIONS, make_engine

    if not settings.transcripts:
        yield Finding("database", "note", "no transcripts are kept (WEGWIJZER_TRANSCRIPTS)")
        return
    path = settings.data_dir / FILE
    if settings.database_url is None and not path.exists():
        yield Finding("database", "note", f"{path} is not there yet: it is made at the first start")
        return
    engine = make_engine(settings.database_url.get_secret_value() if settings.database_url else f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
            if engine.dialect.name == "postgresql":
                off = abs(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one() - time.time())
                if off > _CLOCK_SECONDS:
                    yield Finding("clock", "wrong", f"{off:.0f} s from the database's", "let both machines set their clock by NTP")
    except SQLAlchemyError as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        yield Finding("database", "wrong", f"cannot be reached ({kind})", "is it running, and are DATABASE_URL and its password right?")
        return
    finally:
        engine.dispose()
    if found is None:
        yield Finding("database", "note", "reachable, without tables yet: they are made at the first start")
    elif found != ScriptDirectory(str(MIGRATIONS)).get_current_head():
        yield Finding(
            "database", "wrong", f"its tables are of another version ({found})", "start this version once; a newer one made them?"
        )
    else:
        yield Finding("database", "ok", f"reachable, tables at {found}")


def _redis(settings: Settings) -> Findings:
    from bot.runtime.redis_link import connect

    if settings.redis_url:
        connect(settings.redis_url)
        yield Finding("redis", "ok", "answers, and can be written")


def _outbox(settings: Settings) -> Findings:
    from bot.transcripts.outbox import OUTBOX_FILE

    path = settings.data_dir / OUTBOX_FILE
    if not path.exists():
        yield Finding("outbox", "ok", "empty")
        return
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        waiting, oldest = database.execute("SELECT count(*), min(at) FROM waiting WHERE aside = 0").fetchone()
        (aside,) = database.execute("SELECT count(*) FROM waiting WHERE aside = 1").fetchone()
    goal = "Redis" if settings.redis_url else "the database"
    yield _backlog("outbox", waiting, oldest, f"for {goal}", f"is a bot running, and can it reach {goal}?")
    if aside:
        yield _aside("outbox", aside)


def _archiver(settings: Settings) -> Findings:
    """What moves transcripts from Redis to the database."""
    if settings.redis_url is None or not settings.transcripts:
        return
    from bot.runtime.redis_link import connect_blocking
    from bot.transcripts.stream import Stream

    stream = Stream(connect_blocking(settings.redis_url))
    silence = stream.silence()
    if silence is None or silence > _SILENT_SECONDS:
        yield Finding("archiver", "wrong", "none takes transcripts out of Redis", "start 'wegwijzer archive'")
    yield _backlog("archiver", stream.waiting(), stream.oldest(), "in Redis", "does 'wegwijzer archive' reach the database, and keep up?")
    if aside := stream.aside():
        yield _aside("archiver", aside)


def _backlog(what: str, waiting: int, oldest: float | None, where: str, mend: str) -> Finding:
    late = bool(waiting and oldest and time.time() - oldest > _LONG_WAITING_SECONDS)
    if waiting > _MUCH_WAITING or late:
        return Finding(what, "wrong", f"{waiting} turns wait {where}", mend)
    return Finding(what, "ok", f"{waiting} turns wait {where}")


def _aside(what: str, aside: int) -> Finding:
    return Finding(what, "wrong", f"{aside} turns cannot be put into the database", "they are kept; look in the log, report it")


def _clock(settings: Settings) -> Findings:
    """Without another clock to ask: what was written cannot be of tomorrow."""
    folders = [folder for folder in (settings.models_dir, settings.data_dir) if folder.is_dir()]
    newest = max((path.stat().st_mtime for folder in folders for path in folder.iterdir()), default=0.0)
    now = dt.datetime.now(dt.timezone.utc)
    if newest > now.timestamp() + _CLOCK_SECONDS:
        yield Finding("clock", "wrong", f"it says {now:%Y-%m-%d %H:%M} UTC, which is before files that are there", "set it by NTP")
    else:
        yield Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC")


def _get(host: str, port: int, path: str) -> tuple[int, bytes] | None:
    """Status and body of an answer; None where nobody listens.

    Raises:
        OSError, http.client.HTTPException: somebody listens, and it is not a web server that answers.
    """
    # What listens for everybody is asked on this machine.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (only compared)
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()


def _bot(settings: Settings, port: int) -> Findings:
    try:
        answer = _get(settings.host, port, "/health")
    except (OSError, http.client.HTTPException):
        answer = (0, b"")
    if answer is None:
        yield from _free_port(settings.host, port)
        return
    status, body = answer
    try:
        health = json.loads(body)
        ready = status == 200 and health["status"] == "ready"
    except (ValueError, KeyError, TypeError):
        yield Finding("bot", "wrong", f"something else listens on port {port}", "stop it, or start with another --port")
        return
    if ready:
        yield Finding("bot", "ok", f"runs on port {port}")
    else:
        yield Finding("bot", "wrong", f"it runs on port {port} and is not ready (status {status})", "look in its log")


def _free_port(host: str, port: int) -> Findings:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = "has no such address" if error.errno == errno.EADDRNOTAVAIL else error.strerror
            yield Finding("bot", "wrong", f"cannot listen on {host} port {port}: this machine {reason}", "change WEGWIJZER_HOST or --port")
            return
    yield Finding("bot", "note", f"does not run; port {port} is free", "'wegwijzer run' starts it")


def _console(settings: Settings, port: int, console_port: int) -> Findings:
    if not console_port or not settings.transcripts:
        yield Finding("console", "note", "none is wanted here")
        return
    try:
        answer = _get(settings.console_host, console_port, "/")
    except (OSError, http.client.HTTPException):
        yield Finding("console", "wrong", f"something else listens on port {console_port}", "change WEGWIJZER_CONSOLE_PORT")
        return
    if answer and answer[0] < 500:
        yield Finding("console", "ok", f"answers on port {console_port}")
        return
    runs = False
    with contextlib.suppress(OSError, http.client.HTTPException):
        runs = _get(settings.host, port, "/health") is not None
    if answer:
        yield Finding("console", "wrong", f"answers with status {answer[0]}", "look in its log")
    elif runs:
        yield Finding("console", "wrong", f"does not answer on port {console_port}, and the bot runs", "look in its log")
    else:
        yield Finding("console", "note", "does not run")


def _telegram(settings: Settings) -> Findings:
    if settings.telegram_token is None:
        yield Finding("telegram", "ok", "off: TELEGRAM_TOKEN is not set")
        return
    from bot.channels.telegram_check import check

    report = asyncio.run(check(settings))
    for problem in report.problems:
        yield Finding("telegram", "wrong", problem)
    if not report.problems:
        yield Finding("telegram", "ok", "the token works")
