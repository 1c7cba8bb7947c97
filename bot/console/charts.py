"""Geometry of the charts; the templates draw them as SVG, each beside its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 120.0
#: All charts are as wide, whatever they count, so that they line up on the page.
_WIDTH = 744.0
_BAR_SHARE, _WIDEST_BAR = 0.66, 30.0
#: A hidden number is drawn this high, hatched: it says that there is something, not how much.
_HIDDEN_HEIGHT = 5.0


@dataclass(frozen=True)
class Bar:
    """A column. ``value`` None: hidden. ``label`` stands under it when ``marked``."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int | None
    marked: bool

    @property
    def middle(self) -> float:
        """Where the label stands."""
        return self.x + self.width / 2


@dataclass(frozen=True)
class Columns:
    """A chart of columns. ``grid``: heights and numbers of the lines behind them."""

    width: float
    bars: tuple[Bar, ...]
    grid: tuple[tuple[float, int], ...]


def columns(points: Sequence[tuple[str, int | None]], every: int = 1) -> Columns:
    """Columns for labels and values; a label under each ``every``-th."""
    top = _round_up(max((value or 0 for _label, value in points), default=0))
    step = _WIDTH / max(len(points), 1)
    width = min(step * _BAR_SHARE, _WIDEST_BAR)
    bars = []
    for place, (label, value) in enumerate(points):
        height = _HIDDEN_HEIGHT if value is None else HEIGHT * value / top
        x = round(place * step + (step - width) / 2, 2)
        bars.append(Bar(x, HEIGHT - height, round(width, 2), height, label, value, place % every == 0))
    lines = sorted({0, top // 2, top}) if top > 1 else [0, 1]
    return Columns(_WIDTH, tuple(bars), tuple((HEIGHT - HEIGHT * line / top, line) for line in lines))


def _round_up(largest: int) -> int:
    """A round number that is not below the largest value."""
    if largest <= 10:
        return max(2, largest + largest % 2)
    size = 10 ** (len(str(largest)) - 1)
    return next(int(size * step) for step in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if size * step >= largest)
