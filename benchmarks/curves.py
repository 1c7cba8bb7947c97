"""Draws what the thresholds of the language understanding are chosen from: ``python -m benchmarks.curves`` (``make curves``).

From the newest model on two labelled files: thresholds are chosen on the first (dashed) and the second (drawn through) tells what comes of
them. The pictures go to ``docs/images/``; the same model and files give the same bytes.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.trained import PROJECT, Parts, Readings, add_files, read_file

IMAGES = PROJECT / "docs" / "images"
OUT_OF_SCOPE = Path(__file__).with_name("out_of_scope.txt")
_STEPS = np.linspace(0.0, 1.0, 101)
_BINS = 10
_FORMS = 12
_SINGLE = ("role", "kind", "context", "repeated")
_OUT = ("out_of_scope", "nlu_fallback")

Pairs = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Read:
    """A file of labelled messages and what the classifiers make of it. ``style`` is the line that it is drawn with."""

    name: str
    style: str
    messages: list[dict[str, Any]]
    readings: Readings
    parts: Parts

    def chances(self, head: str) -> np.ndarray:
        """Probabilities of a head, one row a message."""
        return self.parts.facets.probabilities(self.readings.facet_scores, head)

    def any_crisis(self) -> np.ndarray:
        """The classifier's probability of any crisis."""
        from bot.wegwijzer.vocabulary import Crisis

        return 1.0 - self.chances("crisis")[:, [crisis.value for crisis in Crisis].index("none")]


