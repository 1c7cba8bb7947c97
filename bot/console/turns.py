"""A transcript as the console shows it: turn by turn, with what was understood and why it was answered like this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.transcripts.applying import UNSURE_BELOW, confidences_of
from bot.transcripts.models import URGENCY_CRISIS, URGENCY_FAILED, URGENCY_UNSURE
from bot.transcripts.repository import MessageView
from bot.transcripts.turns import FAILURES
from bot.wegwijzer.vocabulary import CONCERN, LABELS

#: Values that say that nothing was told.
_NOTHING: tuple[Any, ...] = (None, "", [], ())
_DEFAULTS = {"kind": "none", "crisis": "none", CONCERN: True}
#: What only an answer to a question tells: no label of a message, so that nobody corrects it.
TRIED = "tried"


@dataclass(frozen=True)
class Chip:
    """One value of one label of a message. ``state``: ``read`` by the bot, ``added`` or ``removed`` by a moderator.

    ``confidence`` is None where the bot gave none.
    """

    facet: str
    value: Any
    confidence: float | None
    state: str


@dataclass(frozen=True)
class Turn:
    """What the user did (None at the start of a conversation that the bot begins) and all that came of it."""

    asked: MessageView | None
    said: tuple[MessageView, ...]

    @property
    def can_be_corrected(self) -> bool:
        """Whether it was typed: a button says what it means."""
        return self.asked is not None and self.asked.kind == "text"

    @property
    def chips(self) -> list[Chip]:
        """What the message tells, facet by facet, with what a moderator changed."""
        return chips(self.asked) if self.asked else []

    @property
    def rules(self) -> list[tuple[str, str]]:
        """Rules that fired, each once, with their sources."""
        return list(dict.fromkeys(rule for message in self.said for rule in message.rules))

    @property
    def judged(self) -> MessageView | None:
        """The message of the bot on which the verdict on this turn stands, or would stand."""
        answers = [message for message in self.said if message.sender == "bot"]
        return next((message for message in answers if message.good is not None), answers[0] if answers else None)


def turns(messages: Iterable[MessageView]) -> list[Turn]:
    """Each message of the user with what follows it."""
    found: list[tuple[MessageView | None, list[MessageView]]] = []
    for message in messages:
        if message.sender == "user":
            found.append((message, []))
        else:
            if not found:
                found.append((None, []))
            found[-1][1].append(message)
    return [Turn(asked, tuple(said)) for asked, said in found]


def urgent_at(shown: Iterable[Turn], urgency: int) -> int | None:
    """Id of the message of the user for which a conversation stands where it stands in the queue; None where it is not one message."""

    def is_it(turn: Turn) -> bool:
        if turn.asked is None:
            return False
        if urgency == URGENCY_CRISIS:
            return bool(told(turn.asked.facets).get("crisis"))
        if urgency == URGENCY_FAILED:
            return any(message.kind == "failure" or message.ref in FAILURES for message in turn.said)
        read = {"confidence": turn.asked.confidence, "facets": turn.asked.facets, "confidences": turn.asked.confidences}
        return urgency == URGENCY_UNSURE and min(confidences_of(read), default=1.0) < UNSURE_BELOW

    return next((turn.asked.id for turn in shown if turn.asked and is_it(turn)), None)


def told(facets: Mapping[str, Any]) -> dict[str, Any]:
    """Labels without those that tell nothing."""
    return {
        facet: list(facets[facet]) if facet == "forms" else facets[facet]
        for facet in LABELS
        if facets.get(facet) not in _NOTHING and facets[facet] != _DEFAULTS.get(facet)
    }


def chips(message: MessageView) -> list[Chip]:
    """See :attr:`Turn.chips`."""
    read = told(message.facets)
    now = read if message.corrected_facets is None else told(message.corrected_facets)
    found = [Chip(TRIED, message.facets[TRIED], None, "read")] if message.facets.get(TRIED) else []
    for facet in LABELS:
        before, after = _values(facet, read), _values(facet, now)
        for value in [*before, *(value for value in after if value not in before)]:
            state = "read" if value in before and value in after else "added" if value in after else "removed"
            found.append(Chip(facet, value, _confidence(message, facet, value), state))
    return found


def _values(facet: str, facets: Mapping[str, Any]) -> list[Any]:
    return list(facets[facet]) if facet == "forms" and facet in facets else [facets[facet]] if facet in facets else []


def _confidence(message: MessageView, facet: str, value: Any) -> float | None:
    given = message.confidences.get(facet)
    if isinstance(given, Mapping):
        given = given.get(value)
    return float(given) if isinstance(given, (int, float)) and not isinstance(given, bool) else None


def with_choice(message: MessageView, facet: str, value: Any) -> dict[str, Any] | None:
    """The facets of a message once a moderator has chosen a value; a form is put on or taken off, anything else replaced.

    ``value`` None: nothing is told. The result is None when it is again what the bot read.
    """
    facets = told(message.facets if message.corrected_facets is None else message.corrected_facets)
    if facet == "forms":
        forms = list(facets.get("forms", []))
        if value is None:
            forms = []
        elif value in forms:
            forms.remove(value)
        else:
            forms.append(value)
        facets["forms"] = forms
    else:
        facets[facet] = value
    facets = told(facets)
    return None if facets == told(message.facets) else facets
