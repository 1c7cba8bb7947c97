"""Takes turns until it is killed; says which ones it was told are on disk. Run by the tests in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import bot  # noqa: F401
from bot.runtime.settings import load_settings
from bot.transcripts.service import Transcripts
from tests.transcripts.conftest import said, user


def main(folder: str, first: int) -> None:
    transcripts = Transcripts.start(load_settings(data_dir=Path(folder), retention_days=3650))
    number = first
    while True:
        events = [{**user("ze pesten mij", at=1_790_000_000.0 + number), "message_id": f"n{number}"}, said("ik hoor je")]
        transcripts.take(f"sender-{number % 7}", events)
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