def is_crisis(labels: dict[str, Any]) -> bool | None:
    """Whether a message tells of a crisis; None where its labels do not say."""
    if labels.get("crisis", "none") != "none" or labels.get("crisis_any"):
        return True
    return False if "crisis" in labels else None


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error: the mean gap between confidence and share of right answers, in ten bins."""
    return float(sum(abs(mean - share) * count for mean, share, count in _binned(confidence, right)) / max(1, len(confidence)))


def _binned(confidence: np.ndarray, right: np.ndarray) -> list[tuple[float, float, int]]:
    places = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    inside = [places == place for place in sorted(set(places.tolist()))]
    return [(float(confidence[rows].mean()), float(right[rows].mean()), int(rows.sum())) for rows in inside]


def confidences(read: Read) -> dict[str, Pairs]:
    """By facet, how sure each answer was and whether it was right (1 or 0). For forms and crisis: each probability, and the truth."""
    from bot.nlu import facets
    from bot.wegwijzer.vocabulary import Form

    found: dict[str, list[tuple[float, bool]]] = {name: [] for name in (*_SINGLE, "forms", "crisis", "act")}
    any_crisis, forms = read.any_crisis(), read.chances("forms")
    for place, labels in enumerate(read.messages):
        told, sure = facets.decode(read.parts.facets, read.readings.facet_scores[place : place + 1])
        for facet in _SINGLE:
            if labels.get(facet) is not None:
                found[facet].append((sure[facet], told[facet] == labels[facet]))
        if "forms" in labels:
            maybe = labels.get("forms_maybe", ())
            found["forms"] += [
                (float(chance), form.value in labels["forms"])
                for form, chance in zip(Form, forms[place], strict=True)
                if form.value not in maybe
            ]
        truth = is_crisis(labels)
        if truth is not None:
            found["crisis"].append((float(any_crisis[place]), truth))
        if labels.get("act"):
            chances = read.readings.act_chances[place]
            found["act"].append((float(chances.max()), read.parts.act_names[int(chances.argmax())] == labels["act"]))
    return {name: (np.array([row[0] for row in rows]), np.array([row[1] for row in rows], float)) for name, rows in found.items() if rows}


def by_phrase(read: Read) -> np.ndarray:
    """Which messages raise the alarm by a phrase of the lexicon, however calm the classifier is about its own threshold."""
    from bot.nlu import crisis

    names = next(spec.classes for spec in read.parts.facets.specs if spec.name == "crisis")
    none = names.index("none")
    alarms = []
    for row, concepts in zip(read.chances("crisis"), read.readings.concepts, strict=True):
        calm = row.copy()
        calm[none] = max(calm[none], 1.0 - crisis.ALONE + 1e-6)
        alarms.append(crisis.decide(dict(zip(names, calm.tolist(), strict=True)), concepts)[0] != "none")
    return np.array(alarms)


def draw_calibration(reads: Sequence[Read], figures: dict[str, Any]) -> Any:
    """Reliability by facet: the share that was right, over the confidence that was told."""
    figure, axes = _figure(2, 4, 10.5, 5.4)
    for axis in axes[:-1]:
        axis.plot([0, 1], [0, 1], color="0.75", linewidth=1)
    for read in reads:
        for axis, (name, (sure, right)) in zip(axes, confidences(read).items(), strict=False):
            error = figures[f"calibration error, {name}, {read.name}"] = calibration_error(sure, right)
            rows = _binned(sure, right)
            axis.plot([row[0] for row in rows], [row[1] for row in rows], read.style, marker="o", markersize=3, label=f"{error:.3f}")
            axis.set_title(name, fontsize=9)
            axis.set_xlabel("confidence", fontsize=7)
            axis.legend(title="calibration error", fontsize=7, title_fontsize=7, loc="upper left")
    axes[0].set_ylabel("share right", fontsize=8)
    axes[-1].axis("off")
    _explain(axes[-1], reads)
    return figure


def draw_crisis(reads: Sequence[Read], figures: dict[str, Any]) -> Any:
    """Crises found over false alarms, and both over the threshold."""
    from bot.nlu import crisis

    figure, (curve, over) = _figure(1, 2, 10, 4.2)
    for read in reads:
        chance, phrase = read.any_crisis(), by_phrase(read)
        truths = [is_crisis(labels) for labels in read.messages]
        crises, calm = np.array([truth is True for truth in truths]), np.array([truth is False for truth in truths])
        for colour, sure, label in (("tab:red", phrase, "phrases and classifier"), ("tab:blue", np.zeros_like(phrase), "classifier alone")):
            found = [float((sure | (chance >= step))[crises].mean()) for step in _STEPS]
            alarms = [float((sure | (chance >= step))[calm].mean()) for step in _STEPS]
            curve.plot(alarms, found, read.style, color=colour, label=f"{label}, {read.name}")
            over.plot(_STEPS, found, read.style, color=colour)
            over.plot(_STEPS, alarms, read.style, color=colour, alpha=0.45)
            chosen = sure | (chance >= crisis.ALONE)
            figures[f"crisis found, {label}, {read.name}"] = float(chosen[crises].mean())
            figures[f"false alarms, {label}, {read.name}"] = float(chosen[calm].mean())
            curve.plot(chosen[calm].mean(), chosen[crises].mean(), "o", color=colour, markersize=6, fillstyle="none")
    curve.axvline(0.03, color="0.75", linewidth=1)
    curve.set(xlim=(0, 0.4), ylim=(0.3, 1.01), xlabel="false alarms", ylabel="crises found", title="circle: the threshold in use")
    curve.legend(fontsize=7, loc="lower right")
    over.axvline(crisis.ALONE, color="0.4", linewidth=1)
    over.set(xlabel="threshold of the classifier", title=f"found (strong), false alarms (pale); in use: {crisis.ALONE:g}")
    return figure


def draw_forms(reads: Sequence[Read], figures: dict[str, Any]) -> Any:
    """Precision and recall of each frequent form over its threshold."""
    from bot.nlu import facets
    from bot.wegwijzer.vocabulary import Form

    names = [form.value for form in Form]
    counts = Counter(form for read in reads for labels in read.messages for form in labels.get("forms", ()))
    figure, axes = _figure(3, 4, 10.5, 7.4)
    for axis, (form, count) in zip(axes, counts.most_common(_FORMS), strict=False):
        limit = facets.FORM_THRESHOLDS[form]
        for read in reads:
            rows = [place for place, labels in enumerate(read.messages) if "forms" in labels and form not in labels.get("forms_maybe", ())]
            truth = np.array([form in read.messages[place]["forms"] for place in rows])
            chance = read.chances("forms")[rows, names.index(form)]
            precision, recall = zip(*(_precision_recall(chance >= step, truth) for step in _STEPS), strict=True)
            axis.plot(_STEPS, precision, read.style, color="tab:blue", label="precision" if read is reads[-1] else None)
            axis.plot(_STEPS, recall, read.style, color="tab:red", label="recall" if read is reads[-1] else None)
            figures[f"{form}, {read.name}"] = _precision_recall(chance >= limit, truth)
        axis.axvline(limit, color="0.4", linewidth=1)
        axis.set_title(f"{form} ({count})", fontsize=8)
    axes[0].legend(fontsize=7)
    return figure


def _precision_recall(read: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Precision (not a number where nothing is read) and recall."""
    hit = float((read & truth).sum())
    return (hit / read.sum() if read.any() else float("nan")), hit / max(1, truth.sum())


