"""Which language a message is in, for the few that the bot has a word for."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")

# The most frequent small words of each language; words that Dutch has too are left out.
_COMMON = {
    "fr": frozenset(
        """je tu il elle nous vous ils elles on ne pas plus mon ma mes ton ta tes son sa ses les des une du au aux et est suis sont
        ai as a ont avec pour dans sur sous chez que qui quoi comment pourquoi parce tout tous toute toutes rien moi toi lui leur mais ou
        donc c'est j'ai qu'ils m'ont ca cela ecole college lycee classe ami amis fille garcon frere soeur mere pere maman bonjour salut
        merci aide aider aidez harcelement harcele frappe frappent insulte insultent moque moquent peur""".split()
    ),
    "en": frozenset(
        """i i'm im you he she they them my your his her their our the a an and or but of to in on at with for from is are was were be been
        do does did don't dont not no what who how why when where this that these those me it its it's all just can could would should
        have has had school class friend friends help hello hi thanks please because about people everyone nobody always never""".split()
    ),
    "nl": frozenset(
        """ik je jij hij zij ze we wij jullie mij me mijn jouw zijn haar hun ons onze de het een en of maar van naar op aan met voor door
        is ben bent was waren zijn wordt worden niet geen wat wie hoe waarom wanneer waar dat dit deze die er al ook nog altijd nooit
        iedereen niemand da ni nie ma ge gij kben kheb dak tis""".split()
    ),
}
#: Words that two languages share would decide nothing ("her" is Turkish for "every").
_SHARED = {"a", "her", "me", "ma", "on", "is", "of", "was", "had", "tu", "school", "help", "de", "we", "en", "die"}


def language_of(text: str) -> str:
    """``nl``, ``fr``, ``en`` or ``other``, by the small words in a text; ``other`` too for a script that is not Latin."""
    letters = [char for char in text if char.isalpha()]
    if letters and sum("LATIN" in unicodedata.name(char, "") for char in letters) < len(letters) / 2:
        return "other"
    plain = "".join(char for char in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(char)).replace("’", "'")
    words = [word for word in _WORD.findall(plain) if word not in _SHARED]
    counts = {language: sum(word in common for word in words) for language, common in _COMMON.items()}
    best = max(counts, key=lambda language: (counts[language], language == "nl"))
    return best if counts[best] else "other"
