"""The log: what happened and to which request; never what somebody wrote, and never from where.

A line of this program is written as it is: its modules log types, counts and moments. Libraries log what they were given, which may be a
message, an address or a token; of their lines stays who wrote it, where, and the type of the error.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import secrets
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any

from bot.runtime.settings import Settings

logger = logging.getLogger(__name__)

#: Packages whose lines are written as they are.
OWN = ("bot", "actions")
#: What a line may carry beside its message, given as ``extra``.
EXTRA = ("channel", "milliseconds")

_request: ContextVar[str] = ContextVar("request", default="")


def configure(settings: Settings) -> None:
    """Write the log to standard error in the form that the settings name. Before Rasa is started, which else would choose its own."""
    as_json = settings.log_format == "json"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.ERROR)
    for name in OWN:
        logging.getLogger(name).setLevel(logging.INFO if as_json else logging.WARNING)
    # A line that cannot be put together would be printed with all its parts.
    logging.raiseExceptions = False
    sys.excepthook = _uncaught
    threading.excepthook = lambda found: _uncaught(found.exc_type, found.exc_value, found.exc_traceback)
    if as_json:
        warnings.showwarning = lambda *_args, **_kwargs: None


def begin_request() -> str:
    """A new id for the request that this task handles; what it starts inherits it. Never one that the client chose."""
    chosen = secrets.token_hex(8)
    _request.set(chosen)
    return chosen


@contextmanager
def request() -> Iterator[None]:
    """The id of the request stays the same; where there is none (Telegram, a turn taken up after a start), one for this block."""
    token = None if _request.get() else _request.set(secrets.token_hex(8))
    try:
        yield
    finally:
        if token:
            _request.reset(token)


def _uncaught(kind: type[BaseException], error: BaseException | None, place: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger.critical("not caught", exc_info=(kind, error or kind(), place))


def _parts(record: logging.LogRecord) -> dict[str, Any]:
    """What a line says, by name."""
    own = record.name.partition(".")[0] in OWN
    parts: dict[str, Any] = {
        "time": dt.datetime.fromtimestamp(record.created, dt.timezone.utc).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage() if own else f"a line of a library, {Path(record.pathname).name}:{record.lineno}",
    }
    if _request.get():
        parts["request"] = _request.get()
    parts.update({name: record.__dict__[name] for name in EXTRA if name in record.__dict__})
    if record.exc_info and record.exc_info[0]:
        parts["error"] = record.exc_info[0].__name__
        # Without the text of the error, and without the lines of code that Python would quote.
        parts["at"] = [f"{frame.f_code.co_filename}:{line}" for frame, line in traceback.walk_tb(record.exc_info[2])][-8:]
    return parts


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_parts(record), ensure_ascii=False)


class TextLines(logging.Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        parts = _parts(record)
        line = f"{parts.pop('time')} {parts.pop('level').upper()} {parts.pop('logger')}: {parts.pop('message')}"
        return line + "".join(f" {name}={value}" for name, value in parts.items())
