"""``wegwijzer archive``: moves transcripts to the database, and removes what is old enough, until the process is told to stop.

With Redis, any number of these take turns out of the stream that all bots fill. Without, the bot starts one beside itself, which
empties the outbox in its data folder: a process of its own, because a thread would hold up the one that answers.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading

from bot.runtime import logs, quiet
from bot.runtime.settings import Settings, load_settings
from bot.transcripts.applying import Applier
from bot.transcripts.archiver import Archiver, Hourly, Source
from bot.transcripts.database import Database, open_database
from bot.transcripts.errors import StoreError
from bot.transcripts.outbox import OUTBOX_FILE, Outbox
from bot.transcripts.retention import remove_old

logger = logging.getLogger(__name__)

#: Beside a bot it has what the chat leaves of the processor.
_NICENESS = 10
#: The bot says when there is something.
_LOOK_SECONDS = 30.0


def serve(settings: Settings) -> int:
    """Run until told to stop; the exit status.

    Raises:
        UserError: a setting, key or folder that cannot be used; a Redis that does not answer. A database that is away is no error.
    """
    if settings.redis_url and settings.transcript_key is None:
        raise StoreError("REDIS_URL needs WEGWIJZER_TRANSCRIPT_KEY, the same for all bots and archivers: what one seals, another must open")
    database = open_database(settings)
    try:
        if settings.redis_url is None:
            outbox = Outbox(settings.data_dir / OUTBOX_FILE)
            _run(_archiver(settings, database, outbox))
            outbox.close()
        else:
            from bot.runtime.redis_link import connect_blocking
            from bot.transcripts.stream import Stream

            stream = Stream(connect_blocking(settings.redis_url))
            _run(_archiver(settings, database, stream))
            stream.leave()
    finally:
        database.close()
    return 0


def serve_beside_bot() -> None:
    """Run until the bot is gone, however it ended. Standard input is a pipe from it: a line with the settings, then one for any news."""
    settings = load_settings(**json.loads(sys.stdin.buffer.readline()))
    logs.configure(settings)
    os.nice(_NICENESS)
    # Ctrl-C goes to both; the bot, whose turns come here, ends first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    database = open_database(settings)
    outbox = Outbox(settings.data_dir / OUTBOX_FILE)
    archiver = _archiver(settings, database, outbox, _LOOK_SECONDS)

    def listen() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            archiver.wake()
        archiver.stop()

    threading.Thread(target=listen, daemon=True).start()
    try:
        _run(archiver)
    finally:
        outbox.close()
        database.close()


def _archiver(settings: Settings, database: Database, source: Source, look_every: float | None = None) -> Archiver:
    applier = Applier(database, settings.tracker_hours * 3600)
    chores = Hourly(lambda: _remove_old(database, settings))
    return Archiver(source, database, applier, chores, *([] if look_every is None else [look_every]))


def _run(archiver: Archiver) -> None:
    signal.signal(signal.SIGTERM, lambda _signal, _frame: archiver.stop())
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda _signal, _frame: archiver.stop())
    archiver.run()


def _remove_old(database: Database, settings: Settings) -> None:
    removed = remove_old(database, settings)
    if removed.conversations:
        logger.warning("retention: %d conversations with %d messages removed", removed.conversations, removed.messages)


if __name__ == "__main__":
    quiet.apply()
    serve_beside_bot()
