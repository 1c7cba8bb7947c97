"""One question or one advice: what is asked, when, and in which order things are named."""

from __future__ import annotations

import datetime as dt
from itertools import product

import pytest

from bot.wegwijzer.check import witness
from bot.wegwijzer.content import Content, load_content
from bot.wegwijzer.listening import answer, skipped
from bot.wegwijzer.schema import AddReferral, Audience, Condition, Helpline, Source
from bot.wegwijzer.signpost import Advice, Ask, Signpost, _shown, compile_condition, facet_value, fits
from bot.wegwijzer.situation import Situation, parse_situation
from bot.wegwijzer.vocabulary import AgeBand, Context, Kind, Role

ROLES = (None, *(role.value for role in Role))
KINDS = (None, *(kind.value for kind in Kind))
CONTEXTS = (None, *(context.value for context in Context))
AGES = (None, *(age.value for age in AgeBand))
FORMS: tuple[tuple[str, ...], ...] = ((), ("insult",), ("image_sharing", "gaming"))


def _content_of(advice: Advice) -> tuple[object, ...]:
    return advice.urgency, [item.id for item in advice.referrals], set(advice.tips), set(advice.steps)


# --- questions ---


def test_every_question_has_an_answer_that_changes_the_advice(signpost: Signpost, afternoon: dt.datetime) -> None:
    asked: set[str] = set()
    for role, kind, context, age, forms in product(ROLES, KINDS, CONTEXTS, AGES, FORMS):
        situation = Situation(role=role, kind=kind, context=context, age_band=age, forms=forms)
        step = signpost.next_step(situation, afternoon)
        if isinstance(step, Advice):
            continue
        asked.add(step.facet)
        assert getattr(situation, step.facet) in (None, ()), "nothing that is known is asked"
        before = _content_of(signpost.advise(situation, afternoon))
        after = [
            _content_of(signpost.advise(situation.with_facet(step.facet, facet_value(step.facet, value)), afternoon))
            for value, _label in step.options
        ]
        assert any(changed != before for changed in after), (situation, step.facet)
    assert {"role", "context", "forms", "age_band", "adult_informed", "tried"} <= asked


@pytest.mark.parametrize("choose", ["skip", "first", "last"])
def test_at_most_three_questions_and_none_twice(choose: str, signpost: Signpost, afternoon: dt.datetime) -> None:
    for role, kind, context in product(ROLES, KINDS, CONTEXTS):
        situation = Situation(role=role, kind=kind, context=context)
        facets: list[str] = []
        while isinstance(step := signpost.next_step(situation, afternoon), Ask):
            facets.append(step.facet)
            value = step.options[0 if choose == "first" else -1][0]
            situation = skipped(situation, step.facet) if choose == "skip" else answer(situation, step.facet, value)
            assert len(facets) <= 3, (role, kind, context, facets)
        assert len(set(facets)) == len(facets), (role, kind, context, facets)


def test_nothing_is_asked_when_it_is_urgent(signpost: Signpost, afternoon: dt.datetime) -> None:
    for role, context, age in product(ROLES, CONTEXTS, AGES):
        step = signpost.next_step(Situation(role=role, context=context, age_band=age, forms=("nude_images",)), afternoon)
        assert isinstance(step, Advice)
        assert step.urgency == "high"


def test_questions_and_buttons_fit_the_role(signpost: Signpost) -> None:
    ask = signpost.question_for("context", Situation(role="supervisor"))
    assert ask.text == "Waar begeleid je jongeren?"
    assert [value for value, _label in ask.options] == ["school", "sport", "youth_movement"]


def test_a_question_that_changes_too_little_is_not_asked(content: Content, afternoon: dt.datetime) -> None:
    eager = content.questions.copy(update={"min_gain": 0.0})
    reluctant = content.questions.copy(update={"min_gain": 99.0})
    situation = Situation(role="victim", kind="bullying")
    asks = [Signpost(_with_questions(content, questions)).next_step(situation, afternoon) for questions in (eager, reluctant)]
    assert [type(step) for step in asks] == [Ask, Advice]