def draw_acts(reads: Sequence[Read], parts: Parts, figures: dict[str, Any]) -> Any:
    """What the act threshold costs either way."""
    from bot.nlu import intents

    figure, (told, strange) = _figure(1, 2, 10, 4.0)
    for read in reads:
        pairs = confidences(read).get("act")
        if pairs is None:  # a file without acts
            continue
        sure, right = pairs[0], pairs[1] > 0
        lines: list[tuple[str, str, Callable[[float], np.ndarray]]] = [
            ("wrongly answered", "tab:red", lambda step: (sure >= step) & ~right),  # noqa: B023 (called at once)
            ("wrongly asked back", "tab:blue", lambda step: (sure < step) & right),  # noqa: B023
        ]
        for label, colour, share in lines:
            told.plot(_STEPS, [float(share(step).mean()) for step in _STEPS], read.style, color=colour, label=f"{label}, {read.name}")
            figures[f"{label}, {read.name}"] = float(share(intents.ACT_THRESHOLD).mean())
    told.set(xlabel="threshold of the act", ylabel="share of messages", title=f"in use: {intents.ACT_THRESHOLD:g}")
    told.legend(fontsize=7)
    texts = OUT_OF_SCOPE.read_text(encoding="utf-8").splitlines()
    chances = parts.read(texts).act_chances
    named = np.isin(np.array(parts.act_names)[chances.argmax(axis=1)], _OUT)
    answered = [float((~named & (chances.max(axis=1) >= step)).mean()) for step in _STEPS]
    strange.plot(_STEPS, answered, color="tab:red")
    strange.set(ylim=(0, 1), xlabel="threshold of the act", title=f"{len(texts)} messages out of scope: share answered as if in scope")
    figures["out of scope, answered"] = float((~named & (chances.max(axis=1) >= intents.ACT_THRESHOLD)).mean())
    for axis in (told, strange):
        axis.axvline(intents.ACT_THRESHOLD, color="0.4", linewidth=1)
    return figure


def _figure(rows: int, columns: int, width: float, height: float) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=80, layout="tight")
    axes = list(np.ravel(figure.subplots(rows, columns)))
    for axis in axes:
        axis.set(xlim=(0, 1), ylim=(0, 1.02))
        axis.tick_params(labelsize=7)
    return figure, axes


def _explain(axis: Any, reads: Sequence[Read]) -> None:
    for read in reads:
        axis.plot([], [], read.style, color="0.3", label=read.name)
    axis.legend(fontsize=8, loc="center", frameon=False)


def save(figure: Any, path: Path) -> None:
    """Write a figure as a PNG of few colours, without the date and the version that would change its bytes."""
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(drawn).convert("RGB").quantize(32, dither=Image.Dither.NONE).save(path, optimize=True)


def main(arguments: list[str] | None = None) -> int:
    """Draw all pictures and print the figures at the thresholds in use; 2 and one line for a file or model that cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_files(parser)
    parser.add_argument("--folder", type=Path, default=IMAGES, help="where the pictures go")
    chosen = parser.parse_args(arguments)
    from bot.runtime import quiet
    from bot.runtime.errors import UserError

    quiet.apply()
    try:
        parts = Parts.newest()
        files = [(path, read_file(path)) for path in (chosen.tune, chosen.test)]
    except UserError as error:
        print(f"curves: {error}", file=sys.stderr)
        return 2
    reads = [
        Read(path.stem, "--" if place == 0 else "-", messages, parts.read([item["text"] for item in messages]), parts)
        for place, (path, messages) in enumerate(files)
    ]
    figures: dict[str, Any] = {}
    save(draw_calibration(reads, figures), chosen.folder / "calibration.png")
    save(draw_crisis(reads, figures), chosen.folder / "crisis.png")
    save(draw_forms(reads, figures), chosen.folder / "forms.png")
    save(draw_acts(reads, parts, figures), chosen.folder / "acts.png")
    for name, value in figures.items():
        shown = f"precision {value[0]:.2f}, recall {value[1]:.2f}" if isinstance(value, tuple) else f"{value:.3f}"
        print(f"{name:50} {shown}")
    print(f"drawn in {chosen.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
