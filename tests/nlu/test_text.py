"""The normaliser: sloppy and careful writers come out the same, and nothing hides a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.nlu.text import MAX_CHARACTERS, clean_unicode, normalise


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("kheb egt geen zin meer", "ik heb echt geen zin meer"),
        ("ze zeggen da ik stink", "ze zeggen dat ik stink"),
        ("kweeni wrm", "ik weet niet waarom"),
        ("Neeeeee", "nee"),
        ("dak ni mag meedoen", "dat ik niet mag meedoen"),
        ("op INSTA en tt", "op instagram en tiktok"),
        ("whatsappgroepen", "whatsapp groepen"),
        ("mijn gsm: 0475 12 34 56", "mijn telefoon : nummer"),
        ("mail naar a.b@school.be", "mail naar webadres"),
        ("échte vriendén", "echte vrienden"),
        ("😭😭", "huilen huilen"),
        ("", ""),
    ],
)
def test_chat_spelling_is_spelled_out(typed: str, read: str) -> None:
    assert normalise(typed).replace("wenen", "huilen") == read


@pytest.mark.parametrize(
    "hidden",
    [
        "zel\u200bfmoord",
        "zelf\u00admoord",
        "z\u0435lfm\u043e\u043erd",
        "ＺＥＬＦＭＯＯＲＤ",
        "ze\u0301\u0302\u0303lfmo\u0300\u0301\u0302ord",
        "\u202ezelfmoord\u202c",
        "zelf\u2060moord",
    ],
)
def test_crisis_words_are_found_behind_tricks(hidden: str) -> None:
    assert normalise(hidden) == "zelfmoord"


def test_ordinary_uses_of_ambiguous_words_stay() -> None:
    assert normalise("ik snap het niet") == "ik snap het niet"
    assert "facebook" not in normalise("mijn face staat op de foto")


@given(st.text(max_size=300))
def test_any_text_can_be_normalised_twice(text: str) -> None:
    once = normalise(text)
    assert once == once.strip()
    assert "  " not in once
    assert normalise(text) == once


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=50))
def test_clean_unicode_leaves_no_control_characters(text: str) -> None:
    assert not any(ord(char) < 32 and char not in "\t\n" for char in clean_unicode(text))


def test_only_the_beginning_of_an_endless_text_is_read() -> None:
    assert len(normalise("a b " * 5000)) <= MAX_CHARACTERS
