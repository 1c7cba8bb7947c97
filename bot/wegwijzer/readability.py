"""How hard a Dutch text is to read.

The measure is the reading ease of Flesch as W. H. Douma fitted it to Dutch (*De leesbaarheid van landbouwbladen*, Wageningen 1960):

    206.84 - 0.77 * (syllables per 100 words) - 0.93 * (words per sentence)

Douma's scale calls 60 to 70 plain ("standaard"), 70 to 80 fairly easy, 80 to 90 easy. The limits used here, with the longest sentence:

======  ===================  ================
level   reading ease         longest sentence
======  ===================  ================
A2      at least 70          12 words
B1      at least 60          20 words
======  ===================  ================

No formula maps on the CEFR levels exactly; these limits are a floor that catches officialese, not a proof of the level.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.wegwijzer.schema import Level

LIMITS: dict[Level, tuple[float, int]] = {Level.A2: (70.0, 12), Level.B1: (60.0, 20)}

_SENTENCE_END = re.compile(r"[.!?:;]+(?:\s|$)|\n+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ADDRESS = re.compile(r"https?://\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:be|org|com|eu)\b(?:/\S*)?")
# Dutch vowel groups that are one syllable; longest first.
_NUCLEUS = re.compile(r"aai|ooi|oei|eeu|ieu|aa|ee|ie|oo|uu|oe|eu|ui|ij|ou|au|ei|ae|[aeiouyáàâäéèêëíìîïóòôöúùûü]")


@dataclass(frozen=True)
class Reading:
    """Reading ease (higher is easier) and the longest sentence, in words."""

    ease: float
    longest_sentence: int
    words: int


def syllables(word: str) -> int:
    """Syllables of a Dutch word, counted as vowel groups; at least one."""
    return max(1, len(_NUCLEUS.findall(word.lower())))


def measure(text: str) -> Reading:
    """Reading ease of a text. Addresses are left out: they are tapped, not read."""
    text = _ADDRESS.sub(" ", text)
    sentences = [words for part in _SENTENCE_END.split(text) if (words := _WORD.findall(part))]
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return Reading(100.0, 0, 0)
    per_word = sum(map(syllables, words)) / len(words)
    ease = 206.84 - 77.0 * per_word - 0.93 * len(words) / len(sentences)
    return Reading(round(ease, 1), max(map(len, sentences)), len(words))


def too_hard(text: str, level: Level, min_words: int = 8) -> str | None:
    """Why a text is too hard for a level, in (Dutch) words for an editor, or None. Under ``min_words`` the formula says nothing."""
    ease, longest = LIMITS[level]
    reading = measure(text)
    if reading.longest_sentence > longest:
        return f"een zin van {reading.longest_sentence} woorden (hoogstens {longest} voor {level.value})"
    if reading.words >= min_words and reading.ease < ease:
        return f"leesgemak {reading.ease} (minstens {ease:.0f} voor {level.value})"
    return None
