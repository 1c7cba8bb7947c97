"""Compares classifiers on the same training messages and evaluation files: ``python -m benchmarks.nlu_models`` (``make bench-nlu``).

Every model answers the same question: a probability for each class of role, kind, context, forms and crisis. From there all are treated
alike: the class of highest probability; a form, or a crisis, from a threshold that is chosen for each model on the first file (crisis: the
lowest with at most 3 % false alarms). The scores are those on the second file. The first row is the trained bot, with its own thresholds
and word lists.

DIET needs TensorFlow, which the bot does without: it runs in the environment that ``make bench`` makes under ``.bench/stock``, and is left
out, loudly, where that is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.bots import CACHE
from benchmarks.curves import is_crisis
from benchmarks.report import keep, machine, table
from benchmarks.trained import NOW, PROJECT, add_files, load_bot, read_file
from bot.nlu.augment import sloppy
from bot.nlu.components import LEXICON_FOLDER
from bot.nlu.dataset import Example, read_training
from bot.nlu.facets import HEADS, labels_of
from bot.nlu.features import NgramVectoriser
from bot.nlu.lexicon import Lexicon
from bot.nlu.linear import UNKNOWN, HeadSpec, LinearHeads
from bot.nlu.text import normalise

COMPARED = tuple(spec for spec in HEADS if spec.name in ("role", "kind", "context", "forms", "crisis"))
_MOST_FALSE_ALARMS = 0.03
_STEPS = np.linspace(0.02, 0.98, 97)
_NO_FORM = "none"
#: The networks see so many messages in training, and all at least eight times: a small part of the data is gone through more often.
_SEEN = 200_000
_COLUMNS = ("bullying F1", "role", "context", "forms F1", "crises found", "false alarms")

#: By head, one row a message and one column a class.
Chances = Mapping[str, np.ndarray]
Labels = list[dict[str, frozenset[str]]]


class SkippedError(RuntimeError):
    """A model that cannot be compared here; one line that says how it can."""


class Model(ABC):
    """A way to classify; trained once, then asked. ``size`` in bytes is known after training."""

    name: str
    size: int = 0

    @abstractmethod
    def run(self, examples: Sequence[Example], texts: Sequence[str]) -> tuple[float, Chances]:
        """Train on examples and read texts; the seconds of training, and probabilities."""


class OnOurFeatures(Model):
    """What the models on the bot's own features share: n-grams and concepts of each message as written and as hurried writers type it."""

    def run(self, examples: Sequence[Example], texts: Sequence[str]) -> tuple[float, Chances]:
        started = time.perf_counter()
        plain = [reading for item in examples for reading in (normalise(item.text), normalise(sloppy(item.text)))]
        labels = [_labels(item) for item in examples for _ in range(2)]
        vectoriser = NgramVectoriser(Lexicon.from_folder(LEXICON_FOLDER), {"word": 3, "char": 10}, 1.0)
        vectoriser.fit(plain)
        chances = self.fit(vectoriser.transform(plain), labels)
        seconds = time.perf_counter() - started
        return seconds, chances(vectoriser.transform([normalise(text) for text in texts]))

    @abstractmethod
    def fit(self, rows: sp.csr_matrix, labels: Labels) -> Callable[[sp.csr_matrix], Chances]:
        """Train; what turns rows into probabilities."""


def _labels(item: Example) -> dict[str, frozenset[str]]:
    return {name: label for name, label in labels_of(item.facets, item.intent).items() if label is not None}


def _by_head(labels: Labels) -> dict[str, list[frozenset[str] | None]]:
    return {spec.name: [label[spec.name] for label in labels] for spec in COMPARED}


class Ours(OnOurFeatures):
    """The bot's classifiers: one logistic regression a class, liblinear, rare classes weighted."""

    name = "ours (TF-IDF, logistic regression)"

    def fit(self, rows: sp.csr_matrix, labels: Labels) -> Callable[[sp.csr_matrix], Chances]:
        return self._heads(rows, labels, COMPARED)

    def _heads(self, rows: sp.csr_matrix, labels: Labels, specs: Sequence[HeadSpec]) -> Callable[[sp.csr_matrix], Chances]:
        heads = LinearHeads.train(rows, specs, _by_head(labels))
        with tempfile.TemporaryDirectory() as folder:
            heads.save(Path(folder), "heads")
            self.size = (Path(folder) / "heads.npz").stat().st_size

        def chances(asked: sp.csr_matrix) -> Chances:
            scores = heads.scores(asked)
            return {spec.name: heads.probabilities(scores, spec.name) for spec in specs}

        return chances


