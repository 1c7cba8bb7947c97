"""The archiver as a process beside the bot, for bots without Redis."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from typing import Any

from pydantic import SecretStr

from bot.runtime.settings import Settings

logger = logging.getLogger(__name__)

_STOP_SECONDS = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
#: What the archiver has to know. Not in its command line and not in its environment: there are secrets among them.
_HANDED_OVER = (
    "data_dir", "database_url", "transcript_key", "retention_days", "crisis_retention_days", "tracker_hours", "log_format",
)  # fmt: skip


class ArchiveProcess:
    """Starts the archiver, starts it again when it falls over, ends it. It also ends by itself when this process is gone."""

    def __init__(self, settings: Settings) -> None:
        self._told = json.dumps({name: _plain(getattr(settings, name)) for name in _HANDED_OVER}).encode() + b"\n"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="transcripts-archiver", daemon=True)
        self._keeper.start()

    def wake(self) -> None:
        """There is something in the outbox. Never waits: when the pipe is full, it has been told."""
        with self._guard, contextlib.suppress(BlockingIOError, BrokenPipeError):
            if self._process and self._process.stdin:
                os.write(self._process.stdin.fileno(), b"\n")

    def stop(self) -> None:
        """Let it finish its batch, and end it."""
        self._stopping.set()
        with self._guard:
            process = self._process
            if process:
                self._hang_up(process)
        if process:
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self._keeper.join()

    def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                status: object = self._run_once()
            except OSError as error:
                status = type(error).__name__
            if self._stopping.is_set():
                return
            logger.error("the archiver ended (%s); the bot goes on, transcripts wait on disk; next try in %d s", status, pause)
            self._stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _run_once(self) -> int | None:
        """Start it and wait until it ends; the exit status."""
        with self._guard:
            if self._stopping.is_set():
                return None
            # That the pipe closes tells the child that this process is gone, however it ended.
            process = subprocess.Popen([sys.executable, "-m", "bot.transcripts.archive"], stdin=subprocess.PIPE, bufsize=0)
            assert process.stdin
            self._process = process
            process.stdin.write(self._told)
            os.set_blocking(process.stdin.fileno(), False)
        status = process.wait()
        with self._guard:
            self._hang_up(process)
        return status

    @staticmethod
    def _hang_up(process: subprocess.Popen[bytes]) -> None:
        if process.stdin:
            process.stdin.close()
            process.stdin = None


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return value if value is None or isinstance(value, (int, float)) else str(value)
