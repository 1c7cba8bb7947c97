"""A model is loaded only when it is the one that was trained."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from web.conftest import PROJECT

from bot.runtime.bot import newest_model
from bot.runtime.model_files import ModelError, check_hash, hash_file, sha256, write_hash
from bot.runtime.settings import SettingsError, load_settings


def _wegwijzer(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments], cwd=PROJECT, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The newest model with its hash, in a folder of its own."""
    copied = Path(shutil.copy(newest_model(load_settings().models_dir), tmp_path))
    write_hash(copied)
    return copied


def test_the_hash_is_as_sha256sum_writes_it(model: Path) -> None:
    assert check_hash(model, None)
    done = subprocess.run(["sha256sum", "--check", hash_file(model).name], cwd=model.parent, capture_output=True, check=False)
    assert done.returncode == 0


def test_a_model_that_was_changed_is_one_line_and_not_opened(model: Path) -> None:
    with model.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    done = _wegwijzer("parse", "hallo", WEGWIJZER_MODELS_DIR=str(model.parent))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert model.name in done.stderr
    assert "not the one that was trained" in done.stderr


def test_a_copy_that_broke_off_is_refused(model: Path) -> None:
    with model.open("r+b") as file:
        file.truncate(model.stat().st_size - 1)
    with pytest.raises(ModelError, match="not the one that was trained"):
        check_hash(model, None)


@pytest.mark.parametrize("text", ["", "no hash", "0" * 64, f"{'0' * 64}  ../other.tar.gz\n"])
def test_a_hash_that_cannot_be_read_is_refused(model: Path, text: str) -> None:
    hash_file(model).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="holds no hash"):
        check_hash(model, None)


def test_the_hash_of_the_settings_outranks_the_one_beside_the_model(model: Path) -> None:
    right = sha256(model)
    hash_file(model).write_text("rubbish", encoding="utf-8")
    assert check_hash(model, right)
    write_hash(model)
    with pytest.raises(ModelError, match="WEGWIJZER_MODEL_SHA256"):
        check_hash(model, "0" * 64)


def test_a_model_without_a_hash_passes_unless_the_settings_name_one(model: Path) -> None:
    hash_file(model).unlink()
    assert not check_hash(model, None)
    with pytest.raises(ModelError):
        check_hash(model, "0" * 64)


def test_a_setting_that_is_no_hash_is_refused() -> None:
    with pytest.raises(SettingsError, match="WEGWIJZER_MODEL_SHA256"):
        load_settings(model_sha256="abc")
    assert load_settings(model_sha256="").model_sha256 is None