class NbSvm(Ours):
    """The same with every feature weighted by the log ratio of its share in and out of the class (NB-SVM, Wang and Manning 2012)."""

    name = "naive Bayes weights (NB-SVM)"

    def fit(self, rows: sp.csr_matrix, labels: Labels) -> Callable[[sp.csr_matrix], Chances]:
        parts: list[tuple[HeadSpec, list[tuple[np.ndarray, Callable[[sp.csr_matrix], Chances]]]]] = []
        size = 0
        for spec in COMPARED:
            fitted = []
            for name in spec.classes:
                held = np.array([name in label[spec.name] for label in labels])
                ratio = _log_ratio(rows, held)
                single = HeadSpec(spec.name, (name,), exclusive=False, rare_weight=spec.rare_weight)
                weighted = rows @ sp.diags(ratio)
                heads = LinearHeads.train(
                    weighted.tocsr().astype(np.float32), [single], {spec.name: [label[spec.name] for label in labels]}
                )
                size += _packed(np.asarray(heads.scores(sp.identity(rows.shape[1], np.float32, format="csr"))[:, 0] * ratio))
                fitted.append((ratio, _asked(heads, spec.name)))
            parts.append((spec, fitted))
        self.size = size

        def chances(asked: sp.csr_matrix) -> Chances:
            found = {}
            for spec, fitted in parts:
                columns = [reader((asked @ sp.diags(ratio)).tocsr().astype(np.float32))[spec.name][:, 0] for ratio, reader in fitted]
                found[spec.name] = _normalised(spec, np.stack(columns, axis=1))
            return found

        return chances


def _asked(heads: LinearHeads, name: str) -> Callable[[sp.csr_matrix], Chances]:
    return lambda rows: {name: heads.probabilities(heads.scores(rows), name)}


def _log_ratio(rows: sp.csr_matrix, held: np.ndarray) -> np.ndarray:
    inside, outside = (np.asarray(rows[chosen].sum(axis=0)).ravel() + 1.0 for chosen in (held, ~held))
    return np.log((inside / inside.sum()) / (outside / outside.sum())).astype(np.float32)


def _packed(values: np.ndarray) -> int:
    """Bytes in half precision, compressed."""
    packed = io.BytesIO()
    np.savez_compressed(packed, values.astype(np.float16))
    return packed.tell()


def _normalised(spec: HeadSpec, chances: np.ndarray) -> np.ndarray:
    return chances / np.maximum(chances.sum(axis=1, keepdims=True), 1e-9) if spec.exclusive else chances


def _columns() -> list[tuple[str, str]]:
    return [(spec.name, name) for spec in COMPARED for name in spec.classes]


def _split(flat: np.ndarray) -> Chances:
    found, start = {}, 0
    for spec in COMPARED:
        found[spec.name] = _normalised(spec, flat[:, start : start + len(spec.classes)])
        start += len(spec.classes)
    return found


