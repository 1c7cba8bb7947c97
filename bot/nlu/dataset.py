"""Keeps the training messages honest: no near-duplicates, none that stand in an evaluation file, every label present.

``python -m bot.nlu.dataset`` prints what there is and exits with 2 when something is wrong.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bot.nlu.intents import NO_PAGE
from bot.nlu.text import LEXICON, normalise
from bot.wegwijzer.content import load_content
from bot.wegwijzer.vocabulary import BOOLEAN_FACETS, CONCERN, SINGLE_FACETS, Form

PROJECT = Path(__file__).resolve().parents[2]
NLU_FOLDER = PROJECT / "data" / "nlu"
EVALUATION_FOLDER = PROJECT / "data" / "evaluation"

#: Share of common character 4-grams (Jaccard) from which two messages tell the same in the same words.
SAME_WITHIN = 0.70
SAME_AS_EVALUATION = 0.45
#: Shorter messages ("ja", "op snap") are compared as a whole: their n-grams say too little.
_SHORT = 24
_GRAM = 4
#: Of a run of words, so many texts are looked at; of these, so many are compared.
_OF_A_RUN, _COMPARED = 400, 40
_NO_WORD = re.compile(r"\W+")
_SOUNDS_FLEMISH = re.compile(
    r"\b(?:ge|gij|nen|den|zijt|efkes|wenen|weent|refter|speeltijd|boekentas|gsm|lief|smijten|smeten|schrik|zogezegd|amai|ambetant|precies|goesting)\b"
)
_ENGLISH = re.compile(
    r"\b(?:bro|fr|cringe|random|chill|literally|toxic|vibe|hate|story|post|stream|game|gamen|server|kick|ban|mute|nudes|fake|real)\b"
)


@dataclass(frozen=True)
class Example:
    """A training message with its labels."""

    file: str
    intent: str
    text: str
    facets: dict[str, Any]


def read_training(folder: Path = NLU_FOLDER) -> list[Example]:
    """Every message of a folder, in order."""
    from bot.nlu.importer import read_examples

    return [Example(path.name, *example) for path in sorted(folder.glob("*.yml")) for example in read_examples(path)]


def read_evaluation(folder: Path = EVALUATION_FOLDER) -> list[str]:
    """Texts of the evaluation files."""
    lines = (line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines())
    return [str(json.loads(line)["text"]) for line in lines if line.strip()]


@cache  # each text is looked at several times
def _plain(text: str) -> str:
    return _NO_WORD.sub(" ", normalise(text)).strip()


@cache
def _grams(plain: str) -> frozenset[str]:
    return frozenset(plain[place : place + _GRAM] for place in range(max(1, len(plain) - _GRAM + 1)))


class Near:
    """Finds earlier texts that are nearly the same: those whose character 4-grams are the same up to a threshold (Jaccard).

    Only texts that share a run of words are compared, those that share most of them first: to compare all that could be alike took a
    quarter of an hour for 45,000 messages. Two texts as alike as the thresholds ask for share a run of words but for typing errors in each.

    Args:
        threshold: from which similarity on.
        run: how many words in a row.
    """

    def __init__(self, threshold: float, run: int) -> None:
        self._threshold = threshold
        self._run = run
        self._texts: list[str] = []
        self._index: dict[str, list[int]] = defaultdict(list)
        self._exact: dict[str, int] = {}

    def _runs(self, plain: str) -> set[str]:
        words = plain.split()
        return {" ".join(words[place : place + self._run]) for place in range(max(1, len(words) - self._run + 1))}

    def add(self, text: str) -> None:
        """Remember a text."""
        plain, place = _plain(text), len(self._texts)
        self._texts.append(text)
        self._exact.setdefault(plain, place)
        if len(plain) > _SHORT:
            for run in self._runs(plain):
                self._index[run].append(place)

    def like(self, text: str) -> str | None:
        """A remembered text that is nearly the same, or None."""
        plain = _plain(text)
        if plain in self._exact:
            return self._texts[self._exact[plain]]
        if len(plain) <= _SHORT:
            return None
        shared = Counter(place for run in self._runs(plain) for place in self._index.get(run, ())[:_OF_A_RUN])
        grams = _grams(plain)
        for place, _ in shared.most_common(_COMPARED):
            others = _grams(_plain(self._texts[place]))
            if len(grams & others) / len(grams | others) >= self._threshold:
                return self._texts[place]
        return None


def problems(examples: Sequence[Example], evaluation: Iterable[str]) -> list[str]:
    """What must not be: doubles, overlap with evaluation, labels that do not exist."""
    found: list[str] = []
    apart = Near(SAME_AS_EVALUATION, run=2)
    for text in evaluation:
        apart.add(text)
    within = Near(SAME_WITHIN, run=3)
    for example in examples:
        where = f"{example.file}: '{example.text[:60]}'"
        # What anybody types to a bot ("ja", "bedankt") stands in any evaluation; a story does not.
        if len(_plain(example.text)) > _SHORT and (match := apart.like(example.text)):
            found.append(f"{where} stands in an evaluation file: '{match[:60]}'")
        # A greeting may stand here in every spelling: they are one word after normalising, and each counts once more.
        if len(_plain(example.text)) > _SHORT and (match := within.like(example.text)):
            found.append(f"{where} is nearly the same as '{match[:60]}'")
        within.add(example.text)
    return found + wrong_labels(examples)


def wrong_labels(examples: Iterable[Example]) -> list[str]:
    """Labels that are no facet, or no value of theirs (an age band without quotes is a number to YAML)."""
    return [f"{example.file}: '{example.text[:60]}': {wrong}" for example in examples for wrong in _wrong_labels(example.facets)]


@cache
def _pages() -> frozenset[str]:
    content = load_content()
    return frozenset((*content.answers, *content.walkthroughs))


def _wrong_labels(facets: dict[str, Any]) -> list[str]:
    wrong = []
    for facet, value in facets.items():
        if facet in SINGLE_FACETS:
            if value not in {word.value for word in SINGLE_FACETS[facet]}:
                wrong.append(f"{facet} cannot be '{value}'")
        elif facet in BOOLEAN_FACETS:
            if not isinstance(value, bool):
                wrong.append(f"{facet} must be true or false")
        elif facet == "forms":
            wrong += [f"forms cannot hold '{form}'" for form in value if form not in {item.value for item in Form}]
        elif facet == CONCERN:
            if value is not False:
                wrong.append("concern is only written where it is false")
        elif facet == "page":
            if value not in (*_pages(), NO_PAGE):
                wrong.append(f"there is no page '{value}' in content/answers.yml")
        elif facet != "platform":
            wrong.append(f"'{facet}' is no facet")
    return wrong


def coverage(examples: Sequence[Example]) -> dict[str, Counter[str]]:
    """How many messages carry each label."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        counts["intent"][example.intent] += 1
        for facet, value in example.facets.items():
            for item in value if isinstance(value, list) else [value]:
                counts[facet][str(item).lower()] += 1
    return dict(counts)


