"""Commands of ``wegwijzer`` that work on the transcripts."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from bot.runtime.errors import UserError
from bot.runtime.settings import load_settings
from bot.transcripts.errors import StoreError

_ACTOR = "command line"


def add_commands(commands: Any, parser_class: type[argparse.ArgumentParser]) -> None:
    """Add them to the parser of ``wegwijzer``."""
    export_ = commands.add_parser("export", help="transcripts as files, redacted").add_subparsers(
        dest="export_command", metavar="command", required=True, parser_class=parser_class
    )
    conversations_ = export_.add_parser("conversations", help="all conversations, or those of some days")
    conversations_.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    conversations_.add_argument("--since", type=_day, help="first day, for instance 2026-09-01")
    conversations_.add_argument("--until", type=_day, help="last day")
    conversations_.add_argument("--output", default="-", help="file to write; must not exist yet")
    conversations_.set_defaults(do=_export_conversations)
    training_ = export_.add_parser("training", help="corrections of moderators as training messages, to look through")
    training_.add_argument("--output", default="-", help="file to write; must not exist yet")
    training_.set_defaults(do=_export_training)

    archive_ = commands.add_parser("archive", help="for bots with REDIS_URL: move transcripts to the database, until it is stopped")
    archive_.set_defaults(do=_archive)

    retention_ = commands.add_parser("retention", help="remove the transcripts that are old enough, now")
    retention_.set_defaults(do=_retention)

    demo_ = commands.add_parser("demo", help="fill an empty store with made-up conversations, to try the console")
    demo_.add_argument("--conversations", type=int, default=1000)
    demo_.set_defaults(do=_demo)


def _day(value: str) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{value}' is no day; write for instance 2026-09-01") from None


@contextlib.contextmanager
def _store() -> Iterator[Any]:
    from sqlalchemy.exc import SQLAlchemyError

    from bot.transcripts.database import open_database

    database = open_database(load_settings())
    try:
        database.migrate()
        yield database
    except SQLAlchemyError as error:
        raise StoreError(f"the database of the transcripts cannot be used ({type(error).__name__})") from None
    finally:
        database.close()


@contextlib.contextmanager
def _output(name: str) -> Iterator[TextIO]:
    """A new file that only its owner can read, or standard output for ``-``."""
    if name == "-":
        yield sys.stdout
        return
    try:
        descriptor = os.open(Path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UserError(f"{name}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        yield file


def _export_conversations(arguments: argparse.Namespace) -> int:
    from bot.transcripts.export import export
    from bot.transcripts.filters import Filters

    with _store() as database, _output(arguments.output) as file:
        number = export(database, Filters(since=arguments.since, until=arguments.until), arguments.format, file, _ACTOR)
    print(f"{number} conversations", file=sys.stderr)
    return 0


def _export_training(arguments: argparse.Namespace) -> int:
    from bot.transcripts.training import export_training

    with _store() as database, _output(arguments.output) as file:
        number = export_training(database, file, _ACTOR)
    print(f"{number} corrections", file=sys.stderr)
    return 0


def _archive(_arguments: argparse.Namespace) -> int:
    from bot.runtime import logs
    from bot.transcripts.archive import serve

    settings = load_settings()
    logs.configure(settings)
    print(f"Transcripts go from {'Redis' if settings.redis_url else 'the data folder'} to the database; Ctrl-C stops it.", flush=True)
    return serve(settings)


def _retention(_arguments: argparse.Namespace) -> int:
    from bot.transcripts.retention import remove_old

    settings = load_settings()
    with _store() as database:
        removed = remove_old(database, settings)
    crisis = settings.crisis_retention_days or settings.retention_days
    print(f"{removed.conversations} conversations with {removed.messages} messages removed", end=" ")
    print(f"(older than {settings.retention_days} days; {crisis} where there was a crisis)")
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from bot.runtime import serving_only

    serving_only.install()
    from bot.transcripts.demo import fill

    if not 1 <= arguments.conversations <= 100_000:
        raise StoreError("--conversations: 1 to 100000")
    with _store() as database:
        print(fill(database, load_settings(), arguments.conversations))
    return 0
