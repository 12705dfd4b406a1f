"""Reads the pages of docs/reference: sections, and the cells of tables."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text()


def sections(text: str) -> dict[str, str]:
    """What stands under each heading of the form `## `name``."""
    parts = re.split(r"^## `([^`]+)`\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> list[list[str]]:
    """The cells of every row whose first cell is code or a number."""
    lines = [line for line in text.splitlines() if re.match(r"\| (`|\d)", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def code(cell: str) -> str:
    """The text of a cell without its backticks."""
    return cell.strip("`")
