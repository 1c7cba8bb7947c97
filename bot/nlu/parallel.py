"""Work of a training on all processors."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")


def on_all_processors(work: Callable[[_T], _R], items: Iterable[_T], prepare: Callable[..., Any] | None = None, *given: Any) -> list[_R]:
    """Results of ``work`` in the order of the items, one process a processor.

    Processes, not threads: Python runs one thread at a time, and liblinear's source of chance is one a process, so that a model would
    depend on which thread came first. They are forked: what ``prepare`` is given is there without being copied.

    Args:
        prepare: called first in each process, with ``given``.
    """
    forked = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=forked, initializer=prepare, initargs=given) as pool:
        return list(pool.map(work, items))


def in_parts(items: Sequence[_T]) -> list[Sequence[_T]]:
    """The items in as many parts of equal length as there are processors."""
    length = max(1, -(-len(items) // (os.cpu_count() or 1)))
    return [items[start : start + length] for start in range(0, len(items), length)]
