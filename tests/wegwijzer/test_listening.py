"""What a message adds to the situation, and how a typed answer is matched to a button."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.wegwijzer.content import Content
from bot.wegwijzer.listening import SURE, answer, chosen_option, merge, skipped, told_anything, yes_or_no
from bot.wegwijzer.schema import Option
from bot.wegwijzer.signpost import Signpost
from bot.wegwijzer.situation import Situation, ordered_forms
from bot.wegwijzer.vocabulary import Form, Kind, Role


def test_what_was_unknown_becomes_known() -> None:
    assert merge(Situation(), {"role": "parent", "context": "school", "forms": ["insult"]}) == Situation(
        role="parent", context="school", forms=("insult",)
    )


def test_what_was_known_changes_only_when_sure() -> None:
    known = Situation(platform="snapchat")
    assert merge(known, {"platform": "tiktok"}, {"platform": SURE - 0.01}).platform == "snapchat"
    assert merge(known, {"platform": "tiktok"}).platform == "snapchat"
    assert merge(known, {"platform": "tiktok"}, {"platform": SURE}).platform == "tiktok"


@pytest.mark.parametrize(
    ("facet", "known", "told", "confidence", "named", "expected"),
    [
        # "ze lachen mij elke dag uit": most likely at school, but nobody said so.
        ("context", "sport", "school", 0.99, [], "sport"),
        ("context", "sport", "school", 0.99, ["youth_movement"], "sport"),
        # "het is op school gebeurd": said, whatever the reader makes of so few words.
        ("context", "sport", "school", 0.23, ["school"], "school"),
        ("context", "sport", "school", SURE, ["school", "sport"], "school"),
        ("context", "sport", "school", SURE - 0.01, ["school", "sport"], "sport"),
        # Whoever may be hurt at home is believed without a word that names the place (safety rule 5).
        ("context", "sport", "home", SURE, [], "home"),
        ("context", "sport", "home", SURE - 0.01, [], "sport"),
        # "niemand speelt met haar": what a parent says, and a bystander too.
        ("role", "parent", "bystander", 0.99, [], "parent"),
        ("role", "parent", "victim", 0.99, [], "parent"),
        ("role", "bystander", "parent", 0.99, ["parent"], "parent"),
    ],
)
def test_a_known_place_or_role_gives_way_only_to_one_that_is_named(
    facet: str, known: str, told: str, confidence: float, named: list[str], expected: str
) -> None:
    after = merge(Situation(**{facet: known}), {facet: told}, {facet: confidence}, {facet: named})
    assert getattr(after, facet) == expected
    # Where nothing is known the reader is believed.
    assert getattr(merge(Situation(), {facet: told}), facet) == told


@pytest.mark.parametrize("known", ["parent", "supervisor"])
def test_who_speaks_for_a_child_becomes_a_victim_only_where_something_was_done(known: str) -> None:
    sure, named = {"role": 0.99}, {"role": ["victim"]}
    # "ze is nu thuis bij mij"
    assert merge(Situation(role=known), {"role": "victim", "kind": "bullying"}, sure, named).role == known
    # "mijn collega's sluiten mij ook uit"
    assert merge(Situation(role=known), {"role": "victim", "forms": ["exclusion"]}, sure, named).role == "victim"
    assert merge(Situation(role="bystander"), {"role": "victim"}, sure, named).role == "victim"


def test_forms_add_up() -> None:
    assert merge(Situation(forms=("threat",)), {"forms": ["insult", "threat"]}).forms == ("insult", "threat")


@pytest.mark.parametrize(
    ("known", "told", "confidence", "expected"),
    [
        (None, "conflict", None, "conflict"),
        ("bullying", None, None, "bullying"),
        ("bullying", "cyberbullying", None, "cyberbullying"),
        ("cyberbullying", "bullying", 0.9, "cyberbullying"),
        ("bullying", "none", 0.99, "bullying"),
        ("bullying", "conflict", 0.99, "bullying"),
        ("conflict", "bullying", 0.4, "bullying"),
        ("conflict", "none", 0.99, "conflict"),
        ("conflict", "unclear", 0.4, "conflict"),
        ("conflict", "unclear", 0.9, "unclear"),
        ("none", "conflict", 0.4, "conflict"),
    ],
)
def test_kinds(known: str | None, told: str | None, confidence: float | None, expected: str) -> None:
    assert merge(Situation(kind=known), {"kind": told}, {"kind": confidence}).kind == expected


def test_a_crisis_stays_until_it_is_taken_back() -> None:
    assert merge(Situation(crisis="suicide"), {"crisis": "none"}, {"crisis": 1.0}).crisis == "suicide"
    assert merge(Situation(crisis="suicide"), {"crisis": "abuse"}).crisis == "abuse"
    assert merge(Situation(), {"crisis": "none"}).crisis is None


FACETS = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from([None, *(role.value for role in Role)]),
        "kind": st.sampled_from([None, *(kind.value for kind in Kind)]),
        "forms": st.lists(st.sampled_from([form.value for form in Form]), max_size=3),
        "crisis": st.sampled_from([None, "none", "suicide", "danger"]),
        "repeated": st.sampled_from([None, True, False]),
    },
)


@given(st.lists(st.tuples(FACETS, st.floats(0, 1)), max_size=6))
def test_nothing_that_was_told_is_lost(messages: list[tuple[dict[str, object], float]]) -> None:
    situation = Situation()
    for facets, confidence in messages:
        after = merge(situation, facets, dict.fromkeys(facets, confidence))
        assert set(after.forms) == {*situation.forms, *(facets.get("forms") or [])}  # type: ignore[misc]
        assert after.forms == ordered_forms(after.forms)
        if situation.crisis:
            assert after.crisis not in (None, "none")
        if situation.kind in ("bullying", "cyberbullying"):
            assert after.kind in ("bullying", "cyberbullying")
        for facet in ("role", "kind", "repeated"):
            assert getattr(situation, facet) is None or getattr(after, facet) is not None
        situation = after


def test_answers_and_skips_are_remembered_as_asked() -> None:
    known = answer(Situation(), "repeated", "true")
    assert (known.repeated, known.asked) == (True, ("repeated",))
    assert skipped(known, "role").asked == ("repeated", "role")
    assert skipped(skipped(known, "role"), "role").asked == ("repeated", "role")
    assert answer(Situation(forms=("threat",)), "forms", "insult").forms == ("insult", "threat")


def test_yes_and_no_answer_questions_of_yes_or_no_only() -> None:
    assert yes_or_no("repeated", True) == "true"
    assert yes_or_no("adult_informed", False) == "false"
    assert yes_or_no("context", True) is None


def _tried(signpost: Signpost, role: str, context: str) -> list[Option]:
    return signpost.options_for("tried", Situation(role=role, context=context))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("De leerkracht", "internal"),
        ("de leerkracht!", "internal"),
        ("de juf", "internal"),
        ("ik heb het aan de zorgjuf verteld", "support"),
        ("bij de directeur geweest", "internal"),
        ("het clb", "external"),
        ("2", "internal"),
        ("9", None),
        ("0", None),
        ("123", None),
        ("de juffrouwen", None),
        ("de juf en het clb", None),
        ("", None),
        ("???", None),
        ("ik weet niet", None),
    ],
)
def test_typed_answers(typed: str, expected: str | None, signpost: Signpost) -> None:
    assert chosen_option(typed, _tried(signpost, "parent", "school")) == expected


def test_the_number_is_that_of_the_button_shown(signpost: Signpost) -> None:
    situation = Situation(role="victim", context="sport", adult_informed=True)
    shown = signpost.question_for("tried", situation).options
    for place, (value, label) in enumerate(shown, start=1):
        assert chosen_option(str(place), signpost.options_for("tried", situation)) == value
        assert chosen_option(label, signpost.options_for("tried", situation)) == value


@pytest.mark.parametrize(
    ("typed", "expected"), [("het gaat over mijn zoon", "parent"), ("mezelf", "victim"), ("mijn dochter pest", "parent")]
)
def test_who_it_is_about(typed: str, expected: str, signpost: Signpost) -> None:
    assert chosen_option(typed, signpost.options_for("role", Situation())) == expected


def test_other_words_never_contradict_the_labels(content: Content) -> None:
    for facet, question in content.questions.questions.items():
        for option in question.options:
            for also in option.also:
                assert chosen_option(also, [option]) == option.value, (facet, also)


@given(st.text(max_size=200))
def test_any_text_is_an_option_or_none(text: str) -> None:
    options = [Option(value="a", label="Op school", also=["klas"]), Option(value="b", label="Thuis")]
    assert chosen_option(text, options) in ("a", "b", None)


def test_told_anything() -> None:
    assert told_anything({"role": "victim"})
    assert told_anything({"kind": "bullying"})
    assert not told_anything({"kind": "none", "crisis": "none", "forms": [], "role": None})
    assert told_anything({"repeated": False})


@pytest.mark.parametrize(
    ("confidence", "role"), [(0.2, None), (0.29, None), (0.3, "supervisor"), (0.9, "supervisor"), (None, "supervisor")]
)
def test_a_role_that_is_a_guess_is_asked_for(confidence: float | None, role: str | None) -> None:
    confidences = {} if confidence is None else {"role": confidence}
    assert merge(Situation(), {"role": "supervisor"}, confidences).role == role
