"""What is removed when, and what leaves the store."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bot.nlu.dataset import Example, wrong_labels
from bot.nlu.importer import read_examples
from bot.runtime.cli import run
from bot.runtime.settings import load_settings
from bot.transcripts.accounts import Accounts
from bot.transcripts.audit import AuditLog
from bot.transcripts.database import Database, open_database
from bot.transcripts.export import _FORMULA, _cell, export
from bot.transcripts.filters import Filters
from bot.transcripts.repository import Repository
from bot.transcripts.retention import Removed, removals, remove_old
from bot.transcripts.training import export_training
from bot.transcripts.views import MessageView

from .conftest import NOON, answer, said, slot, turn, user

DAY = 86400.0


def aged(sender: str, days: float, **facets: Any) -> dict[str, Any]:
    """A conversation whose last message is some days before noon."""
    return turn(sender, user("ze pesten mij op school", at=NOON - days * DAY, **facets), said("ik hoor je", NOON - days * DAY))


@pytest.mark.parametrize(
    ("days", "crisis_days", "left"),
    [
        (30, None, ["crisis 29", "normal 29"]),
        (30, 90, ["crisis 29", "crisis 31", "normal 29"]),
        (30, 7, ["normal 29"]),
        (3650, None, ["crisis 29", "crisis 31", "normal 29", "normal 31"]),
    ],
)
def test_what_is_old_enough_goes_and_nothing_else(
    database: Database, apply: Any, days: int, crisis_days: int | None, left: list[str]
) -> None:
    apply(
        aged("normal 29", 29.99),
        aged("normal 31", 30.01),
        aged("crisis 29", 29.99, crisis="abuse"),
        aged("crisis 31", 30.01, crisis="abuse"),
    )
    keys = {database.keys.conversation(name): name for name in ("normal 29", "normal 31", "crisis 29", "crisis 31")}
    figures = sum(row[0] for row in _rows(database, "SELECT n FROM daily_count WHERE figure = 'conversation'"))
    removed = remove_old(database, load_settings(retention_days=days, crisis_retention_days=crisis_days), now=NOON)
    assert sorted(keys[row[0]] for row in _rows(database, "SELECT key FROM conversation")) == left
    assert removed == Removed(4 - len(left), 2 * (4 - len(left)))
    assert [(line.why, line.conversations, line.messages, line.at) for line in removals(database)] == (
        [("retention", removed.conversations, removed.messages, NOON)] if removed.conversations else []
    )
    for table in ("message", "word"):
        orphans = _rows(database, f"SELECT count(*) FROM {table} WHERE conversation_id NOT IN (SELECT id FROM conversation)")
        assert orphans == [(0,)]
    # The figures of the year hold all four.
    assert sum(row[0] for row in _rows(database, "SELECT n FROM daily_count WHERE figure = 'conversation'")) == figures == 4


def test_many_are_removed_and_logged_as_one(database: Database, apply: Any) -> None:
    apply(*(aged(f"s{number}", 40) for number in range(450)))
    assert remove_old(database, load_settings(), now=NOON) == Removed(450, 900)
    assert [(line.conversations, line.messages) for line in removals(database)] == [(450, 900)]
    assert remove_old(database, load_settings(), now=NOON) == Removed(0, 0)


def _rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with database.reading() as session:
        return [tuple(row) for row in session.execute(text(statement))]


# --- CSV and JSON Lines ---


def exported(database: Database, kind: str) -> str:
    file = io.StringIO(newline="")
    export(database, Filters(), kind, file, "ann")
    return file.getvalue()


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_cell_is_a_formula(words: str) -> None:
    assert not str(_cell(words)).lstrip(" \u00a0\ufeff\u200b").startswith(_FORMULA)
    assert str(_cell(words)).removeprefix("'") == words.removeprefix("'")


@pytest.mark.parametrize(
    "words", ["=cmd|' /C calc'!A0", "@SUM(1+1)*cmd", "+32", "-2+3", "\t=1+1", " =1+1", "＝1+1", '=HYPERLINK("http://x","y")']
)
def test_a_message_cannot_run_in_a_spreadsheet(database: Database, apply: Any, words: str) -> None:
    apply(turn("s", {**user("x"), "text": words}, slot("role", "parent")))
    rows = list(csv.DictReader(io.StringIO(exported(database, "csv").removeprefix("\ufeff"), newline="")))
    assert len(rows) == 1
    assert all(not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "\t")) for cell in rows[0].values())
    assert rows[0]["road"] == "parent"


def test_a_text_of_several_lines_stays_one_row(database: Database, apply: Any) -> None:
    apply(turn("s", user('een "citaat"\nen nog een regel; en, zo')))
    rows = list(csv.DictReader(io.StringIO(exported(database, "csv").removeprefix("\ufeff"), newline="")))
    assert [row["text"] for row in rows] == ['een "citaat"\nen nog een regel; en, zo']


def test_json_lines_hold_all_but_private_notes(database: Database, apply: Any) -> None:
    apply(
        turn("s", user("ze pesten mij", role="victim"), said("hier", type="helpline", id="awel", rules=[{"id": "r", "source": "P1"}])),
        aged("t", 3),
    )
    repository = Repository(database)
    account = Accounts(database).create("Ann", None, "moderator", "setup")
    for row in repository.list().items:
        repository.add_note(row.id, "alleen voor ons", account, "ann")
    lines = [json.loads(line) for line in exported(database, "jsonl").splitlines()]
    assert len(lines) == 2
    assert lines[0]["messages"][0]["facets"] == {"role": "victim"}
    assert lines[0]["referrals"] == {"awel": 0}
    assert "alleen voor ons" not in exported(database, "jsonl")
    assert [entry.action for entry in AuditLog(database).entries(actor="ann")].count("exported") == 2


# --- training messages ---


def test_corrections_come_out_as_training_messages_that_can_be_read(database: Database, apply: Any, tmp_path: Path) -> None:
    awkward = 'ze zei: "haha" #lol {x: [1]} \\n - é 😂'
    apply(
        turn("a", user(awkward, role="victim", kind="bullying", crisis="none", forms=["insult"], repeated=True)),
        turn("b", user("12 jaar ofzo", intent="out_of_scope", kind="none")),
        turn("c", user("niet verbeterd")),
    )
    repository = Repository(database)
    account = Accounts(database).create("Ann", None, "moderator", "setup")
    first, second = (repository.read(row.id, "ann").messages[0] for row in repository.list(order="oldest").items[:2])
    repository.correct(first.id, None, {**first.facets, "role": "bystander"}, account_id=account, actor="ann")
    repository.correct(second.id, "describe", {"age_band": "12_17", "repeated": False}, account_id=account, actor="ann")
    file = io.StringIO()
    assert export_training(database, file, "ann") == 2
    path = tmp_path / "corrections.yml"
    path.write_text(file.getvalue(), encoding="utf-8")
    assert read_examples(path) == [
        ("describe", awkward, {"role": "bystander", "kind": "bullying", "forms": ["insult"], "repeated": True}),
        ("describe", "12 jaar ofzo", {"repeated": False, "age_band": "12_17"}),
    ]
    from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader

    assert [message.get("text") for message in RasaYAMLReader().reads(file.getvalue()).training_examples] == [awkward, "12 jaar ofzo"]


def test_a_correction_says_whether_anybody_needs_help(database: Database, apply: Any, tmp_path: Path) -> None:
    apply(turn("a", user("we maken soms ruzie", at_ease=True, kind="conflict")), turn("b", user("4-0 gewonnen haha", kind="bullying")))
    messages = corrected(database, lambda message: {} if message.facets.get("concern") is False else {"concern": False})
    assert messages == [("describe", "we maken soms ruzie", {}), ("describe", "4-0 gewonnen haha", {"concern": False})]
    assert wrong_labels(Example("x.yml", *message) for message in messages) == []


def test_answers_and_what_was_not_understood_teach_only_what_they_tell(database: Database, apply: Any) -> None:
    """ "ja" tells nothing by itself: what it answered hangs on the question."""
    told = answer("adult_informed", adult_informed=True)
    apply(
        turn("a", user("ja", intent="affirm"), said("ok", understood=told)),
        turn("b", user("ja en ze slaan mij", intent="affirm"), said("ok", understood=told)),
        turn("c", user("qsdf", intent="nlu_fallback"), said("?", id="dialogue.fallback_first")),
        turn("d", user("tis nekeer gebeurd", intent="nlu_fallback"), said("?", id="dialogue.fallback_first")),
    )
    right = {
        "ja": {"adult_informed": False},
        "ja en ze slaan mij": {"adult_informed": True, "forms": ["physical"]},
        "qsdf": {},
        "tis nekeer gebeurd": {"repeated": False},
    }
    assert corrected(database, lambda message: right[message.text]) == [
        ("describe", "ja en ze slaan mij", {"forms": ["physical"]}),
        ("describe", "tis nekeer gebeurd", {"repeated": False}),
    ]


def corrected(database: Database, right: Callable[[MessageView], dict[str, Any]]) -> list[tuple[str, str, dict[str, Any]]]:
    """The first message of each conversation corrected, as it comes out of the export."""
    repository = Repository(database)
    account = Accounts(database).create("Ann", None, "moderator", "setup")
    for row in repository.list(order="oldest").items:
        message = repository.read(row.id, "ann").messages[0]
        repository.correct(message.id, None, right(message), account_id=account, actor="ann")
    file = io.StringIO()
    number = export_training(database, file, "ann")
    (block,) = yaml.safe_load(file.getvalue())["nlu"]
    assert len(block["examples"]) == number
    return [(block["intent"], example["text"], example.get("metadata", {})) for example in block["examples"]]


def test_no_corrections_are_a_file_without_messages(database: Database) -> None:
    file = io.StringIO()
    assert export_training(database, file, "ann") == 0
    assert yaml.safe_load(file.getvalue())["nlu"] == []


# --- the commands ---


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEGWIJZER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return tmp_path


def test_the_commands(data_dir: Path, capsys: Any) -> None:
    assert run(["export", "conversations"]) == 0
    assert capsys.readouterr().out == ""
    target = data_dir / "out.csv"
    assert run(["export", "conversations", "--format", "csv", "--since", "2026-01-01", "--output", str(target)]) == 0
    assert target.stat().st_mode & 0o077 == 0
    assert run(["export", "training"]) == 0
    assert run(["retention"]) == 0
    assert "0 conversations with 0 messages removed" in capsys.readouterr().out
    database = open_database(load_settings())
    assert [entry.actor for entry in AuditLog(database).entries()] == ["command line"] * 3
    database.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["export", "conversations", "--since", "gisteren"], "is no day"),
        (["export", "conversations", "--format", "xml"], "invalid choice"),
        (["export", "conversations", "--output", "/nowhere/x"], "/nowhere/x"),
        (["demo", "--conversations", "0"], "--conversations"),
    ],
)
def test_bad_input_is_one_line(data_dir: Path, capsys: Any, arguments: list[str], says: str) -> None:
    assert run(arguments) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


def test_a_database_that_cannot_be_used_is_one_line_without_the_password(
    data_dir: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("postgresql://user:geheim@127.0.0.1:1/x", "mysql://user:geheim@x/y", f"sqlite:///{data_dir}"):
        monkeypatch.setenv("DATABASE_URL", address)
        assert run(["export", "training"]) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert "geheim" not in told
