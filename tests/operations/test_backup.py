"""The backup job, with real programs and a real database."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pgserver
import psycopg2
import pytest
from transcripts.conftest import Postgres, postgres
from web.conftest import PROJECT

__all__ = ["postgres"]
_SCRIPT = PROJECT / "deploy" / "postgres" / "backup.sh"
_PROGRAMS = Path(pgserver.__file__).parent / "pginstall" / "bin"


class Job:
    """The script of the service, with a database that holds one row."""

    def __init__(self, postgres: Postgres, folder: Path) -> None:
        address = postgres.new_database()
        self.folder = folder
        self.host = address.partition("host=")[2]
        self.database = address.partition("@/")[2].partition("?")[0]
        self._environment = {
            **os.environ,
            "PATH": f"{_PROGRAMS}:{os.environ['PATH']}",
            "PGHOST": self.host,
            "PGUSER": "postgres",
            "PGDATABASE": self.database,
            "BACKUP_FOLDER": str(folder),
            "BACKUP_HOURS": "24",
            "BACKUP_DAYS": "7",
        }
        self.query("CREATE TABLE word (it text)", "INSERT INTO word VALUES ('bewaard')")

    def query(self, *statements: str) -> None:
        with psycopg2.connect(host=self.host, user="postgres", dbname=self.database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        given = self._environment | environment
        return subprocess.run(["sh", _SCRIPT, *arguments], env=given, capture_output=True, text=True, check=False)

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sh", _SCRIPT], env=self._environment, stdout=subprocess.DEVNULL, start_new_session=True)

    def backups(self) -> list[Path]:
        return sorted(self.folder.iterdir())


@pytest.fixture
def job(postgres: Postgres, tmp_path: Path) -> Job:
    (tmp_path / "backups").mkdir()
    return Job(postgres, tmp_path / "backups")


def test_a_backup_can_be_put_back(job: Job, postgres: Postgres) -> None:
    assert job.run("check").returncode != 0
    assert job.run("once").returncode == 0
    assert job.run("check").returncode == 0
    (backup,) = job.backups()
    assert backup.stat().st_mode & 0o077 == 0
    empty = postgres.new_database().partition("@/")[2].partition("?")[0]
    command = [_PROGRAMS / "pg_restore", "--host", job.host, "--username", "postgres", "--dbname", empty, backup]
    subprocess.run(command, check=True)
    with psycopg2.connect(host=job.host, user="postgres", dbname=empty) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT it FROM word")
        assert cursor.fetchall() == [("bewaard",)]


def test_old_backups_go_after_a_new_one_came_and_not_before(job: Job) -> None:
    old = job.folder / "wegwijzer-20200101-000000.dump"
    old.write_text("old")
    os.utime(old, (1, 1))
    failed = job.run("once", PGHOST="/nowhere")
    assert failed.returncode != 0 and job.backups() == [old]
    assert job.run("check").returncode != 0
    assert job.run("once").returncode == 0
    assert old not in job.backups() and len(job.backups()) == 1


def test_it_goes_on_until_it_is_stopped(job: Job) -> None:
    process = job.start()
    try:
        deadline = time.monotonic() + 30
        while not job.backups() or job.backups()[0].suffix == ".part":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert process.poll() is None
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(timeout=10)
    assert len(job.backups()) == 1
