"""What all actions share: the content, the clock, slots as a situation, messages to the dispatcher."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import AllSlotsReset, EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.wegwijzer.content import Content, load_content
from bot.wegwijzer.render import Message, Renderer
from bot.wegwijzer.signpost import Advice, Signpost
from bot.wegwijzer.situation import Situation

SITUATION_SLOTS: tuple[str, ...] = tuple(field.name for field in fields(Situation))


@lru_cache(maxsize=1)
def content() -> Content:
    """``content/``, read once a process."""
    return load_content()


@lru_cache(maxsize=1)
def signpost() -> Signpost:
    """The decision logic over :func:`content`."""
    return Signpost(content())


@lru_cache(maxsize=1)
def renderer() -> Renderer:
    """Messages over :func:`content`."""
    return Renderer(content())


def now() -> dt.datetime:
    """This moment; the only clock of the actions."""
    return dt.datetime.now(dt.timezone.utc)


class Turn:
    """One run of an action: what is known, what was said, and what is to be sent and remembered."""

    def __init__(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> None:
        self._dispatcher = dispatcher
        self._tracker = tracker
        self._slots: dict[str, Any] = {}
        self.now = now()
        self.said: dict[str, Any] = tracker.latest_message or {}
        self.offered: str | None = None
        self.forgotten = False
        self._noted: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """What the user typed, as typed."""
        return str(self.said.get("text") or "")

    @property
    def intent(self) -> str:
        """What the message does."""
        return str((self.said.get("intent") or {}).get("name") or "")

    @property
    def facets(self) -> dict[str, Any]:
        """What the message tells; empty for a button."""
        return dict(self.said.get("facets") or {})

    @property
    def metadata(self) -> dict[str, Any]:
        """What the channel says about the message."""
        return dict(self.said.get("metadata") or {})

    @property
    def confidences(self) -> dict[str, Any]:
        """How sure the reading of each facet is."""
        return dict(self.said.get("facet_confidences") or {})

    @property
    def named(self) -> dict[str, Any]:
        """Places and roles that the message names in so many words, by facet."""
        return dict(self.said.get("facets_named") or {})

    @property
    def at_ease(self) -> bool:
        """Whether the message tells of something with which nobody needs help."""
        return bool(self.said.get("at_ease"))

    @property
    def page(self) -> str | None:
        """The page that was read as the answer to a question; ``none`` for a question that no page answers, None where that is not sure."""
        return self.said.get("page")

    def entity(self, name: str) -> str | None:
        """The first value of an entity: what a button carries, or a name that was recognised."""
        return next((str(entity["value"]) for entity in self.said.get("entities") or [] if entity.get("entity") == name), None)

    def slot(self, name: str) -> Any:
        """A slot, as set in this turn or before it."""
        return self._slots[name] if name in self._slots else self._tracker.get_slot(name)

    @property
    def disclosed(self) -> bool:
        """Whether the user was told that this is a bot and who reads along: by the bot, or by the channel before the first message."""
        return bool(self.slot("disclosed") or self.metadata.get("greeted"))

    def set(self, **slots: Any) -> None:
        """Remember slots at the end of the turn."""
        self._slots.update(slots)

    @property
    def situation(self) -> Situation:
        """What is known so far."""
        values = {name: self.slot(name) for name in SITUATION_SLOTS}
        return Situation(**{**values, "forms": tuple(values["forms"] or ()), "asked": tuple(values["asked"] or ())})

    @situation.setter
    def situation(self, situation: Situation) -> None:
        values = {name: getattr(situation, name) for name in SITUATION_SLOTS}
        self.set(**{**values, "forms": list(situation.forms), "asked": list(situation.asked)})

    def advise(self, situation: Situation) -> Advice:
        """What the signpost says now; the rules behind it are noted with what is sent next."""
        advice = signpost().advise(situation, self.now)
        self._note("rules", advice.to_dict()["rules"])
        return advice

    def understood(self, facets: Mapping[str, Any], *, question: str | None = None, intent: str | None = None) -> None:
        """Note what was taken from the message, where that is not what was read in its words alone.

        Args:
            facets: all that was taken.
            question: the facet that was asked for, if the message answers a question.
            intent: what the message does; None where it was read rightly.
        """
        self._note("understood", {"facets": dict(facets), "question": question, "intent": intent})

    def _note(self, name: str, value: Any) -> None:
        if value:
            self._noted[name] = value
        else:
            self._noted.pop(name, None)

    def send(self, messages: Iterable[Message]) -> None:
        """Hand messages to the channel: the text and buttons as Rasa knows them, all parts as custom data.

        What was noted (the rules that led to the advice, what was understood) goes with the first of them as Rasa's metadata: for the
        transcript, not for the user.
        """
        for message in messages:
            buttons = message.get("options") or []
            self._dispatcher.utter_message(text=message["text"], buttons=buttons, json_message=message, **self._noted)
            self._noted = {}

    def say(self, name: str, group: str = "dialogue", **kwargs: Any) -> None:
        """Send a text of ``content/texts.yml``."""
        self.send(renderer().say(name, group, **kwargs))

    def events(self) -> list[EventType]:
        """The events that make Rasa remember what changed."""
        if self.forgotten:
            return [AllSlotsReset(), SlotSet("disclosed", True)]
        return [SlotSet(name, value) for name, value in self._slots.items() if self._tracker.get_slot(name) != value]


class WegwijzerAction(Action):
    """An action that works on a :class:`Turn`. Subclasses set ``NAME`` and write :meth:`take`."""

    NAME = ""
    #: Whether the message was understood: then the count of failures starts again.
    UNDERSTANDS = True

    def name(self) -> str:
        return self.NAME

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        turn = Turn(dispatcher, tracker)
        # What the bot offered last ("Kan je hier iets mee?") is answered by the next message or not at all.
        turn.offered = turn.slot("offer")
        turn.set(offer=None)
        if self.UNDERSTANDS:
            turn.set(misunderstood=0)
        self.take(turn)
        return turn.events()

    def take(self, turn: Turn) -> None:
        """Send messages and set slots."""
        raise NotImplementedError
