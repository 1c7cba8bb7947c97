"""Scores of the trained model on labelled messages, each with a 95 % interval.

A field that a message does not carry is not scored. Conventions: ``is_bullying`` is read off ``kind``; a form in ``forms_maybe`` counts
neither for nor against; ``crisis`` counts as found whatever its type, the type is scored apart; ``best_referral`` is right when the first
service named is in the list, or when none is named and the list holds ``none``.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.nlu.reading import facets_of, referrals_for
from bot.runtime.errors import UserError
from bot.wegwijzer.content import Content
from bot.wegwijzer.signpost import Signpost
from bot.wegwijzer.vocabulary import Form

_BULLYING = ("bullying", "cyberbullying")
_EXACT = ("role", "kind", "context", "platform", "repeated")
_RESAMPLES = 1000
_WORST = 12
_FIELDS = frozenset(
    "id text role kind is_bullying context forms forms_maybe platform repeated crisis crisis_any best_referral act variety evidence "
    "age_band anonymous_bully adult_informed evidence_saved".split()
)


class LabelledFileError(UserError):
    """A file of labelled messages that cannot be scored; one line."""


@dataclass(frozen=True)
class Scored:
    """One message: its labels and what was understood."""

    labels: dict[str, Any]
    facets: dict[str, Any]
    confidences: dict[str, Any]
    intent: str
    first: str

    @property
    def bullying(self) -> bool:
        """Whether it was read as bullying."""
        return self.facets["kind"] in _BULLYING

    @property
    def alarm(self) -> bool:
        """Whether it was read as a crisis."""
        return self.facets["crisis"] != "none"


def read_labelled(lines: Iterable[str], name: str) -> list[dict[str, Any]]:
    """Labelled messages from JSON Lines.

    Raises:
        LabelledFileError: which line is wrong, and how.
    """
    messages = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            raise LabelledFileError(f"{name}, line {number}: not JSON") from None
        if not isinstance(data, dict) or not isinstance(data.get("text"), str):
            raise LabelledFileError(f"{name}, line {number}: needs an object with a 'text'")
        unknown = sorted(set(data) - _FIELDS)
        if unknown:
            raise LabelledFileError(f"{name}, line {number}: unknown field '{unknown[0]}'")
        for field in ("forms", "forms_maybe", "best_referral"):
            if field in data and not (isinstance(data[field], list) and all(isinstance(item, str) for item in data[field])):
                raise LabelledFileError(f"{name}, line {number}: '{field}' must be a list of words")
        messages.append(data)
    if not messages:
        raise LabelledFileError(f"{name}: no messages")
    return messages


async def evaluate(bot: Any, messages: Sequence[dict[str, Any]], content: Content, now: dt.datetime) -> dict[str, Any]:
    """Score a bot on labelled messages."""
    signpost = Signpost(content)
    scored = []
    for labels in messages:
        parsed = await bot.parse(labels["text"])
        first = next(iter(referrals_for(parsed, signpost, now)), "none")
        intent = str((parsed.get("intent") or {}).get("name"))
        scored.append(Scored(labels, facets_of(parsed), dict(parsed.get("facet_confidences") or {}), intent, first))
    return summarise(scored)


def summarise(scored: Sequence[Scored]) -> dict[str, Any]:
    """All scores, confusions and worst errors."""
    scores: dict[str, Any] = {}
    confusion: dict[str, Any] = {}
    for facet in _EXACT:
        known = [item for item in scored if facet in item.labels]
        if known:
            scores[f"{facet}_accuracy"] = _share([item.facets[facet] == item.labels[facet] for item in known])
            wrong = Counter(
                (str(item.labels[facet]), str(item.facets[facet])) for item in known if item.facets[facet] != item.labels[facet]
            )
            confusion[facet] = [{"label": label, "read": read, "times": times} for (label, read), times in wrong.most_common()]
    known = [item for item in scored if "is_bullying" in item.labels]
    if known:
        scores["is_bullying_f1"] = _f1([(item.bullying, bool(item.labels["is_bullying"])) for item in known])
    scores.update(_form_scores([item for item in scored if "forms" in item.labels], confusion))
    scores.update(_crisis_scores(scored))
    acts = [item for item in scored if item.labels.get("act")]
    if acts:
        scores["act_accuracy"] = _share([item.intent == item.labels["act"] for item in acts])
    referred = [item for item in scored if item.labels.get("best_referral")]
    if referred:
        scores["first_referral"] = _share([item.first in item.labels["best_referral"] for item in referred])
        hard = [item for item in referred if "awel" not in item.labels["best_referral"]]
        if hard:
            scores["first_referral_without_awel"] = _share([item.first in item.labels["best_referral"] for item in hard])
    calibration = _calibration(scored)
    if calibration is not None:
        scores["expected_calibration_error"] = calibration
    return {"messages": len(scored), "scores": scores, "confusion": confusion, "worst": _worst(scored)}


def _form_scores(known: Sequence[Scored], confusion: dict[str, Any]) -> dict[str, Any]:
    if not known:
        return {}
    rows = []
    missed: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    for item in known:
        wanted, maybe = set(item.labels["forms"]), set(item.labels.get("forms_maybe", ()))
        read = set(item.facets["forms"]) - maybe
        rows.append((len(read & wanted), len(read - wanted), len(wanted - read)))
        missed.update(wanted - read)
        extra.update(read - wanted)
    confusion["forms"] = [
        {"form": form.value, "missed": missed[form.value], "added": extra[form.value]}
        for form in Form
        if missed[form.value] or extra[form.value]
    ]
    counts = np.array(rows)

    def micro(sample: np.ndarray) -> float:
        hit, more, less = sample.sum(axis=0)
        return float(2 * hit / max(1, 2 * hit + more + less))

    return {"forms_micro_f1": _bootstrapped(counts, micro)}


def _crisis_scores(scored: Sequence[Scored]) -> dict[str, Any]:
    crises = [item for item in scored if item.labels.get("crisis", "none") != "none" or item.labels.get("crisis_any")]
    calm = [item for item in scored if item.labels.get("crisis") == "none"]
    scores: dict[str, Any] = {}
    if crises:
        scores["crisis_recall"] = _share([item.alarm for item in crises])
        typed = [item for item in crises if item.labels.get("crisis", "none") != "none"]
        if typed:
            scores["crisis_type_accuracy"] = _share([item.facets["crisis"] == item.labels["crisis"] for item in typed])
    if calm:
        scores["crisis_false_alarms"] = _share([item.alarm for item in calm])
    return scores


def _share(right: Sequence[bool]) -> dict[str, Any]:
    """A share with its Wilson interval (Wilson 1927), which holds for small samples and for shares near 0 or 1."""
    n, k, z = len(right), sum(right), 1.96
    share = k / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return {"value": round(share, 4), "low": round(max(0.0, centre - half), 4), "high": round(min(1.0, centre + half), 4), "n": n}


def _f1(pairs: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    table = np.array([(read and wanted, read and not wanted, wanted and not read) for read, wanted in pairs], dtype=int)

    def score(sample: np.ndarray) -> float:
        hit, more, less = sample.sum(axis=0)
        return float(2 * hit / max(1, 2 * hit + more + less))

    return _bootstrapped(table, score)


def _bootstrapped(rows: np.ndarray, score: Any) -> dict[str, Any]:
    """A score with the interval of a percentile bootstrap over messages; the seed is fixed, so that a report can be repeated."""
    chance = np.random.default_rng(0)
    samples = [score(rows[chance.integers(0, len(rows), len(rows))]) for _ in range(_RESAMPLES)]
    low, high = np.percentile(samples, [2.5, 97.5])
    return {"value": round(score(rows), 4), "low": round(float(low), 4), "high": round(float(high), 4), "n": len(rows)}


def _calibration(scored: Sequence[Scored], bins: int = 10) -> dict[str, Any] | None:
    """Expected calibration error over the facets with one value: mean gap between confidence and accuracy, in ten bins."""
    pairs = []
    for item in scored:
        for facet in ("role", "kind", "context"):
            confidence = item.confidences.get(facet)
            if item.labels.get(facet) is not None and isinstance(confidence, float):
                pairs.append((confidence, item.facets[facet] == item.labels[facet]))
    if not pairs:
        return None
    confidence = np.array([pair[0] for pair in pairs])
    right = np.array([pair[1] for pair in pairs], dtype=float)
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[places == place].mean() - right[places == place].mean()) * (places == place).mean() for place in set(places)]
    return {"value": round(float(sum(gaps)), 4), "n": len(pairs)}


def _worst(scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """Messages that were read most wrongly: a missed crisis weighs most, then a false alarm, then each wrong facet."""
    ranked = []
    for item in scored:
        wrong: list[str] = []
        labels = item.labels
        crisis = labels.get("crisis", "none") != "none" or bool(labels.get("crisis_any"))
        weight = 0.0
        if crisis and not item.alarm:
            wrong.append("crisis missed")
            weight += 10
        if labels.get("crisis") == "none" and item.alarm:
            wrong.append(f"false alarm: {item.facets['crisis']}")
            weight += 5
        for facet in ("role", "kind", "context", "platform"):
            if labels.get(facet) is not None and item.facets[facet] != labels[facet]:
                wrong.append(f"{facet}: {item.facets[facet]} for {labels[facet]}")
                weight += 1
        if labels.get("best_referral") and item.first not in labels["best_referral"]:
            wrong.append(f"referral: {item.first} for {'/'.join(labels['best_referral'])}")
            weight += 2
        if wrong:
            ranked.append((weight, labels.get("id", ""), labels["text"], wrong))
    ranked.sort(key=lambda row: -row[0])
    return [{"id": name, "text": text, "wrong": wrong} for _, name, text, wrong in ranked[:_WORST]]


def report(result: dict[str, Any], name: str) -> str:
    """Scores, confusions and worst errors as plain text."""
    lines = [f"{name}: {result['messages']} messages", ""]
    for score, value in result["scores"].items():
        interval = f"  [{value['low']:.3f}, {value['high']:.3f}]" if "low" in value else ""
        lines.append(f"  {score:32} {value['value']:.3f}{interval}  n={value['n']}")
    for facet, wrong in result["confusion"].items():
        lines += ["", f"  {facet}, most frequent confusions"]
        for row in wrong[:8]:
            told = "{label} read as {read}: {times}" if "label" in row else "{form}: missed {missed}, added {added}"
            lines.append("    " + told.format(**row))
    lines += ["", "  worst errors"]
    for row in result["worst"]:
        lines.append(f"    {row['id']} {'; '.join(row['wrong'])}: {row['text'][:140]}")
    return "\n".join(lines) + "\n"
