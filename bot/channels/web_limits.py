"""How much one conversation or one address may ask: token buckets and counts, in the memory of one bot.

For several bots: :mod:`~bot.channels.web_limits_redis`.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

_SWEEP_EVERY_SECONDS = 60


class Limit(Protocol):
    """Token buckets."""

    async def take(self, key: str) -> float:
        """Take one; 0 when it was there, else the seconds to wait before it is."""


#: Limits to keep to, each with the key of a bucket.
Pace = Sequence[tuple[Limit, str]]


class TooFast(Exception):
    """A bucket is empty."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"{seconds:.3f} s too early")


async def keep_to(pace: Pace) -> None:
    """Take one of each bucket.

    Raises:
        TooFast: one is empty.
    """
    for limit, key in pace:
        if seconds := await limit.take(key):
            raise TooFast(seconds)


class Buckets:
    """A token bucket for each key: ``burst`` at once, then ``rate`` a second."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}
        self._next_sweep = 0.0

    async def take(self, key: str) -> float:
        """Take one; 0 when it was there, else the seconds to wait before it is."""
        now = self._clock()
        self._sweep(now)
        level, seen = self._levels.get(key, (self._burst, now))
        level = min(self._burst, level + (now - seen) * self._rate)
        if level < 1:
            return (1 - level) / self._rate
        self._levels[key] = (level - 1, now)
        return 0.0

    def _sweep(self, now: float) -> None:
        """Forget the keys whose bucket is full again."""
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_EVERY_SECONDS
            self._levels = {
                key: (level, seen) for key, (level, seen) in self._levels.items() if level + (now - seen) * self._rate < self._burst
            }


class Slots:
    """Counts what is open at one time, for each key and in all.

    Args:
        total: how much there is room for in this process.
    """

    def __init__(self, each: int, total: int) -> None:
        self._each = each
        self._total = total
        self._open: Counter[str] = Counter()

    def full(self) -> bool:
        """Whether there is no room for anybody."""
        return self.count() >= self._total

    def count(self) -> int:
        """How many are open. May be asked from another thread."""
        return sum(list(self._open.values()))

    async def start(self) -> None:
        """Nothing has to be told to others."""

    async def stop(self) -> None:
        """See :meth:`start`."""

    async def enter(self, key: str) -> bool:
        """Count one more; False, and not counted, where this key has as many as one may have."""
        if self._open[key] >= self._each:
            return False
        self._open[key] += 1
        return True

    def leave(self, key: str) -> None:
        """Count one less."""
        self._open[key] -= 1
        if self._open[key] <= 0:
            del self._open[key]


def address_key(address: str) -> str:
    """What stands for an address: of IPv6 the first 64 bits, since one connection owns all addresses below them."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
