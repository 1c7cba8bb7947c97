"""Pages in ``docs/`` that are made from ``content/``: what the bot knows, readable without the bot.

The flow charts and the requirements table ask the signpost itself, so they show what it really says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

from bot.wegwijzer import schema
from bot.wegwijzer.check import REQUIRED_ROWS, rows_named
from bot.wegwijzer.content import Content
from bot.wegwijzer.hours import BRUSSELS
from bot.wegwijzer.signpost import Signpost
from bot.wegwijzer.situation import Situation, parse_situation
from bot.wegwijzer.vocabulary import Crisis, Role, Tried

#: The moment for which the pages are made: a working day in the afternoon, when most services are open.
_MOMENT = dt.datetime(2026, 11, 18, 15, tzinfo=BRUSSELS)

_MADE = "<!-- Made from content/ by 'make docs'. Do not edit by hand. -->\n"
_ROADS = {
    Role.VICTIM: "A young person to whom it happens",
    Role.BYSTANDER: "Who sees it happen",
    Role.BULLY: "Who bullies and wants to stop",
    Role.PARENT: "Parents",
    Role.SUPERVISOR: "Supervisors: teachers, trainers, youth and culture workers",
}

_REQUIREMENTS_INTRO = """
# Requirements, row by row

Which rules (`content/rules/`) and which answers and walk-throughs (`content/answers.yml`) meet each row, with an example of a message
(`content/examples.yml`) and where it leads on a working day in the afternoon. P3 is [flowcharts.md](flowcharts.md), P4 the figures of
the console.

"""
_FLOWCHARTS_INTRO = """
# What to do: flow charts

For each road what the bot advises, from the same rules and ladders that it runs on: in the boxes the services (best first) and the first
thing to do. A question is asked only where nobody told the answer yet.
"""
_HELPLINES_INTRO = """
# Help services

The services that the bot may name. Hours are given only where a source confirms them; 000 to 004 are the founding documents. To change
one: `content/helplines.yml`.

"""
_PLATFORMS_INTRO = """
# Platforms

The platforms that the bot knows by name. "general": no trustworthy source tells that step for the platform, so the general one is given.
To change one: `content/platforms.yml`.

