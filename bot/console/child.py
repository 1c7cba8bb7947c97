"""The console as a process beside the bot: a fault in it, or a heavy query, does not touch a conversation."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys

from bot.runtime.settings import Settings

logger = logging.getLogger(__name__)

#: Exit status for what a person has to mend, such as a port that is in use: there is no hurry to try again.
_FOR_A_PERSON = 2
_STOP_SECONDS = 8.0
_FIRST_PAUSE, _PATIENT_PAUSE, _LONGEST_PAUSE = 2.0, 60.0, 300.0


class ConsoleProcess:
    """Starts the console, starts it again when it falls over, ends it. It also ends by itself when this process is gone."""

    def __init__(self, settings: Settings, port: int) -> None:
        self._port = port
        self._wanted = bool(port) and settings.transcripts
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; port 0 means that none is wanted."""
        if self._wanted:
            self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End it."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
            except asyncio.TimeoutError:
                self._process.kill()

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            # The pipe is never written to: that it closes tells the child that this process is gone, however it ended.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "console", "--port", str(self._port), "--with-parent", stdin=asyncio.subprocess.PIPE
            )
            status = await self._process.wait()
            pause = max(pause, _PATIENT_PAUSE) if status == _FOR_A_PERSON else pause
            logger.error("the console ended (%s); the bot goes on, and tries again in %d s", status, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
