"""The page about dependencies speaks of the versions that are installed, and its claims hold."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version

import pytest
from web.conftest import PROJECT

_PAGE = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
_VERSIONS = re.findall(r"^\| `([\w.-]+)` ([0-9][\w.]*) \|", _PAGE, re.M)


@pytest.mark.parametrize(("name", "named"), _VERSIONS)
def test_the_page_names_the_version_that_is_installed(name: str, named: str) -> None:
    assert version(name) == named


def test_the_page_names_versions() -> None:
    assert len(_VERSIONS) > 8


def test_what_the_page_calls_unused_is_not_loaded_where_the_bot_answers() -> None:
    code = (
        "from bot.runtime import serving_only; serving_only.install(); import sys, bot.runtime.server; "
        "print([name for name in ('skops.io', 'dask.distributed', 'tensorflow', 'pymongo.mongo_client') "
        "if getattr(sys.modules.get(name), '__file__', None)])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
