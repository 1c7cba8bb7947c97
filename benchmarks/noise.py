"""Sloppiness that training has not seen: messages as others type them, for tests of what it costs.

Training writes each message once more in its own hurried spelling (``bot/nlu/augment.py``). What stands here was written apart from that:
other errors, each by itself and mixed. All of it is deterministic in text and seed.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Mapping

from bot.nlu.augment import sloppy

#: About one word in five is touched, as in training.
WORD_SHARE = 0.2
_EMOJI = ("😭", "🥺", "🙄", "😔", "❤️", "🤷‍♀️", "👀", "🙏🏽", "😩", "💔")
#: Apart from the others, since they change what is said: "ik wil dood 💀" may be no wish to die. Never part of ``MIXED``.
_LAUGHING = ("😂", "💀", "🤣", "😅")
_ZERO_WIDTH = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad")
_LOOKALIKES = {"a": "а", "c": "с", "e": "е", "i": "і", "o": "о", "p": "р", "x": "х", "y": "у", "j": "ј", "s": "ѕ"}
_ROWS = ("azertyuiop", "qsdfghjklm", "wxcvbn")

Word = Callable[[str, random.Random], str]


def _neighbour(word: str, chance: random.Random) -> str:
    """One letter replaced by one beside it on an AZERTY keyboard."""
    place = chance.randrange(len(word))
    row = next((row for row in _ROWS if word[place].lower() in row), "")
    if not row:
        return word
    at = row.index(word[place].lower())
    beside = [row[near] for near in (at - 1, at + 1) if 0 <= near < len(row)]
    return word[:place] + chance.choice(beside) + word[place + 1 :]


def _no_end(word: str, _: random.Random) -> str:
    return word[:-1]


def _doubled(word: str, chance: random.Random) -> str:
    place = chance.randrange(len(word))
    return word[:place] + word[place] * chance.choice((2, 3, 5)) + word[place + 1 :]


def _dropped(word: str, chance: random.Random) -> str:
    place = chance.randrange(1, len(word))
    return word[:place] + word[place + 1 :]


def _swapped(word: str, chance: random.Random) -> str:
    place = chance.randrange(len(word) - 1)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _zero_width(word: str, chance: random.Random) -> str:
    place = chance.randrange(1, len(word))
    return word[:place] + chance.choice(_ZERO_WIDTH) + word[place:]


def _lookalike(word: str, chance: random.Random) -> str:
    places = [place for place, char in enumerate(word) if char in _LOOKALIKES]
    if not places or len(places) == len(word):  # a word wholly in another alphabet is a word of that alphabet
        return word
    place = chance.choice(places)
    return word[:place] + _LOOKALIKES[word[place]] + word[place + 1 :]


def _each_word(change: Word, share: float = WORD_SHARE) -> Word:
    def changed(text: str, chance: random.Random) -> str:
        return " ".join(change(word, chance) if len(word) > 3 and chance.random() < share else word for word in text.split())

    return changed


def _missing_spaces(text: str, chance: random.Random) -> str:
    pieces = text.split(" ")
    return "".join(piece + ("" if chance.random() < WORD_SHARE / 2 else " ") for piece in pieces).strip()


def _flat(text: str, _: random.Random) -> str:
    """No capitals, no punctuation."""
    return "".join(char for char in text.lower() if char not in ".,;:!?\"'’")


def _with(signs: tuple[str, ...]) -> Word:
    def added(text: str, chance: random.Random) -> str:
        chosen = "".join(chance.choice(signs) for _ in range(chance.randint(1, 3)))
        return f"{chosen} {text}" if chance.random() < 0.2 else f"{text} {chosen}"

    return added


_MISTAKES = (_neighbour, _no_end, _doubled, _dropped, _swapped)


def _mixed(text: str, chance: random.Random) -> str:
    """All at once, about one word in five touched: how a message of somebody in a hurry looks."""
    if chance.random() < 0.7:
        text = _flat(text, chance)
    text = _each_word(lambda word, luck: luck.choice(_MISTAKES)(word, luck))(text, chance)
    if chance.random() < 0.3:
        pieces = text.split(" ")
        at = chance.randrange(len(pieces))
        text = " ".join(pieces[: at + 1]) + " ".join(pieces[at + 1 :])
    return _with(_EMOJI)(text, chance) if chance.random() < 0.3 else text


#: Name -> what it does to a message.
_KINDS: Mapping[str, Word] = {
    "neighbouring keys": _each_word(_neighbour),
    "last letter missing": _each_word(_no_end),
    "letter missing": _each_word(_dropped),
    "letters swapped": _each_word(_swapped),
    "letters doubled": _each_word(_doubled),
    "spaces missing": _missing_spaces,
    "no capitals, no signs": _flat,
    "emoji added": _with(_EMOJI),
    "laughing emoji added": _with(_LAUGHING),
    "zero-width characters": _each_word(_zero_width, 0.5),
    "look-alike letters": _each_word(_lookalike, 0.5),
    "mixed": _mixed,
}
AS_IN_TRAINING = "as in training"
MIXED = "mixed"
KINDS = (AS_IN_TRAINING, *_KINDS)


def noisy(text: str, kind: str, seed: int) -> str:
    """A message written sloppily.

    Args:
        kind: one of ``KINDS``.
        seed: another number gives other errors; 0 is what training uses for ``AS_IN_TRAINING``.
    """
    if kind == AS_IN_TRAINING:
        return sloppy(text, seed=seed)
    return _KINDS[kind](text, random.Random(zlib.crc32(f"{kind} {seed} {text}".encode())))  # noqa: S311