def _rounds(rows: int) -> int:
    return max(8, _SEEN // rows)


class HiddenLayer(OnOurFeatures):
    """One hidden layer under all classes of all heads at once, on the most frequent n-grams."""

    name = "one hidden layer, all facets at once"
    _FEATURES, _UNITS = 20_000, 128

    def fit(self, rows: sp.csr_matrix, labels: Labels) -> Callable[[sp.csr_matrix], Chances]:
        from sklearn.neural_network import MLPClassifier

        frequent = np.sort(np.argsort(-np.asarray((rows > 0).sum(axis=0)).ravel(), kind="stable")[: self._FEATURES])
        wanted = np.array([[name in label[head] for head, name in _columns()] for label in labels], dtype=np.int8)
        rounds = _rounds(rows.shape[0])
        network = MLPClassifier((self._UNITS,), alpha=1e-5, batch_size=256, max_iter=rounds, n_iter_no_change=rounds + 1, random_state=0)
        import warnings

        with warnings.catch_warnings():  # it is stopped on purpose before it converges, where it would know its examples by heart
            warnings.simplefilter("ignore")
            network.fit(rows[:, frequent], wanted)
        self.size = sum(map(_packed, network.coefs_))
        return lambda asked: _split(network.predict_proba(asked[:, frequent]))


class SpacyCategoriser(Model):
    """spaCy's bag-of-words text categoriser on normalised text, all classes as labels that do not exclude each other."""

    name = "spaCy text categoriser"

    def run(self, examples: Sequence[Example], texts: Sequence[str]) -> tuple[float, Chances]:
        import spacy
        from spacy.training import Example as SpacyExample
        from spacy.util import compounding, fix_random_seed, minibatch

        started = time.perf_counter()
        fix_random_seed(0)
        language = spacy.blank("nl")
        categoriser = language.add_pipe(
            "textcat_multilabel",
            config={
                "model": {"@architectures": "spacy.TextCatBOW.v2", "exclusive_classes": False, "ngram_size": 2, "no_output_layer": False}
            },
        )
        names = [f"{head}={name}" for head, name in _columns()]
        for name in names:
            categoriser.add_label(name)  # type: ignore[attr-defined]
        made = []
        for item in examples:
            labels = _labels(item)
            held = {f"{head}={name}": float(name in labels[head]) for head, name in _columns()}
            for reading in (normalise(item.text), normalise(sloppy(item.text))):
                made.append(SpacyExample.from_dict(language.make_doc(reading), {"cats": held}))
        optimiser = language.initialize(lambda: made[:100])
        chance = random.Random(0)  # noqa: S311
        for _ in range(_rounds(len(made))):
            chance.shuffle(made)
            for batch in minibatch(made, size=compounding(16.0, 128.0, 1.01)):
                language.update(batch, sgd=optimiser, drop=0.2)
        seconds = time.perf_counter() - started
        self.size = len(language.to_bytes(exclude=["vocab"]))
        documents = language.pipe([normalise(text) for text in texts])
        return seconds, _split(np.array([[document.cats[name] for name in names] for document in documents]))


class RasaPipeline(Model):
    """One of Rasa's own pipelines, trained once for each head, the class as intent; a set of forms is one class.

    Args:
        rounds: passes over the data, for DIET.
    """

    def __init__(self, name: str, pipeline: list[dict[str, Any]], python: Path, variables: Mapping[str, str]) -> None:
        self.name = name
        self._pipeline = pipeline
        self._python = python
        self._variables = variables

    def run(self, examples: Sequence[Example], texts: Sequence[str]) -> tuple[float, Chances]:
        labels = [_labels(item) for item in examples]
        seconds, found = 0.0, {}
        for spec in COMPARED:
            classes = (
                _form_sets([label["forms"] for label in labels]) if spec.name == "forms" else [next(iter(x[spec.name])) for x in labels]
            )
            task = {
                "pipeline": self._pipeline,
                "train": [[item.text, label] for item, label in zip(examples, classes, strict=True)],
                "read": list(texts),
            }
            answer = self._ask(task)
            seconds += answer["seconds"]
            self.size += answer["bytes"]
            found[spec.name] = np.array([[_chance_of(spec, name, row) for name in spec.classes] for row in answer["chances"]])
        return seconds, found

    def _ask(self, task: dict[str, Any]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "task.json"
            path.write_text(json.dumps(task), encoding="utf-8")
            variables = {
                **os.environ,
                "RASA_TELEMETRY_ENABLED": "false",
                "SENTRY_DSN": "",
                "RASA_CACHE_DIRECTORY": folder,
                **self._variables,
            }
            command = [str(self._python), "-c", _START, str(path)]
            done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SkippedError(f"its program failed: {(done.stderr or done.stdout).strip().splitlines()[-3:]}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer


#: ``bot`` puts stand-ins for TensorFlow in place where Rasa is to run without it; the environment with TensorFlow has no ``bot``.
_START = f"""
import os, sys
sys.path.insert(0, {str(PROJECT)!r})
if os.environ.get("WEGWIJZER_TENSORFLOW") != "1":
    import bot
sys.argv = ["rasa_once", sys.argv[1]]
import runpy
runpy.run_path({str(Path(__file__).with_name("rasa_once.py"))!r}, run_name="__main__")
"""


def _form_sets(forms: Sequence[frozenset[str]], least: int = 5) -> list[str]:
    """A class for each set of forms; a set that is rarer than ``least`` becomes its most frequent form."""
    counts = Counter(forms)
    single = Counter(form for item in forms for form in item)
    named = {}
    for item in counts:
        kept = item if counts[item] >= least or not item else [max(sorted(item), key=single.__getitem__)]
        named[item] = "+".join(sorted(kept)) or _NO_FORM
    return [named[item] for item in forms]


def _chance_of(spec: HeadSpec, name: str, row: Mapping[str, float]) -> float:
    if spec.name != "forms":
        return row.get(name, 0.0)
    return sum(chance for label, chance in row.items() if name in label.split("+"))


def stock_regression() -> RasaPipeline:
    """Rasa's own logistic regression on counts of words and character n-grams."""
    pipeline: list[dict[str, Any]] = [
        {"name": "WhitespaceTokenizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "LogisticRegressionClassifier", "ranking_length": 1000},
    ]
    return RasaPipeline("Rasa: CountVectors, LogisticRegression", pipeline, Path(sys.executable), {})


def diet(rounds: int) -> RasaPipeline:
    """Rasa's default pipeline with DIET.

    Raises:
        SkippedError: TensorFlow is not there.
    """
    python = CACHE / "stock" / "bin" / "python"
    if not list((CACHE / "stock" / "lib").glob("python*/site-packages/tensorflow/__init__.py")):
        raise SkippedError("DIET needs TensorFlow; 'make bench' makes an environment with it in .bench/stock (2 GB), then run this again")
    pipeline: list[dict[str, Any]] = [
        {"name": "WhitespaceTokenizer"},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": rounds, "random_seed": 0, "entity_recognition": False, "ranking_length": 0},
    ]
    return RasaPipeline(f"Rasa: DIET, {rounds} epochs", pipeline, python, {"WEGWIJZER_TENSORFLOW": "1", "TF_CPP_MIN_LOG_LEVEL": "3"})


MODELS: dict[str, Callable[[int], Model]] = {
    "ours": lambda _: Ours(),
    "nbsvm": lambda _: NbSvm(),
    "hidden": lambda _: HiddenLayer(),
    "spacy": lambda _: SpacyCategoriser(),
    "regression": lambda _: stock_regression(),
    "diet": diet,
}


@dataclass(frozen=True)
class Thresholds:
    """From which probability a form, or a crisis, is read."""

    forms: float
    crisis: float


def chosen_on(messages: Sequence[dict[str, Any]], chances: Chances) -> Thresholds:
    """The threshold of forms with the best micro-F1; the lowest of crisis with at most 3 % false alarms."""
    forms = max(_STEPS, key=lambda step: _forms_f1(messages, chances, step))
    crisis = next((step for step in _STEPS if _crisis(messages, chances, step)[1] <= _MOST_FALSE_ALARMS), 1.0)
    return Thresholds(float(forms), float(crisis))


def scores(messages: Sequence[dict[str, Any]], chances: Chances, thresholds: Thresholds) -> dict[str, float]:
    """The compared scores, by the names of ``_COLUMNS``."""
    kinds = next(spec.classes for spec in COMPARED if spec.name == "kind")
    bullying = chances["kind"][:, [kinds.index("bullying"), kinds.index("cyberbullying")]].sum(axis=1) >= 0.5
    pairs = [(read, labels["is_bullying"]) for read, labels in zip(bullying, messages, strict=True) if "is_bullying" in labels]
    hit = sum(bool(read and wanted) for read, wanted in pairs)
    found, alarms = _crisis(messages, chances, thresholds.crisis)
    f1 = 2 * hit / max(1, sum(int(read) + int(wanted) for read, wanted in pairs))
    values = (f1, _accuracy(messages, chances, "role"), _accuracy(messages, chances, "context"))
    return dict(zip(_COLUMNS, (*values, _forms_f1(messages, chances, thresholds.forms), found, alarms), strict=True))


def _accuracy(messages: Sequence[dict[str, Any]], chances: Chances, head: str) -> float:
    classes = [name for name in next(spec.classes for spec in COMPARED if spec.name == head) if name != UNKNOWN]
    best = chances[head][:, : len(classes)].argmax(axis=1)  # "unknown" is the last class, and no label
    right = [classes[place] == labels[head] for place, labels in zip(best, messages, strict=True) if labels.get(head)]
    return float(np.mean(right)) if right else float("nan")


def _forms_f1(messages: Sequence[dict[str, Any]], chances: Chances, step: float) -> float:
    names = next(spec.classes for spec in COMPARED if spec.name == "forms")
    hit = total = 0
    for row, labels in zip(chances["forms"], messages, strict=True):
        if "forms" in labels:
            wanted = set(labels["forms"])
            read = {name for name, chance in zip(names, row, strict=True) if chance >= step} - set(labels.get("forms_maybe", ()))
            hit += len(read & wanted)
            total += len(read) + len(wanted)
    return 2 * hit / max(1, total)


def _crisis(messages: Sequence[dict[str, Any]], chances: Chances, step: float) -> tuple[float, float]:
    names = next(spec.classes for spec in COMPARED if spec.name == "crisis")
    alarm = 1.0 - chances["crisis"][:, names.index("none")] >= step
    truth = [is_crisis(labels) for labels in messages]
    found = [raised for raised, wanted in zip(alarm, truth, strict=True) if wanted is True]
    false = [raised for raised, wanted in zip(alarm, truth, strict=True) if wanted is False]
    return float(np.mean(found or [0.0])), float(np.mean(false or [0.0]))


def _as_it_runs(messages: Sequence[dict[str, Any]]) -> tuple[dict[str, float], int]:
    """Scores of the trained bot, and bytes of its model."""
    from bot.nlu.evaluation import evaluate
    from bot.wegwijzer.content import load_content

    bot = load_bot()
    found = asyncio.run(evaluate(bot, messages, load_content(), NOW))["scores"]
    bot.close()
    names = ("is_bullying_f1", "role_accuracy", "context_accuracy", "forms_micro_f1", "crisis_recall", "crisis_false_alarms")
    values = (found[name]["value"] if name in found else float("nan") for name in names)
    return dict(zip(_COLUMNS, values, strict=True)), bot.model.stat().st_size


def subset(examples: Sequence[Example], count: int | None) -> list[Example]:
    """All examples, or so many at random (always the same ones)."""
    if count is None or count >= len(examples):
        return list(examples)
    return random.Random(0).sample(list(examples), count)  # noqa: S311


def main(arguments: list[str] | None = None) -> int:
    """Train, read, print, keep; 2 and one line for files that cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_files(parser)
    parser.add_argument("--messages", type=int, help="train on so many messages, chosen at random; default: all")
    parser.add_argument("--epochs", type=int, default=100, help="passes of DIET over the data; default: Rasa's own, 100")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="which to compare; default: all")
    chosen = parser.parse_args(arguments)
    from bot.runtime import quiet
    from bot.runtime.errors import UserError

    quiet.apply()
    try:
        tune, test = read_file(chosen.tune), read_file(chosen.test)
        running, size = _as_it_runs(test)
        examples = subset(read_training(), chosen.messages)
    except UserError as error:
        print(f"nlu_models: {error}", file=sys.stderr)
        return 2
    figures: dict[str, Any] = {"the bot as it runs (newest model)": {**running, "megabytes": size / 1e6}}
    skipped = []
    for name in chosen.models:
        try:
            model = MODELS[name](chosen.epochs)
            print(f"training: {model.name} ...", file=sys.stderr, flush=True)
            seconds, chances = model.run(examples, [item["text"] for item in (*tune, *test)])
        except SkippedError as error:
            skipped.append(f"SKIPPED: {name}: {error}")
            print(f"\n{skipped[-1]}\n", file=sys.stderr, flush=True)
            continue
        first, second = ({head: rows[part] for head, rows in chances.items()} for part in (slice(len(tune)), slice(len(tune), None)))
        values = scores(test, second, chosen_on(tune, first))
        figures[model.name] = {**values, "seconds": seconds, "megabytes": model.size / 1e6}
    rows = [(name, *(_cell(values, column) for column in (*_COLUMNS, "seconds", "megabytes"))) for name, values in figures.items()]
    files = f"thresholds chosen on {chosen.tune.name}, scored on {chosen.test.name}"
    head = f"Classifiers on {len(examples)} training messages, {files}. {machine()}."
    parts = [head, table(("model", *_COLUMNS, "training (s)", "size (MB)"), rows), *skipped]
    text = "\n\n".join(parts)
    print(f"\n{text}\n\nkept in {keep('nlu_models', text, figures)}")
    return 0


def _cell(values: Mapping[str, float], column: str) -> str:
    if column not in values:
        return "-"
    return f"{values[column]:.1f}" if column in ("seconds", "megabytes") else f"{values[column]:.3f}"


if __name__ == "__main__":
    sys.exit(main())
