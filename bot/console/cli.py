"""Commands of ``wegwijzer`` for the console: starting it alone, and accounts."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from bot.runtime.settings import Settings, load_settings

_ACTOR = "command line"
_ROLES = ("reader", "moderator", "admin")


def add_commands(commands: Any, parser_class: type[argparse.ArgumentParser], port: Callable[[str], int]) -> None:
    """Add them to the parser of ``wegwijzer``. ``port`` reads a port number."""
    console_ = commands.add_parser("console", help="start the moderators' console alone")
    console_.add_argument("--port", type=port, help="in place of WEGWIJZER_CONSOLE_PORT")
    console_.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    console_.set_defaults(do=_console)

    user_ = commands.add_parser("user", help="accounts of the console").add_subparsers(
        dest="user_command", metavar="command", required=True, parser_class=parser_class
    )
    add_ = user_.add_parser("add", help="make an account; prints a link that works once")
    add_.add_argument("name")
    add_.add_argument("--role", choices=_ROLES, default="moderator")
    add_.set_defaults(do=_add)
    link_ = user_.add_parser("link", help="a new link for an account: password forgotten, phone lost")
    link_.add_argument("name")
    link_.set_defaults(do=_link)
    list_ = user_.add_parser("list", help="all accounts")
    list_.set_defaults(do=_list)


def _console(arguments: argparse.Namespace) -> int:
    from bot.console.serve import serve
    from bot.runtime import logs

    settings = load_settings()
    logs.configure(settings)
    return serve(settings, arguments.port or settings.console_port or 5006, with_parent=arguments.with_parent)


@contextlib.contextmanager
def _logins() -> Iterator[tuple[Any, Settings]]:
    from sqlalchemy.exc import SQLAlchemyError

    from bot.console.logins import Logins
    from bot.transcripts.database import open_database
    from bot.transcripts.errors import StoreError

    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = open_database(settings)
    try:
        database.migrate()
        yield Logins(database, settings.console_idle_minutes * 60, settings.console_hours * 3600), settings
    except SQLAlchemyError as error:
        raise StoreError(f"the database of the transcripts cannot be used ({type(error).__name__})") from None
    finally:
        database.close()


def _add(arguments: argparse.Namespace) -> int:
    with _logins() as (logins, settings):
        account_id = logins.accounts.create(arguments.name, None, arguments.role, _ACTOR)
        _print_link(logins.make_link(account_id, _ACTOR), settings)
    return 0


def _link(arguments: argparse.Namespace) -> int:
    from bot.transcripts.errors import NotFound

    with _logins() as (logins, settings):
        account = logins.accounts.find(arguments.name)
        if account is None:
            raise NotFound(f"there is no account '{arguments.name}'; see 'wegwijzer user list'")
        _print_link(logins.make_link(account.id, _ACTOR), settings)
    return 0


def _list(_arguments: argparse.Namespace) -> int:
    with _logins() as (logins, _settings):
        for account in logins.accounts.all():
            seen = f"last login {account.last_login_at:%Y-%m-%d}" if account.last_login_at else "never logged in"
            print(f"{account.name}\t{account.role}\t{'open' if account.active else 'closed'}\t{seen}")
    return 0


def _print_link(token: str, settings: Settings) -> None:
    from bot.console.serve import address

    print(f"{address(settings, settings.console_port or 5006)}/welkom/{token}")
