"""Words of a text, for the index and for whoever searches in it."""

from __future__ import annotations

from bot.nlu.text import normalise


def words_of(text: str) -> list[str]:
    """The words of a text as the index knows them, each once, in order."""
    return list(dict.fromkeys(word for word in normalise(text).split() if any(char.isalnum() for char in word)))
