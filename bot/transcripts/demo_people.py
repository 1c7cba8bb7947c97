"""Made-up people of the demonstration: each begins with a training message, and goes on in a way that fits it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bot.nlu.dataset import Example, read_training
from bot.runtime.bot import Reply
from bot.wegwijzer.vocabulary import CONCERN

#: What somebody does: ``("tap", payload)`` or ``("say", text)``.
Deed = tuple[str, str]

#: How many of a hundred begin with a crisis, with a joke that sounds like one, with something that is hard to read, with a question or
#: something else than a story, with a worry that is no bullying.
_CRISES, _JOKES, _HARD, _OTHERS, _WORRIES = 5, 1, 2.5, 14, 5
#: How many of those who answer a question type the answer.
_TYPES = 0.25
_ROLES = {"victim": 62, "bystander": 13, "parent": 12, "supervisor": 8, "bully": 4, "other": 1}
#: How likely a button is tapped, compared with the others that are offered; one that is not named here is not tapped.
_BUTTONS = {
    "next_step": 30, "show_page": 6, "helpful": 6, "more_tips": 4, "im_ok": 3, "helpful_not": 1.5, "correct_bot": 0.7, "stop_walk": 4,
    "refuse_review": 0.3,
}  # fmt: skip
#: What a question is answered with by somebody whose first message does not say it.
_USUAL = {"context": "school", "age_band": "12_17", "repeated": "true", "anonymous_bully": "false"}
#: Not a place that can be said of in the words of an app.
_NO_APP = (None, "email", "sms", "smartschool")
_SHORTEST, _LONGEST = 40, 420

# Somebody grown-up knows of it, or it is told as something of long ago: what follows must not say the contrary.
_GROWN_UP = re.compile(
    r"\b(?:mama|papa|ouders|moeder|vader|oma|opa|juf|meester|lera(?:ar|res)|leerkracht\w*|titularis|direct(?:ie|eur|rice)|"
    r"trainer|trainster|coach|leid(?:ing|er|ster)|zorg\w+|clb|opvoed\w+|meneer|mevrouw|chauffeur|politie|dokter|psycholoog|baas)\b",
    re.I,
)
_TRIED = re.compile(r"\b(?:aangepakt|gepraat|gesproken|besproken|aangesproken|gezegd|gemeld)\b", re.I)
_OF_AGE = re.compile(
    r"\b(?:mijn (?:man|vrouw|kind|kinderen|zoon|dochter|partner|ex)|collega\w*|werk(?:nemer|gever|vloer)|kantoor|baas|pensioen)\b", re.I
)
_LONG_AGO = re.compile(r"\b(?:vroeger|destijds|jaren geleden|jaar geleden|toen ik|achteraf|intussen)\b", re.I)


class People:
    """Makes people, one after the other. Those of one seed are the same."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.words: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("demo.yml").read_text(encoding="utf-8"))
        examples = read_training()
        told = [example for example in examples if example.intent == "describe" and _can_begin(example)]
        self._stories: dict[str, list[Example]] = {role: [] for role in _ROLES}
        self._crises: list[Example] = []
        self._worries: list[Example] = []
        for example in told:
            role, kind = example.facets.get("role"), example.facets.get("kind")
            if example.facets.get("crisis") not in (None, "none"):
                self._crises += [example] if role in _ROLES else []
            elif kind is None:
                self._worries += [example] if role in (None, "victim") and not example.facets.get("forms") else []
            elif role in _ROLES:
                self._stories[role].append(example)
        # Nobody who jokes needs help.
        self._jokes = [Example("demo.yml", "describe", text, {CONCERN: False}) for text in self.words["jokes"]]
        self._hard = [
            Example("demo.yml", "describe", line["say"], {label: line[label] for label in line if label != "say"})
            for line in self.words["hard"]
        ]
        self._others: dict[str, list[Example]] = {intent: [] for intent in self.words["beginnings"]}
        for example in examples:
            if example.intent in self._others and len(example.text) > 2:
                self._others[example.intent].append(example)

    def make(self) -> Person:
        """Somebody else."""
        dice = self.chance.random() * 100
        if dice < _CRISES:
            return Person(self, [self.chance.choice(self._crises)])
        if dice < _CRISES + _WORRIES:
            return Person(self, [self.chance.choice(self._worries)])
        if dice < _CRISES + _WORRIES + _JOKES:
            return Person(self, [self._once(self._jokes)])
        if dice < _CRISES + _WORRIES + _JOKES + _HARD:
            return Person(self, [self._once(self._hard)])
        if dice < _CRISES + _WORRIES + _JOKES + _HARD + _OTHERS:
            first = self.chance.choice(self._others[self.chance.choice(list(self._others))])
            return Person(self, [first, self._story()] if self.words["beginnings"][first.intent] == "story" else [first])
        return Person(self, [self._story()])

    def _once(self, examples: list[Example]) -> Example:
        """One that nobody began with yet; when all are used up, a story."""
        return examples.pop(self.chance.randrange(len(examples))) if examples else self._story()

    def _story(self) -> Example:
        (role,) = self.chance.choices(list(_ROLES), weights=list(_ROLES.values()))
        return self.chance.choice(self._stories[role])


