"""Training-time variation: the same message as a hurried writer would type it.

Deterministic in the text, so that training twice gives the same model.
"""

from __future__ import annotations

import random
import zlib

# Neighbours on the Belgian keyboard.
_KEYBOARD = {
    "a": "qzs", "b": "vn", "c": "xv", "d": "sf", "e": "rz", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk", "k": "jl", "l": "km",
    "m": "lp", "n": "b", "o": "ip", "p": "om", "q": "aw", "r": "et", "s": "qd", "t": "ry", "u": "yi", "v": "cb", "w": "xq", "x": "wc",
    "y": "tu", "z": "ea",
}  # fmt: skip

#: Written words -> what is typed in a hurry. Applied with a chance to each word that has one.
_HURRIED = {
    "niet": ("ni", "nie", "nt"), "maar": ("ma", "mr"), "dat": ("da",), "wat": ("wa",), "echt": ("egt", "ech"), "gewoon": ("gwn",),
    "waarom": ("wrm",), "een": ("n", "1", "en"), "het": ("t", "et"), "mijn": ("mn", "me"), "misschien": ("mss",), "ik": ("k", "ikke"),
    "ook": ("ok", "oo"), "iedereen": ("iedreen", "ied"), "altijd": ("altij", "altyd"), "weet": ("wt", "weet"), "want": ("wnt",),
    "hebben": ("hbn", "hebbe"), "school": ("skool", "schl"), "even": ("ff",), "is": ("s", "is"), "mij": ("mij", "me", "mi"),
    "zeggen": ("zegge", "zegn"), "worden": ("worde",), "wordt": ("word",), "naar": ("nr", "na"), "voor": ("vr", "voo"),
    "tegen": ("tgn", "tege"), "inderdaad": ("idd",), "foto": ("fotoo", "foto"), "jullie": ("julli",), "vandaag": ("vndg",),
}  # fmt: skip

#: Put behind a message now and then: what a sad or angry message ends in says little, and must not make it look like a joke.
_EMOJI = ("😭", "😢", "💔", "😔", "😞", "🥺", "😥", "🙁", "😡", "😶", "🙏", "😩")


def sloppy(text: str, strength: float = 1.0, seed: int = 0) -> str:
    """The text with typing errors, hurried spelling, missing capitals, spaces and punctuation, and now and then an emoji.

    Args:
        strength: 0 leaves the text as it is; 1 changes about one word in five.
        seed: another number gives other errors in the same text.
    """
    if strength <= 0:
        return text
    chance = random.Random(zlib.crc32(text.encode("utf-8"), seed))
    text = text.lower() if chance.random() < 0.7 else text
    if chance.random() < 0.4:
        text = text.replace(",", "").replace(".", "").replace("'", "")
    words = []
    for word in text.split():
        plain = word.strip(".,!?").lower()
        if plain in _HURRIED and chance.random() < 0.35 * strength:
            word = chance.choice(_HURRIED[plain])
        elif len(word) > 3 and chance.random() < 0.14 * strength:
            word = _mistype(word, chance)
        words.append(word)
    joined = " ".join(words)
    if chance.random() < 0.15 * strength and len(words) > 3:
        place = chance.randrange(1, len(words))
        joined = " ".join(words[:place]) + " ".join(words[place:])
    return f"{joined} {chance.choice(_EMOJI)}" if chance.random() < 0.12 * strength else joined


def _mistype(word: str, chance: random.Random) -> str:
    place = chance.randrange(1, len(word) - 1)
    kind = chance.randrange(4)
    if kind == 0:
        return word[:place] + word[place + 1 :]
    if kind == 1:
        return word[:place] + word[place] + word[place:]
    if kind == 2:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    near = _KEYBOARD.get(word[place].lower())
    return word[:place] + (chance.choice(near) if near else word[place]) + word[place + 1 :]
