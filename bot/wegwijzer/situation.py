"""What is known of somebody's situation, and nothing that is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from bot.wegwijzer.vocabulary import BOOLEAN_FACETS, SINGLE_FACETS, Form, Topic, Tried


class SituationError(ValueError):
    """A situation that cannot be read; the message is one line, meant for whoever wrote it."""


@dataclass(frozen=True)
class Situation:
    """Facets of a situation. ``None`` is unknown, an empty ``forms`` too; nothing is guessed.

    ``tried`` is how far help was sought already, ``topic`` what is asked for, ``asked`` the facets that were asked for
    and stayed unknown ("I don't know", "rather not say"): they are not asked again.
    """

    role: str | None = None
    kind: str | None = None
    context: str | None = None
    forms: tuple[str, ...] = ()
    platform: str | None = None
    repeated: bool | None = None
    crisis: str | None = None
    age_band: str | None = None
    anonymous_bully: bool | None = None
    adult_informed: bool | None = None
    evidence_saved: bool | None = None
    tried: str | None = None
    topic: str | None = None
    asked: tuple[str, ...] = ()

    def with_facet(self, facet: str, value: Any) -> Situation:
        """A copy in which one facet is known. A form is added to the forms already known."""
        if facet == "forms":
            given = (value,) if isinstance(value, str) else tuple(value)
            return replace(self, forms=ordered_forms({*self.forms, *given}))
        return replace(self, **{facet: value})

    def to_dict(self) -> dict[str, Any]:
        """The facets as JSON-ready values, ``asked`` left out."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "asked"}
        plain["forms"] = list(self.forms)
        return plain

    def tokens(self) -> dict[str, frozenset[str]]:
        """Per facet the words that a rule's condition may ask for: its value(s) and ``known``, or ``unknown``."""
        spelled: dict[str, frozenset[str]] = {}
        for facet in CONDITION_FACETS:
            value = getattr(self, facet)
            if value is None or value == ():
                spelled[facet] = _UNKNOWN
            elif facet == "forms":
                spelled[facet] = frozenset({*value, "known"})
            else:
                spelled[facet] = frozenset({str(value).lower() if isinstance(value, bool) else value, "known"})
        return spelled


_UNKNOWN = frozenset({"unknown"})
_FORM_ORDER = {form.value: place for place, form in enumerate(Form)}
_ENUMS: dict[str, Any] = {**SINGLE_FACETS, "tried": Tried, "topic": Topic}

CONDITION_FACETS: tuple[str, ...] = tuple(field.name for field in fields(Situation) if field.name != "asked")


def ordered_forms(forms: Iterable[str]) -> tuple[str, ...]:
    """Forms without doubles in the order of the vocabulary, so that equal situations compare equal."""
    return tuple(sorted(set(forms), key=_FORM_ORDER.__getitem__))


def parse_situation(data: Any, platforms: Iterable[str] | None = None) -> Situation:
    """Read a situation from JSON data.

    Args:
        data: an object with any of the facets; missing or ``null`` is unknown.
        platforms: the keys of ``content/platforms.yml``, if the platform is to be checked.

    Raises:
        SituationError: unknown field, wrong type or unknown value, told in one line.
    """
    if not isinstance(data, Mapping):
        raise SituationError(f"a situation is an object, not {_type_name(data)}")
    unknown = [str(key) for key in data if key not in CONDITION_FACETS]
    if unknown:
        raise SituationError(f"unknown field {_quoted(unknown[0])}; known are {', '.join(CONDITION_FACETS)}")
    values = {facet: _facet_value(facet, data[facet], platforms) for facet in data if data[facet] is not None}
    return Situation(**values)


def _facet_value(facet: str, value: Any, platforms: Iterable[str] | None) -> Any:
    if facet in BOOLEAN_FACETS:
        if not isinstance(value, bool):
            raise SituationError(f"{facet} must be true, false or null, not {_quoted(value)}")
        return value
    if facet == "forms":
        if not isinstance(value, list):
            raise SituationError(f"forms must be a list, not {_type_name(value)}")
        return ordered_forms(_word(facet, item, _FORM_ORDER) for item in value)
    if facet == "platform":
        return _word(facet, value, None if platforms is None else list(platforms))
    return _word(facet, value, [word.value for word in _ENUMS[facet]])


def _word(facet: str, value: Any, allowed: Iterable[str] | None) -> str:
    if not isinstance(value, str):
        raise SituationError(f"{facet} must be a word, not {_type_name(value)}")
    if allowed is not None and value not in set(allowed):
        raise SituationError(f"{facet} cannot be {_quoted(value)}; known are {', '.join(allowed)}")
    return value


def _quoted(value: Any) -> str:
    """The value as it may stand in a one-line message: no control characters, not endless."""
    return ascii(value) if len(str(value)) <= 40 else ascii(str(value)[:40]) + "..."


def _type_name(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "null" if value is None else "something else")
