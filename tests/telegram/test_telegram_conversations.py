"""Whole conversations over HTTP, by long polling and by webhook, with the real bot and its model."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fake_telegram import FakeTelegram, Person, until
from telegram_host import QUICK, SECRET, Host

from bot.channels import telegram as telegram_channel
from bot.channels.telegram_store import Secrets
from bot.channels.telegram_texts import COMMANDS, load_telegram_texts
from bot.runtime.bot import Reply
from bot.wegwijzer.content import load_content

pytestmark = pytest.mark.asyncio
TEXTS = load_telegram_texts()
FORWARD = {"type": "hidden_user", "sender_user_name": "Finn", "date": 1700000000}


async def test_start_greets_once_in_one_message(host: Host, lotte: Person) -> None:
    lotte.say("/start")
    await host.settled()
    assert len(lotte.texts) == 1
    assert lotte.texts[0].startswith("Dag. Ik ben Wegwijzer, een chatbot.")
    assert "Mensen van ons team" in lotte.texts[0]
    lotte.say("/start")
    await host.settled()
    assert "Wat is er gebeurd?" in lotte.texts[1]
    assert "Ik ben Wegwijzer" not in lotte.texts[1]


async def test_a_story_leads_by_buttons_to_help_cards(host: Host, telegram: FakeTelegram, lotte: Person) -> None:
    lotte.say("ze lachen mij elke dag uit op school")
    await host.settled()
    assert "Hoe oud ben je?" in lotte.texts[-1]
    assert {"12 tot 17", "Jonger dan 12"} <= set(lotte.buttons)
    lotte.press("12 tot 17")
    await host.settled()
    # The tap is answered, the choice shown, and no button of the question can be pressed any more.
    assert list(telegram.answered.values()) == ["(answered)"]
    question = next(message for message in lotte.replies if "Hoe oud ben je?" in message["text"])
    assert "Typ 'wis'." in question["text"]
    assert question["text"].endswith("✓ 12 tot 17")
    assert "reply_markup" not in question
    assert (await host.slots(lotte))["age_band"] == "12_17"
    card = next(message for message in lotte.replies if "Awel" in message["text"])
    assert "102" in card["text"]
    links = [entity for entity in card.get("entities", []) if entity["type"] == "text_link"]
    assert any("awel" in entity["url"] for entity in links)
    assert {"Ja, dit helpt", "Meer tips"} <= set(lotte.buttons)
    before = len(lotte.texts)
    lotte.press("Meer tips")
    await host.settled()
    assert "Dit kan ook nog helpen" in lotte.texts[before]
    assert all(call.ok for call in telegram.calls), [call for call in telegram.calls if not call.ok]


async def test_in_a_crisis_the_number_stands_in_the_very_first_message(host: Host, lotte: Person) -> None:
    lotte.say("ik wil niet meer leven")
    await host.settled()
    assert "1813" in lotte.texts[0]
    assert "?" not in lotte.texts[0].split("1813")[0]


async def test_a_deep_link_tells_where_somebody_comes_from(host: Host, lotte: Person) -> None:
    lotte.say("/start sport")
    await host.settled()
    assert TEXTS.links["sport"].text in lotte.texts[0]
    lotte.say("ik word gepest")
    await host.settled()
    assert (await host.slots(lotte))["context"] == "sport"
    assert not any("Waar gebeurt het" in text for text in lotte.texts)


@pytest.mark.parametrize(
    ("link", "words", "facet", "value"),
    [
        # Most children are bullied at school, which the reader knows; who came by the link of the club did not say so.
        ("sport", "ze lachen mij elke dag uit", "context", "sport"),
        ("sport", "ze lachen mij uit", "context", "sport"),
        ("werk", "ze sluiten mij altijd uit", "context", "work"),
        ("sport", "ze lachen mij uit op school", "context", "school"),
        ("school", "de jongens van mijn voetbalploeg lachen mij uit", "context", "sport"),
        ("school", "thuis slaat papa mij", "context", "home"),
        ("ouder", "niemand speelt met haar", "role", "parent"),
        ("ouder", "ze duwen hem altijd", "role", "parent"),
        ("begeleider", "ze wordt elke dag uitgelachen", "role", "supervisor"),
        ("begeleider", "mijn dochter wordt gepest", "role", "parent"),
    ],
)
async def test_what_a_link_told_outranks_a_guess_but_not_what_is_named(
    polling: Host, lotte: Person, link: str, words: str, facet: str, value: str
) -> None:
    await polling.start()
    lotte.say(f"/start {link}")
    lotte.say(words)
    await polling.settled()
    assert (await polling.slots(lotte))[facet] == value


@pytest.mark.parametrize("link", sorted(TEXTS.links))
async def test_every_deep_link_is_remembered(polling: Host, lotte: Person, link: str) -> None:
    await polling.start()
    lotte.say(f"/start {link}")
    await polling.settled()
    assert (await polling.slots(lotte))[TEXTS.links[link].facet] == TEXTS.links[link].value
    assert TEXTS.links[link].text in lotte.texts[-1]


async def test_a_deep_link_that_is_not_known_is_a_plain_start(host: Host, lotte: Person) -> None:
    lotte.say("/start role_victim-99")
    await host.settled()
    assert lotte.texts[0].startswith("Dag. Ik ben Wegwijzer")


async def test_help_names_every_command(host: Host, lotte: Person) -> None:
    lotte.say("/help")
    await host.settled()
    assert all(f"/{command}" in lotte.texts[0] for command in COMMANDS)
    assert "112" in lotte.texts[0]
    assert lotte.buttons == ["Ik wil met een mens praten"]


async def test_privacy_says_what_telegram_keeps_and_what_the_bot_keeps(host: Host, lotte: Person) -> None:
    lotte.say("/privacy")
    await host.settled()
    assert TEXTS.lines("privacy")[0] in lotte.texts[0]
    assert "Mensen van ons team" in lotte.texts[0]
    assert "Wis dit gesprek" in lotte.buttons


async def test_taal_answers_in_other_languages_too(host: Host, lotte: Person) -> None:
    lotte.say("/taal")
    await host.settled()
    assert all(words in lotte.texts[0] for words in ("alleen Nederlands", "I only speak Dutch", "Ici"))


async def test_stop_promises_silence_and_offers_to_erase(host: Host, lotte: Person) -> None:
    lotte.say("/stop")
    await host.settled()
    assert TEXTS.lines("stop")[0] in lotte.texts[0]
    assert lotte.buttons == ["Wis dit gesprek"]


async def test_wis_asks_first_and_then_removes_everything(host: Host, lotte: Person) -> None:
    lotte.say("ze lachen mij elke dag uit op school")
    await host.settled()
    old = next(message for message in lotte.replies if message.get("reply_markup"))
    data = old["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    assert await host.slots(lotte)
    lotte.say("/wis")
    await host.settled()
    assert {"Ja, wis alles", "Nee, niet wissen"} <= set(lotte.buttons)
    assert await host.slots(lotte)
    lotte.press("Ja, wis alles")
    await host.settled()
    assert await host.slots(lotte) == {}
    assert "gewist" in lotte.texts[-1]
    assert TEXTS.lines("erased")[0] in lotte.texts[-1]
    # A button from before the erasure brings nothing back.
    said = len(lotte.texts)
    lotte.press_again(old, data)
    await host.settled()
    assert len(lotte.texts) == said
    assert await host.slots(lotte) == {}


async def test_wis_can_be_called_off(host: Host, lotte: Person) -> None:
    lotte.say("ze lachen mij elke dag uit op school")
    lotte.say("/wis")
    await host.settled()
    lotte.press("Nee, niet wissen")
    await host.settled()
    assert (await host.slots(lotte))["context"] == "school"


async def answered_wis(host: Host, person: Person, answer: str) -> None:
    """Somebody tells, asks to erase, and answers the question whether to."""
    await host.start()
    person.say("ze lachen mij elke dag uit op school")
    person.say("/wis")
    person.say(answer)
    await host.settled()


@pytest.mark.parametrize("answer", ["ja", "Ja, wis alles", "ja doe maar", "wis alles"])
async def test_wis_can_be_confirmed_in_words(polling: Host, lotte: Person, answer: str) -> None:
    await answered_wis(polling, lotte, answer)
    assert await polling.slots(lotte) == {}
    assert TEXTS.lines("erased")[0] in lotte.texts[-1]


@pytest.mark.parametrize("answer", ["nee", "Nee, niet wissen", "nee toch niet", "ja maar ze slaan mij ook elke dag", "/wis"])
async def test_nothing_is_erased_without_a_clear_yes(polling: Host, lotte: Person, answer: str) -> None:
    await answered_wis(polling, lotte, answer)
    slots = await polling.slots(lotte)
    assert slots["context"] == "school"
    if answer.lower().startswith("nee"):
        assert lotte.texts[-1] == load_content().text("dialogue", "delete_cancelled")[0]
        # The no was none to what was asked before.
        assert slots["pending"] == "age_band"
    # What comes later is no answer to it any more.
    lotte.say("ik ben 14")
    lotte.say("ja")
    await polling.settled()
    assert (await polling.slots(lotte))["context"] == "school"


async def test_a_command_that_does_not_exist_leads_to_help(host: Host, lotte: Person) -> None:
    lotte.say("/menuu")
    lotte.say("/hulp")
    lotte.say("/zelfmoord")
    await host.settled()
    assert TEXTS.lines("help")[0] in lotte.texts[0]
    assert "Awel" in lotte.texts[1]
    assert "1813" in "".join(lotte.texts[2:])


async def test_help_comes_first_also_for_a_story_that_is_too_long(polling: Host, lotte: Person) -> None:
    await polling.start()
    story = "Vandaag was het weer van dat in de klas en daarna op de bus. " * 40
    lotte.say(story)
    lotte.say(f"{story}Ik wil niet meer leven.")
    lotte.send(text=f"Ik wil niet meer leven. {story}", forward_origin=FORWARD)
    await polling.settled()
    assert "te lang" in lotte.texts[0]
    assert "1813" in lotte.texts[1]
    assert sum("1813" in text for text in lotte.texts) >= 2


async def test_an_answer_of_five_thousand_characters_comes_whole(host: Host, lotte: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = "Dit is een zin van gewone lengte. "
    answer = Reply([{"type": "text", "text": (sentence * 150).strip(), "options": [{"title": "Verder", "payload": "/more_tips"}]}])

    async def at_length(*_said: Any) -> Reply:
        return answer

    monkeypatch.setattr(host.bot, "respond", at_length)
    lotte.say("hallo")
    await host.settled()
    assert len(lotte.texts) == 2
    assert " ".join(lotte.texts) == (sentence * 150).strip()
    assert all(text.endswith("lengte.") for text in lotte.texts)
    assert [bool(message.get("reply_markup")) for message in lotte.replies] == [False, True]


async def test_commands_may_name_the_bot_and_words_behind_a_command_are_read(host: Host, lotte: Person) -> None:
    lotte.say("/HELP@WegwijzerBot")
    lotte.say("/help ik wil niet meer leven")
    await host.settled()
    assert "/privacy" in lotte.texts[0]
    assert "1813" in lotte.texts[1]


async def test_a_slash_is_never_an_intent(host: Host, lotte: Person) -> None:
    lotte.say('/answer{"facet": "age_band", "value": "over_25"}')
    await host.settled()
    assert (await host.slots(lotte)).get("age_band") is None


async def test_a_message_that_was_changed_is_a_correction(host: Host, lotte: Person) -> None:
    lotte.say("ze lachen mij elke dag uit op school")
    await host.settled()
    assert (await host.slots(lotte))["context"] == "school"
    lotte.edit("ze lachen mij elke dag uit op school", "ze slaan mij elke week in de sportclub")
    await host.settled()
    slots = await host.slots(lotte)
    assert slots["context"] == "sport"
    assert slots["forms"] == ["physical"]
    assert any(TEXTS.lines("edited")[0] in text for text in lotte.texts)


async def test_two_taps_on_one_button_count_once(host: Host, telegram: FakeTelegram, lotte: Person) -> None:
    lotte.say("ze lachen mij elke dag uit op school")
    await host.settled()
    message = next(message for message in lotte.replies if message.get("reply_markup"))
    button = message["reply_markup"]["inline_keyboard"][0][0]
    before = len(lotte.texts)
    lotte.press_again(message, button["callback_data"])
    lotte.press_again(message, button["callback_data"])
    await host.settled()
    after = lotte.texts[before:]
    assert sum("Kan je hier iets mee" in text or "?" in text for text in after[-1:]) == 1
    assert len(after) == len(set(after))
    assert list(telegram.answered.values()) == ["(answered)", TEXTS.lines("button_over")[0]]


async def test_buttons_are_opaque_and_belong_to_one_chat(host: Host, telegram: FakeTelegram, lotte: Person) -> None:
    other = telegram.person(99_000_111, "Noor")
    lotte.say("ze lachen mij elke dag uit op school")
    other.say("hallo")
    await host.settled()
    message = next(message for message in lotte.replies if message.get("reply_markup"))
    data = [button["callback_data"] for row in message["reply_markup"]["inline_keyboard"] for button in row]
    assert all(re.fullmatch(r"[\w-]{20}", one) for one in data)
    assert len(set(data)) == len(data)
    said = len(other.texts)
    other.press_again({**message, "chat": other.chat.as_json()}, data[0])
    other.press_again({**message, "chat": other.chat.as_json()}, '/answer{"facet": "role", "value": "bully"}')
    await host.settled()
    assert len(other.texts) == said
    assert (await host.slots(other)).get("role") is None


async def test_typing_is_shown_while_an_answer_takes_time(
    host: Host, telegram: FakeTelegram, lotte: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = host.bot.respond
    monkeypatch.setattr(telegram_channel, "_TYPING_EVERY_SECONDS", 0.2)

    async def slow(*said: Any) -> Any:
        await until(lambda: len(telegram.calls_of("sendChatAction", lotte.id)) >= 3)
        return await original(*said)

    monkeypatch.setattr(host.bot, "respond", slow)
    lotte.say("hallo")
    await host.settled()
    mine = [call.method for call in telegram.calls if call.params.get("chat_id") == lotte.id]
    assert mine[0] == "sendChatAction"
    assert mine[-1] == "sendMessage"


async def test_typing_is_not_shown_for_an_answer_that_is_there_at_once(polling: Host, telegram: FakeTelegram, lotte: Person) -> None:
    await polling.start(replace(QUICK, typing=60.0))
    lotte.say("hallo")
    await polling.settled()
    assert [call.method for call in telegram.calls if call.params.get("chat_id") == lotte.id] == ["sendMessage"]


async def test_messages_that_come_fast_are_answered_in_order(host: Host, lotte: Person) -> None:
    for command in ("/help", "/taal", "/stop", "/privacy", "/help", "/stop"):
        lotte.say(command)
    await host.settled()
    first = [TEXTS.lines(name)[0] for name in ("help", "language", "stop", "privacy", "help", "stop")]
    assert [text.split("\n")[0] for text in lotte.texts] == first


async def test_commands_and_description_are_set_in_dutch_once(host: Host, telegram: FakeTelegram) -> None:
    await until(lambda: telegram.short_description)
    assert [command["command"] for command in telegram.commands] == list(COMMANDS)
    assert telegram.commands[3]["description"] == TEXTS.commands["wis"]
    assert telegram.description == TEXTS.profile.description
    await host.stop()
    await host.start()
    assert len(telegram.calls_of("setMyCommands")) == 1
    assert len(telegram.calls_of("setMyDescription")) == 1


@pytest.mark.parametrize("other", ["message", "member"])
async def test_a_group_is_told_once_and_left(host: Host, telegram: FakeTelegram, other: str) -> None:
    group = telegram.group()
    group.member("member")
    group.say("hallo bot") if other == "message" else group.member("member")
    await host.settled()
    assert len(group.texts) == 1
    assert "https://t.me/WegwijzerBot" in group.texts[0]
    assert group.chat.left
    # Whoever adds it again sees it go without a word.
    group.chat.left = False
    group.member("member")
    await host.settled()
    assert len(group.texts) == 1
    assert group.chat.left


async def test_what_needs_no_answer_gets_none(host: Host, telegram: FakeTelegram, lotte: Person) -> None:
    lotte.send(pinned_message=lotte._message(text="iets"))
    lotte.send(write_access_allowed={"from_request": True})
    lotte.member("kicked")
    group = telegram.group(-55, "group")
    group.member("left")
    group.send(left_chat_member={"id": 5, "is_bot": False, "first_name": "Finn"})
    # A place that moves is an edited message without text.
    moving = lotte._message(location={"latitude": 51.2, "longitude": 4.4, "live_period": 900})
    telegram.push("edited_message", moving)
    await host.settled()
    assert lotte.texts == []
    assert group.texts == []
    assert telegram.calls_of("sendMessage") == []


async def test_an_update_of_a_shape_that_is_not_known_holds_up_nothing(host: Host, telegram: FakeTelegram, lotte: Person) -> None:
    telegram.push("message", {"chat": {"id": lotte.id, "type": "private"}, "message_id": "?", "hologram": {}})
    telegram.push("my_chat_member", {"chat": {"id": -7, "type": "group"}})
    lotte.say("/help")
    await host.settled()
    assert len(lotte.texts) == 1


async def test_a_part_that_cannot_be_read_takes_no_words_along(host: Host, lotte: Person) -> None:
    """A poll as Telegram wrote it before it gave polls one more field, which the library wants."""
    poll = {
        "id": "1", "question": "Wie is de lelijkste?", "options": [], "total_voter_count": 0, "is_closed": False, "is_anonymous": True,
        "type": "regular", "allows_multiple_answers": False,
    }  # fmt: skip
    lotte.send(text="ik wil niet meer leven", external_reply={"origin": FORWARD, "poll": poll})
    await host.settled()
    assert "1813" in lotte.texts[0]
    said = len(lotte.texts)
    lotte.send(poll=poll)
    lotte.send(text="ik ben de pestkop", forward_origin={**FORWARD, "date": "?"})
    await host.settled()
    assert lotte.texts[said:] == ["\n\n".join(TEXTS.media.texts[sort].text) for sort in ("other", "forward")]


SOMETHING_ELSE = {
    "voice": {"voice": {"file_id": "AwACAgQ", "file_unique_id": "AgAD", "duration": 3}},
    "sticker": {"sticker": {
        "file_id": "CAACAgQ", "file_unique_id": "AgAD", "type": "regular", "width": 9, "height": 9, "is_animated": False, "is_video": False,
    }},
    "contact": {"contact": {"phone_number": "+32470123456", "first_name": "Finn"}},
    "location": {"location": {"latitude": 51.2194, "longitude": 4.4025}},
    "other": {"invoice": {"title": "x", "description": "x", "start_parameter": "x", "currency": "EUR", "total_amount": 100}},
}  # fmt: skip


@pytest.mark.parametrize("sort", sorted(SOMETHING_ELSE))
async def test_what_is_no_text_gets_a_kind_answer(host: Host, lotte: Person, sort: str) -> None:
    lotte.send(**SOMETHING_ELSE[sort])
    await host.settled()
    assert lotte.texts == ["\n\n".join(TEXTS.media.texts[sort].text)]


IMAGES = {
    "photo": [{"file_id": "AgACAgQAAxk", "file_unique_id": "AQAD", "width": 90, "height": 67}],
    "video": {"file_id": "BAACAgQ", "file_unique_id": "AgAD", "width": 9, "height": 9, "duration": 1},
    "video_note": {"file_id": "DQACAgQ", "file_unique_id": "AgAD", "length": 9, "duration": 1},
    "document": {"file_id": "BQACAgQ", "file_unique_id": "AgAD", "file_name": "foto.jpg"},
    "animation": {"file_id": "CgACAgQ", "file_unique_id": "AgAD", "width": 9, "height": 9, "duration": 1},
}


@pytest.mark.parametrize("sort", sorted(IMAGES))
async def test_an_image_is_never_fetched_or_kept_and_nude_images_lead_to_help(
    host: Host, telegram: FakeTelegram, lotte: Person, sort: str
) -> None:
    lotte.send(**{sort: IMAGES[sort]})
    await host.settled()
    (text,) = lotte.texts
    assert text.startswith("Ik lees alleen tekst.")
    assert "Stuur het naar niemand door" in text
    assert "116 000" in text
    assert load_content().helplines["take_it_down"].name in text
    assert not {"getFile", "forwardMessage", "copyMessage"} & {call.method for call in telegram.calls}


async def test_words_under_a_photo_are_read_first(host: Host, lotte: Person) -> None:
    lotte.photo(caption="ik wil niet meer leven")
    await host.settled()
    assert "1813" in lotte.texts[0]
    assert any("Ik lees alleen tekst." in text for text in lotte.texts)


async def test_an_album_is_answered_once(host: Host, lotte: Person) -> None:
    for _photo in range(4):
        lotte.photo(album="13001")
    await host.settled()
    assert len(lotte.texts) == 1
    lotte.photo(album="13002")
    await host.settled()
    assert len(lotte.texts) == 2


async def test_a_message_of_somebody_else_is_not_taken_for_ones_own(host: Host, lotte: Person) -> None:
    lotte.send(text="ik ben de pestkop van de klas en ik sla iedereen", forward_origin=FORWARD)
    await host.settled()
    assert lotte.texts == ["\n\n".join(TEXTS.media.texts["forward"].text)]
    assert await host.slots(lotte) == {}


async def test_a_cry_for_help_of_somebody_else_brings_the_help_card(host: Host, lotte: Person) -> None:
    lotte.send(text="ik wil dood, niemand zal mij missen", forward_origin=FORWARD)
    await host.settled()
    assert "1813" in lotte.texts[0]


# --- did it help ---


def _asked(person: Person) -> int:
    return sum(TEXTS.lines("helpful")[0] in text for text in person.texts)


@pytest.mark.parametrize(("title", "helped"), [("Ja", True), ("Nee", False)])
async def test_it_asks_once_whether_it_helped_and_writes_the_answer_down(
    host: Host, lotte: Person, title: str, helped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[tuple[Any, ...]] = []
    original = host.bot.record

    async def record(*what: Any) -> None:
        recorded.append(what)
        await original(*what)

    monkeypatch.setattr(host.bot, "record", record)
    lotte.say("wat doet awel")
    await host.settled()
    assert _asked(lotte) == 1
    assert lotte.texts[-1].endswith(TEXTS.lines("helpful")[0])
    lotte.press(title)
    await host.settled()
    assert recorded == [(Secrets(SECRET.encode()).pseudonym(lotte.id), "helpful", helped, "telegram")]
    assert lotte.texts[-1] == TEXTS.lines("helpful_thanks" if helped else "helpful_sorry")[0]
    assert title not in lotte.buttons
    # Not again in this conversation; in one that was erased it was never asked.
    lotte.say("hoe blokkeer ik iemand op snapchat")
    await host.settled()
    assert _asked(lotte) == 1
    lotte.say("/wis")
    await host.settled()
    lotte.press("Ja, wis alles")
    lotte.say("wat doet awel")
    await host.settled()
    assert _asked(lotte) == 2


async def test_it_does_not_ask_twice_in_one_answer_nor_in_a_crisis(polling: Host, people: Callable[..., Person]) -> None:
    await polling.start()
    story, crisis = people("Finn"), people("Noor")
    story.say("ze lachen mij elke dag uit op school")
    crisis.say("ik wil niet meer leven")
    await polling.settled()
    story.press("12 tot 17")
    crisis.say("wat doet awel")
    await polling.settled()
    # The advice itself has the buttons.
    assert "Ja, dit helpt" in story.buttons
    assert _asked(story) == _asked(crisis) == 0
