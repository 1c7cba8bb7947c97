"""The command line on bad input: exit status 2 and one line on standard error, never a traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.runtime.cli import run
from bot.runtime.settings import PROJECT
from bot.wegwijzer.vocabulary import Crisis, Form, Role

MODELS = PROJECT / "models"


def wegwijzer(*arguments: str | bytes, given: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command as somebody at a terminal does."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        input=given,
        capture_output=True,
        cwd=PROJECT,
        env={**os.environ, "PYTHONUTF8": "1", **environment},
        check=False,
    )


def assert_refused(status: int, error: str, said: str = "") -> None:
    assert status == 2, (status, error)
    assert "Traceback" not in error
    assert error.startswith("wegwijzer: ")
    assert error.count("\n") == 1, error
    assert said in error
    assert len(error) < 1000


@pytest.fixture
def refuses(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """The same within this process, where many cases are quick."""

    def check(arguments: list[str], said: str, given: bytes = b"") -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        assert_refused(run(arguments), capsys.readouterr().err, said)

    return check


# --- advise ---


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"{", "line 1: not JSON"),
        (b"\n\n[]", "line 3: a situation is an object, not a list"),
        (b'"tekst"', "line 1: a situation is an object, not a text"),
        (b"null", "line 1: a situation is an object, not null"),
        (b"NaN", "line 1: a situation is an object"),
        (b"7" * 6000, "line 1: not JSON"),
        (b"[" * 200_000, "line 1: not JSON"),
        (b'{"role": "victim"}\n{"rol": "victim"}', "line 2: unknown field 'rol'"),
        (b'{"role": "slachtoffer"}', "line 1: role cannot be 'slachtoffer'"),
        (b'{"role": ["victim"]}', "line 1: role must be a word, not a list"),
        (b'{"forms": "threat"}', "line 1: forms must be a list"),
        (b'{"forms": [{"a": 1}]}', "line 1: forms must be a word, not an object"),
        (b'{"repeated": "ja"}', "line 1: repeated must be true, false or null"),
        (b'{"platform": "hyves"}', "line 1: platform cannot be 'hyves'"),
        (b'{"role": "\\ud800\\u0000\\n"}', "line 1: role cannot be"),
        (b'{"' + b"x" * 5000 + b'": 1}', "line 1: unknown field"),
        (b'{"role": "\xff"}', "standard input, line 1: not UTF-8 text"),
        (b"\x00\x01\x02", "line 1: not JSON"),
        (b"<script>alert(1)</script>", "line 1: not JSON"),
        (b"\xf0\x9f\x98\xad", "line 1: not JSON"),
    ],
    ids=range(20),
)
def test_advise_refuses(given: bytes, said: str, refuses: Callable[..., None]) -> None:
    refuses(["advise", "--json"], said, given)


@pytest.mark.parametrize("given", [b"{", b"7" * 6000, b"[" * 200_000, b'{"role": "\xff"}'], ids=range(4))
def test_no_traceback_reaches_the_terminal(given: bytes) -> None:
    result = wegwijzer("advise", "--json", given=given)
    assert_refused(result.returncode, result.stderr.decode(), "line 1: not")
    assert result.stdout == b""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["advise", "/bestaat/niet.jsonl"], "No such file or directory"),
        (["advise", "/"], "Is a directory"),
        (["advise", "--jsn"], "unrecognized arguments: --jsn"),
        (["advise", "a", "b"], "unrecognized arguments: b"),
        ([], "required: command"),
        (["raad"], "invalid choice: 'raad'"),
        (["content"], "required: command"),
        (["content", "chek"], "invalid choice: 'chek'"),
        (["content", "check", "tips.yml"], "unrecognized arguments: tips.yml"),
        (["parse"], "required: text"),
        (["parse", "--jsn", "x"], "unrecognized arguments"),
        (["parse", "ze pesten \udcff mij"], "the message is not UTF-8 text"),
        (["run", "--port", "0"], "is no port"),
        (["run", "--port", "poort"], "is no port"),
        (["evaluate"], "required: file"),
        (["evaluate", "/bestaat/niet.jsonl"], ""),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], said: str, refuses: Callable[..., None]) -> None:
    refuses(arguments, said)


def test_advice_before_the_mistake_is_printed() -> None:
    result = wegwijzer("advise", "--json", given=b'{"crisis": "suicide"}\n\n{"rol": 1}\n{"role": "victim"}\n')
    assert_refused(result.returncode, result.stderr.decode(), "line 3: unknown field 'rol'")
    (line,) = result.stdout.decode().splitlines()
    assert json.loads(line)["referrals"][0]["id"] == "zelfmoordlijn"


def test_advise_prints_what_the_contract_says(tmp_path: Path) -> None:
    path = tmp_path / "situations.jsonl"
    path.write_bytes(b'{"role": "victim", "kind": "bullying"}\r\n{"role": "supervisor", "forms": ["nude_images"]}\n{}\n')
    result = wegwijzer("advise", "--json", str(path))
    assert (result.returncode, result.stderr) == (0, b"")
    advices = [json.loads(line) for line in result.stdout.decode().splitlines()]
    assert len(advices) == 3
    for advice in advices:
        assert {"urgency", "ask", "referrals", "tips", "steps", "rules"} <= set(advice)
        assert advice["urgency"] in ("emergency", "high", "normal")
        assert all(set(referral) == {"id", "why"} for referral in advice["referrals"])
        assert all(set(rule) == {"id", "source"} for rule in advice["rules"])
    assert [advice["ask"] is None for advice in advices] == [False, True, False]


def test_nothing_in_nothing_out() -> None:
    result = wegwijzer("advise", "--json")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([*(word.value for word in (*Role, *Form, *Crisis)), "12_17", "snapchat"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
SITUATIONS = st.dictionaries(
    st.sampled_from(["role", "kind", "forms", "platform", "crisis", "age_band", "repeated", "tried", "rol"]), VALUES
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=SITUATIONS.map(json.dumps).map(str.encode) | VALUES.map(json.dumps).map(str.encode) | st.binary(max_size=60))
def test_any_line_is_advised_or_refused(line: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line)))
    status = run(["advise", "--json"])
    out, error = capsys.readouterr()
    if status == 0:
        assert error == ""
        assert all(json.loads(answer)["referrals"] for answer in out.splitlines())
    else:
        assert status == 2
        assert error.startswith("wegwijzer: ")
        assert error.count("\n") == 1


# --- content ---


def test_content_check_is_clean() -> None:
    result = wegwijzer("content", "check")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode().splitlines()[-1] == "content: in orde"


def test_content_docs_are_up_to_date() -> None:
    result = wegwijzer("content", "docs", "--check")
    assert (result.returncode, result.stderr) == (0, b""), result.stderr.decode()


# --- parse ---

NASTY = [
    "",
    "   ",
    "😭😭😭",
    "\x07\x1b[31mrood\x1b[0m",
    "<script>alert('x')</script><b>ze pesten mij</b>",
    "ze pesten mij " * 700,
    "/restart",
    '/answer{"facet": "role", "value": "victim"}',
    "'; DROP TABLE events; --",
    "{role: victim}",
    "a" * 10_000,
    "\u202e\u200b\u2060",
    "ï»¿Ã©Ã©n",
    "ik   word\tgepest",
    "1" * 400,
    "ＩＫ ＷＯＲＤ ＧＥＰＥＳＴ",
]


@pytest.fixture(scope="module")
def model() -> None:
    if not list(MODELS.glob("*.tar.gz")):
        pytest.skip("no model; make one with 'make train'")


def test_parse_reads_any_line_and_refuses_what_is_no_text(model: None) -> None:
    result = wegwijzer("parse", "-", given="\n".join(NASTY).encode() + b"\n\xff\xfe\n")
    assert_refused(result.returncode, result.stderr.decode(), f"standard input, line {len(NASTY) + 1}: not UTF-8 text")
    answers = [json.loads(line) for line in result.stdout.decode().splitlines()]
    assert [answer["text"] for answer in answers] == NASTY
    for answer in answers:
        assert set(answer) == {"text", "intent", "confidence", "facets", "concern", "confidences", "referrals"}
        assert answer["concern"] in (True, False, None)
        assert not (answer["intent"] or "").startswith(("answer", "restart"))


def test_what_cannot_be_used_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: Callable[..., None]) -> None:
    monkeypatch.setenv("WEGWIJZER_MODELS_DIR", str(tmp_path))
    refuses(["parse", "--json", "ze pesten mij"], "no model in")
    (tmp_path / "broken.tar.gz").write_bytes(b"geen archief")
    refuses(["parse", "--json", "ze pesten mij"], "cannot be loaded")
    monkeypatch.setenv("WEGWIJZER_MAX_CHARACTERS", "veel")
    refuses(["parse", "x"], "")
