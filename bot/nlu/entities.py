"""What is named in a message: platforms, helplines and ages, with spaCy's Dutch tokenizer and entity ruler.

The ruler's patterns come from ``content/`` (names and aliases), so that an editor who adds a platform adds its recognition. Patterns and
messages are both normalised first, which makes one alias cover its chat spellings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import spacy
from spacy.language import Language

from bot.nlu.text import normalise
from bot.wegwijzer.schema import Helpline, Platform
from bot.wegwijzer.vocabulary import AgeBand

PLATFORM = "platform"
HELPLINE = "helpline"

#: Names that are ordinary words in Dutch or English: recognised by their aliases ("op signal", "bij awel") only.
AMBIGUOUS_NAMES = frozenset(
    {"x", "signal", "teams", "steam", "messenger", "tumult", "overkop", "nom", "pulso", "clb chat", "caw", "e-mail", "sms"}
)

#: What the normaliser makes of numbers and addresses: a phone number as alias would match every long number.
_PLACEHOLDERS = frozenset({"", "nummer", "webadres", "gebruikersnaam"})

_NUMBERS = {"acht": 8, "negen": 9, "tien": 10, "elf": 11, "twaalf": 12, "dertien": 13, "veertien": 14, "vijftien": 15, "zestien": 16,
            "zeventien": 17, "achttien": 18, "negentien": 19, "twintig": 20, "zes": 6, "zeven": 7}  # fmt: skip
_NUMBER = r"(\d{1,2}|" + "|".join(_NUMBERS) + ")"
_YEARS = re.compile(
    r"\b(?:ik (?:ben|word|was)(?: nu| net| pas| bijna| maar| ook| een meisje van| een jongen van)? "
    + _NUMBER
    + r"(?! (?:keer|minuten|uur|dagen|weken|maanden|euro|man|kilo|kg|ste|de|jaar geleden)\b)"
    # In a hurry "ik" is left out at the beginning of a sentence: "ben 15 en ...".
    r"|(?:^|[.,;!?(] ?)(?:ben|word)(?: nu| net| pas| bijna| maar| ook)? "
    + _NUMBER
    + r"\b(?! (?:keer|minuten|uur|dagen|weken|maanden|euro|man|kilo|kg|ste|de|jaar geleden)\b)"
    r"|(?:dochter|zoon|kind|zoontje|dochtertje|jongen|meisje|zus|zusje|broer|broertje|vriend|vriendin|leerling|speler|kleinzoon|kleindochter"
    r"|oudste|jongste|nichtje|neefje|stiefzoon|stiefdochter|kleine|puber)"
    r"(?: \( | , | )?(?:van |is |wordt )?(?:nu |net |pas |bijna )?" + _NUMBER + r"\b(?! (?:keer|minuten|uur|dagen|weken|maanden|euro)\b)"
    # "Acht jaar" alone is a time: it is an age after a person, before "oud", or where it stands by itself.
    r"|(?:ik|ben|is|was|word|wordt|van|met|meisje|jongen) "
    + _NUMBER
    + r" ?(?:jaar|jr|j)\b(?! (?:geleden|lang|al|samen|later|ervaring|school))"
    r"|" + _NUMBER + r" (?:jaar|jr|j) oud\b"
    r"|(?:^|[,(] ?)" + _NUMBER + r" ?(?:jaar|jr|j)\b(?= ?(?:[,.!?)]|en\b|$))"
    r"|" + _NUMBER + r"[ -]jarige)"
)  # fmt: skip
_SCHOOL_YEAR = re.compile(
    r"\b(?:(?P<primary>eerste|tweede|derde|vierde|vijfde|zesde|[1-6](?:e|de|ste)?) leerjaar"
    r"|(?P<secondary>eerste|tweede|derde|vierde|vijfde|zesde|[1-6](?:e|de|ste)?) (?:middelbaar|secundair)"
    r"|(?P<lower>lagere school|basisschool|kleuterklas|kleuterschool)"
    r"|(?P<student>op kot|universiteit|unief|hogeschool|bachelor))\b"
)


@dataclass(frozen=True)
class Named:
    """Something that is named: its kind, its id in ``content/``, and its place in the normalised text."""

    kind: str
    id: str
    start: int
    end: int


class EntityReader:
    """Finds platforms and helplines by name; reads ages."""

    def __init__(self, patterns: Iterable[Mapping[str, str]]) -> None:
        self.patterns = [dict(pattern) for pattern in patterns]
        self._language: Language = spacy.blank("nl")
        ruler: Any = self._language.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
        ruler.add_patterns(self.patterns)

    @classmethod
    def from_content(cls, platforms: Mapping[str, Platform], helplines: Mapping[str, Helpline]) -> EntityReader:
        """A reader for the names and aliases of ``content/``."""
        patterns = []
        for label, entries in ((PLATFORM, platforms), (HELPLINE, helplines)):
            for key, entry in entries.items():
                names = [entry.name.lower(), *entry.aliases]
                for phrase in dict.fromkeys(normalise(name) for name in names if name.lower() not in AMBIGUOUS_NAMES):
                    if phrase not in _PLACEHOLDERS:
                        patterns.append({"label": label, "pattern": phrase, "id": key})
        return cls(patterns)

    def read(self, normalised: str) -> tuple[list[tuple[str, int]], list[Named]]:
        """The tokens of a normalised text with the places where they begin, and what is named in it, in order."""
        # spaCy keeps every word that it meets: memory would grow with what users write, and hold it. What comes up in here is forgotten.
        with self._language.memory_zone():
            doc = self._language(normalised)
            tokens = [(token.text, token.idx) for token in doc if not token.is_space]
            return tokens, [Named(entity.label_, entity.ent_id_, entity.start_char, entity.end_char) for entity in doc.ents]


def age_band(normalised: str) -> str | None:
    """Age that a message tells in years or as a school year, as a band; None if it tells none or several that disagree.

    Of two ages the first that belongs to a person counts ("ik ben 14 en hij is 17"): who writes says their own first.
    """
    match = _YEARS.search(normalised)
    if match:
        number = next(group for group in match.groups() if group)
        return _band(_NUMBERS.get(number) or int(number))
    year = _SCHOOL_YEAR.search(normalised)
    if year is None:
        return None
    if year["primary"] or year["lower"]:
        return AgeBand.UNDER_12.value
    return AgeBand.FROM_12_TO_17.value if year["secondary"] else AgeBand.FROM_18_TO_25.value


def _band(age: int) -> str | None:
    if not 3 <= age <= 99:
        return None
    if age < 12:
        return AgeBand.UNDER_12.value
    if age < 18:
        return AgeBand.FROM_12_TO_17.value
    return AgeBand.FROM_18_TO_25.value if age <= 25 else AgeBand.OVER_25.value
