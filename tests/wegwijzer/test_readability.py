"""The reading level: what is easy passes, officialese does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.wegwijzer.readability import measure, syllables, too_hard
from bot.wegwijzer.schema import Level


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("ja", 1),
        ("pesten", 2),
        ("leerkracht", 2),
        ("vertrouwen", 3),
        ("kinderrechtencommissariaat", 9),
        ("moeilijk", 2),
        ("geweld", 2),
        ("'s", 1),
    ],
)
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_easy_text_is_easy() -> None:
    easy = "Ik geloof je. Dat ligt niet aan jou. Bel met iemand die je kan horen."
    assert too_hard(easy, Level.A2) is None
    assert measure(easy).ease > 80


def test_officialese_is_too_hard_for_both_levels() -> None:
    hard = "Minderjarige betrokkenen kunnen desgevallend rechtsgeldig vertegenwoordigd worden door hun wettelijke vertegenwoordigers."
    assert "leesgemak" in str(too_hard(hard, Level.B1))
    assert too_hard(hard, Level.A2)


def test_a_long_sentence_is_told_with_its_length() -> None:
    long = "Ik ga " + "en ik ga " * 7 + "weg."
    assert too_hard(long, Level.B1) == "een zin van 24 woorden (hoogstens 20 voor B1)"
    assert (
        too_hard("Ga nu naar een plek waar meer mensen zijn en blijf daar staan.", Level.A2)
        == "een zin van 13 woorden (hoogstens 12 voor A2)"
    )


def test_addresses_are_not_read() -> None:
    assert measure("Kijk op www.allesoverpesten.be/pesten-aanpakken of https://onderwijsbemiddeling.be/x.").words == 3


def test_short_texts_are_judged_by_length_alone() -> None:
    assert too_hard("Preventieadviseur psychosociale aspecten", Level.A2) is None


@given(st.text(max_size=400))
def test_any_text_can_be_measured(text: str) -> None:
    reading = measure(text)
    assert reading.words >= 0
    assert reading.longest_sentence <= reading.words
