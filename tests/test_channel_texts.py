"""``wegwijzer content check`` reads the texts of the widget and of Telegram too: each mistake names file, entry and field."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.channels.channel_texts import channel_texts
from bot.wegwijzer.check import check_content
from bot.wegwijzer.content import DEFAULT_FOLDER, ContentError, load_content

PROJECT = Path(__file__).resolve().parents[1]
TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_FOLDER, tmp_path / "content"))


def _change(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text, f"{name} no longer has {old!r}"
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_real_texts_are_sound() -> None:
    content = load_content()
    texts = channel_texts(content)
    assert {text.where.partition(":")[0] for text in texts} == {"widget.yml", "telegram.yml"}
    assert check_content(content, TODAY, texts)[0] == []


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("widget.yml", '  exit: "Snel weg"\n', "", "widget.yml: labels > exit: is missing"),
        ("widget.yml", '  exit: "Snel weg"', '  exit: ""', "widget.yml: labels > exit: "),
        ("widget.yml", '  exit: "Snel weg"', "  exit: [Snel, weg]", "widget.yml: labels > exit: must be a text"),
        ("widget.yml", "  offline:", "  ofline:", "widget.yml: states > ofline: is not a known field"),
        ("widget.yml", "Nog {count} tekens.", "Nog wat tekens.", "widget.yml: states: characters_left must contain {count}"),
        ("widget.yml", 'exit_url: "https://', 'exit_url: "http://', "widget.yml: exit_url: is not written as it should be"),
        ("widget.yml", "labels:", "labels: x\nother:", "widget.yml: labels: must be an entry"),
        ("telegram.yml", "  help_danger:", "  help_dangers:", "telegram.yml: groups: missing: help_danger"),
        ("telegram.yml", '  stop: "Stop het gesprek"\n', "", "telegram.yml: commands: missing: stop"),
        ("telegram.yml", "value: school,", "value: scool,", "telegram.yml: links > school: 'scool' is no value of context"),
    ],
)
def test_a_mistake_in_the_form_is_named(folder: Path, name: str, old: str, new: str, said: str) -> None:
    _change(folder, name, old, new)
    with pytest.raises(ContentError) as error:
        channel_texts(load_content(folder))
    assert any(problem.startswith(said) for problem in error.value.problems), error.value.problems


def test_mistakes_in_both_files_are_told_at_once(folder: Path) -> None:
    _change(folder, "widget.yml", '  exit: "Snel weg"\n', "")
    _change(folder, "telegram.yml", '  stop: "Stop het gesprek"\n', "")
    with pytest.raises(ContentError) as error:
        channel_texts(load_content(folder))
    assert {problem.partition(":")[0] for problem in error.value.problems} == {"widget.yml", "telegram.yml"}


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "widget.yml",
            "Je hebt geen internet. Je berichten blijven hier staan.",
            "De internetverbinding is desgevallend onderbroken geworden, waardoor verzending onmogelijk is.",
            "widget.yml: states > offline: moeilijk te lezen",
        ),
        (
            "widget.yml",
            '- "Ik word gepest"',
            '- "Ik en jij en zij en wij en hij en ik en jij gaan nu mee"',
            "widget.yml: starters > nummer 1: moeilijk te lezen",
        ),
        ("widget.yml", "Dringend? Bel 102 of 112.", "Dringend? Bel 103.", "het nummer 103 mag niet meer gebruikt worden"),
        (
            "widget.yml",
            "Dat kan hier niet.",
            "Bel 0477 12 34 56.",
            "widget.yml: errors > wrong_method: het nummer 0477 12 34 56 staat niet in",
        ),
        ("telegram.yml", "Is er nu gevaar? Bel 112.", "Is er nu gevaar? Bel 110.", "het nummer 110 mag niet meer gebruikt worden"),
        (
            "telegram.yml",
            "Je komt via de school.",
            "Je komt hier terecht via de school waar jij nu op dit moment elke dag naartoe gaat.",
            "telegram.yml: links > school > text: moeilijk te lezen, een zin van",
        ),
    ],
)
def test_a_text_that_is_hard_or_wrong_is_named(folder: Path, name: str, old: str, new: str, said: str) -> None:
    _change(folder, name, old, new)
    content = load_content(folder)
    problems = check_content(content, TODAY, channel_texts(content))[0]
    assert any(said in problem and problem.startswith(name) for problem in problems), problems


def test_the_command_reads_them(tmp_path: Path) -> None:
    for part in ("bot", "actions", "content", "data"):
        shutil.copytree(PROJECT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    _change(tmp_path / "content", "widget.yml", '  exit: "Snel weg"\n', "")
    done = subprocess.run(
        [sys.executable, "-m", "bot", "content", "check"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "widget.yml: labels > exit: is missing" in done.stderr
    assert "Traceback" not in done.stderr