def _with_questions(content: Content, questions: object) -> Content:
    return Content(**{**content.__dict__, "questions": questions})


# --- advice ---


def test_the_same_situation_gets_the_same_advice(content: Content, signpost: Signpost, night: dt.datetime) -> None:
    again = Signpost(load_content())
    for role, kind, context in product(ROLES, KINDS, CONTEXTS):
        situation = Situation(role=role, kind=kind, context=context, forms=("insult", "threat"))
        assert signpost.advise(situation, night) == again.advise(situation, night)


def test_what_was_asked_does_not_change_the_advice(signpost: Signpost, afternoon: dt.datetime) -> None:
    situation = Situation(role="victim", kind="bullying", context="school")
    assert signpost.advise(situation, afternoon) == signpost.advise(skipped(situation, "age_band"), afternoon)


def test_at_night_somebody_who_answers_is_named(signpost: Signpost, afternoon: dt.datetime, night: dt.datetime) -> None:
    situation = Situation(role="victim", kind="bullying", context="sport")
    by_day, by_night = signpost.advise(situation, afternoon), signpost.advise(situation, night)
    assert [item.id for item in by_day.referrals] == ["awel", "api", "1712"]
    assert [item.id for item in by_night.referrals] == ["awel", "api", "tele_onthaal"]
    assert (by_day.reachable, by_night.reachable) == ("1712", "tele_onthaal")


def test_steps_come_in_the_order_in_which_they_are_best_done(signpost: Signpost, afternoon: dt.datetime) -> None:
    told = Situation(role="victim", kind="cyberbullying", forms=("insult",), platform="instagram")
    assert signpost.advise(told, afternoon).steps == ("instagram.evidence", "instagram.block", "instagram.report")
    saved = told.with_facet("evidence_saved", True)
    assert signpost.advise(saved, afternoon).steps == ("instagram.block", "instagram.report")


def test_a_step_without_a_source_is_given_in_general(signpost: Signpost) -> None:
    assert signpost.step_id("tiktok", "block") == "general.block"
    assert signpost.step_id(None, "block") == "general.block"
    assert signpost.step_id("discord", "block") == "discord.block"


def test_nude_image_steps_are_for_the_young_person_alone(signpost: Signpost, afternoon: dt.datetime) -> None:
    for role in ("parent", "supervisor", "bully"):
        for kind in KINDS:
            assert not signpost.advise(Situation(role=role, kind=kind, forms=("nude_images",), platform="snapchat"), afternoon).steps
    assert signpost.advise(Situation(role="victim", forms=("nude_images",)), afternoon).steps == ("general.block", "general.report")


def _add(name: str, weight: int) -> AddReferral:
    return AddReferral(id=name, why="daarom", weight=weight)


def test_who_must_be_named_takes_the_lowest_place_but_never_a_firm_one() -> None:
    ranked = [_add("a", 80), _add("b", 70), _add("c", 60), _add("police", 45)]
    assert [add.id for add in _shown(ranked, {"police"})] == ["a", "b", "police"]
    firm = [_add("a", 100), _add("b", 95), _add("c", 90), _add("police", 45)]
    assert [add.id for add in _shown(firm, {"police"})] == ["a", "b", "c"]


def test_a_service_fits_who_is_known_and_excludes_nobody_who_is_not() -> None:
    helpline = Helpline(
        name="Ergens",
        what="iets",
        for_whom="iemand",
        audience=Audience(ages=["12_17"], contexts=["school"]),
        cost="free",
        sources=[Source(seed="002")],
        verified_on="2026-11-20",
    )
    assert fits(helpline, Situation())
    assert fits(helpline, Situation(age_band="12_17", context="school", role="parent"))
    assert not fits(helpline, Situation(age_band="over_25"))
    assert not fits(helpline, Situation(age_band="12_17", context="work"))


