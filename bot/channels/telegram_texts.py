"""What the bot says on Telegram only: ``content/telegram.yml`` and its shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import conlist, constr, root_validator, validator

from bot.wegwijzer.content import DEFAULT_FOLDER, ContentError, read_file
from bot.wegwijzer.schema import CONDITION_VALUES, Level, Line, Strict, TextGroup
from bot.wegwijzer.vocabulary import REFERRALS

#: Commands that the channel handles; the file must describe each of them and no other.
COMMANDS = ("start", "help", "privacy", "wis", "stop", "taal")
#: Things that are no text; the file must answer each of them.
MEDIA = ("image", "voice", "sticker", "contact", "location", "forward", "other")
_HELPFUL = ("helpful", "helpful_yes", "helpful_no", "helpful_thanks", "helpful_sorry")
_TALK = ("help", "help_danger", "stop", "language", "privacy", "erased", "edited", "button_over", *_HELPFUL)
_MARKS = ("phone", "chat", "mail", "web", "walk_in", "step", "chosen")


class Profile(Strict):
    """What Telegram shows next to the chat; the lengths are Telegram's."""

    short_description: constr(min_length=1, max_length=120)  # type: ignore[valid-type]
    description: constr(min_length=1, max_length=512)  # type: ignore[valid-type]


class Link(Strict):
    """A deep link: what is known of whoever comes by it, and what is said."""

    facet: str
    value: str
    text: Line

    @root_validator(skip_on_failure=True)
    def _known(cls, values: dict[str, Any]) -> dict[str, Any]:
        allowed = CONDITION_VALUES.get(values["facet"])
        if not allowed:
            raise ValueError(f"'{values['facet']}' is no facet that a link can tell")
        if values["value"] not in allowed:
            raise ValueError(f"'{values['value']}' is no value of {values['facet']}; use {', '.join(sorted(allowed))}")
        return values


class MediaAnswer(Strict):
    """The answer to something that is no text, with the help cards under it."""

    text: conlist(Line, min_items=1)  # type: ignore[valid-type]
    helplines: tuple[str, ...] = ()

    @validator("helplines", each_item=True)
    def _helpline(cls, value: str) -> str:
        if value not in REFERRALS:
            raise ValueError(f"there is no helpline '{value}'")
        return value


class MediaGroup(Strict):
    """Answers to what is no text."""

    level: Level
    texts: dict[str, MediaAnswer]

    @validator("texts")
    def _all(cls, value: dict[str, MediaAnswer]) -> dict[str, MediaAnswer]:
        return _exactly(value, MEDIA)


class TelegramFile(Strict):
    """``content/telegram.yml``."""

    profile: Profile
    commands: dict[str, constr(min_length=1, max_length=256)]  # type: ignore[valid-type]
    links: dict[constr(regex=r"^[A-Za-z0-9_-]{1,64}$"), Link]  # type: ignore[valid-type]
    marks: dict[str, constr(min_length=1, max_length=4)]  # type: ignore[valid-type]
    groups: dict[str, TextGroup]
    media: MediaGroup

    @validator("commands")
    def _commands(cls, value: dict[str, str]) -> dict[str, str]:
        return _exactly(value, COMMANDS)

    @validator("marks")
    def _marks(cls, value: dict[str, str]) -> dict[str, str]:
        return _exactly(value, _MARKS)

    @validator("groups")
    def _groups(cls, value: dict[str, TextGroup]) -> dict[str, TextGroup]:
        _exactly(value, ("talk", "group"))
        _exactly(value["talk"].texts, _TALK)
        _exactly(value["group"].texts, ("private_only",))
        return value

    def lines(self, name: str, group: str = "talk", **values: Any) -> list[str]:
        """The lines of a text, filled in."""
        return [line.format(**values) if values else line for line in self.groups[group].texts[name]]


def _exactly(given: dict[str, Any], wanted: tuple[str, ...]) -> dict[str, Any]:
    missing, unknown = [name for name in wanted if name not in given], [name for name in given if name not in wanted]
    if missing or unknown:
        raise ValueError(f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}")
    return given


def load_telegram_texts(folder: Path = DEFAULT_FOLDER) -> TelegramFile:
    """Read and check the file.

    Raises:
        ContentError: every problem, in words for whoever edits the file.
    """
    return read_file(folder / "telegram.yml", TelegramFile, folder)


__all__ = ["COMMANDS", "MEDIA", "ContentError", "Link", "MediaAnswer", "TelegramFile", "load_telegram_texts"]
