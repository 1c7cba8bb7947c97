"""What several finders of direct identifiers need."""

from __future__ import annotations

from bot.transcripts.wordlists import word_lists

#: Lists that are kept by hand: ``data/redaction/by_hand.yml``.
HAND = word_lists().hand
#: Endings of a host that are taken for one, also where a sentence may have lost a space.
SURE_TLDS = frozenset("be com nl net org eu fr gg io info biz co uk tv vlaanderen brussels gent xyz online site app blog link club".split())


def any_of(name: str) -> str:
    """The words of a list as the choices of a pattern, longest first."""
    return "|".join(sorted(HAND[name], key=lambda word: (-len(word), word)))


def digits_of(written: str) -> str:
    """The digits of what somebody wrote; an "o" among them is a zero."""
    return "".join("0" if char == "o" else char for char in written if char.isdigit() or char == "o")
