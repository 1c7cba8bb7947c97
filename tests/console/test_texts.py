"""Dutch words of the console: all there, none too many."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bot.console import texts as console_texts
from bot.console.texts import ConsoleFile, Texts
from bot.wegwijzer.content import Content, ContentError

from .conftest import PROJECT

CODE = PROJECT / "bot" / "console"


@pytest.fixture(scope="module")
def written() -> str:
    """All that the console is written in."""
    return "\n".join(path.read_text(encoding="utf-8") for path in (*CODE.glob("*.py"), *CODE.glob("templates/*.html")))


def test_every_intent_of_the_bot_has_a_name(content: Content) -> None:
    domain = yaml.safe_load((PROJECT / "domain.yml").read_text(encoding="utf-8"))
    known = {next(iter(item)) if isinstance(item, dict) else item for item in domain["intents"]}
    file = Texts(content).file
    assert {*file.intents, *file.taps} == known
    assert not set(file.intents) & set(file.taps)


def test_every_sentence_is_said_somewhere_and_every_one_said_is_there(content: Content, written: str) -> None:
    said = set(re.findall(r'"([a-z_]+)"', written))
    messages = set(Texts(content).file.messages)
    made = {"condition_known", "condition_unknown"}
    assert messages - said - made == set()
    assert set(re.findall(r'\.say\(\s*"([a-z_]+)"', written)) <= messages


def test_every_action_of_the_log_has_a_name(content: Content) -> None:
    folders = (PROJECT / "bot" / "transcripts", CODE)
    code = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in sorted(Path(folder).glob("*.py")))
    logged = set(re.findall(r'(?:actor|_ACTOR|\.name|name or ""), "([a-z ]+)"[,)]', code)) - {"first link"}
    assert logged <= set(Texts(content).file.actions), logged - set(Texts(content).file.actions)


def test_a_name_that_is_missing_is_told(content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (content.folder / console_texts.FILE).read_text(encoding="utf-8").replace('    bystander: "Ziet het gebeuren"\n', "")
    (tmp_path / console_texts.FILE).write_text(text, encoding="utf-8")
    from bot.wegwijzer.content import read_file

    with pytest.raises(ContentError, match="values > role: missing: bystander"):
        read_file(tmp_path / console_texts.FILE, ConsoleFile, tmp_path)
