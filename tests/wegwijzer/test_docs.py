"""The pages in docs/ that are made from the content are complete and up to date."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from bot.wegwijzer.check import REQUIRED_ROWS
from bot.wegwijzer.content import DEFAULT_FOLDER, Content, load_content
from bot.wegwijzer.docs import pages, write_docs


def test_the_pages_in_the_repository_are_up_to_date(content: Content) -> None:
    assert write_docs(content, check=True) == [], "write them with 'make docs'"


def test_pages_are_written_once_and_compared_after(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DEFAULT_FOLDER, tmp_path / "content"))
    content = load_content(folder)
    names = ["docs/requirements.md", "docs/flowcharts.md", "docs/helplines.md", "docs/platforms.md"]
    assert write_docs(content, check=True) == names
    assert not (tmp_path / "docs").exists(), "a check writes nothing"
    assert write_docs(content) == names
    assert write_docs(content) == []
    (tmp_path / "docs" / "helplines.md").write_text("iets anders", encoding="utf-8")
    assert write_docs(content, check=True) == ["docs/helplines.md"]


def _rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_requirement_has_a_line_with_rules_and_an_example(content: Content) -> None:
    table = {cells[0]: cells for cells in _rows(pages(content)["requirements.md"])[1:]}
    assert list(table) == list(REQUIRED_ROWS)
    for row, (_row, what, rules, answers, example, leads_to) in table.items():
        assert what and example and leads_to, row
        assert rules or answers, row


def test_every_service_and_platform_has_a_line(content: Content) -> None:
    made = pages(content)
    assert [cells[0] for cells in _rows(made["helplines.md"])[1:]] == [f"`{name}`" for name in content.helplines]
    for name in content.platforms:
        assert f"| `{name}` |" in made["platforms.md"]


def test_flow_charts_are_sound(content: Content) -> None:
    charts = re.findall(r"```mermaid\nflowchart TD\n(.*?)\n```", pages(content)["flowcharts.md"], re.S)
    assert len(charts) == 6, "five roads and the adult at work"
    for chart in charts:
        nodes, reached = set(), {"n1"}
        for line in chart.splitlines():
            if node := re.fullmatch(r'  (n\d+)(?:\["[^"]+"\]|\{"[^"]+"\})', line):
                nodes.add(node[1])
                continue
            edge = re.fullmatch(r'  (n\d+) -- "[^"]+" --> (n\d+)', line)
            assert edge, line
            assert {edge[1], edge[2]} <= nodes, "a node is drawn before an arrow goes there"
            reached.add(edge[2])
        assert reached == nodes
    assert all("Zelfmoordlijn 1813" in chart for chart in charts)
    assert "Kinderrechtencommissariaat" in charts[4], "the last rung of the supervisor's ladder"
