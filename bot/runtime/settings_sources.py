"""Where the value of a setting comes from: the environment, or else one file. A secret can also stand in a file of its own.

The names are the same everywhere. ``TELEGRAM_TOKEN_FILE`` names a file that holds ``TELEGRAM_TOKEN``, as container secrets are handed over.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from bot.runtime.errors import UserError

#: The variable that names the file.
SETTINGS_FILE = "WEGWIJZER_SETTINGS"
FILE_SUFFIX = "_FILE"

Value = str | list[str]


class SettingsError(UserError):
    """A setting that cannot be used; one line."""


def unknown(name: str, known: Iterable[str]) -> str:
    """That there is no such setting, with the nearest name that there is."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"there is no setting '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")


def read_settings_file(path: Path, variables: Collection[str], secrets: Collection[str]) -> dict[str, Value]:
    """A YAML file with a setting a line: ``WEGWIJZER_HOST: 0.0.0.0``.

    Raises:
        SettingsError: the file cannot be read, or names something that is no setting.
    """
    try:
        # Every value is text, as in the environment: "yes", 2026-01-01 and 0123 are not YAML's to interpret.
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 (makes nothing but text, lists and mappings)
    except OSError as error:
        raise SettingsError(f"{SETTINGS_FILE}: {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        # The text of the error quotes the line, which may be a secret.
        raise SettingsError(f"{path}{f', line {mark.line + 1}' if mark else ''}: not YAML; write one 'NAME: value' a line") from None
    if data in (None, ""):
        return {}
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: write one 'NAME: value' a line")
    allowed = [*variables, *(name + FILE_SUFFIX for name in secrets)]
    values: dict[str, Value] = {}
    for name, value in data.items():
        if not isinstance(name, str) or name not in allowed:
            raise SettingsError(f"{path}: {unknown(str(name), allowed)}")
        if not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(part, str) for part in value)):
            raise SettingsError(f"{path}: {name} must be one value, or a list of them")
        values[name] = value
    return values


def gather(
    environment: Mapping[str, str], file: Mapping[str, Value], variables: Collection[str], secrets: Collection[str]
) -> dict[str, tuple[Value, str]]:
    """By variable its value, and the name under which it was found (for errors). The environment comes first.

    Raises:
        SettingsError: a file with a secret cannot be read, or a secret is given in two ways.
    """
    found: dict[str, tuple[Value, str]] = {}
    for name in variables:
        for source in (environment, file):
            if (given := _given(source, name, name in secrets)) is not None:
                found[name] = given
                break
    return found


def _given(source: Mapping[str, Any], name: str, secret: bool) -> tuple[Value, str] | None:
    in_file = name + FILE_SUFFIX
    if secret and source.get(in_file):
        if source.get(name):
            raise SettingsError(f"{name} and {in_file} are both set; leave one out")
        return _secret_in(Path(source[in_file]), in_file), in_file
    return (source[name], name) if name in source else None


def _secret_in(path: Path, variable: str) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{variable}: {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{variable}: {path}: not UTF-8 text") from None
    if not value:
        raise SettingsError(f"{variable}: {path} is empty")
    return value
