"""Shape of every file in ``content/``: what an editor may write, and in which words a mistake is told.

One model a file. All models refuse unknown fields, so that a typing error never silently drops a fact.
"""

from __future__ import annotations

import datetime as dt
import re
from enum import Enum
from typing import Any

from pydantic import BaseModel, ConstrainedStr, Extra, Field, conlist, constr, root_validator, validator

from bot.wegwijzer.vocabulary import REFERRALS, AgeBand, Context, Crisis, Form, Kind, Role, Topic, Tried, Urgency


class Id(ConstrainedStr):
    """A name that rules and links use."""

    regex = re.compile(r"^[a-z0-9][a-z0-9_.]*$")
    max_length = 60


class Line(ConstrainedStr):
    """A text of one or a few sentences."""

    min_length = 1
    max_length = 600
    strip_whitespace = True


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"^([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$")


class Strict(BaseModel):
    """Base of every content model: unknown fields are errors, instances cannot change."""

    class Config:
        extra = Extra.forbid
        frozen = True
        anystr_strip_whitespace = True


class SourceClass(str, Enum):
    """How far a source carries: own site, law or authority; other organisation; news; weak lead."""

    OFFICIAL = "O"
    ORGANISATION = "S"
    NEWS = "N"
    WEAK = "W"


class Source(Strict):
    """Where a fact stands. ``seed`` names one of the founding documents (000 to 004), ``url`` a public page."""

    seed: constr(regex=r"^00[0-4]$") | None = None  # type: ignore[valid-type]
    url: constr(regex=r"^https?://\S+$") | None = None  # type: ignore[valid-type]
    kind: SourceClass = SourceClass.OFFICIAL
    copy_date: str = Field("unknown", description="date of the copy that was read, as far as known")
    passage: str | None = None

    @root_validator(skip_on_failure=True)
    def _one_place(cls, values: dict[str, Any]) -> dict[str, Any]:
        if bool(values.get("seed")) == bool(values.get("url")):
            raise ValueError("give either 'seed' or 'url'")
        return values


# --- helplines.yml ---------------------------------------------------------------------------------------------------


class ChannelKind(str, Enum):
    """A way to reach a service."""

    PHONE = "phone"
    CHAT = "chat"
    MAIL = "mail"
    WALK_IN = "walk_in"
    WEB = "web"


