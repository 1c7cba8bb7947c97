"""A disk that is full under the conversations: the user is told, and nothing is forgotten or overwritten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actions.base import renderer
from bot.runtime.settings import PROJECT, load_settings
from bot.transcripts.database import open_database
from bot.transcripts.repository import Repository


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("full") / "data"


@pytest.fixture(scope="module")
def answers(folder: Path) -> list[dict[str, Any]]:
    """What came of three messages, the second of which could not be written."""
    script = Path(__file__).with_name("full_disk_bot.py")
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_who_writes_reads_that_something_went_wrong(answers: list[dict[str, Any]]) -> None:
    (wrong,) = renderer().say("internal", "errors")
    assert [answer["failed"] for answer in answers[:3]] == [False, True, False]
    assert [wrong["text"] in answer["said"] for answer in answers[:3]] == [False, True, False]


def test_the_conversation_goes_on_from_before_the_message_that_could_not_be_written(answers: list[dict[str, Any]]) -> None:
    before, _full, after = (answer["slots"] for answer in answers[:3])
    assert after["role"] == before["role"] == "parent"
    assert after["platform"] is None


def test_the_transcript_says_which_message_broke_down(answers: list[dict[str, Any]], folder: Path) -> None:
    assert answers[3] == {"caught_up": True}
    database = open_database(load_settings(data_dir=folder))
    try:
        repository = Repository(database)
        (row,) = repository.list().items
        kinds = [message.kind for message in repository.read(row.id, "test").messages if message.sender != "bot"]
        assert kinds == ["text", "failure", "text"]
    finally:
        database.close()
