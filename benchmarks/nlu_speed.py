"""How long one message takes to be understood on one core, how big the model is, and whether memory grows with the messages.

Every message differs from the others, as real ones do, so that no cache answers in the place of the model.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.load import percentile, read_conversations
from benchmarks.report import keep, machine, table

_P50_MS, _P99_MS, _MODEL_MB, _GROWTH_MB = 3.0, 10.0, 20.0, 5.0
#: More than any cache holds.
_WARM_UP = 10_000


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, keep; 0 when every target is reached, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="how many messages are read")
    chosen = parser.parse_args(arguments)
    _one_core()
    latencies, growth, model = asyncio.run(_read(chosen.messages))
    p50, p99 = (1e3 * percentile(latencies, share) for share in (0.5, 0.99))
    megabytes = model.stat().st_size / 1e6
    figures = [
        ("one message p50", p50, _P50_MS, "ms"),
        ("one message p99", p99, _P99_MS, "ms"),
        ("model", megabytes, _MODEL_MB, "MB"),
        (f"growth of memory over {chosen.messages:,} messages", growth, _GROWTH_MB, "MB"),
    ]
    rows = [
        (label, f"{value:.2f} {unit}", f"<= {most:g} {unit} {'met' if value <= most else 'missed'}") for label, value, most, unit in figures
    ]
    text = f"One message understood, one core. {machine()}.\n\n{table(('figure', 'wegwijzer', 'target'), rows)}"
    print(f"\n{text}\n\nkept in {keep('nlu_speed', text, {label: value for label, value, _, _ in figures})}")
    return int(any(value > most for _, value, most, _ in figures))


async def _read(count: int) -> tuple[list[float], float, Path]:
    """Latencies in seconds, growth of resident memory in MB after the warm-up, and the model's file."""
    bot = _load()
    latencies: list[float] = []
    before = 0.0
    for number, text in enumerate(itertools.islice(_messages(), _WARM_UP + count)):
        if number == _WARM_UP:
            before = _resident_megabytes()
        started = time.perf_counter()
        await bot.parse(text)
        if number >= _WARM_UP:
            latencies.append(time.perf_counter() - started)
    growth = _resident_megabytes() - before
    bot.close()
    return latencies, growth, bot.model


def _load() -> Any:
    """The bot as ``wegwijzer parse`` loads it."""
    from bot.runtime import quiet, serving_only

    quiet.apply()
    serving_only.install()
    from bot.runtime.bot import Bot
    from bot.runtime.settings import load_settings

    return Bot.load(load_settings(), in_memory=True)


def _messages() -> Iterator[str]:
    """Messages without end: pieces of the example messages, put together by chance."""
    chance = random.Random(0)  # noqa: S311
    pieces = [piece.strip() for block in read_conversations() for line in block for piece in line.split(",")]
    while True:
        yield f"{', '.join(chance.sample(pieces, chance.randint(1, 4)))} {chance.randint(0, 10**6)}"


def _resident_megabytes() -> float:
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True).stdout
    return int(listed) * 1024 / 1e6


def _one_core() -> None:
    """Keep to one processor, where the system can be told so; libraries that compute start no threads."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


if __name__ == "__main__":
    sys.exit(main())
