"""How well redaction finds what is personal, and what it takes that is not: ``python -m bot.transcripts.measure``.

Recall is counted by label: one is found when every letter and digit of it is covered, by whatever kind (a phone number that is taken for an
account number is gone all the same). Intervals are Wilson's, 95 %. Harmless words are the words outside the labels.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bot.transcripts.redaction import find

ROOT = Path(__file__).resolve().parents[2]
LABELLED = ROOT / "data" / "evaluation" / "redaction.jsonl"
UNSEEN = ROOT / "data" / "evaluation" / "heldout.jsonl"
PAGE = ROOT / "docs" / "redaction.md"
DIRECT = ("TELEFOON", "MAIL", "WEB", "GEBRUIKER", "REKENING", "NUMMERPLAAT", "NUMMER", "GEBOORTEDATUM", "ADRES")
_WORD = re.compile(r"\w+(?:['.@-]\w+)*")
_TITLES = {"tune": "Tune half", "test": "Test half", "later": "Written later, to break the rules"}
_TARGETS = {"direct identifiers": 0.97, "names (NAAM)": 0.90}
_MOST_HARMLESS = 0.02
_Z = 1.96
_TIMED = 2000
_LOAD = """
import time, spacy, phonenumbers
spacy.blank("nl")
start = time.perf_counter()
from bot.transcripts.redaction import find
find("")
print(time.perf_counter() - start)
"""


@dataclass
class Score:
    """Counts over labelled messages."""

    found: Counter[str] = field(default_factory=Counter)
    labelled: Counter[str] = field(default_factory=Counter)
    right_kind: int = 0
    taken: int = 0
    harmless: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, text: str, spans: Sequence[tuple[int, int, str]]) -> None:
        """Count one message."""
        items = find(text)
        for start, end, kind in spans:
            self.labelled[kind] += 1
            over = [item for item in items if item.start < end and item.end > start]
            if all(any(item.start <= place < item.end for item in over) for place in range(start, end) if text[place].isalnum()):
                self.found[kind] += 1
                self.right_kind += any(item.kind == kind for item in over)
            else:
                self.missed.append(f"{kind} {text[start:end]!r} in {text!r}")
        for word in _WORD.finditer(text):
            if any(word.start() < end and word.end() > start for start, end, _ in spans):
                continue
            self.harmless += 1
            taken_by = next((item for item in items if word.start() < item.end and word.end() > item.start), None)
            if taken_by:
                self.taken += 1
                self.wrong.append(f"{taken_by.kind} {word.group()!r} in {text!r}")

    def recall(self, kinds: Iterable[str]) -> tuple[int, int]:
        """Found and labelled."""
        chosen = list(kinds)
        return sum(self.found[kind] for kind in chosen), sum(self.labelled[kind] for kind in chosen)


def interval(found: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if not total:
        return 0.0, 1.0
    share, z2 = found / total, _Z * _Z
    middle, half = share + z2 / (2 * total), _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return max(0.0, (middle - half) / (1 + z2 / total)), min(1.0, (middle + half) / (1 + z2 / total))


def score(half: str) -> Score:
    """The score on one part of the labelled messages: "tune", "test" or "later"."""
    counted = Score()
    for line in LABELLED.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["half"] == half:
            counted.add(entry["text"], [tuple(span) for span in entry["spans"]])
    return counted


def unlabelled(texts: Iterable[str]) -> Score:
    """The score on messages that hold nothing personal."""
    counted = Score()
    for text in texts:
        counted.add(text, [])
    return counted


def training_messages(count: int) -> list[str]:
    """So many messages of ``data/nlu``, by chance, the same each time."""
    texts: list[str] = []
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for block in yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["nlu"]:  # noqa: S506
            examples = block.get("examples")
            texts += [example["text"] for example in examples] if isinstance(examples, list) else []
    return random.Random(0).sample(texts, count)  # noqa: S311 (which messages are looked at is no secret)


def _row(name: str, found: int, total: int) -> str:
    low, high = interval(found, total)
    return f"| {name} | {found} of {total} | {found / total if total else 1:.3f} | {low:.3f} to {high:.3f} |"


def _report(name: str, counted: Score, *, with_errors: bool) -> list[str]:
    lines = [f"\n### {name}\n", "| kind | found | recall | 95 % interval |", "| --- | --- | --- | --- |"]
    lines += [_row("**direct identifiers**", *counted.recall(DIRECT))]
    lines += [_row(kind, *counted.recall([kind])) for kind in (*DIRECT, "NAAM", "PLAATS", "SCHOOL", "CLUB")]
    low, high = interval(counted.taken, counted.harmless)
    share = counted.taken / counted.harmless
    lines.append(f"\nHarmless words redacted: {counted.taken} of {counted.harmless}, {share:.2%} ({low:.2%} to {high:.2%}).")
    lines.append(f"Of those found, {counted.right_kind} of {sum(counted.found.values())} by their own kind.")
    return lines + (
        [f"  missed: {line}" for line in counted.missed] + [f"  wrong: {line}" for line in counted.wrong] if with_errors else []
    )


def speed(texts: Sequence[str]) -> tuple[float, float]:
    """Milliseconds a message: median and 99th percentile."""
    find("")
    times: list[float] = []
    gc.collect()
    for text in texts:
        start = time.perf_counter()
        find(text)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times), sorted(times)[int(0.99 * len(times))]


def load_seconds() -> float:
    """Until the first text is redacted in a new process in which spaCy is loaded already (as the bot's understanding does)."""
    command = [sys.executable, "-c", _LOAD]
    tries = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout for _ in range(3)]  # noqa: S603
    return min(map(float, tries))


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; 0 when the test half reaches every target, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--errors", choices=(*_TITLES, "harmless"), action="append", default=[], help="show what went wrong there")
    parser.add_argument("--quick", action="store_true", help="the labelled messages only")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.name}")
    chosen = parser.parse_args(arguments)
    halves = {half: score(half) for half in _TITLES}
    lines = [line for half, counted in halves.items() for line in _report(_TITLES[half], counted, with_errors=half in chosen.errors)]
    if not chosen.quick:
        lines += _harmless_and_speed(with_errors="harmless" in chosen.errors)
    sys.stdout.write("\n".join([*lines, ""]))
    if chosen.write:
        begin, end = "<!-- figures: make bench-redaction -->\n", "<!-- end of figures -->"
        before, _, after = PAGE.read_text(encoding="utf-8").partition(begin)
        kept = after[after.index(end) :]
        PAGE.write_text(before + begin + "\n".join(lines) + "\n\n" + kept, encoding="utf-8")
    return int(not reached(halves["test"]))


