"""Reading ``content/``: every file against its schema, and the links between the files.

Errors name the file, the entry and the field, in words for whoever edits the texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from bot.wegwijzer import schema
from bot.wegwijzer.situation import SituationError, parse_situation

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "content"

_Model = TypeVar("_Model", bound=schema.Strict)

_PLAIN_WORDS = {
    "field required": "is missing",
    "extra fields not permitted": "is not a known field (a typing error?)",
    "none is not an allowed value": "must not be empty",
    "str type expected": "must be a text",
    "value is not a valid list": "must be a list",
    "value is not a valid dict": "must be an entry with fields of its own",
    "value is not a valid integer": "must be a whole number",
    "value is not a valid float": "must be a number",
    "invalid date format": "must be a date such as 2026-11-20",
    "value could not be parsed to a boolean": "must be true or false",
}


class ContentError(Exception):
    """Content that cannot be used. ``problems`` is a list of lines, each naming file, entry and field."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class _UniqueKeyLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML without its traps for editors.

    The same key twice is an error: otherwise the first entry would vanish without a word. Plain values follow YAML 1.2, since in
    YAML 1.1 ``12_17`` is the number 1217, ``12:30`` the number 750 and ``no`` is false.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (declared like this by PyYAML)


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:int", r"^-?\d+$", "-0123456789"),
    ("tag:yaml.org,2002:float", r"^-?\d+\.\d+$", "-0123456789"),
    ("tag:yaml.org,2002:null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("tag:yaml.org,2002:timestamp", r"^\d{4}-\d\d-\d\d$", "0123456789"),
    ("tag:yaml.org,2002:merge", r"^<<$", "<"),
):
    _UniqueKeyLoader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _value in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"'{key}' stands here twice", key_node.start_mark)
        seen.add(key)
    return dict(loader.construct_pairs(node, deep=True))


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


@dataclass(frozen=True)
class Content:
    """All that the bot knows, read and checked."""

    helplines: dict[str, schema.Helpline]
    general: schema.Platform
    platforms: dict[str, schema.Platform]
    tips: dict[str, schema.Tip]
    roads: dict[str, schema.RulesFile]
    questions: schema.QuestionsFile
    answers: dict[str, schema.Answer]
    walkthroughs: dict[str, schema.Walkthrough]
    texts: dict[str, schema.TextGroup]
    examples: dict[str, schema.Example]
    folder: Path = field(default=DEFAULT_FOLDER, compare=False)

    @property
    def rules(self) -> list[schema.Rule]:
        """Every rule, in the order of the files and of the lines in them."""
        return [rule for road in self.roads.values() for rule in road.rules]

    def text(self, group: str, name: str, **values: Any) -> list[str]:
        """The messages of one text, filled in."""
        lines: list[str] = self.texts[group].texts[name]
        return [line.format(**values) if values else line for line in lines]


def load_content(folder: Path = DEFAULT_FOLDER) -> Content:
    """Read and check the whole folder.

    Raises:
        ContentError: with every problem that was found, not only the first.
    """
    problems: list[str] = []

    def read(name: str, model: type[_Model]) -> _Model | None:
        try:
            return read_file(folder / name, model, folder)
        except ContentError as error:
            problems.extend(error.problems)
            return None

    helplines = read("helplines.yml", schema.HelplinesFile)
    platforms = read("platforms.yml", schema.PlatformsFile)
    tips = read("tips.yml", schema.TipsFile)
    questions = read("questions.yml", schema.QuestionsFile)
    answers = read("answers.yml", schema.AnswersFile)
    texts = read("texts.yml", schema.TextsFile)
    examples = read("examples.yml", schema.ExamplesFile)
    roads = {path.stem: read(f"rules/{path.name}", schema.RulesFile) for path in sorted((folder / "rules").glob("*.yml"))}
    if not roads:
        problems.append("rules/: no rule files found")
    if problems:
        raise ContentError(problems)
    assert helplines and platforms and tips and questions and answers and texts and examples
    content = Content(
        helplines=helplines.helplines,
        general=platforms.general,
        platforms=platforms.platforms,
        tips=tips.tips,
        roads={name: road for name, road in roads.items() if road},
        questions=questions,
        answers=answers.answers,
        walkthroughs=answers.walkthroughs,
        texts=texts.groups,
        examples=examples.examples,
        folder=folder,
    )
    broken = broken_links(content)
    if broken:
        raise ContentError(broken)
    return content


