"""What writing transcripts costs a turn: the same messages to a bot with and to a bot without, in turns (A B B A ...).

Beside how long the user waits: the processor time that a turn takes in all threads of the bot, which a busy machine hardly changes. And
turns a second when one user sends the next message at once, while the archiver works in a process beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import keep, machine, table

#: A turn may take this many milliseconds longer.
TARGET = 3.0
#: How often each bot takes all messages one after the other.
_SLICES = 10


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, keep; 1 when it costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=300, help="turns with each bot")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="wegwijzer-bench-") as folder:
        taken = asyncio.run(_measure(Path(folder), chosen.turns))
    figures = {
        name: (statistics.median(waits), _high(waits), statistics.mean(work), statistics.median(rates))
        for name, (waits, work, rates) in taken.items()
    }
    more = [one - other for one, other in zip(figures["with"], figures["without"], strict=True)]
    rows = [(name, *(f"{value:.2f}" for value in values)) for name, values in (*figures.items(), ("difference", more))]
    head = f"One turn, {chosen.turns} of each, milliseconds. {machine()}."
    text = "\n".join((head, "", table(("transcripts", "median", "95th of 100", "processor time", "turns a second"), rows)))
    print(f"\n{text}\n\nkept in {keep('transcripts_turn', text, figures)}")
    return int(more[0] > TARGET)


def _high(times: list[float]) -> float:
    return sorted(times)[round(0.95 * (len(times) - 1))]


async def _measure(folder: Path, turns: int) -> dict[str, tuple[list[float], list[float], list[float]]]:
    from bot.runtime import serving_only

    serving_only.install()
    from bot.runtime.bot import Bot
    from bot.runtime.settings import load_settings

    bots = {name: Bot.load(load_settings(data_dir=folder / name, transcripts=name == "with")) for name in ("with", "without")}
    lines = (Path(__file__).parent / "messages.txt").read_text(encoding="utf-8").splitlines()
    chance = random.Random(1)  # noqa: S311 (no secret)
    taken: dict[str, tuple[list[float], list[float], list[float]]] = {name: ([], [], []) for name in bots}
    for number in range(-20, turns):
        # Whoever reads a text first reads it for both: some of the reading is remembered by the process. So they take turns in being first.
        for name, bot in sorted(bots.items(), reverse=bool(number % 2)):
            work, began = time.process_time(), time.perf_counter()
            await bot.respond(f"user-{number // 5}", lines[number % len(lines)])
            waited = time.perf_counter() - began
            # A user reads before the next message; the archiver works meanwhile, at moments that have nothing to do with whose turn it is.
            await asyncio.sleep(chance.uniform(0.03, 0.25))
            if number >= 0:
                taken[name][0].append(waited * 1000)
                taken[name][1].append((time.process_time() - work) * 1000)
    for number in range(_SLICES):
        for name, bot in sorted(bots.items(), reverse=bool(number % 2)):
            began = time.perf_counter()
            for place, line in enumerate(lines):
                await bot.respond(f"fast-{number}-{place // 5}", line)
            taken[name][2].append(len(lines) / (time.perf_counter() - began))
    for bot in bots.values():
        bot.close()
    return taken


if __name__ == "__main__":
    sys.exit(main())