class Hours(Strict):
    """Opening hours of a channel, confirmed by a source: round the clock, or times a weekday. No hours given means: unknown."""

    always: bool = False
    days: dict[str, conlist(str, min_items=1)] = {}  # type: ignore[valid-type]
    closed_on_holidays: bool = False
    source: Source

    @validator("days")
    def _readable(cls, days: dict[str, list[str]]) -> dict[str, list[str]]:
        for day, spans in days.items():
            if day not in WEEKDAYS:
                raise ValueError(f"'{day}' is no weekday; use {', '.join(WEEKDAYS)}")
            for span in spans:
                match = _HOURS.match(span)
                if not match or span[:5] >= span[6:] or span[6:] > "24:00":
                    raise ValueError(f"'{span}' is no opening time; write for instance 09:00-17:00")
        return days

    @root_validator(skip_on_failure=True)
    def _something(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values["always"] == bool(values["days"]):
            raise ValueError("give either 'always: true' or 'days'")
        return values


class Channel(Strict):
    """One way to reach a service. ``value`` is what a device opens: a number, an address, a site."""

    kind: ChannelKind
    value: Line
    label: Line | None = None
    hours: Hours | None = None

    @root_validator(skip_on_failure=True)
    def _openable(cls, values: dict[str, Any]) -> dict[str, Any]:
        kind, value = values["kind"], values["value"]
        if kind is ChannelKind.PHONE and not re.fullmatch(r"[0-9 ]{3,16}", value):
            raise ValueError(f"'{value}' is no phone number; use digits and spaces")
        if kind in (ChannelKind.CHAT, ChannelKind.WEB) and not value.startswith("https://"):
            raise ValueError(f"'{value}' is no address; it must begin with https://")
        return values


class Audience(Strict):
    """For whom a service is. An empty list means: no limit."""

    roles: list[Role] = []
    ages: list[AgeBand] = []
    contexts: list[Context] = []


class Helpline(Strict):
    """A service that the bot may name."""

    name: Line
    what: Line
    for_whom: Line
    audience: Audience = Audience()
    topics: list[str] = []
    kind: constr(regex="^(helpline|emergency|on_site|tool|information|organisation)$") = "helpline"  # type: ignore[valid-type]
    channels: list[Channel] = []
    cost: constr(regex="^(free|paid|unknown)$")  # type: ignore[valid-type]
    anonymous: bool | None = None
    notes: list[str] = []
    aliases: list[str] = []
    sources: conlist(Source, min_items=1)  # type: ignore[valid-type]
    verified_on: dt.date

    @validator("notes", "aliases", "topics", each_item=True)
    def _not_empty(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be empty")
        return value


class HelplinesFile(Strict):
    """``content/helplines.yml``: every referral id, no other."""

    helplines: dict[str, Helpline]

    @validator("helplines")
    def _all_ids(cls, value: dict[str, Helpline]) -> dict[str, Helpline]:
        missing, unknown = set(REFERRALS) - set(value), set(value) - set(REFERRALS)
        if missing or unknown:
            raise ValueError(f"missing ids: {sorted(missing) or 'none'}; unknown ids: {sorted(unknown) or 'none'}")
        return value


# --- platforms.yml ---------------------------------------------------------------------------------------------------

STEP_KINDS = ("evidence", "block", "report", "restrict", "leave_group", "privacy", "takedown")


class Step(Strict):
    """How to do one thing on one platform. ``notifies``: whether the other is told (null = not known)."""

    text: Line
    notifies: bool | None = None
    source: Source
    verified_on: dt.date


class Platform(Strict):
    """A platform and the steps on it. A step that has no trustworthy source is left out: the general step is given instead."""

    name: Line
    kind: constr(regex="^(social|messaging|game|console|school|mail|phone|general)$")  # type: ignore[valid-type]
    aliases: list[str] = []
    help_page: constr(regex=r"^https://\S+$") | None = None  # type: ignore[valid-type]
    steps: dict[str, Step] = {}

    @validator("steps")
    def _known_steps(cls, value: dict[str, Step]) -> dict[str, Step]:
        for key in value:
            if key not in STEP_KINDS:
                raise ValueError(f"'{key}' is no step; use {', '.join(STEP_KINDS)}")
        return value


class PlatformsFile(Strict):
    """``content/platforms.yml``. ``general`` holds the steps for a platform that is unknown or not listed."""

    general: Platform
    platforms: dict[str, Platform]


# --- tips.yml --------------------------------------------------------------------------------------------------------


class Tip(Strict):
    """One piece of self-help: what to do now, and what better not. ``title`` is the short line one can tick."""

    title: constr(min_length=1, max_length=90)  # type: ignore[valid-type]
    do: Line
    dont: Line | None = None
    source: conlist(Source, min_items=1)  # type: ignore[valid-type]
    involves_parents: bool = Field(False, description="brings parents in: never to who is hurt at home, nor from 12 on unless they wish so")
    captures_image: bool = Field(False, description="asks to keep, show or forward an image: never where nude images are concerned")


class TipsFile(Strict):
    """``content/tips.yml``."""

    tips: dict[str, Tip]


# --- rules/*.yml -----------------------------------------------------------------------------------------------------


class Condition(Strict):
    """When a rule holds. Every facet named must match: one of the values given, ``unknown`` for not known, ``known`` for any value.

    ``forms`` matches when the situation has at least one of the forms given. ``not`` and ``any`` hold conditions of the same shape.
    """

    role: list[str] = []
    kind: list[str] = []
    context: list[str] = []
    forms: list[str] = []
    platform: list[str] = []
    repeated: list[str] = []
    crisis: list[str] = []
    age_band: list[str] = []
    anonymous_bully: list[str] = []
    adult_informed: list[str] = []
    evidence_saved: list[str] = []
    tried: list[str] = []
    topic: list[str] = []
    not_: list[Condition] = Field(default=[], alias="not")
    any: list[Condition] = []

    @root_validator(pre=True)
    def _lists(cls, values: dict[str, Any]) -> dict[str, Any]:
        spelled = {}
        for key, value in values.items():
            if key in ("not", "any"):
                spelled[key] = value if isinstance(value, list) else [value]
            else:
                items = value if isinstance(value, list) else [value]
                spelled[key] = [str(item).lower() if isinstance(item, bool) else str(item) for item in items]
        return spelled

    @root_validator(skip_on_failure=True)
    def _known_values(cls, values: dict[str, Any]) -> dict[str, Any]:
        for facet, allowed in CONDITION_VALUES.items():
            for value in values.get(facet, []):
                if allowed is not None and value not in allowed and value not in ("unknown", "known"):
                    raise ValueError(f"'{value}' is no value of {facet}; use {', '.join(sorted(allowed))}, unknown or known")
        return values


CONDITION_VALUES: dict[str, frozenset[str] | None] = {
    "role": frozenset(r.value for r in Role),
    "kind": frozenset(k.value for k in Kind),
    "context": frozenset(c.value for c in Context),
    "forms": frozenset(f.value for f in Form),
    "platform": None,  # checked against platforms.yml when all files are read together
    "crisis": frozenset(c.value for c in Crisis),
    "age_band": frozenset(a.value for a in AgeBand),
    "tried": frozenset(t.value for t in Tried),
    "topic": frozenset(t.value for t in Topic),
    "repeated": frozenset({"true", "false"}),
    "anonymous_bully": frozenset({"true", "false"}),
    "adult_informed": frozenset({"true", "false"}),
    "evidence_saved": frozenset({"true", "false"}),
}

Weight = Field(..., ge=1, le=100)


class AddReferral(Strict):
    """A service that the rule names, with the reason shown to the user. The highest weight is named first.

    ``keep``: it is named even where its weight would not bring it among the services shown; it then takes the place of the lowest.
    """

    id: str
    why: Line
    weight: int = Weight
    keep: bool = False


class AddTip(Strict):
    """A tip that the rule gives."""

    id: str
    weight: int = Weight


class Additions(Strict):
    """What a rule adds to the advice."""

    referrals: list[AddReferral] = []
    tips: list[AddTip] = []
    steps: list[str] = []
    acknowledgement: AddTip | None = Field(default=None, description="id in texts.yml, group 'acknowledge'")
    follow_up: list[str] = Field(default=[], description="ids in answers.yml that are offered as buttons")

    @validator("steps", each_item=True)
    def _step(cls, value: str) -> str:
        if value not in STEP_KINDS:
            raise ValueError(f"'{value}' is no step; use {', '.join(STEP_KINDS)}")
        return value


class Prohibitions(Strict):
    """What a rule forbids, whatever other rules add. ``all`` in a list forbids everything of the kind.

    ``tips_below``: tips of a lower weight are left out, because they can wait.
    """

    referrals: list[str] = []
    tips: list[str] = []
    tips_below: int = Field(default=0, ge=0, le=100)
    steps: list[str] = []
    captures_image: bool = False
    involves_parents: bool = False


class RuleSource(Strict):
    """Row(s) of the requirements and where they stand."""

    rows: conlist(constr(regex=r"^[SEPBR]\d{1,2}$"), min_items=1)  # type: ignore[valid-type]
    file: constr(regex=r"^(00[0-4]|facts|design)$")  # type: ignore[valid-type]
    passage: Line


class Rule(Strict):
    """One line of the signpost: in this situation, add or forbid this."""

    id: Id
    source: RuleSource
    when: Condition
    add: Additions = Additions()
    forbid: Prohibitions = Prohibitions()
    urgency: Urgency | None = None

    @root_validator(skip_on_failure=True)
    def _does_something(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values["add"] == Additions() and values["forbid"] == Prohibitions() and values["urgency"] is None:
            raise ValueError("the rule neither adds nor forbids anything")
        return values


class RulesFile(Strict):
    """``content/rules/<road>.yml``."""

    road: Line
    rules: conlist(Rule, min_items=1)  # type: ignore[valid-type]


# --- questions.yml ---------------------------------------------------------------------------------------------------


class Option(Strict):
    """A button: what it says and the value of the facet that it stands for. ``also``: other words that people type for it."""

    value: str
    label: constr(min_length=1, max_length=40)  # type: ignore[valid-type]
    likely: float = Field(1.0, gt=0, le=100, description="how often this is the answer, relative to the others")
    only_if: Condition | None = None
    also: list[constr(min_length=1, max_length=40, regex="^[^A-Z]+$")] = []  # type: ignore[valid-type]


class Question(Strict):
    """How a facet is asked for. ``text`` by role, ``default`` for all others."""

    text: dict[str, Line]
    options: conlist(Option, min_items=2)  # type: ignore[valid-type]
    only_if: Condition | None = None

    @validator("text")
    def _default(cls, value: dict[str, str]) -> dict[str, str]:
        if "default" not in value:
            raise ValueError("give a text for 'default'")
        return value


class QuestionsFile(Strict):
    """``content/questions.yml``. ``min_gain``: how much the expected advice must change before it is worth a question."""

    min_gain: float = Field(..., ge=0)
    max_questions: int = Field(..., ge=0, le=3)
    questions: dict[str, Question]


# --- answers.yml -----------------------------------------------------------------------------------------------------


class Variant(Strict):
    """An answer for some situations: the first variant whose condition holds is given."""

    when: Condition = Condition()
    text: conlist(Line, min_items=1)  # type: ignore[valid-type]
    referrals: list[str] = []


class Answer(Strict):
    """What the bot says to a question. Each line is one message."""

    title: constr(min_length=1, max_length=40)  # type: ignore[valid-type]
    asked_as: list[str] = Field(
        [],
        description="intents that may ask for this; the first page of the file is their default, where no default_when holds",
    )
    words: list[str] = Field([], description="beginnings of words in the question that point to this page")
    default_when: Condition | None = Field(None, description="for whom this is the default of its intents, before the first one")
    rows: list[str] = []
    variants: conlist(Variant, min_items=1)  # type: ignore[valid-type]
    next: list[str] = []
    sources: conlist(Source, min_items=1)  # type: ignore[valid-type]
    verified_on: dt.date | None = None


class Walkthrough(Strict):
    """Steps that are shown one at a time."""

    title: constr(min_length=1, max_length=40)  # type: ignore[valid-type]
    asked_as: list[str] = Field(
        [],
        description="intents that may ask for this; the first page of the file is their default, where no default_when holds",
    )
    words: list[str] = Field([], description="beginnings of words in the question that point to this page")
    default_when: Condition | None = Field(None, description="for whom this is the default of its intents, before the first one")
    rows: list[str] = []
    steps: conlist(Line, min_items=2)  # type: ignore[valid-type]
    next: list[str] = []
    sources: conlist(Source, min_items=1)  # type: ignore[valid-type]


class AnswersFile(Strict):
    """``content/answers.yml``."""

    answers: dict[str, Answer]
    walkthroughs: dict[str, Walkthrough]


# --- examples.yml ----------------------------------------------------------------------------------------------------


class Example(Strict):
    """How somebody gets what a row of the requirements asks for: a message and what is understood of it.

    ``page`` is the answer or walk-through that opens where the message is a question.
    """

    what: Line
    message: Line
    situation: dict[str, Any] = {}
    page: str | None = None


class ExamplesFile(Strict):
    """``content/examples.yml``: an example for every row of the requirements."""

    examples: dict[str, Example]


# --- texts.yml -------------------------------------------------------------------------------------------------------


class Level(str, Enum):
    """Reading level that a group of texts must keep to."""

    A2 = "A2"
    B1 = "B1"


class TextGroup(Strict):
    """Texts of one purpose. A list of lines are messages in a row; ``{name}`` is filled in by the bot."""

    level: Level = Level.B1
    texts: dict[str, conlist(Line, min_items=1)]  # type: ignore[valid-type]

    @validator("texts", pre=True)
    def _lists(cls, value: dict[str, Any]) -> dict[str, Any]:
        return {key: [text] if isinstance(text, str) else text for key, text in value.items()}


class TextsFile(Strict):
    """``content/texts.yml``: everything else that the bot says."""

    groups: dict[str, TextGroup]


Condition.update_forward_refs()
