"""From advice to messages: what a channel gets, complete in its text alone, and nothing of the machinery in what is read."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from itertools import product

import pytest

from bot.wegwijzer.content import Content
from bot.wegwijzer.hours import BRUSSELS, Opening, State
from bot.wegwijzer.render import Message, Renderer, payload
from bot.wegwijzer.schema import STEP_KINDS
from bot.wegwijzer.signpost import Advice, Ask, Referral, Signpost
from bot.wegwijzer.situation import Situation
from bot.wegwijzer.vocabulary import Context, Crisis, Role

_PAYLOAD = re.compile(r"^/[a-z_]{1,40}(\{.{0,400}\})?$")
PARTS = {
    "text": set(),
    "tip": {"title", "body", "avoid"},
    "step": {"platform", "notifies"},
    "helpline": {"name", "what", "for_whom", "why", "channels", "state", "opening", "notes"},
    "question": {"options"},
}


def all_messages(content: Content, signpost: Signpost, renderer: Renderer, now: dt.datetime) -> Iterator[Message]:
    """Everything that the bot may say about a situation, a question or a platform."""
    forms: tuple[tuple[str, ...], ...] = ((), ("nude_images",), ("insult", "threat"))
    for role, context, crisis, told in product((None, *Role), (None, *Context), (None, *Crisis), forms):
        for kind in ("bullying", "cyberbullying", "conflict"):
            situation = Situation(role=role, context=context, crisis=crisis, kind=kind, forms=told, platform="snapchat")
            step = signpost.next_step(situation, now) if kind == "bullying" and crisis is None else signpost.advise(situation, now)
            yield from renderer.question(step) if isinstance(step, Ask) else renderer.advice(step, now, situation.platform)
    for platform in (None, *content.platforms):
        yield from renderer.platform_steps(platform, STEP_KINDS, signpost.step_id)
    for name in content.tips:
        yield renderer.tip(name)
    for name, helpline in content.helplines.items():
        yield renderer.helpline(Referral(name, helpline.what), now)


@pytest.mark.parametrize("hour", [3, 15])
def test_every_message_is_complete_and_clean(hour: int, content: Content, signpost: Signpost, renderer: Renderer) -> None:
    now = dt.datetime(2026, 11, 18, hour, tzinfo=BRUSSELS)
    leaks = re.compile(r"[{}]|/[a-z]+_[a-z]+|\bNone\b|\b(?:victim|bystander|supervisor|parent|cyberbullying|general)\b")
    for message in all_messages(content, signpost, renderer, now):
        assert message["text"].strip()
        assert set(message) - {"type", "text", "id", "options"} == PARTS[message["type"]] - {"options"}
        assert not leaks.search(re.sub(r"https?://\S+", "", message["text"])), message["text"]
        for option in message.get("options", []):
            assert set(option) == {"title", "payload"}
            assert 0 < len(option["title"]) <= 40
            assert not leaks.search(option["title"])
            assert _PAYLOAD.match(option["payload"])


def test_payloads() -> None:
    assert payload("im_ok") == "/im_ok"
    assert payload("answer", facet="role", value="victim") == '/answer{"facet": "role", "value": "victim"}'
    assert json.loads(payload("show_page", page='a"b').partition("{")[1] + payload("show_page", page='a"b').partition("{")[2]) == {
        "page": 'a"b'
    }


def test_a_question_can_always_be_left(signpost: Signpost, renderer: Renderer) -> None:
    (message,) = renderer.question(signpost.question_for("age_band", Situation(role="victim")))
    assert message["type"] == "question"
    assert [option["payload"] for option in message["options"][-2:]] == ["/dont_know", "/skip"]
    assert json.loads(message["options"][0]["payload"].removeprefix("/answer")) == {"facet": "age_band", "value": "under_12"}


def kinds_of(messages: list[Message]) -> list[str]:
    return [message["type"] for message in messages]


def test_ordinary_advice_begins_with_tips(signpost: Signpost, renderer: Renderer, afternoon: dt.datetime) -> None:
    situation = Situation(role="victim", kind="cyberbullying", forms=("insult",), platform="instagram")
    messages = renderer.advice(signpost.advise(situation, afternoon), afternoon, "instagram")
    assert kinds_of(messages) == ["text", "text", *["tip"] * 3, "text", *["step"] * 3, "text", *["helpline"] * 3, "text"]
    assert "Zo doe je dat op Instagram:" in [message["text"] for message in messages]
    assert messages[-1]["options"]


def test_urgent_advice_begins_with_helplines(signpost: Signpost, renderer: Renderer, afternoon: dt.datetime) -> None:
    messages = renderer.advice(signpost.advise(Situation(role="victim", forms=("nude_images",)), afternoon), afternoon, None)
    assert kinds_of(messages)[:5] == ["text", "text", "helpline", "helpline", "helpline"]
    assert messages[2]["id"] == "child_focus"


def test_the_acknowledgement_is_said_once(signpost: Signpost, renderer: Renderer, afternoon: dt.datetime) -> None:
    advice = signpost.advise(Situation(role="victim", kind="bullying"), afternoon)
    said = renderer.advice(advice, afternoon, None, acknowledge=True)
    again = renderer.advice(advice, afternoon, None, acknowledge=False)
    assert said[0]["id"] == "acknowledge.victim_bullied"
    assert said[1:] == again


def test_without_anybody_known_to_be_open_the_bot_says_so(renderer: Renderer, afternoon: dt.datetime) -> None:
    advice = Advice("normal", (Referral("awel", "Luistert."),), (), (), (), None, None, ())
    texts = [message["text"] for message in renderer.advice(advice, afternoon, None)]
    assert any(text.startswith("Ik weet niet zeker wie nu open is.") for text in texts)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (Opening(State.UNKNOWN), "Kijk op hun site wanneer ze open zijn."),
        (Opening(State.OPEN, always=True), "Dag en nacht open."),
        (Opening(State.OPEN, until=dt.datetime(2026, 11, 18, 17, tzinfo=BRUSSELS)), "Nu open, tot 17 uur."),
        (Opening(State.OPEN, until=dt.datetime(2026, 11, 18, 12, 30, tzinfo=BRUSSELS)), "Nu open, tot 12.30 uur."),
        (Opening(State.CLOSED), "Nu dicht. Kijk op hun site wanneer ze weer open zijn."),
        (Opening(State.CLOSED, next_open=dt.datetime(2026, 11, 18, 17, tzinfo=BRUSSELS)), "Nu dicht. Open vandaag om 17 uur."),
        (Opening(State.CLOSED, next_open=dt.datetime(2026, 11, 19, 9, tzinfo=BRUSSELS)), "Nu dicht. Open morgen om 9 uur."),
        (Opening(State.CLOSED, next_open=dt.datetime(2026, 11, 23, 9, tzinfo=BRUSSELS)), "Nu dicht. Open maandag om 9 uur."),
    ],
)
def test_opening_in_words(state: Opening, expected: str, renderer: Renderer, afternoon: dt.datetime) -> None:
    assert renderer.opening_text(state, afternoon) == expected


def test_today_is_the_day_in_belgium(renderer: Renderer) -> None:
    # Half past eleven in the evening in London is the next day in Belgium.
    now = dt.datetime(2026, 11, 18, 23, 30, tzinfo=dt.timezone.utc)
    state = Opening(State.CLOSED, next_open=dt.datetime(2026, 11, 19, 9, tzinfo=BRUSSELS))
    assert renderer.opening_text(state, now) == "Nu dicht. Open vandaag om 9 uur."


def test_a_site_is_neither_open_nor_closed(renderer: Renderer, afternoon: dt.datetime) -> None:
    assert renderer.helpline(Referral("watwat", "Info."), afternoon)["opening"] == ""
    assert renderer.helpline(Referral("awel", "Luistert."), afternoon)["opening"] == "Kijk op hun site wanneer ze open zijn."


def test_whether_the_other_is_told_is_said_once(content: Content, renderer: Renderer) -> None:
    told = renderer.step("instagram.block")
    assert told["text"].count("melding") == 1
    assert told["text"].endswith("De ander krijgt geen melding.")
    assert renderer.step("snapchat.evidence")["text"].endswith("Let op: de ander krijgt hier een melding van.")
    for name, platform in content.platforms.items():
        for kind in platform.steps:
            assert len(re.findall(r"krijgt\b[^.]*\bmelding", renderer.step(f"{name}.{kind}")["text"])) <= 1


def test_steps_that_are_general_say_so(signpost: Signpost, renderer: Renderer) -> None:
    texts = [message["text"] for message in renderer.platform_steps("xbox", ["block"], signpost.step_id)]
    assert texts[0] == "Voor Xbox ken ik de knoppen niet zeker. Dit werkt meestal:"
    assert renderer.platform_steps(None, ["block"], signpost.step_id)[0]["text"] == "Zo gaat het in de meeste apps en games:"
    assert renderer.platform_steps("discord", ["block"], signpost.step_id)[-1]["text"].startswith(
        "Meer uitleg: https://support.discord.com"
    )


def test_what_better_not_is_part_of_the_tip(renderer: Renderer) -> None:
    tip = renderer.tip("save_evidence")
    assert tip["avoid"] == "Liever niet: de beelden zelf online zetten om het te tonen."
    assert tip["text"].startswith("Bewaar het bewijs. ")
    assert tip["text"].endswith(tip["avoid"])
