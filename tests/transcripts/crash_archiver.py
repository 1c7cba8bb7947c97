"""Moves turns into the database and is killed at a chosen moment. Run by the tests in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bot  # noqa: F401
from bot.runtime.settings import load_settings
from bot.transcripts.applying import Applier
from bot.transcripts.archiver import Archiver
from bot.transcripts.database import open_database
from bot.transcripts.outbox import OUTBOX_FILE, Entry, Outbox

#: Turns that are written before the one in whose middle it ends.
WRITTEN = 7


def die() -> None:
    """As when the power goes: nothing is closed, nothing rolled back."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingApplier(Applier):
    """Ends between two turns of one transaction."""

    taken = 0

    def _take(self, *given: Any) -> None:
        if self.taken == WRITTEN:
            die()
        super()._take(*given)
        given[1].flush()
        self.taken += 1


class DyingOutbox(Outbox):
    """Ends when the database has the turns and the outbox does not know it yet."""

    def done(self, _entries: Iterable[Entry]) -> None:
        die()


def main(folder: str, moment: str) -> None:
    settings = load_settings(data_dir=Path(folder))
    database = open_database(settings)
    outbox = (DyingOutbox if moment == "after the commit" else Outbox)(Path(folder) / OUTBOX_FILE)
    applier = (DyingApplier if moment == "in a transaction" else Applier)(database, 86400.0)
    Archiver(outbox, database, applier, lambda: None).run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
