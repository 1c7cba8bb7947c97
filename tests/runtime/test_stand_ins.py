"""A process that only answers gives the same answers without the packages that it does not import."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
from typing import Any

import pytest

from bot.runtime.bot import Bot
from bot.runtime.serving_only import HIDDEN, STAND_INS
from bot.runtime.settings import PROJECT, load_settings
from bot.runtime.terminal import json_turn

SAID = [
    "hallo",
    "ik word gepest op snapchat door mijn klas, ze noemen mij dik",
    "ja",
    "weet ik niet",
    "hoe blokkeer ik iemand op instagram",
    "ik wil niet meer leven",
    "nee ik ben oké",
    "mijn dochter wordt bedreigd op discord",
    "asdf qwer zxcv",
    "wie leest dit",
]


def python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False)


def wegwijzer(*arguments: str, said: list[str]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments], cwd=PROJECT, input="\n".join(said) + "\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_same_answers_with_and_without() -> None:
    async def talk() -> list[dict[str, Any]]:
        bot = Bot.load(load_settings(), in_memory=True)
        turns = [json_turn(text, await bot.respond("x", text)) for text in SAID]
        bot.close()
        return turns

    everything = "rasa.core.channels.telegram"
    assert importlib.util.find_spec(everything) is not None
    assert not hasattr(importlib.import_module(everything), "_reason"), "this process must have imported all of Rasa"
    assert wegwijzer("talk", "--json", said=SAID) == json.loads(json.dumps(asyncio.run(talk())))


def test_none_of_them_is_imported_by_a_bot_that_answers() -> None:
    script = """
import sys
from bot.runtime import quiet, serving_only
quiet.apply(); serving_only.install()
import asyncio
from bot.runtime.bot import Bot
from bot.runtime.settings import load_settings
bot = Bot.load(load_settings(), in_memory=True)
asyncio.run(bot.respond("x", "hallo"))
for name in (*serving_only.STAND_INS, *serving_only.HIDDEN):
    if name in sys.modules and not hasattr(sys.modules[name], "_reason"):
        print(name)
"""
    done = python(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", [*STAND_INS, *HIDDEN])
def test_each_stands_for_a_module_that_exists(name: str) -> None:
    # One that is gone, or was renamed, would stay in the list for ever.
    assert importlib.util.find_spec(name) is not None


def test_what_computes_with_a_stand_in_is_told_why_it_is_not_there() -> None:
    script = """
from bot.runtime import stand_ins
stand_ins.install({"sqlite3": "is only an example"})
import sqlite3
from sqlite3.dbapi2 import Connection
class Mine(Connection): ...
Mine()
"""
    assert python(script).stderr.splitlines()[-1] == "bot.runtime.stand_ins.StandInCalled: Mine is only an example"


def test_a_hidden_module_is_as_good_as_not_installed() -> None:
    script = """
from bot.runtime import stand_ins
stand_ins.hide({"sqlite3": "is only an example"})
try:
    import sqlite3
except ImportError as error:
    print(error)
"""
    assert python(script).stdout.strip() == "sqlite3 is only an example"


def test_a_module_that_is_already_there_stays() -> None:
    script = """
import sqlite3
from bot.runtime import stand_ins
stand_ins.install({"sqlite3": "is only an example"})
import sqlite3
print(sqlite3.connect(":memory:").execute("select 1").fetchone())
"""
    assert python(script).stdout.strip() == "(1,)"
