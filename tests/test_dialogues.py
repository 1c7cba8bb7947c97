"""The dialogues of tests/test_stories.yml with the trained model, real actions and a real conversation store.

``rasa test core`` compares predicted actions only; here every turn is answered, and what is said is held against the safety rules.
"""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.runtime.bot import Bot, Reply
from bot.runtime.settings import load_settings

STORIES = yaml.safe_load((Path(__file__).parent / "test_stories.yml").read_text(encoding="utf-8"))["stories"]


def turns(story: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What is typed, the intent, and the action that must follow."""
    steps = story["steps"]
    return [(user["user"].strip(), user["intent"], action["action"]) for user, action in zip(steps[::2], steps[1::2], strict=True)]


@pytest.fixture(scope="module")
def bot() -> Any:
    loaded = Bot.load(load_settings(), in_memory=True)
    yield loaded
    loaded.close()


async def held(bot: Bot, story: dict[str, Any]) -> list[Reply]:
    sender = uuid.uuid4().hex
    return [await (bot.tap(sender, text) if text.startswith("/") else bot.respond(sender, text)) for text, _, _ in turns(story)]


def test_there_are_enough_dialogues_and_each_is_long_enough() -> None:
    assert len(STORIES) >= 40
    assert min(len(turns(story)) for story in STORIES) >= 6


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["story"])
def test_dialogue(bot: Bot, story: dict[str, Any]) -> None:
    replies = asyncio.run(held(bot, story))
    for (text, intent, action), reply in zip(turns(story), replies, strict=True):
        assert reply.parsed is not None, text
        crisis = action == "action_crisis"
        if not crisis:
            assert reply.parsed["intent"]["name"] == intent, f"{text}: read as {reply.parsed['intent']['name']}"
        assert reply.messages, text
        assert all(message["text"].strip() for message in reply.messages), text
        shown = [message for message in reply.messages if message["type"] == "helpline"]
        if crisis:
            # Safety rule 1: the emergency help comes before any question; rule 2: never "I do not understand".
            assert shown, text
            assert not any(message["type"] == "question" for message in reply.messages), text
            assert not any("fallback" in str(message.get("id")) for message in reply.messages), text


def test_no_reply_repeats_itself_word_for_word(bot: Bot) -> None:
    """Within one conversation the same tip is not told twice; a crisis that is told again gets its whole card again."""
    for story in STORIES[:20]:
        tips: list[str] = []
        for reply in asyncio.run(held(bot, story)):
            tips += [message["id"] for message in reply.messages if message["type"] == "tip"]
        if not any(action == "action_crisis" for _, _, action in turns(story)):
            assert len(tips) == len(set(tips)), story["story"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("we hebben gisteren met 4-0 gewonnen, die andere ploeg was gewoon kapot haha", "dialogue.at_ease"),
        ("mijn zus en ik hebben heel de avond ruzie gemaakt over de tv en nu zitten we samen chips te eten", "dialogue.at_ease_quarrel"),
    ],
)
def test_who_needs_nothing_gets_no_card_but_can_ask_for_one(bot: Bot, text: str, said: str) -> None:
    sender = uuid.uuid4().hex
    reply = asyncio.run(bot.respond(sender, text))
    assert said in [message["id"] for message in reply.messages] or reply.parsed["intent"]["name"] == "chitchat"
    assert not [message for message in reply.messages if message["type"] in ("helpline", "tip", "question")]
    cards = asyncio.run(bot.tap(sender, "/ask_helpline"))
    assert [message for message in cards.messages if message["type"] == "helpline"]


def test_a_quarrel_is_advised_on_when_it_hurts_after_all(bot: Bot) -> None:
    sender = uuid.uuid4().hex
    asyncio.run(bot.respond(sender, "mijn zus en ik hebben heel de avond ruzie gemaakt over de tv en nu zitten we samen chips te eten"))
    reply = asyncio.run(bot.respond(sender, "maar op school doen ze mij elke dag pijn en niemand helpt mij"))
    assert {"tip", "helpline", "question"} & {message["type"] for message in reply.messages}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("wat als ik het aan niemand durf vertellen", "answer.tell_fears"),
        ("hoe vertel ik dat aan mijn mama", "walk.tell_an_adult.0"),
        ("ik heb geen bewijs, wat nu", "answer.evidence_how"),
        ("wat zeg ik best terug als ze mij uitlachen", "answer.react_now"),
        ("mag ik terugslaan", "answer.hit_back"),
    ],
)
def test_a_question_after_the_advice_opens_its_page(bot: Bot, question: str, said: str) -> None:
    sender = uuid.uuid4().hex
    for text in ("ze lachen mij elke dag uit in de klas en niemand wil naast mij zitten", "ik ben 13"):
        asyncio.run(bot.respond(sender, text))
    reply = asyncio.run(bot.respond(sender, question))
    assert said in [message.get("id") for message in reply.messages]


def test_who_asks_on_is_not_told_the_same_page_again(bot: Bot) -> None:
    sender = uuid.uuid4().hex
    first, second, third = (
        asyncio.run(bot.respond(sender, text)) for text in ("is pesten strafbaar", "kan ik klacht indienen", "is dit pesten of plagen")
    )
    assert next(message["id"] for message in first.messages if message["type"] == "text") == "answer.rights_police"
    assert [message["id"] for message in second.messages if message["type"] == "text"] == ["dialogue.page_again"]
    assert "politie" in [message["id"] for message in second.messages]
    assert "answer.is_it_bullying" in [message["id"] for message in third.messages]


@pytest.mark.parametrize(
    ("told", "said"),
    [("mijn vriendin wordt gepest op de scouts", "answer.how_to_help_friend"), ("mijn zoon wordt gepest op school", "walk.talk_victim.0")],
)
def test_how_to_talk_depends_on_who_asks(bot: Bot, told: str, said: str) -> None:
    sender = uuid.uuid4().hex
    asyncio.run(bot.respond(sender, told))
    reply = asyncio.run(bot.respond(sender, "hoe praat ik met haar" if "vriendin" in told else "hoe praat ik met hem"))
    assert said in [message.get("id") for message in reply.messages]


def test_what_a_question_tells_keeps_nude_pictures_out_of_screenshots(bot: Bot) -> None:
    """Safety: the question alone tells that it is about a nude picture."""
    reply = asyncio.run(bot.respond(uuid.uuid4().hex, "hoe bewaar ik bewijs, hij stuurde mijn naaktfoto rond"))
    said = " ".join(message["text"] for message in reply.messages)
    assert "Maak screenshots" not in said and "Neem een screenshot" not in said


def test_a_friend_in_danger_is_not_advised_to_keep_a_secret(bot: Bot) -> None:
    sender = uuid.uuid4().hex
    card = asyncio.run(bot.respond(sender, "mijn vriendin zegt dat ze er niet meer wil zijn"))
    assert card.parsed["facets"]["crisis"] == "suicide"
    reply = asyncio.run(bot.respond(sender, "ze wil niet dat ik het aan iemand zeg, ze wordt gepest op school"))
    assert not [message for message in reply.messages if message["type"] == "tip"]
    assert "crisis.repeat" in [message.get("id") for message in reply.messages]


def test_an_age_is_taken_though_something_else_was_asked(bot: Bot) -> None:
    sender = uuid.uuid4().hex
    asked = asyncio.run(bot.respond(sender, "ik word gepest"))
    assert [message for message in asked.messages if message["type"] == "question"]
    reply = asyncio.run(bot.respond(sender, "13"))
    assert not any("only_symbols" in str(message.get("id")) for message in reply.messages)
    assert not [message for message in reply.messages if message.get("id") == "question.age_band"]
