"""What ``wegwijzer content check`` looks for beyond the schema: hard texts, facts that grow old, entries that nobody can reach.

Lines are Dutch, since those who edit ``content/`` read them; each names the file, the entry and the field.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

from bot.wegwijzer import schema
from bot.wegwijzer.content import Content, broken_links
from bot.wegwijzer.readability import too_hard
from bot.wegwijzer.signpost import Tokens, compile_condition, facet_value, fits
from bot.wegwijzer.situation import CONDITION_FACETS, Situation, ordered_forms

#: Rows of the requirements that the rules, answers and walk-throughs must cover. P3 is docs/flowcharts.md, P4 the figures of the console.
REQUIRED_ROWS: tuple[str, ...] = (
    *(f"S{number}" for number in range(1, 16)),
    *(f"E{number}" for number in range(1, 19)),
    *(f"P{number}" for number in (1, 2, 5, 6, 7, 8, 9, 10, 11, 12)),
)
#: Rows that are met elsewhere but may be named as well.
_OTHER_ROWS = ("P3", "P4", *(f"B{number}" for number in range(1, 9)))

#: Numbers that an older source may still give and that must never be said: no longer in use, or another service.
FORBIDDEN_NUMBERS = ("103", "107", "110")

FRESH_DAYS = 180
_EASY_PREFIXES = ("crisis_", "selfharm_", "abuse_", "danger_", "sextortion_")

_PHONE = re.compile(r"(?<![\d,.:/-])\d(?:[\d ]*\d)?(?![\d,:/-]*\d)")
_YEAR = re.compile(r"(?:19|20)\d\d")
_UNIT = re.compile(r"\s*(?:procent|jaar|dagen|leerlingen|tekens|minuten|uur|euro|keer)\b")
_CLOCK = re.compile(r"\b\d{1,2}(?:[:.]\d\d\s*uur|:\d\d|u\d\d| uur)\b")
_SCREENSHOT = re.compile(r"[^.!?:]*screenshot[^.!?]*", re.I)
_DENIED = re.compile(r"\b(?:nooit|geen|niet)\b", re.I)
_TOLD = re.compile(r"krijgt\b[^.]*\bmelding", re.I)

_CODE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Text:
    """A text that users read, and where it stands: file, entry and field."""

    where: str
    text: str
    level: schema.Level = schema.Level.B1


def check_content(content: Content, today: dt.date, more: Iterable[Text] = ()) -> tuple[list[str], list[str]]:
    """Everything that is wrong with the content, and everything that deserves a look.

    Args:
        today: facts that were verified more than 180 days before are remarked upon.
        more: texts of the channels, which keep to the same rules.

    Returns:
        Problems (the check fails) and remarks.
    """
    texts = [*_texts(content), *more]
    problems = [
        *broken_links(content),
        *_hard_texts(content, texts),
        *_numbers(content, texts),
        *_weak_sources(content),
        *_steps(content),
        *_screenshots(content),
        *_conditions(content),
        *_rows(content),
    ]
    return problems, [*_old_facts(content, today), *_unused(content)]


# --- texts -----------------------------------------------------------------------------------------------------------


def _texts(content: Content) -> Iterator[Text]:
    for name, tip in content.tips.items():
        for field in ("title", "do", "dont"):
            if getattr(tip, field):
                yield Text(f"tips.yml: {name} > {field}", getattr(tip, field), _level(name))
    for group, texts in content.texts.items():
        for name, lines in texts.texts.items():
            for line in lines:
                yield Text(f"texts.yml: {group} > {name}", line, _level(name, texts.level))
    for name, answer in content.answers.items():
        yield Text(f"answers.yml: {name} > title", answer.title, schema.Level.A2)
        for place, variant in enumerate(answer.variants, start=1):
            for line in variant.text:
                yield Text(f"answers.yml: {name} > variants > nummer {place}", line)
    for name, walk in content.walkthroughs.items():
        yield Text(f"answers.yml: {name} > title", walk.title, schema.Level.A2)
        for place, step in enumerate(walk.steps, start=1):
            yield Text(f"answers.yml: {name} > steps > nummer {place}", step)
    for name, helpline in content.helplines.items():
        yield Text(f"helplines.yml: {name} > what", helpline.what)
        yield Text(f"helplines.yml: {name} > for_whom", helpline.for_whom)
        for note in helpline.notes:
            yield Text(f"helplines.yml: {name} > notes", note)
    for where, step in _all_steps(content):
        yield Text(f"{where} > text", step.text)
    for road, file in content.roads.items():
        for rule in file.rules:
            level = schema.Level.A2 if rule.id.startswith("crisis.") else schema.Level.B1
            for add in rule.add.referrals:
                yield Text(f"rules/{road}.yml: {rule.id} > referrals > {add.id} > why", add.why, level)
    for facet, question in content.questions.questions.items():
        for role, text in question.text.items():
            yield Text(f"questions.yml: {facet} > text > {role}", text)
        for option in question.options:
            yield Text(f"questions.yml: {facet} > options > {option.value}", option.label, schema.Level.A2)


def _all_steps(content: Content) -> Iterator[tuple[str, schema.Step]]:
    for name, platform in (("general", content.general), *content.platforms.items()):
        for kind, step in platform.steps.items():
            yield f"platforms.yml: {name} > steps > {kind}", step


def _level(name: str, level: schema.Level = schema.Level.B1) -> schema.Level:
    return schema.Level.A2 if name.startswith(_EASY_PREFIXES) else level


def _hard_texts(content: Content, texts: Iterable[Text]) -> Iterator[str]:
    # A service is called what it is called: its name does not count against who writes about it.
    names = sorted((helpline.name for helpline in content.helplines.values()), key=len, reverse=True)
    for item in texts:
        plain = item.text
        for name in names:
            plain = plain.replace(name, "die")
        why = too_hard(plain, item.level)
        if why:
            yield f"{item.where}: moeilijk te lezen, {why}: “{_short(item.text)}”"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _numbers(content: Content, texts: Iterable[Text]) -> Iterator[str]:
    known = {
        channel.value.replace(" ", "")
        for helpline in content.helplines.values()
        for channel in helpline.channels
        if channel.kind is schema.ChannelKind.PHONE
    }
    for name, helpline in content.helplines.items():
        for place in (*(channel.value for channel in helpline.channels), *helpline.aliases):
            if place.replace(" ", "") in FORBIDDEN_NUMBERS:
                yield f"helplines.yml: {name}: het nummer {place} mag niet meer gebruikt worden"
        for channel in helpline.channels:
            if channel.label:
                yield from _wrong_numbers(f"helplines.yml: {name} > channels > label", channel.label, known)
    for item in texts:
        yield from _wrong_numbers(item.where, item.text, known)
        if _CLOCK.search(item.text):
            yield f"{item.where}: een openingsuur hoort in helplines.yml, met een bron: “{_short(item.text)}”"


def _wrong_numbers(where: str, text: str, known: set[str]) -> Iterator[str]:
    for match in _PHONE.finditer(text):
        number = match.group().replace(" ", "")
        if number in FORBIDDEN_NUMBERS:
            yield f"{where}: het nummer {match.group()} mag niet meer gebruikt worden"
        elif len(number) >= 3 and number not in known and not _YEAR.fullmatch(number) and not _UNIT.match(text, match.end()):
            yield f"{where}: het nummer {match.group()} staat niet in helplines.yml"


# --- sources and steps -----------------------------------------------------------------------------------------------


def _pages(content: Content) -> dict[str, schema.Answer | schema.Walkthrough]:
    return {**content.answers, **content.walkthroughs}


def _weak_sources(content: Content) -> Iterator[str]:
    sources: list[tuple[str, Iterable[schema.Source]]] = [(where, [step.source]) for where, step in _all_steps(content)]
    sources += [(f"tips.yml: {name}", tip.source) for name, tip in content.tips.items()]
    sources += [(f"answers.yml: {name}", page.sources) for name, page in _pages(content).items()]
    for name, helpline in content.helplines.items():
        hours = [channel.hours.source for channel in helpline.channels if channel.hours]
        sources.append((f"helplines.yml: {name}", [*helpline.sources, *hours]))
    for where, given in sources:
        if any(source.kind is schema.SourceClass.WEAK for source in given):
            yield f"{where}: de bron is zwak (W); zoek een betere of laat dit weg"


def _steps(content: Content) -> Iterator[str]:
    for where, step in _all_steps(content):
        if step.notifies is not None and _TOLD.search(step.text):
            yield f"{where} > text: de melding aan de ander staat al in 'notifies' en zou twee keer gezegd worden"


def _screenshots(content: Content) -> Iterator[str]:
    for name, tip in content.tips.items():
        asked = [part for part in _SCREENSHOT.findall(tip.do) if not _DENIED.search(part)]
        if asked and not tip.captures_image:
            yield f"tips.yml: {name} > captures_image: de tip vraagt een screenshot; zet hier true"


# --- conditions ------------------------------------------------------------------------------------------------------


def situations_for(*conditions: schema.Condition, extra: Iterable[str] = ()) -> Iterator[Situation]:
    """Situations that tell the conditions apart: every facet that they name takes each of the values named, unknown, and one other.

    Args:
        extra: facets that vary over all their values besides.
    """
    named: dict[str, set[str]] = {facet: set() for facet in extra}
    for condition in conditions:
        _collect(condition, named)
    choices = {facet: _choices(facet, values, facet in extra) for facet, values in named.items()}
    for combined in product(*choices.values()):
        yield Situation(**dict(zip(choices, combined, strict=True)))


def _collect(condition: schema.Condition, named: dict[str, set[str]]) -> None:
    for facet in CONDITION_FACETS:
        if getattr(condition, facet):
            named.setdefault(facet, set()).update(getattr(condition, facet))
    for inner in (*condition.not_, *condition.any):
        _collect(inner, named)


def _choices(facet: str, values: set[str], everything: bool) -> list[Any]:
    allowed = schema.CONDITION_VALUES[facet]
    told = sorted(values - {"known", "unknown"})
    others = sorted(allowed - set(told)) if allowed else ["another"]
    told += others if everything else others[:1]
    if facet == "forms":
        groups = chain.from_iterable(combinations(told, size) for size in (1, 2, 0))
        return [ordered_forms(group) for group in groups]
    # What the condition names comes first: a situation in which it holds is then soon found.
    return [*(facet_value(facet, value) for value in told), None]


def witness(condition: schema.Condition, fitting: schema.Helpline | None = None) -> Situation | None:
    """A situation in which a condition holds (and for which a service is meant), or None where there is none."""
    holds = compile_condition(condition)
    extra = ("role", "age_band", "context") if fitting else ()
    return next(
        (
            situation
            for situation in situations_for(condition, extra=extra)
            if holds(situation.tokens()) and (fitting is None or fits(fitting, situation))
        ),
        None,
    )


def _conditions(content: Content) -> Iterator[str]:
    for road, file in content.roads.items():
        for rule in file.rules:
            where = f"rules/{road}.yml: {rule.id}"
            if witness(rule.when) is None:
                yield f"{where} > when: deze voorwaarde kan nooit kloppen"
                continue
            for add in rule.add.referrals:
                if witness(rule.when, content.helplines[add.id]) is None:
                    yield f"{where} > referrals > {add.id}: deze dienst is volgens 'audience' in helplines.yml nooit voor wie dit leest"
    for facet, question in content.questions.questions.items():
        for option in question.options:
            if option.only_if and witness(option.only_if) is None:
                yield f"questions.yml: {facet} > options > {option.label} > only_if: deze voorwaarde kan nooit kloppen"
    for name, answer in content.answers.items():
        yield from _variants(name, answer)


def _variants(name: str, answer: schema.Answer) -> Iterator[str]:
    conditions = [variant.when for variant in answer.variants]
    if conditions[-1] != schema.Condition():
        yield f"answers.yml: {name} > variants: de laatste mag geen 'when' hebben, want iedereen moet een antwoord krijgen"
    tests: list[Callable[[Tokens], bool]] = [compile_condition(condition) for condition in conditions]
    given: set[int] = set()
    for situation in situations_for(*conditions):
        tokens = situation.tokens()
        given.add(next((place for place, holds in enumerate(tests) if holds(tokens)), len(tests) - 1))
    for place in sorted(set(range(len(tests))) - given):
        yield f"answers.yml: {name} > variants > nummer {place + 1}: komt nooit aan de beurt, een eerdere geldt altijd al"


# --- requirements, age, use ------------------------------------------------------------------------------------------


def rows_named(content: Content) -> dict[str, list[str]]:
    """Row of the requirements -> ids of the rules, answers and walk-throughs that name it."""
    named: dict[str, list[str]] = {}
    for rule in content.rules:
        for row in rule.source.rows:
            named.setdefault(row, []).append(rule.id)
    for name, page in _pages(content).items():
        for row in page.rows:
            named.setdefault(row, []).append(name)
    return named


def _rows(content: Content) -> Iterator[str]:
    named = rows_named(content)
    for row in REQUIRED_ROWS:
        if row not in named:
            yield f"rules/: geen regel, antwoord of stappenplan noemt {row} van de vereisten"
        if row not in content.examples:
            yield f"examples.yml: er is geen voorbeeld voor {row} van de vereisten"
    for row, users in named.items():
        if row not in REQUIRED_ROWS and row not in _OTHER_ROWS:
            yield f"{users[0]} > rows: {row} is geen rij van de vereisten"


def _old_facts(content: Content, today: dt.date) -> Iterator[str]:
    dated: list[tuple[str, dt.date]] = [(f"helplines.yml: {name}", helpline.verified_on) for name, helpline in content.helplines.items()]
    dated += [(where, step.verified_on) for where, step in _all_steps(content)]
    dated += [(f"answers.yml: {name}", answer.verified_on) for name, answer in content.answers.items() if answer.verified_on]
    for where, verified_on in dated:
        age = (today - verified_on).days
        if age > FRESH_DAYS:
            yield f"{where} > verified_on: {age} dagen geleden nagekeken; kijk het na en pas de datum aan"


def _unused(content: Content) -> Iterator[str]:
    rules = content.rules
    tips = {add.id for rule in rules for add in rule.add.tips}
    opened = {page for rule in rules for page in rule.add.follow_up}
    acknowledgements = {rule.add.acknowledgement.id for rule in rules if rule.add.acknowledgement}
    helplines = {add.id for rule in rules for add in rule.add.referrals}
    for answer in content.answers.values():
        helplines.update(name for variant in answer.variants for name in variant.referrals)
    pages = _pages(content)
    opened |= {following for page in pages.values() for following in page.next}
    in_code = _strings_in_code()
    for name in sorted(set(content.tips) - tips):
        yield f"tips.yml: {name}: geen regel geeft deze tip"
    for name in sorted(set(content.helplines) - helplines):
        yield f"helplines.yml: {name}: geen regel of antwoord noemt deze dienst"
    for name, page in pages.items():
        if not page.asked_as and name not in opened and name not in in_code:
            yield f"answers.yml: {name}: niemand kan dit openen; zet het bij 'next' of 'follow_up', of geef 'asked_as'"
    for group, texts in content.texts.items():
        used = acknowledgements if group == "acknowledge" else in_code
        for name in texts.texts:
            if name not in used and f"{name.partition('_')[0]}_" not in in_code:
                yield f"texts.yml: {group} > {name}: wordt nergens gebruikt"


def _strings_in_code() -> frozenset[str]:
    """Every string constant of the program: the names of texts that it says."""
    found: set[str] = set()
    for folder in ("actions", "bot"):
        for path in sorted((_CODE / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found.update(node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return frozenset(found)
