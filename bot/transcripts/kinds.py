"""What redaction looks for, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "NAAM",
    "GEBRUIKER",
    "TELEFOON",
    "MAIL",
    "WEB",
    "ADRES",
    "SCHOOL",
    "CLUB",
    "PLAATS",
    "GEBOORTEDATUM",
    "REKENING",
    "NUMMERPLAAT",
    "NUMMER",
]


@dataclass(frozen=True)
class Found:
    """Something personal at ``text[start:end]``.

    ``key`` is a normalised value, equal for the same thing however it was written. It is as personal as the text itself: to be hashed,
    never to be stored.
    """

    start: int
    end: int
    kind: Kind
    key: str
