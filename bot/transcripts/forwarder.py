"""Moves what waits in the outbox of a bot to the stream in Redis.

A turn goes there directly, together with the conversation. What waits is what is no turn (feedback, failures), and what did not get
through.
"""

from __future__ import annotations

import logging
import threading

from bot.transcripts.outbox import Outbox
from bot.transcripts.stream import Stream, StreamFull

logger = logging.getLogger(__name__)

_BATCH = 100
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0


class Forwarder:
    """A thread. :meth:`wake` it when there is something.

    Args:
        outbox: for this thread alone; it is closed at the end.
    """

    def __init__(self, outbox: Outbox, stream: Stream) -> None:
        self._outbox, self._stream = outbox, stream
        self._guard = threading.Lock()
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._behind = True
        self._thread = threading.Thread(target=self._run, name="transcripts-forwarder", daemon=True)
        self._thread.start()

    @property
    def is_behind(self) -> bool:
        """Whether something waits here. While it does, what comes later waits behind it, so that the order stays."""
        return self._behind

    def wake(self) -> None:
        """There is something in the outbox."""
        with self._guard:
            self._behind = True
            self._news.set()

    def stop(self) -> None:
        """What could not go on yet waits on disk."""
        self._stopping.set()
        self._news.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        wait, failing = _FIRST_WAIT, False
        while True:
            try:
                self._move_all()
            except (*self._stream.errors, *self._outbox.errors) as error:
                if not failing:
                    logger.error("transcripts wait on disk: they cannot go into the stream (%s)", _reason(error))
                failing = True
                if self._stopping.wait(wait):
                    break
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            if failing:
                logger.warning("the stream takes transcripts again")
            wait, failing = _FIRST_WAIT, False
            if self._stopping.is_set():
                break
            self._news.wait()
        self._outbox.close()

    def _move_all(self) -> None:
        while True:
            self._news.clear()
            entries = self._outbox.batch(_BATCH)
            if not entries:
                with self._guard:
                    self._behind = self._news.is_set()
                    if not self._behind:
                        return
                continue
            self._stream.append(entries)
            self._outbox.done(entries)


def _reason(error: Exception) -> str:
    # Errors of others may quote what they were given.
    return f"{error}; does 'wegwijzer archive' run, and keep up?" if isinstance(error, StreamFull) else type(error).__name__
