"""Made-up moderators of the demonstration: they correct what the bot misread, judge its answers, and write down why."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.nlu.dataset import Example
from bot.transcripts.models import URGENCY_CRISIS
from bot.transcripts.repository import MessageView, Repository, Transcript
from bot.wegwijzer.vocabulary import CONCERN, LABELS

#: How often somebody who reads a conversation corrects what was misread, judges an answer, writes a note, puts on a tag, takes it on.
_CORRECTS, _JUDGES, _NOTES, _TAGS, _TAKES = 0.8, 0.6, 0.5, 0.5, 0.2
#: Of the conversations in which nothing was misread, so many are worked on.
_WORKED_ON = 0.12
_SEXTING = ("nude_images", "sextortion")


def slips(read: Mapping[str, Any], meant: Mapping[str, Any]) -> dict[str, Any]:
    """What a moderator would correct: by label what it should have been.

    Args:
        read: labels that the bot read.
        meant: labels of whoever wrote the message. What they leave open stays as it was read, and so does a crisis that they do not see:
            only a joke is none.
    """
    right: dict[str, Any] = {}
    if meant.get("role") and read.get("role") not in (None, meant["role"]):
        # One that was not read is asked for: there is nothing to correct.
        right["role"] = meant["role"]
    if meant.get("context") and meant["context"] != read.get("context"):
        right["context"] = meant["context"]
    crisis, harmless = meant.get("crisis", "none"), meant.get(CONCERN) is False
    alarm = read.get("crisis", "none") != "none"
    if (harmless and alarm) or (crisis != "none" and not alarm):
        right["crisis"] = crisis
    if harmless and read.get(CONCERN) is not False:
        right[CONCERN] = False
    forms, known = list(meant.get("forms") or ()), list(read.get("forms") or ())
    if (CONCERN in right and forms != known) or not set(forms) <= set(known):
        right["forms"] = forms
    return right


class Moderators:
    """Work on conversations as moderators do.

    Args:
        words: what they write, ``moderators`` in ``demo.yml``.
        account: who it is.
    """

    def __init__(self, repository: Repository, chance: random.Random, words: Mapping[str, Any], account: int, actor: str) -> None:
        self._repository, self._chance, self._words = repository, chance, words
        self._account, self._actor = account, actor

    def work_on(self, id_: int, beginning: Sequence[Example]) -> None:
        """Read a conversation that began with these messages, and do what is to be done."""
        transcript = self._repository.read(id_, self._actor)
        typed = [message for message in transcript.messages if (message.sender, message.kind) == ("user", "text")]
        found = [(message, slips(message.facets, example.facets)) for message, example in zip(typed, beginning, strict=False)]
        message, right = next(((message, right) for message, right in found if right), (None, {}))
        if message is not None and self._chance.random() < _CORRECTS:
            self._correct(transcript, message, right)
        elif not right and self._chance.random() < _WORKED_ON:
            self._praise(transcript)

    def _correct(self, transcript: Transcript, message: MessageView, right: Mapping[str, Any]) -> None:
        facets = {label: right.get(label, message.facets.get(label)) for label in LABELS}
        self._repository.correct(message.id, None, facets, account_id=self._account, actor=self._actor)
        why = reasons(message.facets, right)
        answer = next((item for item in transcript.messages if item.sender == "bot" and item.position > message.position), None)
        if answer and self._chance.random() < _JUDGES:
            self._judge(answer, _first(self._words["wrong"], why))
        if self._chance.random() < _NOTES:
            self._note(transcript, _first(self._words["notes"], why))
        self._finish(transcript, "vals alarm" if why[0] == "crisis.none" else "verkeerd begrepen")

    def _praise(self, transcript: Transcript) -> None:
        answers = [message for message in transcript.messages if message.sender == "bot"]
        if answers and self._chance.random() < _JUDGES:
            self._judge(answers[0], None)
        summary = transcript.summary
        about = "crisis handled" if summary.urgency == URGENCY_CRISIS else "discuss" if summary.status == "discuss" else "fine"
        if self._chance.random() < _NOTES:
            self._note(transcript, self._words["notes"]["not helpful" if summary.rating is False else about])
        sexting = set(_SEXTING) & set(summary.forms)
        self._finish(transcript, "sexting" if sexting else {"crisis handled": "opvolgen", "discuss": "team"}.get(about, "voorbeeld"))

    def _judge(self, answer: MessageView, wrong: Sequence[str] | None) -> None:
        reason = self._chance.choice(wrong) if wrong else ""
        self._repository.judge(answer.id, wrong is None, reason, account_id=self._account, actor=self._actor)

    def _note(self, transcript: Transcript, notes: Sequence[str]) -> None:
        self._repository.add_note(transcript.summary.id, self._chance.choice(notes), self._account, self._actor)

    def _finish(self, transcript: Transcript, tag: str) -> None:
        id_ = transcript.summary.id
        if self._chance.random() < _TAGS:
            self._repository.add_tag(id_, tag, self._actor)
        if self._chance.random() < _TAKES:
            self._repository.assign(id_, self._account, self._actor)


def _first(words: Mapping[str, Sequence[str]], names: Sequence[str]) -> Sequence[str]:
    return next(words[name] for name in names if name in words)


def reasons(read: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """What a correction is about, the gravest first, each as ``label.value`` and as the label alone: where its note stands."""
    found: list[str] = []
    for label in ("crisis", "role", "context", CONCERN, "forms"):
        if label not in right:
            continue
        values: Iterable[Any] = [right[label]]
        if label == "forms":
            values = [form for form in right["forms"] if form not in (read.get("forms") or ())]
        found += [*(f"{label}.{value}" for value in values), label]
    return found
