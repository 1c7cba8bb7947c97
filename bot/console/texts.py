"""Dutch words of the console that do not stand in its templates: names of values, and what it answers. ``content/console.yml``."""

from __future__ import annotations

from typing import Any

from pydantic import ConstrainedStr, root_validator

from bot.console.turns import TRIED
from bot.transcripts.models import ROLES, STATUSES
from bot.wegwijzer.content import Content, read_file
from bot.wegwijzer.schema import Line, Strict
from bot.wegwijzer.vocabulary import BOOLEAN_FACETS, CONCERN, LABELS, SINGLE_FACETS, Form, Tried

FILE = "console.yml"


class Name(ConstrainedStr):
    """What a value is called, in a list or on a chip."""

    min_length = 1
    max_length = 60
    strip_whitespace = True


class ConsoleFile(Strict):
    """``content/console.yml``. ``values``: by facet what each value is called; ``groups``: by kind of name the names.

    ``intents`` are those of typed messages, ``taps`` those that only buttons send.
    """

    facets: dict[str, Name]
    values: dict[str, dict[str, Name]]
    intents: dict[str, Name]
    taps: dict[str, Name]
    groups: dict[str, dict[str, Name]]
    actions: dict[str, Name]
    messages: dict[str, Line]

    @root_validator(skip_on_failure=True)
    def _all_named(cls, values: dict[str, Any]) -> dict[str, Any]:
        expected: dict[str, set[str]] = {f"values > {facet}": {word.value for word in words} for facet, words in SINGLE_FACETS.items()}
        expected["values > forms"] = {form.value for form in Form}
        expected |= {f"values > {facet}": {"true", "false"} for facet in (*BOOLEAN_FACETS, CONCERN)}
        expected[f"values > {TRIED}"] = {word.value for word in Tried}
        expected["facets"] = {*LABELS, TRIED}
        expected["groups > role"] = set(ROLES)
        expected["groups > status"] = set(STATUSES)
        for place, wanted in expected.items():
            named: Any = values
            for part in place.split(" > "):
                named = named.get(part, {})
            if set(named) != wanted:
                missing, unknown = sorted(wanted - set(named)), sorted(set(named) - wanted)
                raise ValueError(f"{place}: missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}")
        return values


class Texts:
    """Names and sentences; a value that has no name is shown as it is."""

    def __init__(self, content: Content) -> None:
        self.file = load_texts(content)
        self._content = content

    def value(self, facet: str, value: Any) -> str:
        """What a value of a facet is called."""
        if isinstance(value, bool):
            value = str(value).lower()
        if facet == "platform":
            platform = self._content.platforms.get(str(value))
            return str(platform.name) if platform else str(value)
        return str(self.file.values.get(facet, {}).get(str(value), value))

    def facet(self, facet: str) -> str:
        """What a facet is called."""
        return str(self.file.facets.get(facet, facet))

    def intent(self, intent: str | None) -> str:
        """What a message does, in words."""
        return str({**self.file.taps, **self.file.intents}.get(intent or "", intent or ""))

    def feedback(self, ref: str) -> str:
        """What somebody did beside the messages: tapped a service, a tip or a step, or said whether it helped."""
        what, _, name = ref.partition(".")
        if what != "tapped":
            return self.name("rating", ref)
        tip = self._content.tips.get(name)
        return self.say("tapped", name=str(tip.title) if tip else self.helpline(name))

    def name(self, group: str, value: Any) -> str:
        """A name of one of the groups."""
        return str(self.file.groups[group].get(str(value), value))

    def action(self, action: str) -> str:
        """What somebody did, as the audit log calls it, in words."""
        return str(self.file.actions.get(action, action))

    def subject(self, subject: str) -> str:
        """What an entry of the audit log is about, in words: "gesprek 12"."""
        kind, _, number = subject.partition(" ")
        return f"{self.name('subject', kind)} {number}".strip()

    def say(self, message: str, **values: Any) -> str:
        """A sentence, filled in."""
        return str(self.file.messages[message]).format(**values)

    def choices(self, facet: str) -> list[tuple[str, str]]:
        """All values of a facet with their names."""
        if facet == "platform":
            return sorted(
                ((key, str(platform.name)) for key, platform in self._content.platforms.items()), key=lambda pair: pair[1].lower()
            )
        return [(key, str(name)) for key, name in self.file.values[facet].items()]

    def helpline(self, name: str) -> str:
        """What a service is called."""
        helpline = self._content.helplines.get(name)
        return str(helpline.name) if helpline else name


def load_texts(content: Content) -> ConsoleFile:
    """Read the file.

    Raises:
        ContentError: a name is missing, unknown or too long.
    """
    return read_file(content.folder / FILE, ConsoleFile, content.folder)
