"""Names of people, schools, clubs and towns: word lists, and the context around a word.

A given name that is no word is recognised wherever it stands. A name that is a word too ("roos"), and a word on no list, are names only
where the context asks for one: patterns of ``data/redaction/context.yml``, and capitals where capitals mean something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from spacy.lang.nl import Dutch
from spacy.tokenizer import Tokenizer
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex
from spacy.vocab import create_vocab

from bot.transcripts.context import Context
from bot.transcripts.kinds import Found, Kind
from bot.transcripts.plain_text import PlainText
from bot.transcripts.wordlists import WordLists, word_lists
from bot.transcripts.words import Sort, Word, read_words

_HAND = word_lists().hand
_NAME_ARTICLES = frozenset("de het t 't den ter ten".split())
_DETERMINERS = _HAND["determiners"]
_PARTICLES = frozenset("van de der den ter ten el al ben ait da di du le la vande vanden vander von 't abu bin".split())
_SURNAME_START = re.compile(r"(?:van|vande|vanden|ver|el|vd|de)[a-z]{3,}")
_TITLES = _HAND["titles"]

#: Signs without spaces around them, which would glue two words together; pictures too.
_GLUED_DOT = re.compile(r"(?<=[^\W\d])\.(?=[^\W\d])")
_GLUED = re.compile(r"(?<=\w)[^\w\s'.-](?=\w)|[^\w\s!-~\0]")

#: A row of signs, which says nothing and takes the tokenizer long.
_LONG_RUN = re.compile(r"(?:[^\w\s]|_){6,}")

# --- schools and clubs ---

_SCHOOL_TYPES = _HAND["school_types"]
_SCHOOL_ENDINGS = ("college", "instituut", "atheneum", "lyceum", "humaniora", "school")
_SCHOOL_ADJECTIVES = _HAND["school_adjectives"]
_CLUB_TYPES = _HAND["club_types"]
_CLUB_LETTERS = _HAND["club_letters"]
_SAINT = frozenset(("sint", "st", "sinte", "saint", "st."))
_SAINT_WORD = re.compile(r"(?:sint|st|sinte)[-.]([a-z-]{3,})")
_GOES_TO = frozenset("zit kzit zitten les school ga kga gaan studeer studeert leerling".split())
_LIVES = _HAND["living"]
_INTO = frozenset("in te uit naar omgeving".split())
_FROM = _INTO | {"van", "bij", "richting", "tussen", "rond", "station"}
#: So many words of a name of a school or club, after its type.
_LONGEST_NAME = 3
_LOOK_BACK = 6
#: A title with particles after it: "mevrouw van der".
_LONGEST_TITLE = 4


class NameFinder:
    """Finds names; made once, no state between texts."""

    def __init__(self, lists: WordLists) -> None:
        self._lists = lists
        self._tokenizer = _tokenizer()
        strings = self._tokenizer.vocab.strings
        self._tags = {sort: strings.add(sort.value) for sort in Sort}
        self._end = strings.add("END")
        self._context = Context(self._tokenizer.vocab)
        self._long_towns = _by_first_word(lists.towns)
        self._long_schools = _by_first_word(lists.schools)

    def find(self, text: PlainText) -> Iterator[Found]:
        """Every name of a text (in which what other finders found is blanked out); may overlap, the first one counts."""
        cased = _GLUED.sub(",", _GLUED_DOT.sub("\n", _LONG_RUN.sub(lambda run: " " * len(run.group()), text.cased)))
        doc = self._tokenizer(cased + " .")
        words = read_words(text, doc, self._lists)
        for token, word in zip(doc, words, strict=True):
            token.tag = self._end if word.sort is Sort.OTHER and not word.lower.isalnum() else self._tags[word.sort]
        yield from self._clubs(words)
        yield from self._schools(words)
        yield from self._towns(words)
        yield from self._people(doc, words)

    # --- people ---

    def _people(self, doc: Any, words: list[Word]) -> Iterator[Found]:
        named = {place for place, word in enumerate(words) if word.sort is Sort.GIVEN or self._marked_name(words, place)}
        for group, place in self._context.expected(doc, {word.sort for word in words}):
            if self._fits(group, words, place):
                named.add(place)
        named |= self._again(words, {words[place].lower for place in named if words[place].sort is not Sort.GIVEN})
        taken = -1
        for place in sorted(named):
            if place > taken:
                taken = self._last_of_name(words, place)
                yield self._person(words, place, taken)

    def _marked_name(self, words: list[Word], place: int) -> bool:
        """Whether a capital makes a name of it."""
        word = words[place]
        if not word.marked or word.lower in self._lists.harmless:
            return False
        if _after_particle(words, place):
            return True
        compound = "-" in word.lower and any(part in self._lists.ordinary for part in word.lower.split("-"))
        return not word.upper and not compound and word.sort in (Sort.WORD_NAME, Sort.SELDOM, Sort.UNKNOWN)

    def _again(self, words: list[Word], names: set[str]) -> set[int]:
        """Where words stand again that are names elsewhere in the text: without a determiner, and with a capital if they are words."""
        return {
            place
            for place, word in enumerate(words)
            if word.lower in names
            and (word.capital or word.sort in (Sort.UNKNOWN, Sort.WORD_NAME))
            and not (place and words[place - 1].lower in _DETERMINERS)
        }

    def _fits(self, group: str, words: list[Word], place: int) -> bool:
        word, before = words[place], words[place - 1].lower if place else ""
        if word.lower in self._lists.harmless:
            return False
        if group == "any_name":
            titled = any(other.lower in _TITLES for other in words[max(0, place - _LONGEST_TITLE) : place])
            if before in _PARTICLES:
                return word.marked or (titled and (word.lower in self._lists.surnames or word.lower not in self._lists.common))
            if word.sort in (Sort.WORD, Sort.SELDOM) and word.lower in self._lists.common:
                return word.marked or (before in _TITLES and word.lower in self._lists.surnames and word.lower not in _DETERMINERS)
            return word.sort is not Sort.WORD or word.marked or (titled and word.lower in self._lists.surnames)
        return before not in _DETERMINERS

    def _last_of_name(self, words: list[Word], place: int) -> int:
        """The last word of the whole name: surname and particles after a given name."""
        last, here = place, place + 1
        while here < len(words) and words[here].lower in _PARTICLES:
            here += 1
        if here < len(words) and self._is_surname(words, here, particle=here > place + 1):
            last = here
            if (
                here + 1 < len(words)
                and words[here + 1].marked
                and words[here + 1].sort is not Sort.OTHER
                and self._is_surname(words, here + 1, particle=False)
            ):
                last = here + 1
        return last

    def _is_surname(self, words: list[Word], here: int, *, particle: bool) -> bool:
        word = words[here]
        if _is_initial(words, here):
            return word.marked or word.lower.endswith(".") or words[here + 1].lower == "."
        if word.sort is Sort.OTHER:
            return False
        if word.marked and word.lower not in self._lists.harmless:
            return True
        whole = "".join(other.lower for other in words[here - 1 : here + 1]) if particle else word.lower
        spaced = " ".join(other.lower for other in words[here - 1 : here + 1]) if particle else word.lower
        if {word.lower, whole, spaced} & self._lists.surnames and word.lower not in self._lists.common:
            return not particle or word.sort is not Sort.GIVEN
        return word.sort is Sort.UNKNOWN and (particle or bool(_SURNAME_START.fullmatch(word.lower)))

    def _person(self, words: list[Word], place: int, last: int) -> Found:
        first = place
        while first and words[first - 1].lower in _PARTICLES:
            first -= 1
        titled = first > 0 and (words[first - 1].lower in _TITLES or words[first - 1].lower == ".")
        if not words[first].marked and not titled:
            first = place
        word = words[place]
        key = word.name or word.lower
        if first < place:
            key = "".join(other.lower for other in words[first : place + 1])
        dots = 1 if first > 1 and words[first - 1].lower == "." else 0
        if first > dots and words[first - 1 - dots].capital and _is_initial(words, first - 1 - dots):
            first -= 1 + dots
        return Found(words[first].start, words[last].name_end, "NAAM", key)

    # --- towns ---

    def _towns(self, words: list[Word]) -> Iterator[Found]:
        for place in range(len(words)):
            last = _long_name(words, place, self._long_towns)
            if last is None and self._is_town(words, place):
                last = place
            if last is not None:
                yield _found(words, place, last, "PLAATS")

    def _is_town(self, words: list[Word], place: int) -> bool:
        word = words[place]
        before = words[place - 1].lower if place else ""
        lives = any(other.lower in _LIVES for other in words[max(0, place - _LOOK_BACK) : place])
        if _after_particle(words, place):
            return False
        if word.sort is Sort.TOWN:
            return True
        if word.lower in self._lists.word_towns:
            if before in _FROM and (word.marked or lives):
                return True
            plain_word = word.lower in self._lists.ordinary
            if before == "van" and not plain_word and not words[place - 1].marked:
                return True
            return before in _INTO and (not plain_word or (before != "in" and not word.lower.endswith("en")))
        if word.sort is Sort.UNKNOWN and before in _FROM and word.lower not in self._lists.harmless:
            return lives and (word.marked or before in ("in", "te"))
        return False

    # --- schools ---

    def _schools(self, words: list[Word]) -> Iterator[Found]:
        for place, word in enumerate(words):
            last = self._school_from(words, place)
            if last is not None:
                yield _found(words, self._first_of_school(words, place), last, "SCHOOL")
            elif word.sort is Sort.UNKNOWN and _joined_saint(words, place) is None and self._is_attended(words, place):
                yield _found(words, place, self._extend(words, place), "SCHOOL")

    def _first_of_school(self, words: list[Word], place: int) -> int:
        """Where the name of a school begins: "Koninklijk Atheneum", "GO! basisschool"; after the word "school" itself."""
        if words[place].lower == "school":
            return place + 1
        while place and (
            words[place - 1].lower.strip("!") in _SCHOOL_ADJECTIVES or (words[place - 1].marked and self._is_proper(words[place - 1]))
        ):
            place -= 1
        return place - 2 if place > 1 and words[place - 1].lower == "!" and words[place - 2].lower in _SCHOOL_ADJECTIVES else place

    def _school_from(self, words: list[Word], place: int) -> int | None:
        """The last word of the name of a school that begins here."""
        word = words[place]
        known = _long_name(words, place, self._long_schools)
        if known is not None or word.lower in self._lists.schools:
            return self._with_type(words, place if known is None else known)
        saint = self._saint(words, place)
        if saint is not None:
            return self._with_type(words, saint)
        if word.lower in _SCHOOL_TYPES:
            last = self._name_after(words, place)
            adjective = place and words[place - 1].lower in _SCHOOL_ADJECTIVES
            return last if last is not None else (place if adjective else None)
        if word.lower == "school":
            return self._name_after(words, place, weak=True)
        if (
            word.lower.endswith(_SCHOOL_ENDINGS)
            and word.sort is Sort.UNKNOWN
            and (not word.lower.endswith("school") or word.marked or "-" in word.lower)
        ):
            return place
        return None

    def _is_attended(self, words: list[Word], place: int) -> bool:
        """ "Ik zit op de wingerd", "uit 3b van het ivg": a word of no list, where a school is expected."""
        before = place - 1
        if before >= 0 and words[before].lower in _NAME_ARTICLES:
            before -= 1
        if before < 0 or words[place].lower in self._lists.harmless:
            return False
        if words[before].lower in ("van", "in") and any(word.sort is Sort.CLASS for word in words[max(0, before - 3) : before]):
            return before < place - 1 or words[place].marked
        if words[before].lower not in ("op", "naar"):
            return False
        goes = any(word.lower in _GOES_TO for word in words[max(0, before - 3) : before])
        in_town = place + 2 < len(words) and words[place + 1].lower in ("in", "te") and self._is_town(words, place + 2)
        return (goes and (words[before].lower == "op" or words[place].marked)) or (in_town and words[before].lower == "op")

    def _saint(self, words: list[Word], place: int) -> int | None:
        """The last word of the name of a saint that is no town."""
        joined = _joined_saint(words, place)
        if joined:
            return None if words[place].lower in self._lists.towns else place
        if words[place].lower not in _SAINT or place + 1 >= len(words) or _long_name(words, place, self._long_towns) is not None:
            return None
        following = place + 1
        if words[following].lower in (".", "-") and following + 1 < len(words):
            following += 1
        return following if words[following].sort in (Sort.GIVEN, Sort.WORD_NAME, Sort.SELDOM, Sort.UNKNOWN) else None

    def _with_type(self, words: list[Word], last: int) -> int:
        following = words[last + 1] if last + 1 < len(words) else None
        return last + 1 if following and (following.lower in _SCHOOL_TYPES or following.lower.endswith(_SCHOOL_ENDINGS)) else last

    # --- clubs ---

    def _clubs(self, words: list[Word]) -> Iterator[Found]:
        for place, word in enumerate(words):
            if word.lower in _CLUB_TYPES:
                last = self._name_after(words, place)
            elif word.lower in _CLUB_LETTERS and place + 1 < len(words):
                following = words[place + 1]
                proper = (
                    following.sort in (Sort.TOWN, Sort.UNKNOWN, Sort.GIVEN) or following.marked or following.lower in self._lists.word_towns
                )
                last = self._extend(words, place + 1) if proper and following.sort is not Sort.OTHER else None
            else:
                continue
            if last is not None:
                yield _found(words, place, last, "CLUB")

    # --- names of schools and clubs ---

    def _name_after(self, words: list[Word], place: int, *, weak: bool = False) -> int | None:
        """The last word of the name after a type of school or club ("chiro"); ``weak``: after a word as common as "school"."""
        following = place + 1
        if following >= len(words):
            return None
        saint = self._saint(words, following)
        if saint is not None:
            return self._with_type(words, saint)
        article = words[following].lower in _NAME_ARTICLES
        if article:
            following += 1
        if following >= len(words) or words[following].sort is Sort.OTHER:
            return None
        word = words[following]
        if word.sort in (Sort.UNKNOWN, Sort.TOWN) and not (weak and not article) and word.lower not in self._lists.harmless:
            return self._extend(words, following)
        if word.marked and word.lower not in self._lists.harmless:
            return self._extend(words, following)
        if article and word.lower not in self._lists.common and word.sort is not Sort.GIVEN:
            return following
        return None

    def _extend(self, words: list[Word], last: int) -> int:
        """On over the words that belong to a name: unknown ones and those with a capital."""
        most = last + _LONGEST_NAME - 1
        while last < most and last + 1 < len(words):
            joined = words[last + 1].lower in ("en", "&") and last + 2 < len(words) and words[last + 2].marked
            following = last + 2 if joined else last + 1
            if not self._is_proper(words[following]):
                break
            last = following
        return last

    def _is_proper(self, word: Word) -> bool:
        if word.sort is Sort.OTHER or word.lower in self._lists.harmless:
            return False
        return word.marked or (word.sort is Sort.UNKNOWN and not word.first)


def _after_particle(words: list[Word], place: int) -> bool:
    """ "Van Damme", "De Wilde": a particle with a capital that means something makes a surname of what follows."""
    return place > 0 and words[place].marked and words[place - 1].marked and words[place - 1].lower in _PARTICLES


def _is_initial(words: list[Word], place: int) -> bool:
    letter = words[place].lower.rstrip(".")
    return len(letter) == 1 and letter.isalpha() and place + 1 < len(words)


def _tokenizer() -> Any:
    """spaCy's Dutch tokenizer without its list of abbreviations: reading that takes a second, and a name may follow any of them."""
    rules: Any = Dutch.Defaults
    return Tokenizer(
        create_vocab("nl", rules),
        prefix_search=compile_prefix_regex(rules.prefixes).search,
        suffix_search=compile_suffix_regex(rules.suffixes).search,
        infix_finditer=compile_infix_regex(rules.infixes).finditer,
    )


def _joined_saint(words: list[Word], place: int) -> str | None:
    match = _SAINT_WORD.fullmatch(words[place].lower)
    return match.group(1) if match else None


def _found(words: list[Word], first: int, last: int, kind: Kind) -> Found:
    key = "".join(re.sub(r"[^a-z0-9]", "", word.lower) for word in words[first : last + 1])
    return Found(words[first].start, words[last].name_end, kind, key)


def _by_first_word(names: frozenset[str]) -> dict[str, list[list[str]]]:
    """Names of several words, by their first one; "heist-op-den-berg" is written with spaces too."""
    found: dict[str, list[list[str]]] = {}
    for name in names:
        parts = re.split(r"[ -]", name)
        if len(parts) > 1:
            found.setdefault(parts[0], []).append(parts[1:])
    return found


def _long_name(words: list[Word], place: int, names: dict[str, list[list[str]]]) -> int | None:
    for rest in names.get(words[place].lower, ()):
        following = [word.lower for word in words[place + 1 : place + 1 + len(rest)]]
        if following == rest:
            return place + len(rest)
    return None
