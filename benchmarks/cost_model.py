"""What a number of conversations an hour takes, on paper, from what ``benchmarks/big_day.py`` measured last: docs/cost-model.md."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS, table

_CONVERSATIONS = (1_000, 20_000, 1_000_000)
_BOTS = "bots"


@dataclass(frozen=True)
class Assumed:
    """What is assumed of users, and how full a program may be."""

    messages: float = 6.0
    #: How many times the mean of the hour comes in its busiest minutes.
    peak: float = 3.0
    minutes_open: float = 15.0
    #: Conversations of the whole day, of which Redis and the database keep everything, by those of its busiest hour.
    day: float = 5.0
    full: float = 0.6


@dataclass(frozen=True)
class Measured:
    """For one message seconds, round trips to Redis, commands there, rows; for one conversation bytes; of one bot bytes, and commands a
    second without messages."""

    seconds: dict[str, float]
    trips: float
    commands: float
    idle_commands: float
    rows: float
    commits: float
    conversation: dict[str, float]
    started: dict[str, float]

    @classmethod
    def of(cls, seen: dict[str, Any], bots: int = 2) -> Measured:
        """From the figures of one system, at the highest step in which users were served as they should be."""
        costs = [step["costs"] for step in seen["steps"] if step["failures"] == 0 and step["p95"] <= 0.3][-1]
        seconds = {name.removeprefix("cpu_"): value for name, value in costs.items() if name.startswith("cpu_")}
        idle = seen["idle"]["commands"] / bots
        return cls(seconds, costs["redis_trips"], costs["commands"], idle, costs["rows"], costs["commits"], seen["opened"], seen["started"])


def needs(conversations: int, measured: Measured, assumed: Assumed) -> dict[str, float]:
    """By name what so many conversations an hour take, in their busiest minutes."""
    rate = conversations * assumed.messages / 3600 * assumed.peak
    busy = {name: rate * seconds / assumed.full for name, seconds in measured.seconds.items()}
    # One more than is needed, so that one may be lost or started anew.
    bots = math.ceil(busy[_BOTS]) + 1
    at_once = conversations * assumed.peak * assumed.minutes_open / 60
    kept = conversations * assumed.day
    return {
        "messages a second": rate,
        "conversations open at once": at_once,
        "bots (processes)": bots,
        "archivers (processes)": math.ceil(busy["archiver"]),
        "processors, all programs": sum(busy.values()),
        "of them for Redis": busy["redis"],
        "memory of all bots (GB)": (bots * measured.started[_BOTS] + at_once * max(0.0, measured.conversation[_BOTS])) / 1e9,
        "memory of Redis (GB)": (measured.started["redis"] + kept * measured.conversation["redis"]) / 1e9,
        "round trips to Redis a second": rate * measured.trips,
        "commands of Redis a second": rate * measured.commands + bots * measured.idle_commands,
        "rows written a second": rate * measured.rows,
        "transactions of the database a second": rate * measured.commits,
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 2 when nothing was measured yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="figures of 'make bench-load'; the newest of results/ when not given")
    chosen = parser.parse_args(arguments)
    found = chosen.file or max(RESULTS.glob("big-day-*.json"), default=None)
    if found is None:
        print("cost model: run 'make bench-load' first", file=sys.stderr)
        return 2
    measured = Measured.of(json.loads(found.read_text(encoding="utf-8"))["wegwijzer"])
    columns = [needs(count, measured, Assumed()) for count in _CONVERSATIONS]
    rows = [(name, *(_number(column[name]) for column in columns)) for name in columns[0]]
    print(table(("conversations in the busiest hour", *(f"{count:,}" for count in _CONVERSATIONS)), rows))
    seconds = ", ".join(f"{name} {1e3 * value:.2f}" for name, value in measured.seconds.items())
    written = f"{measured.rows:.1f} rows, {measured.commits:.2f} transactions"
    redis = f"{measured.trips:.1f} round trips to Redis, {measured.commands:.0f} commands there"
    print(f"\nOne message: {seconds} ms of a processor; {redis}, {written}.")
    sizes = ", ".join(f"{name} {value / 1e3:.1f}" for name, value in measured.conversation.items())
    print(f"One conversation: {sizes} kB. One bot at the start: {measured.started[_BOTS] / 1e6:.0f} MB.")
    most = Assumed().full / measured.seconds["redis"]
    print(f"One Redis, which works on one processor, is {100 * Assumed().full:.0f} % full at {most:,.0f} messages a second.")
    return 0


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


if __name__ == "__main__":
    sys.exit(main())
