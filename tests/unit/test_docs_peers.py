"""What others met: every issue is there once, and every test that it names exists."""

import ast
import re
from pathlib import Path

from tests.reference_pages import rows

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "what-others-met.md"
TESTS = re.compile(r"`(tests/[^`:]+\.py)::([^`]+)`")
WITHOUT_TRACKER = {"27", "62"}
"""A guide and a changelog."""


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_all_seventy_issues_are_there_in_order() -> None:
    cells = rows(PAGE.read_text(encoding="utf-8"))

    assert [row[0] for row in cells] == [str(number) for number in range(1, 71)]
    assert [row for row in cells if len(row) != 4 or not all(row)] == []


def test_every_issue_names_a_test_and_every_test_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = TESTS.findall(text)

    assert [row[0] for row in rows(text) if not TESTS.search(row[3])] == []
    assert [name for path, name in named if not (ROOT / path).exists()] == []
    assert [f"{path}::{name}" for path, name in named if name not in _functions(ROOT / path)] == []


def test_every_link_appears_once_and_leads_to_a_tracker() -> None:
    text = PAGE.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)

    assert sorted(set(links)) == sorted(links)
    tracker = re.compile(r"https://(github|gitlab)\.com/\S+/(issues|pull)/\d+")
    assert [link for link in links if not tracker.fullmatch(link)] == []
    assert {row[0] for row in rows(text) if "](" not in row[1]} == WITHOUT_TRACKER