@pytest.mark.parametrize(
    ("condition", "situation", "expected"),
    [
        ({"role": "victim"}, Situation(role="victim"), True),
        ({"role": ["victim", "unknown"]}, Situation(), True),
        ({"platform": "known"}, Situation(platform="snapchat"), True),
        ({"platform": "known"}, Situation(), False),
        ({"forms": ["threat", "insult"]}, Situation(forms=("insult", "gossip")), True),
        ({"repeated": "true"}, Situation(repeated=True), True),
        ({"repeated": True}, Situation(repeated=False), False),
        ({"not": {"context": "work"}}, Situation(context="work"), False),
        ({"not": [{"context": "work"}, {"role": "bully"}]}, Situation(role="bully"), False),
        ({"any": [{"context": "work"}, {"age_band": "over_25"}]}, Situation(age_band="over_25"), True),
        ({"any": [{"context": "work"}, {"age_band": "over_25"}]}, Situation(), False),
        ({}, Situation(), True),
    ],
)
def test_conditions(condition: dict[str, object], situation: Situation, expected: bool) -> None:
    assert compile_condition(Condition(**condition))(situation.tokens()) is expected


# --- rules and requirements ---


def test_every_rule_fires_for_some_situation(content: Content, signpost: Signpost, afternoon: dt.datetime) -> None:
    for rule in content.rules:
        situation = witness(rule.when)
        assert situation is not None, rule.id
        assert rule.id in {use.id for use in signpost.advise(situation, afternoon).rules}


def test_every_row_has_an_example_that_leads_to_it(content: Content, signpost: Signpost, afternoon: dt.datetime) -> None:
    sources = {rule.id: rule.source.rows for rule in content.rules}
    pages = {**content.answers, **content.walkthroughs}
    for row, example in content.examples.items():
        situation = parse_situation(example.situation, content.platforms)
        fired = {named for use in signpost.advise(situation, afternoon).rules for named in sources[use.id]}
        if example.page:
            assert row in pages[example.page].rows or row in fired, row
            fired |= set(pages[example.page].rows)
        assert row in fired, row


def test_the_ladder_of_the_supervisor_climbs(signpost: Signpost, afternoon: dt.datetime) -> None:
    expected = {
        "school": ["zorgleerkracht", "clb", "integriteit_clb_pbd", "kinderrechtencommissariaat"],
        "sport": ["api", "api_federatie", "sportieq", "kinderrechtencommissariaat"],
        "youth_movement": ["api", "api", "de_ambrassade", "kinderrechtencommissariaat"],
    }
    for context, rungs in expected.items():
        for tried, first in zip(("internal", "support", "external", "integrity"), rungs, strict=True):
            situation = Situation(role="supervisor", kind="bullying", context=context, tried=tried)
            assert signpost.advise(situation, afternoon).referrals[0].id == first, (context, tried)


def test_whatever_is_said_to_an_adult_fits_an_adult(content: Content, signpost: Signpost, afternoon: dt.datetime) -> None:
    childish = ("ook zonder je ouders", "jouw ouders", "van 12 tot 25", "zonder je naam")
    for role, kind, context, forms in product(("parent", "supervisor"), KINDS, CONTEXTS, (*FORMS, ("threat",), ("nude_images",))):
        for referral in signpost.advise(Situation(role=role, kind=kind, context=context, forms=forms), afternoon).referrals:
            assert not any(words in referral.why for words in childish), (role, referral)


def test_tips_for_adults_do_not_send_them_to_the_line_for_children(content: Content, signpost: Signpost) -> None:
    for role, kind, context, forms in product(("victim", "bully", "bystander", "other"), KINDS, CONTEXTS, FORMS):
        situation = Situation(
            role=role, kind=kind, context=context, forms=forms, age_band="over_25", adult_informed=False, tried="internal"
        )
        for name in signpost.all_tips(situation):
            assert "Awel" not in content.tips[name].do, (name, situation)
