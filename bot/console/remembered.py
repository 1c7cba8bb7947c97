"""Numbers beside the list that cost more than the list: counted once in a few seconds, and again when somebody changes something."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

_T = TypeVar("_T")


class Remembered:
    """Keeps what was made under a key for some seconds. What other processes change is seen after that time."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """What is kept under a key, or what is made now."""
        with self._lock:
            made_at, value = self._kept.get(key, (float("-inf"), None))
        if self._clock() - made_at < self._seconds:
            return value
        made = make()
        with self._lock:
            self._kept[key] = (self._clock(), made)
        return made

    def forget(self) -> None:
        """Make everything anew."""
        with self._lock:
            self._kept.clear()