def registers(examples: Sequence[Example]) -> Counter[str]:
    """How people write in the messages: counts of what a reader would notice. A message can count more than once."""
    counts: Counter[str] = Counter()
    for example in examples:
        words = example.text.lower().split()
        chat = sum(word.strip(".,!?") in LEXICON for word in words)
        counts["chat spelling"] += chat >= max(1, len(words) // 10)
        counts["Flemish words"] += bool(_SOUNDS_FLEMISH.search(example.text.lower()))
        counts["English words"] += bool(_ENGLISH.search(example.text.lower()))
        counts["capital and full stop"] += example.text[:1].isupper() and example.text[-1:] in ".!?"
        counts["under 8 words"] += len(words) < 8
        counts["8 to 25 words"] += 8 <= len(words) <= 25
        counts["over 25 words"] += len(words) > 25
        counts["has the stem 'pest'"] += "pest" in example.text.lower()
    return counts


def main() -> int:
    """Print coverage and registers; 2 when there are problems."""
    examples = read_training()
    print(f"{len(examples)} messages")
    for name, counts in {**coverage(examples), "register": registers(examples)}.items():
        print(f"  {name}: " + ", ".join(f"{label} {count}" for label, count in counts.most_common()))
    wrong = problems(examples, read_evaluation())
    for line in wrong:
        print(line, file=sys.stderr)
    return 2 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
