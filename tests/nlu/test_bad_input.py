"""Text that hides, mixes or floods: nothing crashes, crisis words are found, the language is recognised."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.nlu.language import language_of
from bot.nlu.reading import facets_of
from bot.runtime.bot import Bot


def crisis_of(bot: Bot, text: str) -> str:
    return str(facets_of(asyncio.run(bot.parse(text)))["crisis"])


@pytest.mark.parametrize(
    "text",
    [
        "ik denk aan zel\u200bfmoord",
        "ik denk aan zelf\u00admoord",
        "ik denk a\u200can z\u200del\u2060fmo\ufefford",
        "ik denk aan zеlfmооrd",  # Cyrillic e and o
        "ik denk aan zεlfmοοrd",  # Greek epsilon and omicron
        "ＩＫ ＤＥＮＫ ＡＡＮ ＺＥＬＦＭＯＯＲＤ",
        "𝓲𝓴 𝓭𝓮𝓷𝓴 𝓪𝓪𝓷 𝔃𝓮𝓵𝓯𝓶𝓸𝓸𝓻𝓭",
        "ⓘⓚ ⓓⓔⓝⓚ ⓐⓐⓝ ⓩⓔⓛⓕⓜⓞⓞⓡⓓ",
        "i\u0335k\u0336 d\u0301\u0302e\u0303n\u0336k a\u0334an z\u0337e\u0301l\u0334f\u0336m\u0301o\u0302\u0303\u0304ord",
        "\u202eik denk aan zelfmoord\u202c",
        "\u200fik denk aan zelf\u200emoord",
        "ik denk aan zelfmooooord",
        "IK WIL DOOD 😭😭😭",
        "😂😂 ik wil niet meer leven",
    ],
)
def test_crisis_words_behind_tricks(bot: Bot, text: str) -> None:
    assert crisis_of(bot, text) == "suicide"


@pytest.mark.parametrize("text", ["ik denk aan zelfmoord. " + "blabla " * 1400, "hallo " * 100 + "ik wil niet meer leven"])
def test_crisis_words_in_a_flood(bot: Bot, text: str) -> None:
    assert crisis_of(bot, text) == "suicide"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ils m'insultent tous les jours à l'école", "fr"),
        ("je veux parler à quelqu'un s'il vous plaît", "fr"),
        ("everyone in my class hates me and they hit me", "en"),
        ("okulda bana her gün vuruyorlar", "other"),
        ("يضربونني كل يوم في المدرسة", "other"),
        ("yadribunani kula yawm fi almadrasa", "other"),
        ("Вони б'ють мене щодня", "other"),
        ("他们每天打我", "other"),
    ],
)
def test_another_language(bot: Bot, text: str, language: str) -> None:
    assert language_of(text) == language
    assert asyncio.run(bot.parse(text))["intent"]["name"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\t",
        "\x00",
        "\u200b\u200b",
        "😭",
        "🏳️‍🌈" * 200,
        "?!?!",
        "a" * 10_000,
        "ja " * 5_000,
        "\u0301" * 500,
        "\ufffd",
        "/",
        "//intent{",
    ],
)
def test_nothing_to_understand_is_no_crisis_and_no_crash(bot: Bot, text: str) -> None:
    assert crisis_of(bot, text) == "none"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=400))
def test_any_text_is_read(bot: Bot, text: str) -> None:
    parsed = asyncio.run(bot.parse(text))
    assert parsed["intent"]["name"]
    assert set(facets_of(parsed))