"""


def write_docs(content: Content, check: bool = False, more: Mapping[str, str] | None = None) -> list[str]:
    """Write the pages whose content changed.

    Args:
        check: only compare, write nothing.
        more: name -> text of pages that are made from something else.

    Returns:
        Names of the pages that were out of date.
    """
    folder = content.folder.parent / "docs"
    stale = []
    for name, text in {**pages(content), **(more or {})}.items():
        path = folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(f"docs/{name}")
        if not check:
            folder.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return stale


def pages(content: Content) -> dict[str, str]:
    """Name -> text of every page that is made from the content."""
    signpost = Signpost(content)
    return {
        "requirements.md": _requirements(content, signpost),
        "flowcharts.md": _flowcharts(content, signpost),
        "helplines.md": _helplines(content),
        "platforms.md": _platforms(content),
    }


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |\n" for line in lines)


# --- requirements ----------------------------------------------------------------------------------------------------


def _requirements(content: Content, signpost: Signpost) -> str:
    named = rows_named(content)
    rules = {rule.id for rule in content.rules}
    rows = []
    for row in REQUIRED_ROWS:
        example = content.examples[row]
        advice = signpost.advise(parse_situation(example.situation, content.platforms), _MOMENT)
        leads_to: list[str] = [content.helplines[referral.id].name for referral in advice.referrals]
        if example.page:
            leads_to.insert(0, f"page “{_title(content, example.page)}”")
        rows.append(
            (
                row,
                example.what,
                ", ".join(f"`{name}`" for name in named[row] if name in rules),
                ", ".join(f"`{name}`" for name in named[row] if name not in rules),
                f"“{example.message}”",
                ", ".join(leads_to),
            )
        )
    head = ("row", "what", "rules", "answers and walk-throughs", "example of a message", "leads to")
    return f"{_MADE}{_REQUIREMENTS_INTRO}{_table(head, rows)}"


def _title(content: Content, page: str) -> str:
    entry: schema.Answer | schema.Walkthrough = content.answers.get(page) or content.walkthroughs[page]
    return entry.title


# --- flow charts -----------------------------------------------------------------------------------------------------


class _Chart:
    """A Mermaid flow chart of what the signpost says; equal texts share a node."""

    def __init__(self, content: Content, signpost: Signpost) -> None:
        self._content = content
        self._signpost = signpost
        self._lines: list[str] = []
        self._ids: dict[str, str] = {}

    def text(self) -> str:
        """The chart as a Markdown block."""
        return "```mermaid\nflowchart TD\n" + "\n".join(self._lines) + "\n```\n"

    def road(self, person: Situation) -> None:
        """From what happened to the advice: danger, what it is, where it happens, and further if it does not stop."""
        kind = self._start(person)
        for value in ("conflict", "none", "unclear"):
            self._edge(kind, self._advice(person.with_facet("kind", value)), self._words(value))
        bullied = person.with_facet("kind", "bullying")
        self._edge(kind, self._advice(bullied.with_facet("forms", "nude_images")), self._words("images"))
        self._edge(kind, self._advice(bullied.with_facet("forms", "threat")), self._words("crime"))
        question = self._content.questions.questions["context"]
        where = self._node(question.text.get(person.role or "default", question.text["default"]), question=True)
        self._edge(kind, where, self._words("bullying"))
        for option in self._signpost.options_for("context", bullied):
            there = bullied.with_facet("context", option.value)
            if option.value == "online":
                there = there.with_facet("kind", "cyberbullying")
            first = self._advice(there)
            self._edge(where, first, option.label)
            self._ladder(there, first)

    def work(self, person: Situation) -> None:
        """The road of an adult at work."""
        kind = self._start(person)
        bullied = person.with_facet("kind", "bullying")
        self._edge(kind, self._advice(person.with_facet("kind", "conflict")), self._words("conflict"))
        self._edge(kind, self._advice(bullied), self._words("bullying"))
        self._edge(kind, self._advice(bullied.with_facet("forms", "threat")), self._words("crime"))

    def _start(self, person: Situation) -> str:
        """The question about danger, that comes before all else; returns the node where it goes on."""
        danger = self._node(self._words("in_danger"), question=True)
        self._edge(self._node(self._words("starts")), danger, "…")
        for crisis in Crisis:
            if crisis is not Crisis.NONE:
                self._edge(danger, self._advice(person.with_facet("crisis", crisis.value)), self._words(crisis.value))
        kind = self._node(self._words("what_is_it"), question=True)
        self._edge(danger, kind, self._words("not_now"))
        return kind

    def _ladder(self, there: Situation, last: str) -> None:
        """Further rungs, as long as the help that was sought did not stop it."""
        if there.role not in (Role.VICTIM, Role.PARENT, Role.SUPERVISOR):
            return
        options = {option.value: option.label for option in self._signpost.options_for("tried", there)}
        for rung in (Tried.INTERNAL, Tried.SUPPORT, Tried.EXTERNAL, Tried.INTEGRITY):
            if rung.value not in options:
                continue
            following = self._advice(there.with_facet("tried", rung.value))
            if following != last:
                self._edge(last, following, f"{self._words('not_stopped')} ({options[rung.value]})")
                last = following

    def _words(self, name: str) -> str:
        return self._content.text("charts", name)[0]

    def _advice(self, situation: Situation) -> str:
        """The node of an advice: its services, best first, and the first thing to do."""
        advice = self._signpost.advise(situation, _MOMENT)
        services = [self._content.helplines[referral.id].name for referral in advice.referrals]
        tips = [f"<i>{self._content.tips[name].title}</i>" for name in advice.tips[:1]]
        return self._node("<br/>".join((*services, *tips)))

    def _node(self, text: str, question: bool = False) -> str:
        if text not in self._ids:
            self._ids[text] = f"n{len(self._ids)}"
            label = text.replace('"', "#quot;")
            self._lines.append(f'  {self._ids[text]}{{"{label}"}}' if question else f'  {self._ids[text]}["{label}"]')
        return self._ids[text]

    def _edge(self, start: str, end: str, label: str) -> None:
        line = f'  {start} -- "{label}" --> {end}'
        if line not in self._lines:
            self._lines.append(line)


def _flowcharts(content: Content, signpost: Signpost) -> str:
    parts = [f"{_MADE}{_FLOWCHARTS_INTRO}"]
    for role, title in _ROADS.items():
        chart = _Chart(content, signpost)
        chart.road(Situation(role=role.value))
        parts.append(f"\n## {title}\n\n{chart.text()}")
    chart = _Chart(content, signpost)
    chart.work(Situation(role=Role.VICTIM.value, context="work", age_band="over_25"))
    parts.append(f"\n## An adult at work\n\n{chart.text()}")
    return "".join(parts)


# --- helplines and platforms -----------------------------------------------------------------------------------------


def _helplines(content: Content) -> str:
    rows = (
        (
            f"`{name}`",
            helpline.name,
            helpline.what,
            helpline.for_whom,
            "; ".join(channel.label or channel.value for channel in helpline.channels) or "unknown",
            "; ".join(_hours(helpline)) or "unknown",
            helpline.cost,
            {True: "yes", False: "no", None: "unknown"}[helpline.anonymous],
            helpline.verified_on.isoformat(),
            ", ".join(_source(source) for source in helpline.sources),
        )
        for name, helpline in content.helplines.items()
    )
    head = ("id", "name", "what", "for whom", "how", "hours", "cost", "anonymous", "verified on", "sources")
    return f"{_MADE}{_HELPLINES_INTRO}{_table(head, rows)}"


def _hours(helpline: schema.Helpline) -> Iterator[str]:
    for channel in helpline.channels:
        if channel.hours is None:
            continue
        days = ", ".join(f"{day} {' '.join(spans)}" for day, spans in channel.hours.days.items())
        times = "always" if channel.hours.always else days
        closed = ", closed on holidays" if channel.hours.closed_on_holidays else ""
        yield f"{channel.kind.value}: {times}{closed}"


def _source(source: schema.Source) -> str:
    return source.seed if source.seed else f"<{source.url}> ({source.kind.value})"


def _platforms(content: Content) -> str:
    known = {"general": content.general, **content.platforms}
    marks = (
        (f"`{name}`", platform.name, *("own" if kind in platform.steps else "general" for kind in schema.STEP_KINDS))
        for name, platform in known.items()
    )
    head = ("id", "platform", *schema.STEP_KINDS)
    parts = [f"{_MADE}{_PLATFORMS_INTRO}{_table(head, marks)}"]
    for name, platform in known.items():
        if platform.steps:
            steps = (
                (
                    kind,
                    step.text,
                    {True: "yes", False: "no", None: "unknown"}[step.notifies],
                    _source(step.source),
                    step.verified_on.isoformat(),
                )
                for kind, step in platform.steps.items()
            )
            parts.append(f"\n## {platform.name} (`{name}`)\n\n")
            parts.append(_table(("step", "text", "is the other told", "source", "verified on"), steps))
    return "".join(parts)
