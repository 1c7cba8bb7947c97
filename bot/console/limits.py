"""How often something may fail from one address. In memory: a restart forgets, and no address is ever written down."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

_MOST_KEYS = 10_000


class FailureLimit:
    """Counts failures by key in a sliding window.

    Args:
        most: failures within the window after which a key is refused.
        seconds: length of the window.
    """

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def is_over(self, key: str) -> bool:
        """Whether a key has failed too often."""
        with self._lock:
            return len(self._recent(key)) >= self._most

    def count(self, key: str) -> None:
        """One more failure."""
        with self._lock:
            recent = self._recent(key)
            recent.append(self._clock())
            self._failures[key] = recent
            self._failures.move_to_end(key)
            while len(self._failures) > _MOST_KEYS:
                self._failures.popitem(last=False)

    def _recent(self, key: str) -> deque[float]:
        recent = self._failures.get(key, deque(maxlen=self._most))
        while recent and recent[0] < self._clock() - self._seconds:
            recent.popleft()
        return recent
