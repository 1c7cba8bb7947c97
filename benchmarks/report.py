"""Figures as a Markdown table, with what was aimed at; printed, and kept in ``results/``."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "results"


@dataclass(frozen=True)
class Target:
    """``wegwijzer`` must be at most, or at least, so many times the other."""

    times: float
    at_most: bool

    def met(self, ours: float, stock: float) -> bool:
        """Whether it is reached."""
        return ours <= stock * self.times if self.at_most else ours >= stock * self.times

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.times:.3g} x"


@dataclass(frozen=True)
class Row:
    """One figure of both bots, measured some times; the median counts."""

    label: str
    unit: str
    ours: Sequence[float]
    stock: Sequence[float]
    target: Target | None = None

    @property
    def missed(self) -> bool:
        """Whether there is a target that is not reached."""
        return self.target is not None and not self.target.met(median(self.ours), median(self.stock))

    def cells(self) -> list[str]:
        """The row of the table."""
        ours, stock = median(self.ours), median(self.stock)
        verdict = "" if self.target is None else f"{self.target} {'missed' if self.missed else 'met'}"
        return [f"{self.label} ({self.unit})", _spread(self.ours), _spread(self.stock), f"{ours / stock:.2f}", verdict]


def _spread(values: Sequence[float]) -> str:
    middle = _number(median(values))
    return middle if len(values) == 1 else f"{middle} ({_number(min(values))} to {_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """What the figures were measured on."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"


def keep(name: str, text: str, figures: dict[str, Any]) -> Path:
    """Write a report and its figures into the results folder; returns the report's path."""
    RESULTS.mkdir(exist_ok=True)
    stamp = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
    path = RESULTS / f"{name}-{stamp}.md"
    path.write_text(text + "\n", encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return path
