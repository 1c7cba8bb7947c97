"""How much each facet loses when the evaluation messages are written sloppily: ``python -m benchmarks.robustness``.

A loss is in points (hundredths) of a score, averaged over some ways to make the same kind of error; a negative one is a gain.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.noise import KINDS, noisy
from benchmarks.report import keep, table
from benchmarks.trained import NOW, TEST, TUNE, load_bot, read_file

#: Scores that count in the mean, by the name of their facet.
FACETS = {
    "role": "role_accuracy",
    "kind": "kind_accuracy",
    "bullying": "is_bullying_f1",
    "context": "context_accuracy",
    "platform": "platform_accuracy",
    "repeated": "repeated_accuracy",
    "forms": "forms_micro_f1",
    "crisis found": "crisis_recall",
    "no false alarm": "crisis_false_alarms",
}
#: Most that a message written sloppily may cost, in points of the mean over facets.
MOST = 3.0
#: Seeds of the noise; training uses 0.
SEEDS = (11, 23)


async def scores(bot: Any, messages: Sequence[dict[str, Any]], content: Any) -> dict[str, float]:
    """Score by facet, between 0 and 1, higher is better; a facet that no message carries is left out."""
    from bot.nlu.evaluation import evaluate

    found = (await evaluate(bot, messages, content, NOW))["scores"]
    values = {facet: found[score]["value"] for facet, score in FACETS.items() if score in found}
    if "no false alarm" in values:
        values["no false alarm"] = 1.0 - values["no false alarm"]
    return values


async def losses(
    bot: Any, messages: Sequence[dict[str, Any]], content: Any, clean: dict[str, float], noise: tuple[str, Sequence[int]]
) -> dict[str, float]:
    """Points that each facet loses by one kind of noise, and their ``mean``.

    Args:
        clean: scores of the messages as they are.
        noise: its kind and its seeds.
    """
    kind, seeds = noise
    rows = [await scores(bot, [{**item, "text": noisy(item["text"], kind, seed)} for item in messages], content) for seed in seeds]
    lost = {facet: 100 * (value - fmean(row[facet] for row in rows)) for facet, value in clean.items()}
    return {**lost, "mean": fmean(lost.values())}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, keep; 0 when no kind of noise costs more than ``MOST``, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=[TUNE, TEST], help="labelled messages; together they are one set")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    chosen = parser.parse_args(arguments)
    from bot.runtime.errors import UserError

    try:
        messages = [item for path in chosen.files for item in read_file(path)]
        bot = load_bot()
    except UserError as error:
        print(f"robustness: {error}", file=sys.stderr)
        return 2
    from bot.wegwijzer.content import load_content

    with_mean = (*FACETS, "mean")
    content = load_content()
    clean = asyncio.run(scores(bot, messages, content))
    figures = {kind: asyncio.run(losses(bot, messages, content, clean, (kind, chosen.seeds))) for kind in KINDS}
    bot.close()
    rows = [(kind, *(f"{lost[facet]:+.1f}" if facet in lost else "-" for facet in with_mean)) for kind, lost in figures.items()]
    files = ", ".join(path.name for path in chosen.files)
    head = (
        f"Points lost by sloppy writing, {len(messages)} messages ({files}), {len(chosen.seeds)} ways each; at most {MOST:g} in the mean."
    )
    text = f"{head}\n\n{table(('noise', *with_mean), rows)}"
    print(f"\n{text}\n\nkept in {keep('robustness', text, figures)}")
    return int(any(lost["mean"] > MOST for lost in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
