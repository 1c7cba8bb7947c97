"""Users at work: so many at once, each in one conversation after the other, for some seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp

from benchmarks.clients import Client

MESSAGES = Path(__file__).with_name("messages.txt")


@dataclass
class Load:
    """What was seen: the latency of each turn, and how long it all took, in seconds."""

    latencies: list[float] = field(default_factory=list)
    took: float = 0.0

    def add(self, other: Load) -> None:
        """Take in what was seen at another time."""
        self.latencies += other.latencies
        self.took += other.took

    @property
    def per_second(self) -> float:
        """Turns a second."""
        return len(self.latencies) / self.took

    def milliseconds(self, share: float) -> float:
        """The latency that this share of the turns does not exceed."""
        return 1e3 * percentile(self.latencies, share)


def read_conversations(path: Path = MESSAGES) -> list[list[str]]:
    """Conversations of a file: a message a line, an empty line between two."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    return [[line for line in block.splitlines() if line.strip()] for block in blocks if block.strip()]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


async def first_answer(client: Client) -> None:
    """Wait for the answer to one message."""
    async with _http() as http, client.conversation(http) as conversation:
        await conversation.turn("hallo")


async def play(client: Client, clients: int, seconds: float) -> Load:
    """Let users talk until the time is over; conversations that were begun are ended."""
    scripts = read_conversations()
    numbers = count()
    latencies: list[float] = []

    async def user(http: aiohttp.ClientSession) -> None:
        while time.perf_counter() < deadline:
            async with client.conversation(http) as conversation:
                for text in scripts[next(numbers) % len(scripts)]:
                    sent = time.perf_counter()
                    await conversation.turn(text)
                    latencies.append(time.perf_counter() - sent)

    async with _http() as http:
        started = time.perf_counter()
        deadline = started + seconds
        await asyncio.gather(*(user(http) for _ in range(clients)))
        took = time.perf_counter() - started
    return Load(latencies, took)


def _http() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None, sock_read=60))
