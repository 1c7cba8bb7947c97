"""Reading a situation from data that anybody may have written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.wegwijzer.situation import Situation, SituationError, parse_situation

PLATFORMS = ("snapchat", "instagram")


def test_what_is_missing_or_null_is_unknown() -> None:
    assert parse_situation({}) == Situation()
    assert parse_situation({"role": None, "forms": [], "repeated": None}) == Situation()


def test_a_full_situation_survives_the_way_out_and_back() -> None:
    situation = Situation(
        role="victim",
        kind="cyberbullying",
        context="school",
        forms=("insult", "threat"),
        platform="snapchat",
        repeated=True,
        crisis="none",
        age_band="12_17",
        anonymous_bully=False,
        adult_informed=True,
        evidence_saved=False,
        tried="internal",
        topic="rights",
    )
    assert parse_situation(json.loads(json.dumps(situation.to_dict())), PLATFORMS) == situation


def test_forms_are_ordered_and_without_doubles() -> None:
    assert parse_situation({"forms": ["threat", "insult", "threat"]}).forms == ("insult", "threat")
    assert Situation(forms=("threat",)).with_facet("forms", "insult").forms == ("insult", "threat")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "a situation is an object, not a list"),
        ("victim", "a situation is an object, not a text"),
        (None, "a situation is an object, not null"),
        (7, "a situation is an object, not a number"),
        ({"rol": "victim"}, "unknown field 'rol'"),
        ({"asked": ["role"]}, "unknown field 'asked'"),
        ({"role": "slachtoffer"}, "role cannot be 'slachtoffer'; known are victim"),
        ({"role": 3}, "role must be a word, not a number"),
        ({"role": ["victim"]}, "role must be a word, not a list"),
        ({"forms": "threat"}, "forms must be a list, not a text"),
        ({"forms": ["threat", None]}, "forms must be a word, not null"),
        ({"forms": ["slaan"]}, "forms cannot be 'slaan'"),
        ({"repeated": "true"}, "repeated must be true, false or null, not 'true'"),
        ({"repeated": 1}, "repeated must be true, false or null, not 1"),
        ({"platform": "hyves"}, "platform cannot be 'hyves'"),
        ({"age_band": "15"}, "age_band cannot be '15'"),
        ({"role": "a\nb" * 100}, "role cannot be"),
    ],
)
def test_bad_input_is_told_in_one_short_line(data: Any, said: str) -> None:
    with pytest.raises(SituationError) as caught:
        parse_situation(data, PLATFORMS)
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert len(message) < 600


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.dictionaries(
    st.sampled_from(["role", "kind", "forms", "platform", "repeated", "crisis", "tried", "topic", "x"]), JSON, max_size=5
)


@given(JSON | FIELDS)
def test_any_json_is_read_or_refused_in_one_line(data: Any) -> None:
    refused = ""
    try:
        parse_situation(data, PLATFORMS)
    except SituationError as error:
        refused = str(error)
    assert "\n" not in refused
    assert refused.isprintable()


def test_tokens_tell_known_from_unknown() -> None:
    tokens = Situation(role="victim", forms=("threat",), repeated=False).tokens()
    assert tokens["role"] == {"victim", "known"}
    assert tokens["forms"] == {"threat", "known"}
    assert tokens["repeated"] == {"false", "known"}
    assert tokens["context"] == {"unknown"}
