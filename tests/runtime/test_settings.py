"""Where settings come from, and what is said of one that cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.runtime.settings import Settings, SettingsError, is_secret, load_settings, variable
from bot.runtime.settings_docs import settings_page
from bot.wegwijzer.content import load_content
from bot.wegwijzer.docs import write_docs

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set on this machine."""
    for name in list(os.environ):
        if name.startswith(("WEGWIJZER_", "TELEGRAM_", "DATABASE_URL", "REDIS_URL")):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file, empty at first."""
    path = tmp_path / "settings.yml"
    path.touch()
    monkeypatch.setenv("WEGWIJZER_SETTINGS", str(path))
    return path


def test_defaults_work_on_one_machine() -> None:
    assert load_settings() == Settings()
    assert load_settings().telegram_token is None


@pytest.mark.parametrize(
    ("in_environment", "in_file", "expected"),
    [(None, None, "127.0.0.1"), (None, "10.0.0.2", "10.0.0.2"), ("10.0.0.1", "10.0.0.2", "10.0.0.1"), ("10.0.0.1", None, "10.0.0.1")],
)
def test_the_environment_comes_before_the_file_and_the_file_before_the_default(
    file: Path, monkeypatch: pytest.MonkeyPatch, in_environment: str | None, in_file: str | None, expected: str
) -> None:
    if in_environment:
        monkeypatch.setenv("WEGWIJZER_HOST", in_environment)
    if in_file:
        file.write_text(f"# where it listens\nWEGWIJZER_HOST: {in_file}\n")
    assert load_settings().host == expected
    assert load_settings(host="10.0.0.3").host == "10.0.0.3"


def test_values_of_the_file_are_read_as_those_of_the_environment(file: Path) -> None:
    file.write_text(
        "WEGWIJZER_ALLOWED_ORIGINS: [https://www.example.be, https://example.be]\n"
        "WEGWIJZER_TRANSCRIPTS: no\nWEGWIJZER_PROXIES: 1\nTELEGRAM_WEBHOOK_URL: https://bot.example.be/\nTELEGRAM_TOKEN:\n"
    )
    read = load_settings()
    assert read.allowed_origins == ("https://www.example.be", "https://example.be")
    assert (read.transcripts, read.proxies, read.telegram_webhook_url, read.telegram_token) == (False, 1, "https://bot.example.be", None)


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEGWIJZER_ALLOWED_ORIGINS", " https://www.example.be, https://Example.be,")
    assert load_settings().allowed_origins == ("https://www.example.be", "https://example.be")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("TELEGRAM_TOKN: x", "there is no setting 'TELEGRAM_TOKN'; did you mean 'TELEGRAM_TOKEN'?"),
        ("telegram_token: x", "there is no setting 'telegram_token'"),
        ("WEGWIJZER_HOST_FILE: /x", "there is no setting 'WEGWIJZER_HOST_FILE'; did you mean 'WEGWIJZER_HOST'?"),
        ("WEGWIJZER_PROXIES: many", "WEGWIJZER_PROXIES: value is not a valid integer (in "),
        ("WEGWIJZER_PROXIES: {a: b}", "WEGWIJZER_PROXIES must be one value, or a list of them"),
        ("TELEGRAM_WEBHOOK_URL: http://example.be", "TELEGRAM_WEBHOOK_URL: must begin with https://"),
        ("TELEGRAM_SECRET: short", "TELEGRAM_SECRET: needs at least 16 characters"),
        ("just words", "write one 'NAME: value' a line"),
        ("TELEGRAM_TOKEN: 'never shown", "line 2: not YAML"),
        ("TELEGRAM_TOKEN: a: never shown", "line 1: not YAML"),
    ],
)
def test_a_mistake_in_the_file_is_one_line(file: Path, text: str, line: str) -> None:
    file.write_text(text + "\n")
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert line in str(error.value)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)
    assert "never shown" not in str(error.value)


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEGWIJZER_SETTINGS", str(tmp_path / "nothing.yml"))
    with pytest.raises(SettingsError, match=r"WEGWIJZER_SETTINGS: .*nothing.yml: No such file"):
        load_settings()
    (tmp_path / "nothing.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings()


@pytest.mark.parametrize(("name", "near"), [("telegram_tokn", "telegram_token"), ("datadir", "data_dir")])
def test_a_setting_of_the_code_that_does_not_exist_is_one_line(name: str, near: str) -> None:
    with pytest.raises(SettingsError, match=f"there is no setting '{name}'; did you mean '{near}'"):
        load_settings(**{name: "x"})


# --- secrets in files ---

SECRETS = [name for name in Settings.__fields__ if is_secret(name)]


def test_these_are_the_secrets() -> None:
    assert {"telegram_token", "telegram_secret", "transcript_key", "database_url", "redis_url", "smtp_password"} <= set(SECRETS)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("where", ["environment", "file"])
def test_every_secret_can_stand_in_a_file(name: str, where: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text(f"{TOKEN}\n")
    if where == "environment":
        monkeypatch.setenv(f"{variable(name)}_FILE", str(tmp_path / "secret"))
    else:
        file.write_text(f"{variable(name)}_FILE: {tmp_path / 'secret'}\n")
    read = load_settings()
    assert getattr(read, name).get_secret_value() == TOKEN
    assert TOKEN not in repr(read)


def test_the_environment_comes_first_for_secrets_too(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from the file of the environment")
    file.write_text("TELEGRAM_SECRET: from the settings file\n")
    monkeypatch.setenv("TELEGRAM_SECRET_FILE", str(tmp_path / "secret"))
    secret = load_settings().telegram_secret
    assert secret
    assert secret.get_secret_value() == "from the file of the environment"


@pytest.mark.parametrize(
    ("content", "more", "line"),
    [
        (None, {}, "TELEGRAM_TOKEN_FILE: .*: No such file"),
        (b" \n", {}, "TELEGRAM_TOKEN_FILE: .* is empty"),
        (b"\xff", {}, "TELEGRAM_TOKEN_FILE: .*: not UTF-8"),
        (b"x", {"TELEGRAM_TOKEN": "y"}, "TELEGRAM_TOKEN and TELEGRAM_TOKEN_FILE are both set"),
    ],
)
def test_a_secret_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, more: dict[str, str], line: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    for name, value in {"TELEGRAM_TOKEN_FILE": str(path), **more}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=line):
        load_settings()


def test_a_secret_that_is_too_short_names_the_variable_that_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("short")
    monkeypatch.setenv("TELEGRAM_SECRET_FILE", str(tmp_path / "secret"))
    with pytest.raises(SettingsError, match="TELEGRAM_SECRET_FILE: needs at least 16 characters"):
        load_settings()


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_file_whatever_is_in_it_ends_in_anything_but_one_line(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    said = ""
    try:
        load_settings()
    except SettingsError as error:
        said = str(error)
    assert "\n" not in said


def test_the_command_line_says_it_in_one_line(file: Path) -> None:
    file.write_text("TELEGRAM_TOKN: x\n")
    done = subprocess.run([sys.executable, "-m", "bot", "telegram", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"wegwijzer: {file}: there is no setting 'TELEGRAM_TOKN'; did you mean 'TELEGRAM_TOKEN'?"]


# --- docs/settings.md ---


def test_the_page_is_up_to_date_and_names_every_setting() -> None:
    assert write_docs(load_content(), check=True, more={"settings.md": settings_page()}) == [], "write them with 'make docs'"
    for name in Settings.__fields__:
        assert f"| `{variable(name)}` |" in settings_page()
        assert Settings.__fields__[name].field_info.description, name
