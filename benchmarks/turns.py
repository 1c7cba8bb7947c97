"""The bot beside the example bot of Rasa, in one run: a full turn over HTTP, memory, start, training, size on disk.

Both are trained in temporary folders. Then, in each round, both are started, and users talk to one and to the other in turns (A B A B ...),
a few seconds each, so that a machine that gets slower slows both. The users are played by this process, on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bots import BenchmarkError, BotProgram, OurBot, StockBot
from benchmarks.load import Load, first_answer, play
from benchmarks.report import Row, Target, keep, machine, table

CLIENTS = (1, 16)
_WARM_UP_SECONDS = 2.0
_SLICES = 4

Figures = dict[str, dict[str, list[float]]]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, keep; 0 when every target is reached, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each bot is started and measured")
    parser.add_argument("--seconds", type=float, default=12.0, help="how long each load lasts in a round, in all")
    chosen = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="wegwijzer-bench-") as folder:
            figures = _measure(Path(folder), chosen.rounds, chosen.seconds)
    except BenchmarkError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    rows = _rows(figures)
    text = "\n".join((
        f"Medians of {chosen.rounds} rounds of {chosen.seconds:g} s a load, lowest and highest in brackets. {machine()}.",
        "",
        table(("figure", OurBot.name, StockBot.name, "ratio", "target"), [row.cells() for row in rows]),
    ))  # fmt: skip
    print(f"\n{text}\n\nkept in {keep('turns', text, figures)}")
    return int(any(row.missed for row in rows))


def _measure(folder: Path, rounds: int, seconds: float) -> Figures:
    figures: Figures = defaultdict(lambda: defaultdict(list))
    for name in ("ours", "stock"):
        (folder / name).mkdir()
    ours, stock = OurBot(folder / "ours"), StockBot(folder / "stock")
    bots: tuple[BotProgram, ...] = (ours, stock)
    for bot in bots:
        _say(f"{bot.name}: environment")
        figures[bot.name]["installed"].append(bot.installed_megabytes())
    stock.make()
    for bot in bots:
        _say(f"{bot.name}: training")
        figures[bot.name]["train"].append(bot.train())
        # Once without measuring: Python compiles what it imports at the first start.
        bot.start()
        bot.stop()
    for number in range(rounds):
        _say(f"round {number + 1} of {rounds}")
        try:
            _round(bots, seconds, figures)
        finally:
            for bot in bots:
                bot.stop()
    return figures


def _round(bots: Sequence[BotProgram], seconds: float, figures: Figures) -> None:
    for bot in bots:
        started = time.perf_counter()
        bot.start()
        asyncio.run(first_answer(bot.client()))
        figures[bot.name]["start"].append(time.perf_counter() - started)
    for bot in bots:
        asyncio.run(play(bot.client(), 1, _WARM_UP_SECONDS))
    for clients in CLIENTS:
        seen = {bot.name: Load() for bot in bots}
        for _ in range(_SLICES):
            for bot in bots:
                seen[bot.name].add(asyncio.run(play(bot.client(), clients, seconds / _SLICES)))
        for name, load in seen.items():
            figures[name][f"per_second_{clients}"].append(load.per_second)
            figures[name][f"p50_{clients}"].append(load.milliseconds(0.5))
            figures[name][f"p99_{clients}"].append(load.milliseconds(0.99))
    for bot in bots:
        figures[bot.name]["memory"].append(bot.resident_megabytes())


def _rows(figures: Figures) -> list[Row]:
    def row(label: str, unit: str, name: str, target: Target | None = None) -> Row:
        return Row(label, unit, figures[OurBot.name][name], figures[StockBot.name][name], target)

    rows: list[Row] = []
    for clients in CLIENTS:
        who = "1 client" if clients == 1 else f"{clients} clients"
        rows += [
            row(f"messages a second, {who}", "1/s", f"per_second_{clients}", Target(4, at_most=False)),
            row(f"full turn p50, {who}", "ms", f"p50_{clients}"),
            row(f"full turn p99, {who}", "ms", f"p99_{clients}"),
        ]
    return [
        *rows,
        row("resident memory after load", "MB", "memory", Target(1 / 4, at_most=True)),
        row("start to first answer", "s", "start", Target(1 / 3, at_most=True)),
        row("training", "s", "train"),
        row("installed", "MB", "installed"),
    ]


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
