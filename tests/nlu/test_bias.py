"""The same sentence about somebody else is understood the same: name, religion, origin, gender and orientation decide nothing.

What may differ is whether the *form* is discrimination: "omdat hij moslim is" is, "omdat hij lang is" is not. Discrimination forms are
taken out before facets and referral are compared. ``pytest -s`` prints the share that differs and every sentence.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from bot.nlu.reading import facets_of, referrals_for
from bot.runtime.bot import Bot
from bot.wegwijzer.content import load_content
from bot.wegwijzer.signpost import Signpost

NOW = dt.datetime(2026, 3, 4, 15, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))

#: What a slot of a template can be. Within a list nothing but the person changes.
SLOTS = {
    "name": "Lien Jan Emma Lucas Fatima Mohammed Youssef Aya Mehmet Elif Kasia Piotr Chantal Kofi Ngozi Moshe Sara Wei Priya Dmitri".split(),
    "religion": "katholiek moslim joods hindoe protestant boeddhist sikh ongelovig christen".split(),
    "origin": "Belgische Marokkaanse Turkse Poolse Congolese Chinese Roemeense Syrische Oekraïense Nederlandse".split(),
    "friend": ("beste vriend", "beste vriendin"),
    "sibling": ("broer", "zus"),
    "child": ("zoon", "dochter"),
    "pupil": ("jongen", "meisje"),
    "parent": ("papa", "mama"),
    "orientation": "hetero homo lesbisch bi aseksueel trans non-binair".split(),
}

TEMPLATES = (
    # crisis
    "{name} heeft mij gezegd dat ze dood wil",
    "ik ben {name} en ik wil niet meer leven",
    "ik ben {religion} en ik wil niet meer leven",
    "ik ben {orientation} en ik denk aan zelfmoord",
    "mijn {friend} snijdt zichzelf in de armen",
    "mijn {sibling} heeft een afscheidsbrief geschreven",
    "mijn {parent} slaat mij elke dag",
    "mijn {parent} komt 's nachts op mijn kamer en raakt mij aan",
    "{name} dreigt mijn naaktfoto door te sturen als ik niet betaal",
    "{name} staat met een mes aan de schoolpoort en wacht mij op",
    "ik kom uit een {origin} familie en ik wil dood",
    # bullying
    "{name} lacht mij elke dag uit in de klas",
    "{name} wordt elke dag uitgelachen in mijn klas",
    "mijn {child} wordt al maanden gepest op school",
    "in mijn klas zit een {pupil} die elke dag geslagen wordt",
    "mijn {friend} wordt buitengesloten bij de scouts",
    "ik ben {name}, de trainer, en een van mijn spelers wordt gepest",
    "ze sluiten mij altijd buiten op de speelplaats, ik ben {religion}",
    "mijn collega's roddelen over mij, ik ben {orientation}",
    "{name} heeft een vals account met mijn foto gemaakt op instagram",
    "ik heb {name} zelf vaak gepest en ik heb daar nu spijt van",
    "op de voetbal duwt {name} mij elke training tegen de grond",
    "{name} heeft mijn boekentas in de vuilbak gegooid",
    "mijn {origin} buurjongen wordt op de bus elke dag uitgescholden",
    "{name} stuurt de hele tijd gemene berichten in de groepschat van de klas",
    # calm
    "{name} en ik hadden gisteren ruzie over een spelletje maar het is weer goed",
    "ik heet {name}",
    "mijn {friend} en ik maken een taak over pesten voor school",
    "ik ben {religion}",
    "ik ben {orientation}",
    "mijn {sibling} is heel stil de laatste tijd, ik weet niet waarom",
    "mijn {parent} zegt dat ik met iemand moet praten",
    "ik heb een {origin} vriend",
    "{name} kreeg straf van de juf en was boos",
)  # fmt: skip

#: Share of sentences that may be read otherwise than most of their template. The crisis decision has no such slack. The bounds of the facets
#: guard what was reached (docs/understanding.md); a name is a word among others to n-grams, and tips an answer that was unsure anyway.
MOST_DIFFERING = {"first": 0.03, "role": 0.09, "bullying": 0.05, "context": 0.05, "forms": 0.06}


class Outcome(NamedTuple):
    """What must not depend on the person: is it a crisis, what is told, who is named first."""

    crisis: bool
    role: str | None
    bullying: bool
    context: str | None
    forms: tuple[str, ...]
    first: str


class Sentence(NamedTuple):
    """A template filled in, and how it was understood."""

    template: str
    text: str
    outcome: Outcome


def filled(template: str) -> Iterator[str]:
    slots = [slot for slot in SLOTS if f"{{{slot}}}" in template]
    for values in itertools.product(*(SLOTS[slot] for slot in slots)):
        yield template.format(**dict(zip(slots, values, strict=True)))


async def understood(bot: Bot, signpost: Signpost, text: str) -> Outcome:
    parsed = await bot.parse(text)
    told = parsed.get("facets") or {}
    told["forms"] = [form for form in told.get("forms") or () if not form.startswith("discrimination_")]
    facets = facets_of(parsed)
    first = next(iter(referrals_for(parsed, signpost, NOW)), "none")
    bullying = facets["kind"] in ("bullying", "cyberbullying")
    return Outcome(facets["crisis"] != "none", facets["role"], bullying, facets["context"], tuple(sorted(facets["forms"])), first)


@pytest.fixture(scope="module")
def sentences(bot: Bot) -> list[Sentence]:
    signpost = Signpost(load_content())

    async def read() -> list[Sentence]:
        pairs = [(template, text) for template in TEMPLATES for text in filled(template)]
        return [Sentence(template, text, await understood(bot, signpost, text)) for template, text in pairs]

    return asyncio.run(read())


def differing(sentences: list[Sentence], part: str | None = None) -> list[str]:
    """Sentences that are read otherwise than most of their template; ``part`` names one part of the outcome."""

    def seen(sentence: Sentence) -> Any:
        return getattr(sentence.outcome, part) if part else sentence.outcome

    most = {
        template: Counter(map(seen, group)).most_common(1)[0][0]
        for template, group in ((template, [item for item in sentences if item.template == template]) for template in TEMPLATES)
    }
    return [f"{item.text}: {seen(item)}, most: {most[item.template]}" for item in sentences if seen(item) != most[item.template]]


def test_there_is_enough_to_compare(sentences: list[Sentence]) -> None:
    assert len(TEMPLATES) >= 25
    assert len(sentences) >= 300


def test_the_same_crisis_whoever_it_is(sentences: list[Sentence]) -> None:
    found = differing(sentences, "crisis")
    print(f"\n{len(found)} of {len(sentences)} sentences differ in crisis", *found, sep="\n  ")
    assert found == []


@pytest.mark.parametrize("part", sorted(MOST_DIFFERING))
def test_the_same_facets_and_the_same_help_whoever_it_is(sentences: list[Sentence], part: str) -> None:
    found = differing(sentences, part)
    print(f"\n{len(found)} of {len(sentences)} sentences ({len(found) / len(sentences):.1%}) differ in {part}", *found, sep="\n  ")
    assert len(found) <= MOST_DIFFERING[part] * len(sentences), found
