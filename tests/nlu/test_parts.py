"""Lexicon, crisis decision, entities, ages, languages: each on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.nlu import crisis
from bot.nlu.augment import sloppy
from bot.nlu.dataset import Example, problems, read_evaluation, read_training, wrong_labels
from bot.nlu.entities import EntityReader, age_band
from bot.nlu.facets import THRESHOLDS, at_ease, labels_of
from bot.nlu.intents import DESCRIBE, FALLBACK, NO_PAGE, page, rank
from bot.nlu.language import language_of
from bot.nlu.lexicon import Lexicon, LexiconError
from bot.nlu.linear import HeadSpec, LinearHeads
from bot.nlu.reading import concern_of
from bot.nlu.text import normalise
from bot.wegwijzer.content import load_content
from bot.wegwijzer.vocabulary import Crisis, Kind

CALM = {"none": 0.9, "suicide": 0.04, "selfharm": 0.02, "abuse": 0.02, "danger": 0.01, "sextortion": 0.01}
ALARMED = {"none": 0.3, "suicide": 0.5, "selfharm": 0.1, "abuse": 0.05, "danger": 0.03, "sextortion": 0.02}


@pytest.fixture(scope="module")
def reader() -> EntityReader:
    content = load_content()
    return EntityReader.from_content(content.platforms, content.helplines)


class TestLexicon:
    lexicon = Lexicon({"wish": ["wil dood", "wil ... niet meer leven", "zelfmoord*"], "joke": ["van het lachen"]})

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("ik wil dood", ("wish",)),
            ("ik wil echt gewoon niet meer leven", ("wish",)),
            ("zelfmoordpoging", ("wish",)),
            ("ik ga dood van het lachen", ("joke",)),
            ("ik wil geen dode plant", ()),
            ("wil jij soms ook met al je vrienden samen niet meer leven", ()),
            ("", ()),
        ],
    )
    def test_phrases_gaps_and_endings(self, text: str, found: tuple[str, ...]) -> None:
        assert self.lexicon.found(normalise(text)) == found

    def test_chat_spelling_in_the_list_itself(self) -> None:
        assert Lexicon({"x": ["kheb gene zin"]}).found(normalise("ik heb geen zin")) == ("x",)

    @pytest.mark.parametrize("text", ["- a\n- b\n", "x: y\n", "x: []\n"])
    def test_a_file_that_is_no_word_list(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "broken.yml").write_text(text, encoding="utf-8")
        with pytest.raises(LexiconError, match=r"broken\.yml"):
            Lexicon.from_folder(tmp_path)

    def test_a_concept_that_stands_in_two_files(self, tmp_path: Path) -> None:
        for name in ("a.yml", "b.yml"):
            (tmp_path / name).write_text("x: [y]\n", encoding="utf-8")
        with pytest.raises(LexiconError, match="twice"):
            Lexicon.from_folder(tmp_path)


class TestCrisisDecision:
    def test_a_sure_sign_outweighs_a_calm_classifier(self) -> None:
        assert crisis.decide(CALM, ["sure_suicide"])[0] == "suicide"

    def test_an_excused_sign_is_left_to_the_classifier(self) -> None:
        assert crisis.decide(CALM, ["sure_suicide", "excuse_fiction"])[0] == "none"
        assert crisis.decide(ALARMED, ["sure_suicide", "excuse_fiction"])[0] == "suicide"

    def test_the_classifier_alone(self) -> None:
        assert crisis.decide(ALARMED, [])[0] == "suicide"
        assert crisis.decide(CALM, ["place_school"])[0] == "none"

    def test_of_two_signs_the_likelier(self) -> None:
        assert crisis.decide({**CALM, "abuse": 0.05}, ["sure_suicide", "sure_abuse"])[0] == "abuse"

    def test_a_raised_alarm_is_never_reported_as_less_sure_than_the_bar(self) -> None:
        assert crisis.decide(CALM, ["sure_danger"])[1] >= crisis.ALONE


class TestNames:
    @pytest.mark.parametrize(
        ("text", "kind", "name"),
        [
            ("op snap vooral", "platform", "snapchat"),
            ("via insta", "platform", "instagram"),
            ("in een facebookgroep", "platform", "facebook"),
            ("op mijn ps5", "platform", "playstation"),
            ("wat is het nummer van awel", "helpline", "awel"),
            ("mag ik child focus bellen", "helpline", "child_focus"),
        ],
    )
    def test_what_is_named(self, reader: EntityReader, text: str, kind: str, name: str) -> None:
        assert (kind, name) in {(item.kind, item.id) for item in reader.read(normalise(text))[1]}

    @pytest.mark.parametrize("text", ["ik snap het niet", "steam komt uit de douche", "mijn nummer is 0475 11 22 33"])
    def test_what_is_not_named(self, reader: EntityReader, text: str) -> None:
        assert reader.read(normalise(text))[1] == []

    @pytest.mark.parametrize(
        ("text", "band"),
        [
            ("kben 14", "12_17"),
            ("mijn dochter van 8 wordt uitgelachen", "under_12"),
            ("ik ben twaalf jaar", "12_17"),
            ("ben 21 en zit op kot", "18_25"),
            ("ben 21 en mijn ex zet ons filmpje online", "18_25"),
            ("ik ben 44", "over_25"),
            ("zit in het vijfde leerjaar", "under_12"),
            ("ik zit in 3de middelbaar", "12_17"),
            ("al 3 jaar lang", None),
            ("het is 20 keer gebeurd", None),
            ("ik ben 15 minuten te laat", None),
            ("ben 12 kilo afgevallen", None),
        ],
    )
    def test_ages(self, text: str, band: str | None) -> None:
        assert age_band(normalise(text)) == band


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ils se moquent de moi tous les jours", "fr"),
        ("they laugh at me every day in the corridor", "en"),
        ("ze lachen mij elke dag uit", "nl"),
        ("бояться мене", "other"),
        ("مرحبا", "other"),
        ("", "other"),
        ("xqzrt", "other"),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert language_of(text) == language


class TestIntents:
    def test_a_story_without_a_sure_act_is_answered(self) -> None:
        assert rank({"greet": 0.2, "bye": 0.1}, "hij duwt", {"kind": "bullying"})[0]["name"] == DESCRIBE

    def test_a_crisis_without_a_sure_act_is_never_a_fallback(self) -> None:
        assert rank({"greet": 0.1}, "weg", {"kind": "none", "crisis": "suicide"})[0]["name"] == DESCRIBE

    def test_nothing_told_and_no_sure_act(self) -> None:
        assert rank({"greet": 0.1}, "xq", {"kind": "none", "crisis": "none"})[0]["name"] == FALLBACK

    def test_signs_only(self) -> None:
        assert rank({"greet": 0.99}, "!!! ?", {})[0]["name"] == FALLBACK

    @pytest.mark.parametrize(
        ("chances", "intent", "read"),
        [
            ({"hit_back": 0.8, NO_PAGE: 0.2}, "ask_tips", "hit_back"),
            ({"hit_back": 0.1, NO_PAGE: 0.9}, "ask_tips", NO_PAGE),
            ({"hit_back": 0.45, "react_now": 0.4, NO_PAGE: 0.15}, "ask_tips", None),
            ({"hit_back": 0.8, NO_PAGE: 0.2}, DESCRIBE, None),
        ],
    )
    def test_the_page_of_a_question(self, chances: dict[str, float], intent: str, read: str | None) -> None:
        assert page(chances, intent) == read


@given(st.text(max_size=120))
def test_sloppy_writing_is_the_same_every_time(text: str) -> None:
    assert sloppy(text) == sloppy(text)
    assert sloppy(text, 0) == text


def test_the_training_messages_are_all_different_and_none_is_an_evaluation_message() -> None:
    assert problems(read_training(), read_evaluation()) == []


def test_doubles_are_found() -> None:
    told = "ze hebben mij uit de groep van de klas gezet en niemand zegt waarom"
    nearly = "Ze hebben mij uit de groep van de klas gezet, en niemand zegt waarom."
    other = "ze hebben mijn fiets in de gracht gegooid en niemand heeft iets gezien"
    examples = [Example("a.yml", "describe", text, {}) for text in (told, nearly, other)]
    assert [line.split(":")[0] for line in problems(examples, [])] == ["a.yml"]
    assert len(problems([Example("a.yml", "describe", told, {})], [nearly])) == 1
    assert problems([Example("a.yml", "describe", other, {})], [told]) == []


def test_a_page_that_is_not_there_is_a_wrong_label() -> None:
    made = [Example("made.yml", "ask_tips", "hoe dan", {"page": name}) for name in ("hit_back", NO_PAGE, "hit_bak")]
    assert [line for line in wrong_labels(made) if "hit_bak" in line] == wrong_labels(made) != []


def test_every_label_of_the_training_data_exists() -> None:
    examples = read_training()
    assert len(examples) > 8000
    assert wrong_labels(examples) == []
    broken = Example("some.yml", "describe", "ze lachen mij uit", {"age_band": 1217, "forms": ["insults"]})
    assert len(wrong_labels([broken])) == 2


def heads_that_say(concern: float) -> tuple[LinearHeads, np.ndarray]:
    """Heads with one that was sure or not, and the scores of one message."""
    heads = LinearHeads((HeadSpec("concern", ("true", "false")),), np.zeros((1, 2), np.float32), np.zeros(2, np.float32))
    return heads, np.array([[np.log(concern / (1 - concern)), np.log((1 - concern) / concern)]])


@given(
    kind=st.sampled_from([kind.value for kind in Kind]),
    crisis_=st.sampled_from([item.value for item in Crisis]),
    concern=st.floats(0.01, 0.99),
)
def test_help_is_left_out_only_where_nothing_happened_and_nobody_is_in_danger(kind: str, crisis_: str, concern: float) -> None:
    calm, sure = at_ease(*heads_that_say(concern), {"kind": kind, "crisis": crisis_})
    assert calm == (kind in ("none", "conflict") and crisis_ == "none" and concern < THRESHOLDS["concern"])
    assert sure == pytest.approx(1 - concern if calm else concern, abs=1e-3)


@pytest.mark.parametrize(
    ("intent", "at_ease_", "crisis_", "concern"),
    [
        ("describe", False, "none", True),
        ("describe", True, "none", False),
        ("ask_helpline", True, "none", False),
        ("greet", True, "none", None),
        ("greet", False, "none", None),
        ("greet", False, "danger", True),
    ],
)
def test_whether_anybody_needs_help(intent: str, at_ease_: bool, crisis_: str, concern: bool | None) -> None:
    assert concern_of({"intent": {"name": intent}, "facets": {"crisis": crisis_}, "at_ease": at_ease_}) is concern


@pytest.mark.parametrize(
    ("intent", "metadata", "taught"),
    [
        ("describe", {}, {"true"}),
        ("describe", {"concern": False}, {"false"}),
        ("chitchat", {}, {"false"}),
        ("im_ok", {}, {"false"}),
        ("greet", {}, None),
    ],
)
def test_what_a_message_teaches_about_concern(intent: str, metadata: dict[str, Any], taught: set[str] | None) -> None:
    assert labels_of(metadata, intent)["concern"] == taught
