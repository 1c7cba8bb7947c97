"""Mistakes in ``content/`` are told with the file, the entry and the field, all at once, in words an editor understands."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
import yaml

from bot.wegwijzer.content import DEFAULT_FOLDER, ContentError, load_content, read_file
from bot.wegwijzer.schema import HelplinesFile, QuestionsFile, RulesFile, TipsFile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the content that a test may break."""
    return Path(shutil.copytree(DEFAULT_FOLDER, tmp_path / "content"))


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{name} no longer has {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def problems(folder: Path) -> list[str]:
    with pytest.raises(ContentError) as caught:
        load_content(folder)
    return caught.value.problems


def test_the_real_content_loads(folder: Path) -> None:
    assert load_content(folder) == load_content()


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("helplines.yml", "    cost: free\n", "    kost: free\n", "helplines.yml: helplines > noodnummer > kost: is not a known field"),
        ("helplines.yml", "    cost: free\n", "", "helplines.yml: helplines > noodnummer > cost: is missing"),
        (
            "helplines.yml",
            'value: "112"',
            'value: "één-één-twee"',
            "helplines.yml: helplines > noodnummer > channels > number 1: 'één-één-twee' is no phone",
        ),
        ("helplines.yml", '["17:00-24:00"]', '["17u-24u"]', "'17u-24u' is no opening time"),
        ("helplines.yml", '["17:00-24:00"]', '["24:00-17:00"]', "'24:00-17:00' is no opening time"),
        ("helplines.yml", "mon: [", "maa: [", "'maa' is no weekday; use mon, tue"),
        (
            "helplines.yml",
            "verified_on: 2026-11-20",
            "verified_on: gisteren",
            "helplines > noodnummer > verified_on: must be a date such as 2026-11-20",
        ),
        (
            "helplines.yml",
            "  politie:\n",
            "  de_politie:\n",
            "helplines.yml: helplines: missing ids: ['politie']; unknown ids: ['de_politie']",
        ),
        ("platforms.yml", "      report:\n", "      melden:\n", "'melden' is no step; use evidence, block"),
        ("tips.yml", "  tell_someone:\n", "  Tell someone:\n", "there is no tip 'tell_someone'"),
        (
            "tips.yml",
            '    title: "Bewaar het bewijs"',
            '    title: "' + "x" * 91 + '"',
            "tips.yml: tips > save_evidence > title: is too long (at most 90 characters)",
        ),
        ("rules/parent.yml", "role: parent", "role: ouder", "rules/parent.yml: rules > 'parent.base' > when: 'ouder' is no value of role"),
        ("rules/parent.yml", "weight: 66", "weight: 166", "rules/parent.yml: rules > 'parent.base' > add > referrals > 'clb' > weight:"),
        ("rules/parent.yml", "{id: clb,", "{id: klb,", "rules/parent.yml: 'parent.base': there is no helpline 'klb'"),
        (
            "rules/parent.yml",
            "rows: [P11",
            "rows: [Z11",
            "rules/parent.yml: rules > 'parent.base' > source > rows > number 1: is not written as it should be",
        ),
        ("rules/parent.yml", "  - id: parent.school\n", "  - id: parent.base\n", "rules/parent.yml: 'parent.base': this id stands twice"),
        ("questions.yml", "value: victim", "value: slachtoffer", "questions.yml: role: there is no value 'slachtoffer'"),
        (
            "questions.yml",
            'default: "Over wie gaat het?"',
            'ouder: "Over wie gaat het?"',
            "questions.yml: questions > role > text: give a text for 'default'",
        ),
        (
            "answers.yml",
            "next: [what_is_cyberbullying,",
            "next: [wat_is_cyberpesten,",
            "answers.yml: is_it_bullying: there is no answer 'wat_is_cyberpesten'",
        ),
        ("examples.yml", "role: supervisor", "role: begeleider", "examples.yml: S1 > situation: role cannot be 'begeleider'"),
        ("texts.yml", "level: A2", "level: A3", "texts.yml: groups > crisis > level: must be one of A2, B1"),
    ],
)
def test_a_mistake_names_file_entry_and_field(name: str, old: str, new: str, said: str, folder: Path) -> None:
    change(folder, name, old, new)
    told = problems(folder)
    assert any(said in line for line in told), told
    assert all("\n" not in line for line in told)


