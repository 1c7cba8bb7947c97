"""The word lists of redaction (``data/redaction/``) and what ``content/`` makes harmless: helplines, their sites, platforms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import yaml

_ROOT = Path(__file__).resolve().parents[2]
_LISTS = _ROOT / "data" / "redaction"
_URL = re.compile(r"https?://[^\s\"'<>)}\]]+")
_BARE_HOST = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:be|com|nl|net|org|eu|vlaanderen|brussels)\b")
_PHONE_VALUE = re.compile(r"value: \"([\d ]+)\"")
_MAIL_VALUE = re.compile(r"value: \"([^\"@\s]+@[^\"\s]+)\"")
_OWN_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class WordLists:
    """Words in lower case without accents.

    ``given`` are given names that are no word, ``word_names`` those that are, ``never`` those that only a title makes a name;
    ``ordinary`` are words, ``common`` the frequent ones; ``harmless`` are words that no capital makes a name.
    """

    given: frozenset[str]
    word_names: frozenset[str]
    never: frozenset[str]
    surnames: frozenset[str]
    towns: frozenset[str]
    word_towns: frozenset[str]
    schools: frozenset[str]
    ordinary: frozenset[str]
    common: frozenset[str]
    harmless: frozenset[str]
    hand: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Public:
    """Numbers (digits only), mail addresses and sites of help services; ``hosts`` of others are harmless without a path."""

    numbers: frozenset[str]
    mails: frozenset[str]
    help_hosts: frozenset[str]
    hosts: frozenset[str]
    addresses: frozenset[str]


def _lines(name: str) -> frozenset[str]:
    text = (_LISTS / name).read_text(encoding="utf-8")
    return frozenset(text.split("\n", 1)[1].splitlines())


@lru_cache(maxsize=1)
def word_lists() -> WordLists:
    """Read once."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    by_hand = yaml.load((_LISTS / "by_hand.yml").read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (a SafeLoader)
    hand = {key: frozenset(str(value).split()) for key, value in by_hand.items()}
    names = _lines("given_names.txt") | hand["given_names"]
    word_names = (_lines("word_names.txt") | hand["word_names"]) - hand["never_names"]
    harmless = hand["harmless"] | (_lines("countries.txt") - names)
    word_towns = (_lines("word_towns.txt") - hand["towns"]) | hand["word_towns"]
    return WordLists(
        given=names - word_names - hand["never_names"] - hand["harmless"],
        word_names=word_names,
        never=hand["never_names"],
        surnames=_lines("surnames.txt") | hand["surnames"],
        towns=(_lines("towns.txt") | hand["towns"]) - word_towns,
        word_towns=word_towns,
        schools=hand["schools"],
        ordinary=_lines("words.txt") | harmless,
        common=_lines("common_words.txt"),
        harmless=harmless | _platform_words(),
        hand=hand,
    )


def _platform_words() -> frozenset[str]:
    """Words of the names of platforms and helplines: never a person."""
    files = ((_ROOT / "content" / name).read_text(encoding="utf-8") for name in ("platforms.yml", "helplines.yml"))
    text = "\n".join(line for file in files for line in file.splitlines() if re.match(r"\s+(?:name|aliases):", line))
    return frozenset(word for word in map(str.lower, _OWN_WORD.findall(text)))


@lru_cache(maxsize=1)
def public() -> Public:
    """Read once."""
    helplines = (_ROOT / "content" / "helplines.yml").read_text(encoding="utf-8")
    rest = "".join((_ROOT / "content" / name).read_text(encoding="utf-8") for name in ("platforms.yml", "tips.yml", "answers.yml"))
    numbers = frozenset(re.sub(r"\D", "", value) for value in _PHONE_VALUE.findall(helplines))
    urls = {url.rstrip(".,") for url in _URL.findall(helplines + rest)}
    help_hosts = {_host(url) for line in helplines.splitlines() if "value:" in line for url in _URL.findall(line)}
    hosts = (
        {_host(url) for url in urls}
        | {host.removeprefix("www.") for host in _BARE_HOST.findall(helplines + rest)}
        | word_lists().hand["public_sites"]
    )
    mails = frozenset(map(str.lower, _MAIL_VALUE.findall(helplines)))
    return Public(numbers, mails, frozenset(help_hosts), frozenset(hosts), frozenset(url.lower() for url in urls))


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")
