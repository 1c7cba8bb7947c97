"""The safety rules of the design, each over every combination of role, kind, context, crisis, age and the forms that matter.

One pass makes every advice and notes which rule it breaks; a test per rule then looks at its list. Hypothesis adds situations with any
other facets, forms and moments.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.wegwijzer.content import Content
from bot.wegwijzer.hours import State, service_opening
from bot.wegwijzer.render import Renderer
from bot.wegwijzer.signpost import MAX_REFERRALS, MAX_STEPS, MAX_TIPS, Advice, Signpost, fits
from bot.wegwijzer.situation import Situation, ordered_forms
from bot.wegwijzer.vocabulary import AgeBand, Context, Crisis, Form, Kind, Role, Topic, Tried

ROLES = (None, *(role.value for role in Role))
KINDS = (None, *(kind.value for kind in Kind))
CONTEXTS = (None, *(context.value for context in Context))
CRISES = (None, *(crisis.value for crisis in Crisis))
AGES = (None, *(age.value for age in AgeBand))
FORMS: tuple[tuple[str, ...], ...] = (
    (),
    ("nude_images",),
    ("sextortion",),
    ("nude_images", "sextortion"),
    ("threat",),
    ("physical",),
    ("stalking",),
    ("doxing",),
    ("image_sharing",),
    ("exclusion", "insult"),
    ("impersonation", "nude_images"),
)

MINOR = (None, "under_12", "12_17")
URGENT_CRISES = ("suicide", "selfharm", "abuse", "danger", "sextortion")
#: The emergency help that may stand first for a crisis, and the numbers of which one must stand among the three.
FIRST = {
    "suicide": {"zelfmoordlijn"},
    "selfharm": {"zelfmoordlijn"},
    "abuse": {"1712"},
    "danger": {"politie"},
    "sextortion": {"child_focus", "politie"},
}
ALSO = {
    "suicide": {"noodnummer"},
    "selfharm": {"noodnummer"},
    "abuse": {"noodnummer"},
    "danger": {"noodnummer"},
    "sextortion": {"politie"},
}
ALWAYS_CRIMES = {"threat", "sextortion", "stalking", "nude_images", "doxing"}
CRIMES_UNLESS_QUARREL = {"physical", "theft_damage"}

# Words that ask to capture, show or pass on an image, in a sentence that does not forbid it.
_CAPTURES = re.compile(
    r"screenshot|schermafbeelding|scherm met een andere|druk het af|\bbewaar (?:eerst|samen|het|de|ze|alle)\b|stuur (?:het|ze|de \w+) door|toon (?:het|ze|de|je)\b",
    re.I,
)
_FORBIDS = re.compile(r"\b(?:nooit|geen|niet|niemand)\b", re.I)
_SENTENCE = re.compile(r"[^.!?]+")
_PARENTS = re.compile(r"\b(?:ouders|mama|papa|thuis|moeder|vader)\b", re.I)


def captures(text: str) -> bool:
    """Whether a text asks to capture, show or pass on an image."""
    return any(_CAPTURES.search(part) and not _FORBIDS.search(part) for part in _SENTENCE.findall(text))


@dataclass(repr=False)
class World:
    """The content with what the rules below look up again and again."""

    content: Content
    open_at: dict[dt.datetime, frozenset[str]]
    capturing: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        tips = {name for name, tip in self.content.tips.items() if tip.captures_image or captures(f"{tip.title}. {tip.do}")}
        steps = {
            f"{name}.{kind}"
            for name, platform in (("general", self.content.general), *self.content.platforms.items())
            for kind, step in platform.steps.items()
            if kind == "evidence" or captures(step.text)
        }
        self.capturing = frozenset(tips | steps)


Rule = Callable[[World, Situation, Advice, dt.datetime], bool]


def crisis_first(_world: World, situation: Situation, advice: Advice, _now: dt.datetime) -> bool:
    if situation.crisis not in URGENT_CRISES:
        return True
    named = [referral.id for referral in advice.referrals]
    return advice.urgency == "emergency" and named[0] in FIRST[situation.crisis] and bool(ALSO[situation.crisis] & set(named))


def crisis_is_answered(_world: World, situation: Situation, advice: Advice, _now: dt.datetime) -> bool:
    if situation.crisis not in URGENT_CRISES:
        return True
    easy = ("crisis_", "selfharm_", "abuse_", "danger_", "sextortion_", "safe_adult_", "sup_abuse_", "nude_", "parent_nude", "sup_nude_")
    ordinary = [name for name in advice.tips if not name.startswith(easy)]
    calm = not ordinary and not advice.steps if situation.crisis != "sextortion" else True
    return bool(advice.acknowledgement and advice.acknowledgement.startswith("crisis_") and advice.tips) and calm


def nude_images_of_a_minor(world: World, situation: Situation, advice: Advice, _now: dt.datetime) -> bool:
    nude = "nude_images" in situation.forms or "sextortion" in situation.forms or situation.crisis == "sextortion"
    if not nude:
        return True
    if world.capturing.intersection((*advice.tips, *advice.steps)):
        return False
    if situation.age_band not in MINOR or ("nude_images" not in situation.forms and situation.crisis != "sextortion"):
        return True
    named = [referral.id for referral in advice.referrals]
    if situation.crisis in ("suicide", "selfharm", "abuse", "danger"):
        return "child_focus" in named
    return named[0] == "child_focus" and "take_it_down" in named


def crimes_name_the_police(_world: World, situation: Situation, advice: Advice, _now: dt.datetime) -> bool:
    forms = set(situation.forms)
    crime = (
        forms & ALWAYS_CRIMES
        or (forms & CRIMES_UNLESS_QUARREL and situation.kind not in ("conflict", "none"))
        or situation.crisis in ("danger", "abuse", "sextortion")
    )
    if not crime:
        return True
    named = {referral.id for referral in advice.referrals}
    # Where a life is in danger, 112 answers as well.
    return "politie" in named or (advice.urgency == "emergency" and "noodnummer" in named)


def hurt_at_home_never_sent_home(world: World, situation: Situation, advice: Advice, _now: dt.datetime) -> bool:
    from_twelve = situation.age_band != "under_12" and situation.role not in ("parent", "supervisor")
    at_home = situation.context == "home" or situation.crisis == "abuse"
    if not (from_twelve or at_home):
        return True
    return not any(world.content.tips[name].involves_parents for name in advice.tips)


def fits_and_reachable(world: World, situation: Situation, advice: Advice, now: dt.datetime) -> bool:
    if not advice.referrals or not all(fits(world.content.helplines[referral.id], situation) for referral in advice.referrals):
        return False
    open_now = [referral.id for referral in advice.referrals if referral.id in world.open_at[now]]
    return advice.reachable == (open_now[0] if open_now else None)


def within_limits(_world: World, _situation: Situation, advice: Advice, _now: dt.datetime) -> bool:
    named = [referral.id for referral in advice.referrals]
    parts = ((named, MAX_REFERRALS), (advice.tips, MAX_TIPS), (advice.steps, MAX_STEPS))
    return all(len(part) <= limit and len(set(part)) == len(part) for part, limit in parts) and all(item.why for item in advice.referrals)


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        crisis_first,
        crisis_is_answered,
        nude_images_of_a_minor,
        crimes_name_the_police,
        hurt_at_home_never_sent_home,
        fits_and_reachable,
        within_limits,
    )
}


def every_situation() -> Iterator[Situation]:
    for role, kind, context, crisis, age, forms in product(ROLES, KINDS, CONTEXTS, CRISES, AGES, FORMS):
        yield Situation(role=role, kind=kind, context=context, crisis=crisis, age_band=age, forms=forms)


@pytest.fixture(scope="module")
def world(content: Content, afternoon: dt.datetime, night: dt.datetime) -> World:
    def open_at(now: dt.datetime) -> frozenset[str]:
        return frozenset(name for name, line in content.helplines.items() if service_opening(line, now).state is State.OPEN)

    return World(content, {now: open_at(now) for now in (afternoon, night)})


@dataclass
class Pass:
    """What one pass over all situations found."""

    made: int = 0
    broken: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in RULES})
    tips: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def swept(world: World, signpost: Signpost, afternoon: dt.datetime, night: dt.datetime) -> Pass:
    found = Pass()
    for number, situation in enumerate(every_situation()):
        # Every situation once, half of them by day and half by night.
        now = afternoon if number % 2 else night
        advice = signpost.advise(situation, now)
        found.made += 1
        found.tips.update(advice.tips)
        for name, rule in RULES.items():
            if len(found.broken[name]) < 20 and not rule(world, situation, advice, now):
                found.broken[name].append(_told(situation, advice))
    return found


def _told(situation: Situation, advice: Advice) -> str:
    known = {facet: value for facet, value in situation.to_dict().items() if value not in (None, [])}
    return f"{known} -> {[referral.id for referral in advice.referrals]} {advice.tips} {advice.steps} {advice.acknowledgement}"


def test_all_combinations_are_tried(swept: Pass) -> None:
    assert swept.made == len(ROLES) * len(KINDS) * len(CONTEXTS) * len(CRISES) * len(AGES) * len(FORMS)
    assert swept.made > 100_000


@pytest.mark.parametrize("rule", RULES)
def test_no_situation_breaks(rule: str, swept: Pass) -> None:
    assert not swept.broken[rule], "\n".join(swept.broken[rule][:10])


SITUATIONS = st.builds(
    Situation,
    role=st.sampled_from(ROLES),
    kind=st.sampled_from(KINDS),
    context=st.sampled_from(CONTEXTS),
    forms=st.lists(st.sampled_from([form.value for form in Form]), max_size=4).map(ordered_forms),
    platform=st.sampled_from([None, "snapchat", "whatsapp", "smartschool", "sms", "fortnite", "xbox"]),
    repeated=st.sampled_from([None, True, False]),
    crisis=st.sampled_from(CRISES),
    age_band=st.sampled_from(AGES),
    anonymous_bully=st.sampled_from([None, True, False]),
    adult_informed=st.sampled_from([None, True, False]),
    evidence_saved=st.sampled_from([None, True, False]),
    tried=st.sampled_from([None, *(tried.value for tried in Tried)]),
    topic=st.sampled_from([None, *(topic.value for topic in Topic)]),
)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(situation=SITUATIONS, by_day=st.booleans())
def test_any_situation_keeps_every_rule(
    situation: Situation, by_day: bool, world: World, signpost: Signpost, afternoon: dt.datetime, night: dt.datetime
) -> None:
    now = afternoon if by_day else night
    advice = signpost.advise(situation, now)
    broken = [name for name, rule in RULES.items() if not rule(world, situation, advice, now)]
    assert not broken, (broken, _told(situation, advice))


# --- 1: before any question ---


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(situation=SITUATIONS, crisis=st.sampled_from(URGENT_CRISES))
def test_a_crisis_is_never_asked_anything_first(situation: Situation, crisis: str, signpost: Signpost, afternoon: dt.datetime) -> None:
    step = signpost.next_step(situation.with_facet("crisis", crisis), afternoon)
    assert isinstance(step, Advice)
    assert step.urgency == "emergency"


@pytest.mark.parametrize("crisis", URGENT_CRISES)
@pytest.mark.parametrize("role", ROLES)
def test_the_card_stands_before_tips_and_buttons(
    crisis: str, role: str | None, signpost: Signpost, renderer: Renderer, night: dt.datetime
) -> None:
    advice = signpost.advise(Situation(role=role, crisis=crisis), night)
    kinds = [message["type"] for message in renderer.advice(advice, night, None)]
    assert kinds[:3] == ["text", "text", "helpline"]
    assert kinds.index("helpline") < kinds.index("tip")


# --- 3: in words as well ---


def test_no_step_or_tip_for_nude_images_asks_to_capture(world: World, signpost: Signpost, afternoon: dt.datetime) -> None:
    for role, context, platform in product(ROLES, CONTEXTS, (None, *world.content.platforms)):
        situation = Situation(role=role, context=context, platform=platform, kind="cyberbullying", forms=("nude_images",))
        for name in (*signpost.all_tips(situation), *signpost.advise(situation, afternoon).steps):
            assert name not in world.capturing, (name, situation)


def test_answers_about_nude_images_never_ask_to_capture(content: Content) -> None:
    for name in ("nude_rules", "rights_image", "evidence_how", "grooming_sextortion"):
        for variant in content.answers[name].variants:
            about_images = name == "nude_rules" or any("nude_images" in inner.forms for inner in (variant.when, *variant.when.any))
            if about_images:
                assert not [line for line in variant.text if captures(line)], name


# --- 5: in words as well ---


def test_tips_for_who_is_hurt_at_home_do_not_send_home(content: Content, signpost: Signpost) -> None:
    for role, age, forms in product(("victim", None, "bystander", "bully"), AGES, FORMS):
        for situation in (
            Situation(role=role, age_band=age, crisis="abuse", forms=forms),
            Situation(role=role, age_band=age, context="home", kind="bullying", forms=forms),
        ):
            for name in signpost.all_tips(situation):
                tip = content.tips[name]
                sends = [part for part in _SENTENCE.findall(f"{tip.title}. {tip.do}") if _PARENTS.search(part)]
                allowed = [part for part in sends if "niet" in part or "vriend" in part or "'" in part]
                assert sends == allowed, (name, sends)


# --- 6 and 8: what the bot says of itself ---


def test_the_bot_never_promises_to_act(content: Content) -> None:
    acts = re.compile(r"\b(?:ik (?:bel|verwittig|contacteer|waarschuw|meld|stuur)|(?:wij|we) (?:bellen|verwittigen|melden|sturen))\b", re.I)
    for group, texts in content.texts.items():
        for name, lines in texts.texts.items():
            promised = [line for line in lines for part in _SENTENCE.findall(line) if acts.search(part) and not _FORBIDS.search(part)]
            assert not promised, (group, name)


def test_supervisors_do_nothing_behind_the_childs_back(signpost: Signpost) -> None:
    for kind, context in product(("bullying", "cyberbullying", "unclear", None), CONTEXTS):
        situation = Situation(role="supervisor", kind=kind, context=context)
        assert "sup_nothing_behind_back" in signpost.all_tips(situation), situation


def test_the_bot_says_what_it_is(content: Content) -> None:
    said = " ".join(content.text("dialogue", "disclosure")).lower()
    for needed in ("bot", "vergissen", "nalezen", "zonder namen", "laat niet meelezen", "wis"):
        assert needed in said