def read_file(path: Path, model: type[_Model], folder: Path) -> _Model:
    """One file against its model."""
    name = path.relative_to(folder).as_posix()
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except FileNotFoundError:
        raise ContentError([f"{name}: the file is missing"]) from None
    except UnicodeDecodeError:
        raise ContentError([f"{name}: the file is not UTF-8 text"]) from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ContentError([f"{name}{line}: {error.problem or 'cannot be read as YAML'}"]) from None
    if not isinstance(data, dict):
        raise ContentError([f"{name}: must hold entries ('key: value')"])
    try:
        return model(**data)
    except ValidationError as error:
        raise ContentError([f"{name}: {_place(item, data)}: {_reason(item)}" for item in error.errors()]) from None


def _place(item: Any, data: Any) -> str:
    """Where the mistake is, with the id of a rule instead of its number in the list."""
    words: list[str] = []
    here: Any = data
    for part in item["loc"]:
        if part == "__root__":
            continue
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            here = None
        if isinstance(part, int):
            named = here.get("id") if isinstance(here, dict) else None
            words.append(f"'{named}'" if named else f"number {part + 1}")
        else:
            words.append(str(part))
    return " > ".join(words) or "the file"


def _reason(item: Any) -> str:
    message: str = item["msg"]
    if item["type"] == "value_error.str.regex":
        return "is not written as it should be"
    if item["type"] == "value_error.any_str.max_length":
        return f"is too long (at most {item['ctx']['limit_value']} characters)"
    if item["type"] == "type_error.enum":
        return "must be one of " + ", ".join(str(value.value) for value in item["ctx"]["enum_values"])
    return _PLAIN_WORDS.get(message, message)


def broken_links(content: Content) -> list[str]:
    """References between files that lead nowhere, ids that are used twice."""
    problems: list[str] = []
    acknowledge = content.texts["acknowledge"].texts if "acknowledge" in content.texts else {}
    pages = {*content.answers, *content.walkthroughs}

    def check(where: str, ids: list[str], known: Any, what: str, everything: bool = False) -> None:
        for name in ids:
            if name not in known and not (everything and name == "all"):
                problems.append(f"{where}: there is no {what} '{name}'")

    seen: set[str] = set()
    for road, file in content.roads.items():
        for rule in file.rules:
            where = f"rules/{road}.yml: '{rule.id}'"
            if rule.id in seen:
                problems.append(f"{where}: this id stands twice")
            seen.add(rule.id)
            check(where, [add.id for add in rule.add.referrals], content.helplines, "helpline")
            check(where, [add.id for add in rule.add.tips], content.tips, "tip")
            check(where, rule.add.follow_up, pages, "answer")
            if rule.add.acknowledgement:
                check(where, [rule.add.acknowledgement.id], acknowledge, "text in the group 'acknowledge'")
            check(where, rule.forbid.referrals, content.helplines, "helpline", everything=True)
            check(where, rule.forbid.tips, content.tips, "tip", everything=True)
            check(where, rule.forbid.steps, schema.STEP_KINDS, "step", everything=True)
            check(where, _platforms_of(rule.when), content.platforms, "platform")
    for facet, question in content.questions.questions.items():
        if facet not in schema.CONDITION_VALUES:
            problems.append(f"questions.yml: '{facet}' is no facet")
        elif facet == "platform":
            check("questions.yml: platform", [option.value for option in question.options], content.platforms, "platform")
        else:
            check(f"questions.yml: {facet}", [option.value for option in question.options], schema.CONDITION_VALUES[facet], "value")
    for name, answer in content.answers.items():
        check(f"answers.yml: {name}", answer.next, pages, "answer")
        for variant in answer.variants:
            check(f"answers.yml: {name}", variant.referrals, content.helplines, "helpline")
    for name, walk in content.walkthroughs.items():
        check(f"answers.yml: {name}", walk.next, pages, "answer")
    for row, example in content.examples.items():
        check(f"examples.yml: {row}", [example.page] if example.page else [], pages, "answer")
        try:
            parse_situation(example.situation, content.platforms)
        except SituationError as error:
            problems.append(f"examples.yml: {row} > situation: {error}")
    return problems


def _platforms_of(condition: schema.Condition) -> list[str]:
    named = [value for value in condition.platform if value not in ("known", "unknown")]
    for inner in (*condition.not_, *condition.any):
        named.extend(_platforms_of(inner))
    return named