def _can_begin(example: Example) -> bool:
    facets = example.facets
    # Who has children or colleagues is asked another age than it would give below.
    of_age = facets.get("age_band") == "over_25" or ("age_band" not in facets and _OF_AGE.search(example.text))
    grown_up = facets.get("role") in (None, "victim", "bystander", "bully") and of_age
    return _SHORTEST <= len(example.text) <= _LONGEST and not grown_up and not _LONG_AGO.search(example.text)


class Person:
    """Somebody in a conversation with the bot. ``told``: the messages that they begin with, as those are labelled.

    Args:
        beginning: what they say first, and once that is answered.
    """

    def __init__(self, people: People, beginning: Sequence[Example]) -> None:
        self._chance, self._words = people.chance, people.words
        self.told = tuple(beginning)
        self._beginning = [example.text for example in beginning]
        story = beginning[-1]
        self.facets = dict(story.facets)
        self._mentions, self._tried = bool(_GROWN_UP.search(story.text)), bool(_TRIED.search(story.text))
        self._lines = self._what_follows() if story.facets.get("kind") or story.facets.get("crisis") else iter(())
        self._over = self._corrected = False

    def begin(self) -> str:
        """The first message."""
        return self._beginning.pop(0)

    def next(self, reply: Reply) -> Deed | None:
        """What they do after a reply; None when they leave."""
        if self._beginning:
            return "say", self._beginning.pop(0)
        if self._over:
            return None
        question = next((message for message in reply.messages if message["type"] == "question"), None)
        dice = self._chance.random()
        if question and dice < 0.75:
            return self._answer(question["options"])
        button = self._button([option["payload"] for message in reply.messages for option in message.get("options") or []])
        if button and dice < 0.3:
            return "tap", button
        if dice < 0.38:
            self._over = True
            return "say", self._chance.choice(self._words["thanks"])
        if dice < 0.385:
            return "say", self._chance.choice(self._words["refusals"])
        if dice < 0.43 and not self._corrected:
            self._corrected = True
            return "say", self._chance.choice(self._words["misread"])
        line = next(self._lines, None) if dice < 0.85 else None
        return ("say", line) if line else None

    # --- answers and taps ---

    def _answer(self, options: Sequence[Mapping[str, str]]) -> Deed | None:
        """What their messages say, or what is usual, by its button or in words; leaves where neither is offered."""
        payloads = [option["payload"] for option in options if "{" in option["payload"]]
        offered = [(payload, json.loads(payload[payload.index("{") :])) for payload in payloads]
        facet = next((told.get("facet", "platform") for _payload, told in offered), "")
        values = {str(told.get("value") or told.get("platform")): payload for payload, told in offered}
        wanted = self._wanted(facet, list(values))
        if wanted not in values:
            return None
        self.facets.setdefault(facet, [wanted] if facet == "forms" else wanted)
        words = self._words["typed"].get(facet, {}).get(wanted)
        if words and self._chance.random() < _TYPES:
            return "say", self._chance.choice(words)
        return "tap", values[wanted]

    def _wanted(self, facet: str, offered: Sequence[str]) -> str | None:
        told = self.facets.get(facet)
        if isinstance(told, list):
            return next((value for value in told if value in offered), None)
        if told is not None:
            return str(told).lower() if isinstance(told, bool) else str(told)
        if facet == "adult_informed":
            return "true" if self._mentions else "false"
        if facet == "tried":
            return "internal" if self._tried else "nothing"
        if facet == "context" and self.facets.get("kind") == "cyberbullying":
            return "online"
        if facet in ("forms", "platform"):
            return self._chance.choice(list(offered)[:3])
        return _USUAL.get(facet)

    def _button(self, payloads: Sequence[str]) -> str | None:
        likely = [_BUTTONS.get(payload[1:].partition("{")[0], 0.0) for payload in payloads]
        return self._chance.choices(payloads, weights=likely)[0] if any(likely) else None

    # --- what they type ---

    def _what_follows(self) -> Iterator[str]:
        lines = self._words[self.facets.get("role", "victim")]
        if self.facets.get("crisis") not in (None, "none"):
            yield from self._some(lines["crisis"], 0.5)
            return
        named = self._chance.random() < 0.3
        yield from list(self._shuffled(lines["more"]))[: self._chance.choice((0, 1, 1, 2))]
        if named:
            yield from list(self._shuffled(lines["names"]))[:1]
        yield from list(self._shuffled(lines["ask"]))[: self._chance.choice((0, 1, 1, 1, 2))]

    def _some(self, lines: Sequence[str], share: float) -> Iterator[str]:
        yield from (line for line in lines if self._chance.random() < share)

    def _shuffled(self, lines: Sequence[str | Mapping[str, Any]]) -> Iterator[str]:
        for line in self._chance.sample(list(lines), len(lines)):
            if isinstance(line, str):
                yield line
            elif self._fits(line):
                yield str(line["say"]).format(platform=self.facets.get("platform"))

    def _fits(self, line: Mapping[str, Any]) -> bool:
        if line.get("alone") and (self._mentions or self.facets.get("adult_informed") in (True, "true")):
            return False
        if line.get("platform") and self.facets.get("platform") in _NO_APP:
            return False
        if "forms" in line and not set(line["forms"]) & set(self.facets.get("forms") or ()):
            return False
        return "context" not in line or self.facets.get("context") in line["context"]
