"""Which page answers a question, and that its variant fits who asks."""

from __future__ import annotations

from itertools import product

import pytest

from bot.wegwijzer.content import Content
from bot.wegwijzer.pages import page_about, page_for, variant_for
from bot.wegwijzer.signpost import fits
from bot.wegwijzer.situation import Situation
from bot.wegwijzer.vocabulary import AgeBand, Context, Role


@pytest.mark.parametrize(
    ("intent", "question", "page"),
    [
        ("ask_definition", "is dit pesten of overdrijf ik", "is_it_bullying"),
        ("ask_definition", "wat is cyberpesten", "what_is_cyberbullying"),
        ("ask_definition", "wat is grooming", "grooming_sextortion"),
        ("ask_rights", "mag ik naar de politie", "rights_police"),
        ("ask_rights", "moeten mijn ouders dit weten", "rights_parents_12"),
        ("ask_rights", "wat mag ik", None),
        ("ask_tips", "wat kan ik doen", None),
        ("ask_definition", "waarom is online pesten erger", "why_cyber_weighs"),
        ("ask_talk", "hoe praat ik met de ouders van de pester", "talk_parents"),
        ("ask_talk", "hoe praat ik met de ouders", "talk_parents"),
        ("ask_approach", "het stopt niet wat nu", "not_stopped"),
        ("ask_something_else", "hallo", None),
    ],
)
def test_page_for(intent: str, question: str, page: str | None, content: Content) -> None:
    assert page_for(content, intent, question) == page


def test_words_count_from_their_beginning_only(content: Content) -> None:
    # 'app' is a word of the page about platforms; it does not stand in 'grappig'.
    assert page_for(content, "ask_rights", "dat is niet grappig") is None


def test_what_was_read_goes_before_words(content: Content) -> None:
    question = "mag ik naar de politie"
    assert page_for(content, "ask_rights", question, read="rights_image") == "rights_image"
    assert page_for(content, "ask_rights", question, read="none") is None
    assert page_for(content, "ask_rights", question, read="a page that is no more") is None


@pytest.mark.parametrize(
    ("intent", "role", "page"),
    [
        ("ask_rights", None, "rights_general"),
        ("ask_figures", None, "figures"),
        ("ask_definition", "victim", "is_it_bullying"),
        ("ask_talk", "supervisor", "talk_victim"),
        ("ask_talk", None, "talk_victim"),
        ("ask_talk", "bystander", "how_to_help_friend"),
        ("ask_talk", "bully", "bully_say_sorry"),
        ("ask_talk", "victim", "tell_an_adult"),
        ("describe", None, None),
    ],
)
def test_an_intent_alone_has_its_page(intent: str, role: str | None, page: str | None, content: Content) -> None:
    assert page_about(content, intent, Situation(role=role)) == page


def test_every_page_can_be_asked_or_opened(content: Content) -> None:
    pages = {**content.answers, **content.walkthroughs}
    opened = {page for rule in content.rules for page in rule.add.follow_up} | {page for entry in pages.values() for page in entry.next}
    assert not [name for name, page in pages.items() if not page.asked_as and name not in opened]


def test_everybody_gets_a_variant_that_fits(content: Content) -> None:
    for name, answer in content.answers.items():
        for role, age, context in product((None, *Role), (None, *AgeBand), (None, *Context)):
            situation = Situation(role=role, age_band=age, context=context)
            variant = variant_for(answer, situation)
            assert variant.text
            named = [line for line in variant.referrals if fits(content.helplines[line], situation)]
            assert named or not variant.referrals or context or age, (name, situation)


@pytest.mark.parametrize("page", ["rights_police", "rights_image", "rights_parents_12", "bully_say_sorry", "nude_rules", "work"])
@pytest.mark.parametrize(
    "situation", [Situation(role="victim", age_band="over_25"), Situation(role="bully", age_band="over_25", context="work")]
)
def test_adults_are_not_spoken_to_as_children(page: str, situation: Situation, content: Content) -> None:
    said = " ".join(variant_for(content.answers[page], situation).text)
    if situation.role == "victim" or page in ("bully_say_sorry", "rights_parents_12", "rights_image"):
        for childish in ("jonger dan 18", "Je ouders hoeven", "Vanaf 12 jaar", "Vraag een volwassene", "Awel"):
            assert childish not in said, (page, childish)


def test_the_first_variant_that_holds_is_given(content: Content) -> None:
    answer = content.answers["is_it_bullying"]
    assert variant_for(answer, Situation(role="supervisor")) is answer.variants[0]
    assert variant_for(answer, Situation(role="parent")) is answer.variants[1]
    assert variant_for(answer, Situation()) is answer.variants[-1]


def test_the_conversation_has_its_six_blocks_in_order(content: Content) -> None:
    steps = content.walkthroughs["talk_victim"].steps
    assert [step[:12] for step in steps[:6]] == [f"Blok {number} van 6" for number in range(1, 7)]
