"""``wegwijzer console``: the application behind waitress, until the process is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from types import FrameType

from waitress.server import create_server

from bot.console.alerts import Alerts
from bot.console.app import create_app
from bot.runtime.errors import UserError
from bot.runtime.settings import Settings
from bot.transcripts.database import open_database

#: Holds the link that makes the first administrator, in the data folder.
LINK_FILE = "first-link.txt"
_THREADS = 8


class ConsoleError(UserError):
    """The console cannot be started; one line."""


def serve(settings: Settings, port: int, with_parent: bool = False) -> int:
    """Run until told to stop; the exit status.

    Args:
        with_parent: standard input is a pipe from the process that started this one; when it closes, the parent is gone.

    Raises:
        UserError: the port is in use, or the database, a key or the content cannot be used.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = open_database(settings)
    try:
        database.migrate()
        app = create_app(settings, database)
        # The address of a request that went wrong is no line of a log.
        logging.getLogger("waitress").setLevel(logging.CRITICAL)
        try:
            server = create_server(
                app, host=settings.console_host, port=port, threads=_THREADS, ident=None, clear_untrusted_proxy_headers=not settings.proxies
            )
        except OSError as error:
            raise ConsoleError(f"the console cannot listen on {settings.console_host} port {port}: {error.strerror or error}") from None
        alerts = Alerts(settings, database, app.extensions["console"].texts)
        alerts.start()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, _stop)
        if with_parent:
            threading.Thread(target=_end_with_parent, daemon=True).start()
        _welcome(app.extensions["console"].logins.first_link(), settings, port)
        try:
            server.run()
        finally:
            alerts.stop()
            server.close()
    finally:
        database.close()
    return 0


def address(settings: Settings, port: int) -> str:
    """Where the console is, for people."""
    host = settings.console_host
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host  # noqa: S104 (only compared)
    return (settings.console_url or f"http://{shown}:{port}").rstrip("/")


def _welcome(token: str | None, settings: Settings, port: int) -> None:
    where, file = address(settings, port), settings.data_dir / LINK_FILE
    print(f"The moderators' console is ready. Open {where}/", flush=True)
    file.unlink(missing_ok=True)
    if token is None:
        return
    link = f"{where}/welkom/{token}"
    if sys.stdout.isatty():
        print(f"There is no administrator yet. This link makes the first one; it works once, within the hour:\n  {link}", flush=True)
        return
    # What is no terminal may be a log, which others read and which is kept.
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(f"{link}\n")
    print(f"There is no administrator yet. The link that makes the first one, once and within the hour, is in {file}", flush=True)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    # Waitress ends its loop in an orderly way on this.
    raise SystemExit(0)


def _end_with_parent() -> None:
    # Without Python's buffer: its lock, held by this thread, would abort a process that ends while it waits here.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
