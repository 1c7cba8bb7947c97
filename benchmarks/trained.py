"""The newest model and the evaluation files, for every measurement of how messages are understood."""

from __future__ import annotations

import argparse
import datetime as dt
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).resolve().parents[1]
#: Thresholds are chosen on the first file; the second was written by others and only tells what came of it.
TUNE = PROJECT / "data" / "evaluation" / "heldout.jsonl"
TEST = PROJECT / "data" / "evaluation" / "second.jsonl"
#: The signpost looks at opening hours: all that is measured happens on a Wednesday afternoon.
NOW = dt.datetime(2026, 3, 4, 15, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))


def add_files(parser: argparse.ArgumentParser) -> None:
    """The options ``--tune`` and ``--test``."""
    parser.add_argument("--tune", type=Path, default=TUNE, help="labelled messages on which thresholds are chosen")
    parser.add_argument("--test", type=Path, default=TEST, help="labelled messages on which the scores are told")


def read_file(path: Path) -> list[dict[str, Any]]:
    """Labelled messages of a file.

    Raises:
        LabelledFileError: what is wrong with it.
    """
    from bot.nlu.evaluation import LabelledFileError, read_labelled

    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LabelledFileError(f"{path.name} cannot be read: {type(error).__name__}") from None
    return read_labelled(lines, path.name)


def load_bot() -> Any:
    """The bot with the newest model. scikit-learn stays usable beside it, unlike in ``wegwijzer run``."""
    from bot.runtime import quiet

    quiet.apply()
    from bot.runtime.bot import Bot
    from bot.runtime.settings import load_settings

    return Bot.load(load_settings(), in_memory=True)


@dataclass(frozen=True)
class Readings:
    """What the classifiers make of some messages, before any threshold."""

    texts: list[str]
    concepts: list[tuple[str, ...]]
    facet_scores: np.ndarray
    act_chances: np.ndarray


class Parts:
    """The parts of a trained model that read a message, without Rasa around them: all probabilities, none rounded or left out.

    Args:
        model: a file that ``wegwijzer train`` wrote.
    """

    def __init__(self, model: Path) -> None:
        from bot.nlu.features import NgramVectoriser
        from bot.nlu.linear import LinearHeads

        with tempfile.TemporaryDirectory() as folder, tarfile.open(model) as archive:
            wanted = {"features.json", "features.npz", "facets.json", "facets.npz", "intents.json", "intents.npz"}
            for member in archive.getmembers():
                if Path(member.name).name in wanted and member.isfile():
                    member.name = Path(member.name).name
                    archive.extract(member, folder)
            self.vectoriser = NgramVectoriser.load(Path(folder))
            self.facets = LinearHeads.load(Path(folder), "facets")
            self.acts = LinearHeads.load(Path(folder), "intents")

    @classmethod
    def newest(cls) -> Parts:
        """Those of the newest model."""
        from bot.runtime.bot import newest_model
        from bot.runtime.settings import load_settings

        return cls(newest_model(load_settings().models_dir))

    @cached_property
    def act_names(self) -> tuple[str, ...]:
        """Names of the acts, in the order of their probabilities."""
        return self.acts.specs[0].classes

    def read(self, texts: Sequence[str]) -> Readings:
        """Scores and concepts of some messages."""
        from bot.nlu.text import normalise

        plain = [normalise(text) for text in texts]
        rows = self.vectoriser.transform(plain)
        acts = self.acts.probabilities(self.acts.scores(rows), self.acts.specs[0].name)
        return Readings(plain, [self.vectoriser.lexicon.found(text) for text in plain], self.facets.scores(rows), acts)