def reached(counted: Score) -> bool:
    """Whether every target is reached."""
    direct, names = counted.recall(DIRECT), counted.recall(["NAAM"])
    return (
        direct[0] >= _TARGETS["direct identifiers"] * direct[1]
        and names[0] >= _TARGETS["names (NAAM)"] * names[1]
        and counted.taken <= _MOST_HARMLESS * counted.harmless
    )


def _harmless_and_speed(*, with_errors: bool) -> list[str]:
    unseen = [json.loads(line)["text"] for line in UNSEEN.read_text(encoding="utf-8").splitlines()]
    examples = training_messages(_TIMED)
    lines = [
        "\n### Messages without anything personal\n",
        "| messages | words redacted | share | 95 % interval |",
        "| --- | --- | --- | --- |",
    ]
    errors: list[str] = []
    for name, texts in ((f"{UNSEEN.name}, not used for any word list", unseen), (f"{_TIMED} of data/nlu", examples)):
        counted = unlabelled(texts)
        low, high = interval(counted.taken, counted.harmless)
        lines.append(
            f"| {name} | {counted.taken} of {counted.harmless} | {counted.taken / counted.harmless:.2%} | {low:.2%} to {high:.2%} |"
        )
        errors += [f"  wrong: {line}" for line in counted.wrong]
    middle, slow = speed(examples)
    lines.append(f"\nOne message: p50 {middle:.2f} ms, p99 {slow:.2f} ms. Loads in {load_seconds():.2f} s beside a loaded spaCy.")
    return lines + (errors if with_errors else [])


if __name__ == "__main__":
    sys.exit(main())
