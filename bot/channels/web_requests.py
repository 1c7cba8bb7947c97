"""What a client may send: strict JSON, the fields that are known, of the type that is asked."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, Extra, StrictBool, StrictStr, ValidationError, constr, root_validator

from bot.channels.web_errors import Refusal

_Model = TypeVar("_Model", bound="StrictBody")

BODY_LIMIT = 64 * 1024
#: Event numbers have at most this many digits; more cannot be one of ours.
_EVENT_ID_DIGITS = 15


class StrictBody(BaseModel):
    """A JSON object without unknown fields."""

    class Config:
        extra = Extra.forbid


class SessionBody(StrictBody):
    """``greeted``: the client has shown the bot's first words, the bot need not say them again."""

    greeted: StrictBool = False


class MessageBody(StrictBody):
    """What was typed, or the id of the button that was tapped. ``id`` is the client's own: the same message sent twice is taken once."""

    id: constr(strict=True, regex=r"^[A-Za-z0-9_-]{8,64}\Z")  # type: ignore[valid-type]
    text: StrictStr | None = None
    button: constr(strict=True, min_length=1, max_length=40) | None = None  # type: ignore[valid-type]

    @root_validator(pre=True)
    def _one_of(cls, values: dict[str, Any]) -> dict[str, Any]:
        return _exactly_one(values, "text", "button")


class FeedbackBody(StrictBody):
    """What a user did beside the messages: said whether an answer helped, or tapped a number or link of a help card (its id)."""

    helpful: StrictBool | None = None
    tapped: constr(strict=True, regex=r"^[a-z0-9_]{1,60}\Z") | None = None  # type: ignore[valid-type]

    @root_validator(pre=True)
    def _one_of(cls, values: dict[str, Any]) -> dict[str, Any]:
        return _exactly_one(values, "helpful", "tapped")


def _exactly_one(values: dict[str, Any], *names: str) -> dict[str, Any]:
    if [name in values for name in names].count(True) != 1 or any(values.get(name, "") is None for name in names):
        raise ValueError(f"give one of {' and '.join(names)}")
    return values


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def read_body(body: bytes, content_type: str, model: type[_Model]) -> _Model:
    """A request body.

    Raises:
        Refusal: not JSON, not an object, unknown fields or wrong types.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refusal("not_json")
    try:
        text = body.decode("utf-8")
        data = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal("not_json") from None
    if not isinstance(data, dict) or not _is_unicode(data):
        raise Refusal("wrong_fields")
    try:
        return model(**data)
    except ValidationError:
        raise Refusal("wrong_fields") from None


def _is_unicode(data: dict[str, Any]) -> bool:
    r"""Whether every text can be written as UTF-8; JSON can spell half a character as ``\ud800``."""
    try:
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def read_event_id(text: str | None) -> int:
    """The number of the last event that a client has; 0 for none.

    Raises:
        Refusal: not a number.
    """
    if text is None:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= _EVENT_ID_DIGITS):
        raise Refusal("bad_event_id")
    return int(text)


def read_poll(query: list[tuple[str, str]]) -> tuple[int, bool]:
    """The query of a poll: the last event that the client has, and whether it knows that the bot is working.

    Raises:
        Refusal: not a number, not a yes or no, or given twice.
    """
    after = [value for name, value in query if name == "after"]
    typing = [value for name, value in query if name == "typing"]
    if len(after) > 1:
        raise Refusal("bad_event_id")
    if typing not in ([], ["0"], ["1"]):
        raise Refusal("wrong_fields")
    return read_event_id(after[0] if after else None), typing == ["1"]
