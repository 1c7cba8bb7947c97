"""What it costs to put turns into the database, by how many are put in together: ``make bench-archiving``.

The turns are those of the real bot, of many conversations in between each other, as on a busy evening. One turn at a time is what
an archiver does on a quiet one. Processor time is that of the archiver alone, not of PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import event

from benchmarks.load import read_conversations
from benchmarks.postgres import Postgres
from benchmarks.report import keep, machine, table
from bot.runtime.bot import Bot
from bot.runtime.settings import load_settings
from bot.transcripts.applying import Applier
from bot.transcripts.database import Database, make_engine
from bot.transcripts.keys import Keys
from bot.transcripts.outbox import Entry
from bot.transcripts.record import Recorder
from bot.transcripts.service import Events, Transcripts

_TOGETHER = (1, 10, 50)
#: A conversation goes on after this pause in seconds, in the archive too.
_PAUSE = 86_400.0


class _Taken(Transcripts):
    """Takes the events of turns, in place of a store."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, Events]] = []

    def seal(self, sender_id: str, events: Events, refused: bool = False) -> Entry | None:
        self.turns.append((sender_id, list(events)))
        return None

    def close(self) -> None:
        """Nothing is open."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=120)
    chosen = parser.parse_args(arguments)
    keys = Keys([b"k" * 32])
    with tempfile.TemporaryDirectory(prefix="wegwijzer-bench-") as folder:
        turns = asyncio.run(_turns(Path(folder), chosen.conversations))
        recorder = Recorder(keys)
        made = [turn for sender, events in turns if (turn := recorder.turn(sender, events, False)) is not None]
        entries = [Entry(turn["id"], turn["key"], turn["at"], "turn", keys.seal(turn)) for turn in made]
        with closing(Postgres()) as server:
            figures = {}
            for together in _TOGETHER:
                figures["sqlite", together] = _apply(f"sqlite:///{folder}/{together}.db", keys, entries, together)
                figures["postgresql", together] = _apply(server.new_database(), keys, entries, together)
    rows = [(kind, str(together), *(f"{value:.2f}" for value in values)) for (kind, together), values in sorted(figures.items())]
    head = f"{len(entries)} turns of {chosen.conversations} conversations; milliseconds and statements for one turn. {machine()}."
    text = "\n".join((head, "", table(("database", "turns together", "processor", "time", "statements"), rows)))
    named = {f"{kind}, {together}": values for (kind, together), values in figures.items()}
    print(f"\n{text}\n\nkept in {keep('archiving', text, named)}")
    return 0


async def _turns(folder: Path, conversations: int) -> list[tuple[str, Events]]:
    """Turns of so many people who talk at the same time."""
    taken = _Taken()
    bot = Bot.load(load_settings(data_dir=folder / "bot"), in_memory=True, transcripts=taken)
    scripts = read_conversations()
    people = [(f"person-{number}", scripts[number % len(scripts)]) for number in range(conversations)]
    for place in range(max(map(len, scripts))):
        for name, script in people:
            if place < len(script):
                await bot.respond(name, script[place])
    bot.close()
    return taken.turns


def _apply(address: str, keys: Keys, entries: Sequence[Entry], together: int) -> tuple[float, float, float]:
    """Milliseconds of a processor, milliseconds, and statements, for one turn."""
    database = Database(make_engine(address), keys)
    database.migrate()
    statements = 0

    @event.listens_for(database.engine, "before_cursor_execute")
    def count(*_arguments: object) -> None:
        nonlocal statements
        statements += 1

    applier = Applier(database, _PAUSE)
    # Statements are made once, and then remembered.
    first, *rest = [entries[start : start + together] for start in range(0, len(entries), together)]
    with database.writing() as session:
        applier.apply(first, session)
    statements, work, began = 0, time.process_time(), time.perf_counter()
    for part in rest:
        with database.writing() as session:
            applier.apply(part, session)
    number = len(entries) - len(first)
    found = (1000 * (time.process_time() - work) / number, 1000 * (time.perf_counter() - began) / number, statements / number)
    database.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
