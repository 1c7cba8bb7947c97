"""What the bot knows, to look at: services, tips, rules, what is due to be verified, and the last check of the content."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.exceptions import NotFound as NoSuchPage
from werkzeug.wrappers import Response as AnyResponse

from bot.channels.channel_texts import channel_texts
from bot.console.app import console, needs
from bot.console.logins import MODERATOR, READER
from bot.wegwijzer import schema
from bot.wegwijzer.check import FRESH_DAYS, check_content
from bot.wegwijzer.content import Content, ContentError, load_content

pages = Blueprint("knowledge", __name__)

_PARTS = ("hulplijnen", "tips", "regels", "nakijken")


@dataclass(frozen=True)
class Check:
    """Outcome of ``wegwijzer content check``: over the files as they are now, which may be newer than what the bot runs on."""

    at: dt.datetime
    problems: list[str]
    remarks: list[str]


class Checker:
    """Keeps the last check; runs one when told to, or when there is none yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: Check | None = None

    def last(self, content: Content, again: bool = False) -> Check:
        """The last check, or a new one."""
        with self._lock:
            if self._last is None or again:
                self._last = _check(content)
            return self._last


def _check(content: Content) -> Check:
    now = dt.datetime.now(dt.timezone.utc)
    try:
        written = load_content(content.folder)
        problems, remarks = check_content(written, now.date(), channel_texts(written))
    except ContentError as error:
        problems, remarks = error.problems, []
    return Check(now, problems, remarks)


_checker = Checker()


@dataclass(frozen=True)
class Fact:
    """Something that was verified on a day, and is due when that is too long ago."""

    kind: str
    name: str
    verified_on: dt.date

    @property
    def due_on(self) -> dt.date:
        """The day from which it has to be looked at again."""
        return self.verified_on + dt.timedelta(days=FRESH_DAYS)


def facts(content: Content) -> list[Fact]:
    """Everything that has a date, oldest first."""
    found = [Fact("helpline", helpline.name, helpline.verified_on) for helpline in content.helplines.values()]
    for platform in (content.general, *content.platforms.values()):
        found += [Fact("step", f"{platform.name}: {kind}", step.verified_on) for kind, step in platform.steps.items()]
    found += [Fact("answer", answer.title, answer.verified_on) for answer in content.answers.values() if answer.verified_on]
    return sorted(found, key=lambda fact: (fact.verified_on, fact.kind, fact.name))


@pages.get("/inhoud")
@needs(READER)
def index() -> AnyResponse:
    """The first part."""
    return redirect(url_for("knowledge.show", part=_PARTS[0]))


@pages.get("/inhoud/<part>")
@needs(READER)
def show(part: str) -> str:
    """One part."""
    if part not in _PARTS:
        raise NoSuchPage
    content, today = console().content, dt.datetime.now(dt.timezone.utc).date()
    more: dict[str, Any] = {}
    if part == "nakijken":
        dated = facts(content)
        more = {
            "check": _checker.last(content),
            "due": [fact for fact in dated if fact.due_on <= today],
            "next": [fact for fact in dated if fact.due_on > today][:15],
        }
    return render_template("knowledge.html", part=part, parts=_PARTS, content=content, today=today, fresh=FRESH_DAYS, when=when, **more)


@pages.post("/inhoud/nakijken")
@needs(MODERATOR)
def check_again() -> AnyResponse:
    """Check the files as they are now."""
    _checker.last(console().content, again=True)
    flash(console().texts.say("checked"), "done")
    return redirect(url_for("knowledge.show", part="nakijken"))


def when(condition: schema.Condition) -> list[str]:
    """A condition in words, a line for each facet."""
    texts = console().texts
    lines = []
    for facet, given in condition.dict(by_alias=False, exclude={"not_", "any"}).items():
        if not given:
            continue
        names = [texts.say(f"condition_{value}") if value in ("known", "unknown") else texts.value(facet, value) for value in given]
        lines.append(f"{texts.facet(facet)}: {', '.join(names)}")
    lines += [texts.say("condition_not", condition="; ".join(when(inner))) for inner in condition.not_]
    if condition.any:
        lines.append(texts.say("condition_any", conditions=" / ".join("; ".join(when(inner)) for inner in condition.any)))
    return lines
