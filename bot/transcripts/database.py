"""The database of the transcripts: SQLite by default, PostgreSQL by one setting; transactions and migrations."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from bot.runtime.settings import Settings
from bot.transcripts.errors import StoreError
from bot.transcripts.keys import Keys, load_keys

MIGRATIONS = Path(__file__).parent / "migrations"
FILE = "transcripts.db"
KEY_FILE = "transcripts.key"

#: How long a statement waits for another one that writes (SQLite) or for a connection (PostgreSQL).
_WAIT_SECONDS = 5
_MIGRATION_LOCK = 0x77656777


class Database:
    """A database and the keys to what is sealed in it. Make one with :func:`open_database`; may be shared by threads."""

    def __init__(self, engine: Engine, keys: Keys) -> None:
        self.engine = engine
        self.keys = keys

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite."""
        return bool(self.engine.dialect.name == "sqlite")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one moment of the database and changes nothing."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session in a transaction that is committed at the end, or rolled back when an error passes."""
        engine = self.engine.execution_options(begin_immediate=True)
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    def insert(self, table: Any) -> Any:
        """An INSERT that can say what to do when the row is there already (``on_conflict_do_...``)."""
        return (sqlite if self.is_sqlite else postgresql).insert(table)

    def lock(self, session: Session, *names: int) -> None:
        """Nobody else who asks for one of the same locks comes in until the transaction ends; they are taken in this order.

        SQLite has one writer at a time anyway.
        """
        if not self.is_sqlite:
            session.execute(
                text("SELECT pg_advisory_xact_lock(name) FROM unnest(CAST(:names AS bigint[])) AS name"), {"names": list(names)}
            )

    def migrate(self) -> None:
        """Bring the tables to the newest form. Safe when several processes do it at once.

        Raises:
            StoreError: the database cannot be reached or changed.
        """
        try:
            if self._is_newest():
                return
            # Not needed before, and slow to load.
            from alembic import command

            with self.engine.execution_options(begin_immediate=True).begin() as connection:
                if not self.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
                command.upgrade(_alembic(connection), "head")
        except SQLAlchemyError as error:
            raise StoreError(f"the database of the transcripts cannot be used: {_reason(error)}") from None

    def _is_newest(self) -> bool:
        """Whether the tables have the newest form; files of migrations begin with their number."""
        newest = max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
        try:
            with self.engine.connect() as connection:
                return bool(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == newest)
        except ProgrammingError:
            return False
        except OperationalError:
            # SQLite says so of a table that is not there, and everything of a database that is away.
            if self.is_sqlite:
                return False
            raise

    def checkpoint(self) -> None:
        """Copy the write-ahead log of SQLite into the file and empty it: what was overwritten there is gone then."""
        if self.is_sqlite:
            connection: Any = self.engine.raw_connection()
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()

    def look_around(self) -> None:
        """Let SQLite see how many rows of which kind there are, a sample only; PostgreSQL does so by itself."""
        if self.is_sqlite:
            with self.writing() as session:
                session.execute(text("PRAGMA analysis_limit = 1000"))
                session.execute(text("ANALYZE"))

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def open_database(settings: Settings) -> Database:
    """The database that the settings name; its tables may still have to be made (:meth:`Database.migrate`).

    Raises:
        UserError: an address or key that cannot be used.
    """
    setting = settings.transcript_key
    keys = load_keys(setting.get_secret_value() if setting else None, settings.data_dir / KEY_FILE)
    if settings.database_url:
        return Database(make_engine(settings.database_url.get_secret_value()), keys)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = settings.data_dir / FILE
    path.touch(mode=0o600)
    return Database(make_engine(f"sqlite:///{path}"), keys)


def make_engine(address: str) -> Engine:
    """An engine with what each kind of database needs.

    Raises:
        StoreError: the address is none of a database that is known here.
    """
    try:
        # What PostgreSQL's own tools and hosting providers write.
        url = make_url(address.replace("postgres://", "postgresql://", 1))
        if url.get_backend_name() == "sqlite":
            engine = create_engine(url, poolclass=QueuePool, connect_args={"timeout": _WAIT_SECONDS, "check_same_thread": False})
            _prepare_sqlite(engine)
            return engine
        if url.get_backend_name() == "postgresql":
            options = {"connect_timeout": _WAIT_SECONDS, "application_name": "wegwijzer"}
            engine = create_engine(url, pool_pre_ping=True, pool_recycle=1800, connect_args=options)
            event.listen(engine, "connect", _prepare_postgresql)
            return engine
    except (ArgumentError, NoSuchModuleError, ValueError):
        pass
    # The address may hold a password: it is not repeated.
    raise StoreError("DATABASE_URL: write sqlite:///path/to/file or postgresql://user:password@host/name")


class _Compiler(sqlite.base.SQLiteCompiler):
    """Writes the hint of a query (``INDEXED BY``) after the name of its table, which SQLAlchemy leaves out for SQLite."""

    def get_from_hint_text(self, _table: Any, text: str) -> str:
        return text


def _prepare_sqlite(engine: Engine) -> None:
    engine.dialect.statement_compiler = _Compiler

    def connected(connection: Any, _record: Any) -> None:
        # Transactions are begun below: sqlite3 of its own accord begins them too late for what was read first to be sure.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON", "foreign_keys=ON", "cache_size=-32768"):
            connection.execute(f"PRAGMA {pragma}")

    def begun(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("begin_immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    # A search takes tens of milliseconds: helpers would take longer to start, and take the processors from the bots. Not said in the
    # address, which a pool of connections in between may refuse.
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
    connection.autocommit = False


def _alembic(connection: Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return config


def _reason(error: SQLAlchemyError) -> str:
    """What is wrong, in words of the driver where they name no data."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return f"{type(original).__name__}: {str(original).strip().splitlines()[0] if str(original).strip() else ''}"
