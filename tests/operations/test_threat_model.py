"""The threat model names tests: they exist."""

from __future__ import annotations

import ast
import re

import pytest
from web.conftest import PROJECT

_PAGE = (PROJECT / "docs" / "threat-model.md").read_text(encoding="utf-8")
_NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", _PAGE)))


@pytest.mark.parametrize(("file", "name"), _NAMED)
def test_each_named_test_exists(file: str, name: str) -> None:
    tree = ast.parse((PROJECT / "tests" / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_each_threat_names_a_control_and_a_test() -> None:
    rows = [line.split("|")[1:-1] for line in _PAGE.splitlines() if line.startswith("| ") and line.count("|") == 5]
    threats = [row for row in rows if row[0].strip() not in ("wants", "---")]
    assert len(threats) > 20
    for wants, control, test, _left in threats:
        assert control.strip() and "::" in test, wants
