"""From the chat to the database, with everything going wrong on the way."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.runtime.settings import Settings, load_settings
from bot.transcripts.applying import Applier
from bot.transcripts.archiver import Archiver
from bot.transcripts.broker import TranscriptBroker
from bot.transcripts.database import Database, open_database
from bot.transcripts.outbox import Entry, Outbox
from bot.transcripts.record import Recorder, feedback
from bot.transcripts.repository import Filters, Repository
from bot.transcripts.service import _RETRY_SECONDS, Transcripts

from .conftest import NOON, Postgres, entry, said, slot, user

PROJECT = Path(__file__).resolve().parents[2]


def numbered(number: int, words: str = "ze pesten mij") -> list[dict[str, Any]]:
    return [{**user(words, at=NOON + number), "message_id": f"n{number}"}, said("ik hoor je")]


def messages_by_conversation(database: Database) -> list[int]:
    with database.reading() as session:
        rows = session.execute(text("SELECT count(*) FROM message GROUP BY conversation_id ORDER BY 1")).all()
    return [row[0] for row in rows]


def eventually(holds: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


Log = Callable[[], str]


@pytest.fixture
def log(capfd: pytest.CaptureFixture[str]) -> Log:
    """All that this process and those that it started have written to their logs."""
    pieces: list[str] = []

    def read() -> str:
        pieces.append(capfd.readouterr().err)
        return "".join(pieces)

    return read


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Transcripts]]:
    """Starts the transcripts on a data folder; stops what still runs."""
    running: list[Transcripts] = []

    def go(**given: Any) -> Transcripts:
        running.append(Transcripts.start(load_settings(**{"data_dir": tmp_path / "data", "retention_days": 3650, **given})))
        return running[-1]

    yield go
    for one in running:
        one.close()


def test_a_conversation_reaches_the_database(start: Callable[..., Transcripts]) -> None:
    transcripts = start()
    for number in range(20):
        transcripts.take(f"s{number % 2}", numbered(number))
    assert transcripts.caught_up(60)
    assert transcripts.waiting() == 0
    assert messages_by_conversation(transcripts.database) == [20, 20]


def test_rasas_own_way_of_publishing_comes_to_the_same(start: Callable[..., Transcripts]) -> None:
    """One event at a time, as ``rasa run`` does with a broker named in endpoints.yml."""
    broker = TranscriptBroker(start())
    for number in range(3):
        for event in [*numbered(number), slot("role", "parent"), {"event": "action", "name": "action_listen"}]:
            broker.publish({"sender_id": "s", **event})
    assert broker.transcripts.caught_up(60)
    (row,) = Repository(broker.transcripts.database).list().items
    assert (row.n_messages, row.road) == (6, "parent")


def test_rasa_makes_the_broker_that_endpoints_yml_names(
    tmp_path: Path, start: Callable[..., Transcripts], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rasa.core.brokers.broker import EventBroker
    from rasa.utils.endpoints import EndpointConfig

    monkeypatch.setenv("WEGWIJZER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WEGWIJZER_RETENTION_DAYS", "3650")

    async def go() -> None:
        broker = await EventBroker.create(EndpointConfig(type="bot.transcripts.broker.TranscriptBroker"))
        assert isinstance(broker, TranscriptBroker)
        # Without the action that ends a turn: closing hands it over.
        for event in numbered(1):
            broker.publish({"sender_id": "s", **event})
        await broker.close()

    asyncio.run(go())
    transcripts = start()
    assert transcripts.caught_up(60)
    assert messages_by_conversation(transcripts.database) == [2]


def test_killed_at_any_moment_nothing_that_was_on_disk_is_lost_or_doubled(tmp_path: Path, start: Callable[..., Transcripts]) -> None:
    acknowledged: list[int] = []
    for _attempt in range(3):
        command = [sys.executable, "-m", "tests.transcripts.crash_writer", str(tmp_path / "data"), str(len(acknowledged) + 1000 * _attempt)]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as writer:
            assert writer.stdout
            for _line in range(150):
                acknowledged.append(int(writer.stdout.readline()))
            writer.send_signal(signal.SIGKILL)
            acknowledged += [int(line) for line in writer.stdout.read().split("\n") if line.strip().isdecimal()]
    transcripts = start()
    assert transcripts.caught_up(120)
    with transcripts.database.reading() as session:
        moments = [row[0] for row in session.execute(text("SELECT at FROM message WHERE sender = 'user'"))]
    numbers = [round(at - NOON) for at in moments]
    assert len(numbers) == len(set(numbers))
    assert set(acknowledged) <= set(numbers)
    # At most the one that was being written when the process was killed is there without having been told so.
    assert len(set(numbers) - set(acknowledged)) <= 3


@pytest.mark.parametrize(("moment", "stored"), [("in a transaction", 0), ("after the commit", 20)])
def test_killed_in_the_middle_of_writing_to_the_database(
    tmp_path: Path, start: Callable[..., Transcripts], moment: str, stored: int
) -> None:
    """Where it matters most: half a batch written, or a whole one of which the outbox does not know yet that it was."""
    database = open_database(load_settings(data_dir=tmp_path / "data"))
    outbox = Outbox(tmp_path / "data" / "outbox.db")
    outbox.append(entry(database, Recorder(database.keys).turn(f"s{number % 2}", numbered(number)) or {}) for number in range(20))
    command = [sys.executable, "-m", "tests.transcripts.crash_archiver", str(tmp_path / "data"), moment]
    killed = subprocess.run(command, check=False, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert sum(messages_by_conversation(database)) == 2 * stored
    assert outbox.waiting() == 20
    outbox.close()
    database.close()
    transcripts = start()
    assert transcripts.caught_up(60)
    assert messages_by_conversation(transcripts.database) == [20, 20]
    today = dt.datetime.fromtimestamp(NOON, dt.timezone.utc).date()
    assert Repository(transcripts.database).figures(today, today).conversations == 2, "counted once as well"
    assert transcripts.counts()["aside"]() == 0, "what was written already is known, not refused"


def test_the_archiver_is_killed_and_started_again(start: Callable[..., Transcripts], caplog: Any) -> None:
    transcripts = start()
    for number in range(600):
        transcripts.take(f"s{number % 3}", numbered(number))
    assert eventually(lambda: transcripts.waiting() < 600)
    child = transcripts._carrier._process  # type: ignore[union-attr]
    assert child
    child.kill()
    assert transcripts.waiting() > 0
    assert transcripts.caught_up(60)
    assert messages_by_conversation(transcripts.database) == [400, 400, 400]
    assert "the archiver ended" in caplog.text


def test_the_archiver_ends_when_the_bot_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.transcripts.crash_writer", str(tmp_path / "data"), "0"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as writer:
        assert writer.stdout
        writer.stdout.readline()
        (child,) = " ".join(path.read_text() for path in Path("/proc").glob(f"{writer.pid}/task/*/children")).split()
        writer.kill()
    assert eventually(lambda: not Path(f"/proc/{child}").exists())


def test_the_database_is_gone_for_a_while_under_load(postgres: Postgres, start: Callable[..., Transcripts], log: Log) -> None:
    transcripts = start(database_url=postgres.new_database())
    transcripts.take("before", numbered(0))
    assert transcripts.caught_up(60)
    postgres.stop()
    try:
        for number in range(1, 200):
            # The chat only ever waits for its own disk.
            transcripts.take(f"s{number % 4}", numbered(number))
            if number % 50 == 0:
                time.sleep(0.3)
        assert eventually(lambda: "transcripts wait" in log())
        assert transcripts.waiting() >= 150
    finally:
        postgres.start()
    for number in range(200, 220):
        transcripts.take(f"s{number % 4}", numbered(number))
    assert transcripts.caught_up(120)
    assert transcripts.waiting() == 0
    assert sum(messages_by_conversation(transcripts.database)) == 2 * 220
    assert eventually(lambda: "takes transcripts again" in log())
    assert "pesten" not in log()


def test_a_database_that_is_away_at_the_start_is_no_error(postgres: Postgres, start: Callable[..., Transcripts]) -> None:
    address = postgres.new_database()
    postgres.stop()
    try:
        transcripts = start(database_url=address)
        transcripts.take("s", numbered(1))
    finally:
        postgres.start()
    assert transcripts.caught_up(120)
    assert messages_by_conversation(transcripts.database) == [2]


def test_erasing_while_the_database_is_away_follows_later(postgres: Postgres, start: Callable[..., Transcripts]) -> None:
    transcripts = start(database_url=postgres.new_database())
    transcripts.take("mine", numbered(1))
    transcripts.take("yours", numbered(2))
    assert transcripts.caught_up(60)
    postgres.stop()
    try:
        transcripts.take("mine", numbered(3))
        transcripts.take("yours", numbered(4))
        assert asyncio.run(transcripts.erase("mine")) is False
        key = transcripts.database.keys.conversation("mine")
        # Nothing of it waits on disk any more, only that it is to be erased.
        assert [entry.what for entry in transcripts._outbox.batch(99) if entry.key == key] == ["erase"]
    finally:
        postgres.start()
    assert transcripts.caught_up(120)
    assert messages_by_conversation(transcripts.database) == [4]


def test_erasing_takes_what_waits_and_what_is_stored_and_what_comes_late(start: Callable[..., Transcripts]) -> None:
    transcripts = start()
    late = [{**event, "timestamp": time.time() - 5} for event in numbered(9)]
    transcripts.take("mine", numbered(1))
    transcripts.take("yours", numbered(2))
    assert transcripts.caught_up(60)
    transcripts.take("mine", numbered(3))
    assert asyncio.run(transcripts.erase("mine")) is True
    assert messages_by_conversation(transcripts.database) == [2]
    transcripts.take("mine", late)
    assert transcripts.caught_up(60)
    assert messages_by_conversation(transcripts.database) == [2]
    assert transcripts.waiting() == 0


def test_a_full_disk_loses_nothing_and_says_so_in_one_line_without_text(start: Callable[..., Transcripts], caplog: Any) -> None:
    caplog.set_level(logging.WARNING)
    transcripts = start()
    transcripts.take("s", numbered(0))
    assert transcripts.caught_up(60)
    # SQLite's own error for a disk that is full.
    outbox = transcripts._outbox._database
    (pages,) = outbox.execute("PRAGMA page_count").fetchone()
    outbox.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        transcripts._outbox.append([Entry("x", "k", 1.0, "turn", bytes(100_000))])
    for number in range(1, 100):
        transcripts.take("s", numbered(number, "een lang verhaal " * 50))
    assert transcripts._unwritten
    assert transcripts.waiting() > 0
    # One line when it begins, however many turns wait (the archiver makes a little room now and then: then it begins again).
    assert 1 <= caplog.text.count("the disk takes none") <= 1 + caplog.text.count("the disk takes transcripts again")
    assert "verhaal" not in caplog.text
    # Until it has been tried again more than once, in vain: together they are more than the disk takes.
    time.sleep(2.5 * _RETRY_SECONDS)
    assert transcripts._unwritten
    outbox.execute("PRAGMA max_page_count = 1073741823")
    assert eventually(lambda: not transcripts._unwritten)
    assert transcripts.caught_up(60)
    assert messages_by_conversation(transcripts.database) == [200]
    assert transcripts.lost == 0
    assert "had waited" in caplog.text


def test_a_full_disk_under_the_database_makes_turns_wait(tmp_path: Path, caplog: Any) -> None:
    caplog.set_level(logging.WARNING)
    database = open_database(load_settings(data_dir=tmp_path))
    database.migrate()
    outbox = Outbox(tmp_path / "outbox.db")
    limits: list[int] = []

    def limit(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {limits[-1]}")

    from sqlalchemy import event

    with database.engine.connect() as connection:
        limits.append(int(connection.exec_driver_sql("PRAGMA page_count").scalar()))
    event.listen(database.engine, "checkout", limit)
    for number in range(1, 60):
        words = " ".join(f"woord{number}x{place}" for place in range(80))
        outbox.append([entry(database, Recorder(database.keys).turn("s", numbered(number, words)) or {})])
    archiver = Archiver(outbox, database, Applier(database, 86400.0), lambda: None)
    thread = threading.Thread(target=archiver.run)
    thread.start()
    try:
        assert eventually(lambda: "the database cannot take them" in caplog.text)
        limits.append(1073741823)
        assert eventually(lambda: outbox.waiting() == 0, 90)
        assert messages_by_conversation(database) == [118]
    finally:
        archiver.stop()
        thread.join()
        outbox.close()
        database.close()


def test_a_turn_that_cannot_be_applied_does_not_hold_up_the_others(tmp_path: Path, start: Callable[..., Transcripts]) -> None:
    outbox = Outbox(tmp_path / "data" / "outbox.db")
    outbox.append([Entry("odd", "0" * 48, NOON, "turn", b"no turn at all")])
    outbox.close()
    transcripts = start()
    transcripts.take("s", numbered(1))
    assert transcripts.caught_up(60)
    assert messages_by_conversation(transcripts.database) == [2]
    (kept,) = sqlite3.connect(tmp_path / "data" / "outbox.db").execute("SELECT id FROM waiting WHERE aside = 1").fetchall()
    assert kept == ("odd",)


def test_no_file_holds_a_word_or_the_sender_while_it_runs_or_after(tmp_path: Path, start: Callable[..., Transcripts]) -> None:
    transcripts = start()
    words = b"waterijsje"
    transcripts.take("afzender-4711", [user("mijn waterijsje is gestolen"), said("zo een waterijsje toch", id="x")])
    assert transcripts.caught_up(60)
    repository = Repository(transcripts.database)
    assert repository.list(Filters(text="waterijsje")).total == 1

    def held() -> list[str]:
        return [path.name for path in (tmp_path / "data").iterdir() if words in path.read_bytes() or b"afzender-4711" in path.read_bytes()]

    assert held() == []
    transcripts.close()
    assert held() == []
    for path in (tmp_path / "data").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_after_erasing_the_files_do_not_even_hold_what_was_sealed(tmp_path: Path, start: Callable[..., Transcripts]) -> None:
    transcripts = start()
    transcripts.take("s", numbered(1))
    assert transcripts.caught_up(60)
    with transcripts.database.reading() as session:
        sealed = [bytes(row[0]) for row in session.execute(text("SELECT sealed FROM message"))]
    files = [tmp_path / "data" / name for name in ("transcripts.db", "transcripts.db-wal", "outbox.db", "outbox.db-wal")]

    def holding() -> list[str]:
        return [path.name for path in files if path.exists() and any(part in path.read_bytes() for part in sealed)]

    assert holding()
    asyncio.run(transcripts.erase("s"))
    assert holding() == []


def test_another_key_opens_nothing_and_an_added_one_still_opens_all(tmp_path: Path, start: Callable[..., Transcripts]) -> None:
    import base64

    old, new = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    transcripts = start(transcript_key=old)
    transcripts.take("s", numbered(1))
    assert transcripts.caught_up(60)
    transcripts.close()
    rotated = start(transcript_key=f"{new},{old}")
    rotated.take("s", numbered(2, "nieuwe woorden"))
    assert rotated.caught_up(60)
    repository = Repository(rotated.database)
    (row,) = repository.list(Filters(text="pesten woorden")).items
    assert row.n_messages == 4
    with rotated.database.reading() as session:
        kinds = [
            rotated.database.keys.is_current(bytes(item[0])) for item in session.execute(text("SELECT sealed FROM message ORDER BY id"))
        ]
    assert kinds == [False, False, True, True]
    rotated.close()
    stranger = open_database(load_settings(data_dir=tmp_path / "data", transcript_key=new))
    assert [item.opening for item in Repository(stranger).list().items] == [""]
    with pytest.raises(Exception, match="WEGWIJZER_TRANSCRIPT_KEY"):
        Repository(stranger).read(row.id, "x")
    stranger.close()


@pytest.mark.parametrize("key", ["geheim", "AAAA", "é" * 44, "," * 3])
def test_a_key_that_is_none_is_refused_without_repeating_it(tmp_path: Path, key: str) -> None:
    with pytest.raises(Exception, match="32 bytes in base64") as refused:
        open_database(load_settings(data_dir=tmp_path, transcript_key=key))
    assert key not in str(refused.value)


@pytest.mark.parametrize(
    ("what", "value"), [("helpful", "ja"), ("tapped", "/etc/passwd"), ("tapped", 1), ("tapped", "Ik heet Kato"), ("colour", True)]
)
def test_feedback_that_means_nothing_is_refused(what: str, value: Any) -> None:
    with pytest.raises(ValueError, match="feedback is"):
        feedback(what, value, "web")


def test_settings_that_make_no_sense_are_refused() -> None:
    for given in ({"retention_days": 0}, {"crisis_retention_days": -1}):
        with pytest.raises(Exception, match="RETENTION_DAYS"):
            load_settings(**given)
    assert Settings(crisis_retention_days="").crisis_retention_days is None
