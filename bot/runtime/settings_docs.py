"""``docs/settings.md``, made from the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import ModelField

from bot.runtime.settings import PROJECT, Settings, is_secret, variable
from bot.runtime.settings_sources import FILE_SUFFIX, SETTINGS_FILE

_INTRO = f"""<!-- Made from bot/runtime/settings.py by 'make docs'. Do not edit by hand. -->

# Settings

Every setting has a default that works on one machine. To change one, set the environment variable, or write it in a file and name that
file in `{SETTINGS_FILE}`. The environment comes before the file, the file before the default. A mistake is said in one line at the start.

The file is YAML, a setting a line, under the same names:

```yaml
WEGWIJZER_HOST: 0.0.0.0
WEGWIJZER_ALLOWED_ORIGINS: [https://www.example.be, https://example.be]
TELEGRAM_TOKEN{FILE_SUFFIX}: /run/secrets/telegram_token
```

A **secret** can stand in a file of its own (a container secret, a file that only the bot may read): add `{FILE_SUFFIX}` to its name and
give the path.

| variable | meaning | default | allowed |
| --- | --- | --- | --- |
"""


def settings_page() -> str:
    """The whole page."""
    rows = (
        (
            f"`{variable(name)}`",
            f"{'**secret**, also as `' + variable(name) + FILE_SUFFIX + '`: ' if is_secret(name) else ''}{field.field_info.description}",
            _default(field.default),
            ", ".join(_limits(field)),
        )
        for name, field in Settings.__fields__.items()
    )
    return _INTRO + "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows)


def _default(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, Path):
        return f"`{value.relative_to(PROJECT)}/` of the project"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _limits(field: ModelField) -> Iterator[str]:
    info = field.field_info
    if field.type_ is SecretStr or field.type_ is str or field.type_ is Path:
        return
    if field.type_ is bool:
        yield "yes or no"
    for choice in getattr(field.type_, "__args__", ()):
        yield f"`{choice}`"
    words = ((info.ge, "from"), (info.gt, "above"), (info.le, "to"), (info.lt, "below"))
    limits = " ".join(f"{word} {limit:,}" for limit, word in words if limit is not None)
    if limits:
        yield limits