def test_every_problem_is_told_not_only_the_first(folder: Path) -> None:
    change(folder, "helplines.yml", "    cost: free\n", "")
    change(folder, "tips.yml", '    title: "Bewaar het bewijs"\n', "")
    assert [line.partition(":")[0] for line in problems(folder)] == ["helplines.yml", "tips.yml"]


def test_the_same_entry_twice_is_told_with_its_line(folder: Path) -> None:
    path = folder / "tips.yml"
    path.write_text(path.read_text(encoding="utf-8") + "\n  tell_someone:\n    title: x\n", encoding="utf-8")
    line = len(path.read_text(encoding="utf-8").splitlines()) - 1
    assert problems(folder) == [f"tips.yml, line {line}: 'tell_someone' stands here twice"]


def test_broken_yaml_is_told_with_its_line(folder: Path) -> None:
    change(folder, "texts.yml", "groups:\n", "groups: [\n")
    assert problems(folder)[0].startswith("texts.yml, line ")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "alleen tekst"])
def test_a_file_without_entries_is_told(text: str, folder: Path) -> None:
    (folder / "tips.yml").write_text(text, encoding="utf-8")
    assert problems(folder) == ["tips.yml: must hold entries ('key: value')"]


def test_a_file_that_is_no_text_is_told(folder: Path) -> None:
    (folder / "tips.yml").write_bytes(b"tips: \xff\xfe")
    assert problems(folder) == ["tips.yml: the file is not UTF-8 text"]


def test_missing_files_are_told(folder: Path) -> None:
    (folder / "tips.yml").unlink()
    shutil.rmtree(folder / "rules")
    assert set(problems(folder)) == {"tips.yml: the file is missing", "rules/: no rule files found"}


def test_yaml_1_1_traps_do_not_bite(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(
        "road: proef\nrules:\n  - id: a.b\n    source: {rows: [S1], file: '002', passage: x}\n"
        "    when: {age_band: [12_17, 18_25], repeated: yes}\n    urgency: high\n",
        encoding="utf-8",
    )
    # 'yes' stays the word yes, and is then refused as a value: it does not silently become true.
    with pytest.raises(ContentError, match="'yes' is no value of repeated"):
        read_file(path, RulesFile, tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("repeated: yes", "repeated: true"), encoding="utf-8")
    assert read_file(path, RulesFile, tmp_path).rules[0].when.age_band == ["12_17", "18_25"]


def test_a_clock_is_no_number(folder: Path) -> None:
    change(folder, "helplines.yml", 'mon: ["17:00-24:00"]', "mon: [17:00-24:00]")
    assert load_content(folder).helplines["zelfmoordlijn"].channels[1].hours.days["mon"] == ["17:00-24:00"]  # type: ignore[union-attr]


def test_a_text_is_filled_in(folder: Path) -> None:
    content = load_content(folder)
    assert content.text("dialogue", "opening_until", time="17 uur") == ["Nu open, tot 17 uur."]


@pytest.mark.parametrize("model", [HelplinesFile, QuestionsFile, TipsFile])
def test_models_do_not_change_after_reading(model: type, folder: Path) -> None:
    name = {HelplinesFile: "helplines", QuestionsFile: "questions", TipsFile: "tips"}[model]
    read = read_file(folder / f"{name}.yml", model, folder)
    with pytest.raises(TypeError):
        setattr(read, name, {})


def test_dates_are_dates(folder: Path) -> None:
    assert load_content(folder).helplines["awel"].verified_on == dt.date(2026, 11, 20)
    assert yaml.safe_load("verified_on: 2026-11-20")["verified_on"] == dt.date(2026, 11, 20)
