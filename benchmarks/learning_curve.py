"""What more training messages bring: scores on the second file over the share of the data: ``python -m benchmarks.learning_curve``.

The bot's own classifiers, trained on growing random parts of ``data/nlu/`` (each holds the smaller ones) and scored as in
``benchmarks/nlu_models.py``. Draws ``docs/images/learning_curve.png``.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from benchmarks.curves import IMAGES, save
from benchmarks.nlu_models import Ours, chosen_on, scores
from benchmarks.report import keep, table
from benchmarks.trained import add_files, read_file
from bot.nlu.dataset import read_training

_SHARES = tuple(percent / 100 for percent in range(10, 101, 10))


def draw(figures: dict[int, dict[str, float]], path: Path) -> None:
    """A line a score, over the number of messages."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=80, layout="tight")
    axis = figure.subplots()
    for name in next(iter(figures.values())):
        axis.plot(list(figures), [values[name] for values in figures.values()], marker="o", markersize=3, label=name)
    axis.set(ylim=(0, 1), xlabel="training messages", ylabel="score")
    axis.legend(fontsize=8)
    axis.grid(color="0.9")
    save(figure, path)


def main(arguments: list[str] | None = None) -> int:
    """Train on each share, print, draw, keep; 2 and one line for files that cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_files(parser)
    parser.add_argument("--shares", type=float, nargs="+", default=list(_SHARES), help="parts of the data, between 0 and 1")
    parser.add_argument("--picture", type=Path, default=IMAGES / "learning_curve.png", help="where the picture goes")
    chosen = parser.parse_args(arguments)
    if not all(0 < share <= 1 for share in chosen.shares):
        parser.error("a share is more than 0 and at most 1")
    from bot.runtime import quiet
    from bot.runtime.errors import UserError

    quiet.apply()
    try:
        tune, test = read_file(chosen.tune), read_file(chosen.test)
        examples = read_training()
    except UserError as error:
        print(f"learning_curve: {error}", file=sys.stderr)
        return 2
    random.Random(0).shuffle(examples)  # noqa: S311
    figures = {}
    for share in sorted(chosen.shares):
        count = max(1, round(share * len(examples)))
        _, chances = Ours().run(examples[:count], [item["text"] for item in (*tune, *test)])
        first, second = ({head: rows[part] for head, rows in chances.items()} for part in (slice(len(tune)), slice(len(tune), None)))
        figures[count] = scores(test, second, chosen_on(tune, first))
        print(f"{count} messages: " + ", ".join(f"{name} {value:.3f}" for name, value in figures[count].items()), flush=True)
    rows = [(str(count), *(f"{value:.3f}" for value in values.values())) for count, values in figures.items()]
    text = table(("messages", *next(iter(figures.values()))), rows)
    draw(figures, chosen.picture)
    print(f"\n{text}\n\nkept in {keep('learning_curve', text, {str(count): values for count, values in figures.items()})}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
