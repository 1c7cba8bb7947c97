"""A real PostgreSQL server, from the package ``pgserver``."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy.engine import make_url


class Postgres:
    """A server over a socket in a folder of its own; it refuses to run as root, so then it runs as nobody. For tests and measurements."""

    def __init__(self) -> None:
        import pgserver

        self.folder = Path(tempfile.mkdtemp(prefix="wegwijzer-pg-"))
        programs = Path(pgserver.__file__).parent / "pginstall"
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user:
            # Nobody may not look into a checkout that belongs to root.
            packages = programs.parents[1]
            for part in ("pgserver/pginstall", "pgserver.libs"):
                if (packages / part).is_dir():
                    shutil.copytree(packages / part, self.folder / "packages" / part, symlinks=True)
            programs = self.folder / "packages" / "pgserver" / "pginstall"
            self.folder.chmod(0o755)
            (self.folder / "work").mkdir()
            os.chown(self.folder / "work", pwd.getpwnam(self._user).pw_uid, -1)
        else:
            (self.folder / "work").mkdir()
        self._bin, self._work, self._names = programs / "bin", self.folder / "work", itertools.count(1)
        self._call("initdb", "-D", self._work / "data", "-U", "postgres", "--auth=trust", "--encoding=utf8", "--no-locale", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start it (again) and wait until it answers."""
        options = f"-c listen_addresses='' -k {self._work} -c fsync=off"
        self._call("pg_ctl", "-D", self._work / "data", "-l", self._work / "log", "-w", "-o", options, "start")

    def stop(self) -> None:
        """Pull the plug."""
        self._call("pg_ctl", "-D", self._work / "data", "-m", "immediate", "-w", "stop")

    def close(self) -> None:
        """End it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self, like: str | None = None) -> str:
        """The address of an empty database, or of a copy of one that nobody is connected to."""
        name = f"test{next(self._names)}"
        connection = psycopg2.connect(host=str(self._work), user="postgres", dbname="postgres")
        connection.autocommit = True
        template = f" TEMPLATE {make_url(like).database}" if like else ""
        connection.cursor().execute(f"CREATE DATABASE {name}{template}")
        connection.close()
        return f"postgresql://postgres@/{name}?host={self._work}"

    def _call(self, program: str, *arguments: Any) -> None:
        command = [str(self._bin / program), *map(str, arguments)]
        subprocess.run(command, check=True, user=self._user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
