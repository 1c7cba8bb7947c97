"""Safety rules 1, 2 and 8 where they are kept: in what the actions send, whatever the dialogue policy chose."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import WegwijzerAction, content
from actions.conversation import ActionFallback
from actions.crisis import ActionCorrectBot, ActionCrisis, ActionImOk
from actions.pages import ActionHelpline
from actions.privacy import ActionErase, ActionRefuseReview
from actions.signpost import ActionSignpost
from bot.wegwijzer.vocabulary import Crisis

CRISES = [crisis.value for crisis in Crisis if crisis is not Crisis.NONE]


class Talk:
    """A conversation that remembers its slots."""

    def __init__(self) -> None:
        self.slots: dict[str, Any] = {}

    def turn(self, action: WegwijzerAction, text: str, intent: str = "describe", **said: Any) -> list[dict[str, Any]]:
        message = {"text": text, "intent": {"name": intent}, "entities": said.pop("entities", []), "facets": said, "facet_confidences": {}}
        tracker = Tracker("a", dict(self.slots), message, [], False, None, {}, "action_listen")
        dispatcher = CollectingDispatcher()
        for event in action.run(dispatcher, tracker, {}):
            if event["event"] == "reset_slots":
                self.slots.clear()
            else:
                self.slots[event["name"]] = event["value"]
        return [message["custom"] for message in dispatcher.messages]


def ids(messages: list[dict[str, Any]]) -> list[str]:
    return [message["id"] for message in messages]


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.mark.parametrize("crisis", CRISES)
def test_help_stands_in_the_very_next_message(crisis: str, talk: Talk) -> None:
    messages = talk.turn(ActionCrisis(), "…", role="victim", crisis=crisis)
    types = [message["type"] for message in messages]
    assert types[:3] == ["text", "text", "helpline"]
    assert "question" not in types
    assert talk.slots["crisis_open"] == crisis


@pytest.mark.parametrize("crisis", CRISES)
def test_after_a_crisis_the_bot_never_says_that_it_does_not_understand(crisis: str, talk: Talk) -> None:
    talk.turn(ActionCrisis(), "…", crisis=crisis)
    for _ in range(3):
        messages = talk.turn(ActionFallback(), "blablabla", intent="nlu_fallback")
        assert ids(messages) == ["dialogue.silence_after_crisis"]
        assert not any("begrepen" in message["text"] or "begrijp" in message["text"] for message in messages)


@pytest.mark.parametrize("action", [ActionCorrectBot(), ActionImOk()])
def test_who_says_that_it_was_no_crisis_is_believed_and_keeps_the_numbers(action: WegwijzerAction, talk: Talk) -> None:
    talk.turn(ActionCrisis(), "ik ben dood van het lachen", crisis="suicide")
    (message,) = talk.turn(action, "zo bedoel ik het niet", intent="correct_bot")
    assert "Ik geloof je" in message["text"]
    assert [option["payload"] for option in message["options"]] == ["/ask_helpline"]
    assert talk.slots["crisis"] is None


def test_the_bot_says_once_what_it_is_and_who_may_read(talk: Talk) -> None:
    first = talk.turn(ActionSignpost(), "ze pesten mij", role="victim", kind="bullying")
    second = talk.turn(ActionSignpost(), "op school", context="school")
    said = [message["text"] for message in first if message["id"] == "dialogue.disclosure"]
    assert said == content().text("dialogue", "disclosure")
    assert "dialogue.disclosure" not in ids(second)


@pytest.mark.parametrize("action", [ActionSignpost(), ActionCrisis(), ActionFallback(), ActionHelpline()])
def test_whatever_comes_first_the_bot_says_what_it_is(action: WegwijzerAction, talk: Talk) -> None:
    assert "dialogue.disclosure" in ids(talk.turn(action, "help", crisis="suicide" if isinstance(action, ActionCrisis) else None))


def test_reading_by_moderators_can_be_refused_and_the_conversation_erased(talk: Talk) -> None:
    talk.turn(ActionSignpost(), "ze pesten mij", role="victim", kind="bullying")
    talk.turn(ActionRefuseReview(), "laat niet meelezen", intent="refuse_review")
    assert talk.slots["review_refused"] is True
    messages = talk.turn(ActionErase(), "ja", intent="erase_yes")
    assert messages[-1]["type"] == "erased"
    assert not any(value for name, value in talk.slots.items() if name != "disclosed")


def test_two_failures_lead_to_a_person_and_never_to_a_loop(talk: Talk) -> None:
    first = talk.turn(ActionFallback(), "qsdf", intent="nlu_fallback")
    second = talk.turn(ActionFallback(), "qsdf", intent="nlu_fallback")
    assert first[0]["id"] == "dialogue.fallback_first"
    assert second[0]["id"] == "dialogue.fallback_person"
    assert [message["type"] for message in second[1:]] == ["helpline", "helpline"]


def test_what_somebody_typed_does_not_reach_the_log(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        talk.turn(ActionSignpost(), "mijn geheim is zwaluw", role="victim", kind="bullying")
    assert "zwaluw" not in caplog.text


def test_a_typed_answer_counts_as_the_button_and_loses_nothing_else(talk: Talk) -> None:
    talk.slots.update(role="parent", kind="bullying", context="school", pending="tried", disclosed=True)
    talk.turn(ActionSignpost(), "de juf weet het maar gisteren hebben ze hem geslagen", forms=["physical"])
    assert talk.slots["tried"] == "internal"
    assert talk.slots["forms"] == ["physical"]
    assert "tried" in talk.slots["asked"]
