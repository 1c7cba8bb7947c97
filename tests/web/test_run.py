"""``wegwijzer run`` when something is wrong: one clear line and exit status 2."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.channels.web_errors import STATUS
from bot.channels.web_tokens import signing_key
from bot.runtime.errors import UserError

from .conftest import PROJECT, free_port


def _run(port: int, cwd: Path = PROJECT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "run", "--port", str(port)],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def _refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        _refused(_run(taken.getsockname()[1], WEGWIJZER_DATA_DIR=str(tmp_path)), "port", str(taken.getsockname()[1]), "in use")


def test_a_missing_model(tmp_path: Path) -> None:
    _refused(_run(free_port(), WEGWIJZER_MODELS_DIR=str(tmp_path), WEGWIJZER_DATA_DIR=str(tmp_path / "data")), "no model", "make train")


@pytest.mark.parametrize("content", [b"", b"not an archive"])
def test_a_broken_model(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.tar.gz").write_bytes(content)
    _refused(
        _run(free_port(), WEGWIJZER_MODELS_DIR=str(tmp_path), WEGWIJZER_DATA_DIR=str(tmp_path / "data")), "broken.tar.gz", "make train"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda texts: texts["labels"].pop("exit"), ("widget.yml", "labels > exit", "is missing")),
        (lambda texts: texts["errors"].update(nieuw="x"), ("widget.yml", "errors > nieuw", "not a known field")),
        (lambda texts: texts.update(exit_url="http://x"), ("widget.yml", "exit_url")),
        (lambda texts: texts["labels"].update(send="x" * 61), ("widget.yml", "labels > send", "too long")),
    ],
)
def test_broken_texts_of_the_widget(tmp_path: Path, change: object, words: tuple[str, ...]) -> None:
    for name in ("bot", "actions", "content", "data"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "content" / "widget.yml"
    texts = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(texts)  # type: ignore[operator]
    path.write_text(yaml.safe_dump(texts, allow_unicode=True), encoding="utf-8")
    done = _run(free_port(), tmp_path, PYTHONPATH=str(tmp_path), WEGWIJZER_MODELS_DIR=str(PROJECT / "models"))
    _refused(done, *words)


def test_a_wrong_setting() -> None:
    _refused(_run(free_port(), WEGWIJZER_ALLOWED_ORIGINS="https://site.example/path"), "WEGWIJZER_ALLOWED_ORIGINS", "origin")


def test_a_key_that_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "web.key"
    path.write_bytes(b"short")
    with pytest.raises(UserError, match="holds no signing key"):
        signing_key(path)


def test_a_key_that_others_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "web.key"
    first = signing_key(path)
    path.chmod(0o644)
    assert signing_key(path) == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_guide_names_every_code_attribute_and_setting() -> None:
    guide = (PROJECT / "docs" / "web.md").read_text(encoding="utf-8")
    for code in STATUS:
        assert f"`{code}`" in guide, code
    script = (PROJECT / "bot" / "channels" / "static" / "widget.js").read_text(encoding="utf-8")
    named = set(re.findall(r'[gh](?:et|as)Attribute\("([a-z-]+)"\)', script)) | set(re.findall(r":host\(\[(\w+)", script))
    for attribute in named - {"aria-live", "unread"}:
        assert f"`{attribute}`" in guide, attribute
    for name in set(re.findall(r"--wegwijzer-[a-z-]+", script)):
        assert name in guide, name


def test_every_refusal_has_its_sentence() -> None:
    texts = yaml.safe_load((PROJECT / "content" / "widget.yml").read_text(encoding="utf-8"))
    assert set(texts["errors"]) == set(STATUS)
